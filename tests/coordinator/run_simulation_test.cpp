// The parties of a run under seeds: any interleaving, crashes anywhere, models that fail.
#include <gtest/gtest.h>
#include <numeric>

#include "tests/coordinator/small_experiment.hpp"
#include "tests/coordinator/world.hpp"

namespace tenbit::testing {
namespace {

std::vector<problem> some_problems(std::size_t count) {
  std::vector<problem> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({i, "p/" + std::to_string(i), "What is " + std::to_string(i) + " plus 1?"});
  return out;
}

std::vector<std::string> some_golds(std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(std::to_string(i + 1));
  return out;
}

world make_world(std::uint64_t seed, model_function model = steady) {
  return {every_method(), some_problems(5), some_golds(5), std::move(model), seed};
}

void expect_all_done(const world& w) {
  for (const auto& [index, task] : w.stored())
    EXPECT_EQ(task.state.status, task_status::done) << "problem " << index;
  EXPECT_EQ(w.status().phase, run_phase::finished);
  const auto& counted = w.status().bits_per_problem.problems;
  EXPECT_EQ(std::accumulate(counted.begin(), counted.end(), std::uint64_t{0}),
            w.status().tasks.done - w.status().tasks_done_before);
}

} // namespace

TEST(Run_Undisturbed, AnyInterleaving_GivesTheSameJournal) {
  auto reference = make_world(0);
  reference.run(0, 0);
  expect_all_done(reference);
  EXPECT_GT(reference.status().bits, 50U); // the fake model's texts do reach the relay
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    auto w = make_world(seed);
    w.run(0, 0);
    expect_all_done(w);
    EXPECT_EQ(w.canonical(), reference.canonical());
    EXPECT_EQ(w.status().bits_per_problem.bits, w.status().bits);
    EXPECT_EQ(w.calls_started(), reference.calls_started());
  }
}

TEST(Run_Crashes, AtAnyStep_PaysNoCommittedCallTwice) {
  auto reference = make_world(0);
  reference.run(0, 0);
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    auto w = make_world(seed);
    w.run(0.02, 12);
    expect_all_done(w);
    EXPECT_EQ(w.canonical(), reference.canonical());
    EXPECT_EQ(w.committed_calls_repeated(), 0);
  }
}

TEST(Run_FailingModel, ErrorsThatPass_LeaveNoTrace) {
  auto reference = make_world(0);
  reference.run(0, 0);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    auto faults = std::make_shared<random_stream>(seed * 977);
    auto w = make_world(seed, [faults](const std::string& model, const std::string& canonical) {
      if (faults->chance(0.01))
        return call_result(fail(call_failure{call_error::transient, "reset", 4}));
      return steady(model, canonical);
    });
    w.run(0.005, 3);
    for (int again = 0; again < 5 && w.status().tasks.failed > 0; ++again)
      w.run(0, 0); // the user runs it again
    expect_all_done(w);
    EXPECT_EQ(w.canonical(), reference.canonical());
    EXPECT_EQ(w.committed_calls_repeated(), 0);
  }
}

TEST(Run_Stopped, InTheMiddle_GoesOnToTheSameEnd) {
  auto reference = make_world(0);
  reference.run(0, 0);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    auto w = make_world(seed);
    w.boot();
    for (std::uint64_t i = 0; i < 20 * seed && w.step(); ++i) {
    }
    w.stop();
    while (w.step()) {
    }
    EXPECT_EQ(w.status().phase, run_phase::finished);
    w.crash();
    w.run(0, 0);
    expect_all_done(w);
    EXPECT_EQ(w.canonical(), reference.canonical());
    EXPECT_EQ(w.committed_calls_repeated(), 0);
  }
}

TEST(Run_WrongSetUp, EveryCallRefused_StopsEarly) {
  auto exp = every_method();
  world w(
      exp, some_problems(60), some_golds(60),
      [](const std::string&, const std::string&) {
        return call_result(fail(call_failure{call_error::auth, "401 at http://x", 1}));
      },
      1);
  w.run(0, 0);
  EXPECT_EQ(w.status().phase, run_phase::finished);
  EXPECT_LT(w.status().tasks.failed, 40U);
  EXPECT_NE(w.status().stop_reason.find("401 at http://x"), std::string::npos);
}

TEST(Run_Budget, CallsSpent_StopsInGoodOrder) {
  auto exp = every_method();
  exp->budget.calls = 40;
  world w(exp, some_problems(20), some_golds(20), steady, 1);
  w.run(0, 0);
  EXPECT_EQ(w.status().phase, run_phase::finished);
  EXPECT_GE(w.status().calls, 40U);
  EXPECT_GT(w.status().tasks.pending, 0U);
  EXPECT_NE(w.status().stop_reason.find("budget of 40 calls"), std::string::npos);
}

} // namespace tenbit::testing

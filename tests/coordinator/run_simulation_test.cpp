// The parties of a run under seeds: any interleaving, crashes anywhere, models that fail.
#include <gtest/gtest.h>

#include "tests/coordinator/world.hpp"

namespace tenbit::testing {
namespace {

arm_spec arm(std::string name, method_kind method, reference_kind reference = reference_kind::own) {
  arm_spec out;
  out.name = std::move(name);
  out.method = method;
  out.solver = "small";
  out.questioner = "small";
  out.answerer = method == method_kind::self_ask ? "small" : "large";
  out.questions = 3;
  out.reference = reference;
  return out;
}

std::shared_ptr<experiment> every_method() {
  auto exp = std::make_shared<experiment>();
  exp->name = "sim";
  exp->trials = 2;
  for (const char* alias : {"large", "small"}) {
    model_spec model;
    model.alias = alias;
    model.model = alias;
    model.revision = alias;
    exp->models.push_back(model);
  }
  exp->arms = {arm("direct", method_kind::direct),
               arm("self", method_kind::self_ask),
               arm("again", method_kind::resample),
               arm("random", method_kind::random_bits),
               arm("yes", method_kind::constant_yes),
               arm("own", method_kind::qa),
               arm("gold", method_kind::qa, reference_kind::gold)};
  arm_spec together = arm("together", method_kind::qa, reference_kind::none);
  together.answers = answer_mode::together;
  exp->arms.push_back(together);
  arm_spec strong = arm("strong", method_kind::direct); // its text crosses whole, shared with "own"
  strong.solver = strong.questioner = "large";
  exp->arms.push_back(strong);
  return exp;
}

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

// A text that serves every prompt: a solution, numbered questions, or an answer, by the request's
// hash.
call_reply reply_to(const std::string& model, const std::string& canonical) {
  const auto draw = hasher("model").field(model).field(canonical).finish().prefix();
  call_reply out;
  if (canonical.find("Yes or No") != std::string::npos) {
    const bool list = canonical.find("Questions:") != std::string::npos;
    const char* word = draw % 17 == 0 ? "Maybe" : draw % 2 == 0 ? "Yes" : "No";
    out.text = list ? "1. " + std::string(word) + "\n2. No\n3. Yes\n" : word;
  } else if (canonical.find("Number them 1.") != std::string::npos) {
    out.text = "1. Is it " + std::to_string(draw % 5) + "?\n2. Is it even?\n3. Is it big?\n";
  } else {
    out.text = "It is so.\n#### " + std::to_string(draw % 5);
  }
  out.finish_reason = "stop";
  out.usage = {10, 5, true};
  return out;
}

call_result steady(const std::string& model, const std::string& canonical) {
  return reply_to(model, canonical);
}

world make_world(std::uint64_t seed, model_function model = steady) {
  return {every_method(), some_problems(5), some_golds(5), std::move(model), seed};
}

void expect_all_done(const world& w) {
  for (const auto& [index, task] : w.stored())
    EXPECT_EQ(task.state.status, task_status::done) << "problem " << index;
  EXPECT_EQ(w.status().phase, run_phase::finished);
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

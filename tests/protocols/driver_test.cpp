// The driver under any order of results, under failures, and destroyed half-way.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "scripted.hpp"

namespace tenbit {
namespace {

using namespace test;

void expect_same(const trace& a, const trace& b) {
  RC_ASSERT(a.kinds == b.kinds);
  RC_ASSERT(a.calls == b.calls);
  RC_ASSERT(a.batches == b.batches);
  RC_ASSERT(a.result.has_value() && b.result.has_value());
  RC_ASSERT(a.result->answer.text == b.result->answer.text);
  RC_ASSERT(a.result->answer.call == b.result->answer.call);
  RC_ASSERT(a.result->questions == b.result->questions);
  RC_ASSERT(a.result->crossed == b.result->crossed);
}

std::vector<std::string> arm_names(const experiment& exp) {
  std::vector<std::string> out;
  for (const arm_spec& arm : exp.arms)
    out.push_back(arm.name);
  return out;
}

} // namespace

RC_GTEST_PROP(Driver, AnyCompletionOrder_GivesTheSameEffectsAndOutcome, ()) {
  const auto profile = *rc::gen::element(profile_kind::strict, profile_kind::authors_compat);
  const auto exp = make_experiment(profile);
  const auto input = input_of(exp, *rc::gen::elementOf(arm_names(exp)));
  script shuffled;
  shuffled.pick = [](std::size_t pending) { return *rc::gen::inRange<std::size_t>(0, pending); };
  expect_same(play(input), play(input, shuffled));
}

TEST(Driver, FailureOfAnyEffect_EndsTheProgramAsFailed) {
  for (const auto profile : {profile_kind::strict, profile_kind::authors_compat}) {
    const auto exp = make_experiment(profile);
    for (const auto& arm : arm_names(exp)) {
      const auto input = input_of(exp, arm);
      const auto effects = play(input).kinds.size();
      for (std::uint32_t number = 0; number < effects; ++number) {
        script how;
        how.failing = number;
        const auto run = play(input, how);
        ASSERT_FALSE(run.result) << arm << " " << number;
        EXPECT_EQ(run.result.error().kind, call_error::throttled);
        EXPECT_EQ(run.result.error().message, "as scripted");
        EXPECT_LE(run.kinds.size(), effects);
      }
    }
  }
}

TEST(Driver, ResultsAfterAFailure_AreDropped) {
  const auto running = start_program(input_of(make_experiment(), "vote"));
  const auto pending = running->take();
  ASSERT_EQ(pending.size(), 5U);
  running->resolve(3, effect_failure{call_error::auth, "no key"});
  ASSERT_TRUE(running->finished());
  for (const std::uint32_t number : {0U, 1U, 2U, 4U})
    running->resolve(number, generated{"late", {}});
  EXPECT_EQ(running->result().error().message, "no key");
}

TEST(Driver, DestroyedAtAnyPoint_LeavesNothing) { // leaks and dangling frames show under ASan
  const auto exp = make_experiment();
  for (const auto& arm : arm_names(exp)) {
    const auto effects = play(input_of(exp, arm)).kinds.size();
    for (std::size_t stop = 0; stop < effects; ++stop) {
      const auto input = input_of(exp, arm);
      const auto running = start_program(input);
      std::vector<pending_effect> pending;
      for (std::size_t done = 0; done < stop; ++done) {
        for (auto& fresh : running->take())
          pending.push_back(std::move(fresh));
        const auto next = std::move(pending.front());
        pending.erase(pending.begin());
        if (const auto* request = std::get_if<generate_request>(&next.what))
          running->resolve(next.number, generated{default_reply(*request), {}});
        else
          running->resolve(next.number, script{}.bits);
      }
      EXPECT_FALSE(running->finished()) << arm << " " << stop;
    }
  }
}

TEST(Driver, Take_GivesEachEffectOnce) {
  const auto running = start_program(input_of(make_experiment(), "qa"));
  EXPECT_EQ(running->take().size(), 1U);
  EXPECT_TRUE(running->take().empty());
}

TEST(DriverDeathTest, MisuseOfResolve_Asserts) {
  const auto input = input_of(make_experiment(), "vote");
  EXPECT_DEATH(start_program(input)->resolve(0, generated{"not taken", {}}), "assertion");
  const auto running = start_program(input);
  static_cast<void>(running->take());
  EXPECT_DEATH(running->resolve(9, generated{"no such effect", {}}), "assertion");
  EXPECT_DEATH(running->resolve(0, answers{answer::yes}), "assertion");
  running->resolve(0, generated{"once", {}});
  EXPECT_DEATH(running->resolve(0, generated{"twice", {}}), "assertion");
}

} // namespace tenbit

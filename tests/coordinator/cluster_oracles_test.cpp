// Oracles that are drained, come back, or come back as something else, with asks open.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

// A worker with an ask open at one of two oracles.
struct Core_Oracles : ::testing::Test {
  struct side {
    connection_id at;
    std::string name;
  };
  void open_ask(bool both) {
    w.join(first.at, first.name, sender);
    if (both)
      w.join(second.at, second.name, sender);
    w.join(a, "anna", solver, 1);
    given = w.got<grant>(a).at(0);
    w.commit();
    w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?"}, "draft"});
    if (w.got<oracle_ask>(first.at).empty())
      std::swap(first, second); // the one that was asked
    ASSERT_EQ(w.got<oracle_ask>(first.at).size(), 1U);
    ASSERT_TRUE(w.got<oracle_ask>(second.at).empty());
  }
  void answer(const side& by, std::uint64_t ticket) {
    bit_event bit;
    bit.where = asking;
    bit.question = "Is it?";
    bit.question_hash = hash_bytes(bit.question);
    w.say(by.at, by.name, oracle_append{given.task, ticket, 0, {bit}});
    w.commit();
  }
  // All but the first speak.
  void pass(run_clock::duration time) {
    for (run_clock::duration gone{}; gone < time; gone += 1s) {
      w.beat(a, "anna", 1, {{given.task, given.lease, 1, 0}});
      w.beat(second.at, second.name, 0);
      w.tick(1s);
    }
  }

  core_bench w;
  side first{connection_id{20}, "olga"}, second{connection_id{21}, "oskar"};
  grant given;
};

} // namespace

TEST_F(Core_Oracles, DrainedWithAnAskOpen_AnotherIsAskedWhenWhatItPaidForIsKept) {
  open_ask(true);
  ASSERT_TRUE(w.core.drain(first.name, "repair"));
  ASSERT_EQ(w.got<forget_task>(first.at).size(), 1U);
  EXPECT_TRUE(w.got<oracle_ask>(second.at).empty()) << "the call may be on the wire";
  const call_event paid = call_of(*w.exp, "its own solution", "large", party::sender);
  w.earlier[given.task.problem.value] = {paid}; // what the journal has after this
  w.say(first.at, first.name, oracle_append{given.task, 1, 0, {paid}});
  w.commit();
  EXPECT_EQ(w.events(), 1U);
  w.say(first.at, first.name, forgotten{given.task});
  const auto asked = w.got<oracle_ask>(second.at);
  ASSERT_EQ(asked.size(), 1U);
  ASSERT_NE(asked[0].prior, nullptr);
  EXPECT_FALSE(asked[0].prior->empty()) << "it need not ask that again";
  answer(second, 1);
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  EXPECT_FALSE(w.got<bits_reply>(a)[0].failed);
}

TEST_F(Core_Oracles, OnlyOneDrainedAndUndrained_IsAskedAgain) {
  open_ask(false);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  EXPECT_EQ(w.got<forget_task>(first.at).size(), 1U);
  ASSERT_TRUE(w.core.undrain(first.name));
  EXPECT_EQ(w.got<oracle_ask>(first.at).size(), 1U) << "it has calls on the wire";
  w.say(first.at, first.name, forgotten{given.task});
  EXPECT_EQ(w.got<oracle_ask>(first.at).size(), 2U);
  answer(first, 1);
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  EXPECT_FALSE(w.got<bits_reply>(a)[0].failed);
}

TEST_F(Core_Oracles, UndrainedAfterItForgot_IsAskedAgain) {
  open_ask(false);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  w.say(first.at, first.name, forgotten{given.task});
  EXPECT_EQ(w.got<oracle_ask>(first.at).size(), 1U);
  ASSERT_TRUE(w.core.undrain(first.name));
  EXPECT_EQ(w.got<oracle_ask>(first.at).size(), 2U);
}

TEST_F(Core_Oracles, DrainedAndDead_AnotherIsAskedWhenItIsGivenUp) {
  open_ask(true);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  w.core.on_gone(first.at);
  pass(limits::lease_ttl);
  EXPECT_TRUE(w.got<oracle_ask>(second.at).empty()) << "it may come back with what it paid for";
  pass(limits::lease_ttl * 2);
  EXPECT_FALSE(w.got<oracle_ask>(second.at).empty());
}

TEST_F(Core_Oracles, DrainedOneThatReconnects_ForgetsWhatItHas) {
  open_ask(true);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  w.core.on_gone(first.at);
  w.join(connection_id{22}, first.name, sender, 0, 1, {{given.task, epoch{}}});
  EXPECT_FALSE(w.got<forget_task>(connection_id{22}).empty());
  EXPECT_TRUE(w.got<oracle_ask>(second.at).empty());
  w.say(connection_id{22}, first.name, forgotten{given.task});
  EXPECT_EQ(w.got<oracle_ask>(second.at).size(), 1U);
}

// It has a session of the task still, though nothing of it is open.
TEST_F(Core_Oracles, ReconnectedAfterItsBits_ForgetsWhenTheLeaseEnds) {
  open_ask(false);
  answer(first, 1);
  w.core.on_gone(first.at);
  w.join(connection_id{22}, first.name, sender, 0, 1, {{given.task, epoch{}}}, {{run_a, 1}});
  EXPECT_TRUE(w.got<forget_task>(connection_id{22}).empty());
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::interrupted, 0});
  EXPECT_EQ(w.got<forget_task>(connection_id{22}).size(), 1U);
}

// It may have a call on the wire: the run waits for it, and so does who is asked next.
TEST_F(Core_Oracles, NamesATaskThatIsNotItsOwn_IsWaitedFor) {
  open_ask(true);
  w.core.on_gone(second.at);
  w.join(connection_id{22}, second.name, sender, 0, 1, {{given.task, epoch{}}});
  EXPECT_EQ(w.got<forget_task>(connection_id{22}).size(), 1U);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  w.say(first.at, first.name, forgotten{given.task});
  EXPECT_TRUE(w.got<oracle_ask>(connection_id{22}).empty());
  w.say(connection_id{22}, second.name, forgotten{given.task});
  EXPECT_EQ(w.got<oracle_ask>(connection_id{22}).size(), 1U);
}

TEST_F(Core_Oracles, ComesBackWithoutItsRole_AnotherIsAsked) {
  open_ask(true);
  w.core.on_gone(first.at);
  w.join(connection_id{22}, first.name, solver, 0, 2);
  EXPECT_EQ(w.got<oracle_ask>(second.at).size(), 1U);
}

// What its key or its hello does not allow is nobody's session.
TEST_F(Core_Oracles, SolverThatSpeaksLikeAnOracle_IsNotWaitedFor) {
  w.join(connection_id{22}, "mallory", solver, 0, 1,
         {{{run_a, problem_index{0}}, epoch{}}, {{run_b, problem_index{0}}, epoch{}}});
  open_ask(false);
  EXPECT_TRUE(w.got<forget_task>(connection_id{22}).empty());
  EXPECT_TRUE(w.got<oracle_ask>(connection_id{22}).empty());
}

TEST_F(Core_Oracles, LivesAndNeverForgets_IsNotWaitedForLongerThanACallTakes) {
  open_ask(true);
  ASSERT_TRUE(w.core.drain(first.name, ""));
  const auto beat = [&](run_clock::duration time) {
    for (run_clock::duration gone{}; gone < time; gone += 5s) {
      w.beat(a, "anna", 1, {{given.task, given.lease, 1, 0}});
      w.beat(first.at, first.name, 0);
      w.beat(second.at, second.name, 0);
      w.tick(5s);
    }
  };
  beat(limits::call_timeout);
  EXPECT_TRUE(w.got<oracle_ask>(second.at).empty());
  beat(limits::lease_ttl_max + 60s);
  EXPECT_FALSE(w.got<oracle_ask>(second.at).empty());
}

} // namespace tenbit::testing

// Peers that refuse an experiment, and workers none of whose endpoints answers: others do the work,
// and nobody is charged.
#include <gtest/gtest.h>
#include <set>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

const std::string no_key = "the environment variable KEY is not set";

// Says that it cannot, and gives back what it has, as link_core does.
void refuse(core_bench& w, connection_id from, const std::string& key, experiment_id run = run_a) {
  w.say(from, key, experiment_refused{run, no_key});
  for (const grant& given : w.got<grant>(from))
    if (given.task.experiment == run)
      w.say(from, key, task_released{given.task, given.lease, release_kind::interrupted, 0});
}

ask_message ask_of(const grant& given, std::uint64_t ticket = 1) {
  return {given.task, given.lease, ticket, asking, {"Is it?"}, "draft"};
}

} // namespace

// -- refused experiments -------------------------------------------------------------------------

TEST(Core_Refused, ItsTasks_GoToOthersUncharged) {
  core_bench w(3);
  w.join(a, "anna", solver, 2);
  ASSERT_EQ(w.got<grant>(a).size(), 2U);
  refuse(w, a, "anna");
  w.commit();
  w.tick(1s);
  EXPECT_EQ(w.got<release_ack>(a).size(), 2U);
  EXPECT_EQ(w.got<grant>(a).size(), 2U) << "it gets no other one";
  EXPECT_EQ(w.status().tasks.pending, 3U);
  EXPECT_NE(w.core.why_pending(w.run()).find("anna: " + no_key), std::string::npos);
  EXPECT_EQ(w.line_of("anna").refused, w.exp->name + ": " + no_key);
  EXPECT_EQ(w.line_of("anna").draining, "");
  w.join(b, "ben", solver, 3);
  EXPECT_EQ(w.got<grant>(b).size(), 3U);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_EQ(w.run().tasks().evidence(problem_index{i}), "");
}

TEST(Core_Refused, OneOfSeveralIsPassedOver_AndTheOtherRunsGoOn) {
  core_bench w(0);
  w.add_run(run_a, 4, 5);
  w.add_run(run_b, 4);
  w.join(a, "anna", solver, 3);
  refuse(w, a, "anna");
  const auto to_anna = w.got<grant>(a);
  ASSERT_EQ(to_anna.size(), 6U);
  for (std::size_t i = 3; i < 6; ++i)
    EXPECT_EQ(to_anna[i].task.experiment, run_b) << "of a lower priority, but it can";
  w.join(b, "ben", solver, 8);
  std::size_t of_a = 0;
  for (const grant& given : w.got<grant>(b))
    of_a += given.task.experiment == run_a ? 1 : 0;
  EXPECT_EQ(of_a, 4U);
}

TEST(Core_Refused, NextHello_IsAnotherChance) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  refuse(w, a, "anna");
  w.commit();
  ASSERT_EQ(w.got<grant>(a).size(), 1U);
  w.join(b, "anna", solver, 1);
  EXPECT_EQ(w.got<experiment_text>(b).size(), 1U);
  EXPECT_EQ(w.got<grant>(b).size(), 1U);
  EXPECT_EQ(w.line_of("anna").refused, "");
}

TEST(Core_Refused, ByAnOracle_AnotherIsAsked) {
  core_bench w(1);
  w.join(o, "olga", sender);
  w.join(a, "anna", solver, 1);
  w.say(a, "anna", ask_of(w.got<grant>(a).at(0)));
  ASSERT_EQ(w.got<oracle_ask>(o).size(), 1U);
  refuse(w, o, "olga");
  w.tick(limits::resend_period);
  w.say(a, "anna", ask_of(w.got<grant>(a).at(0)));
  EXPECT_EQ(w.got<oracle_ask>(o).size(), 1U) << "it waits for one that can";
  w.join(p, "paul", sender);
  EXPECT_EQ(w.got<oracle_ask>(p).size(), 1U);
}

TEST(Core_Refused, ByAGrader_AnotherGrades) {
  core_bench w(1);
  w.join(g, "gina", grading);
  w.join(h, "hugo", grading);
  w.join(a, "anna", solver, 1);
  const grant given = w.got<grant>(a).at(0);
  refuse(w, g, "gina");
  for (std::uint16_t i = 0; i < bench_arms; ++i)
    w.say(a, "anna", w.finished_of(given, {arm_index{i}, {}}));
  EXPECT_TRUE(w.got<grade_request>(g).empty());
  EXPECT_EQ(w.got<grade_request>(h).size(), bench_arms);
  refuse(w, h, "hugo");
  w.join(connection_id{32}, "ines", grading);
  EXPECT_EQ(w.got<grade_request>(connection_id{32}).size(), bench_arms);
}

TEST(Core_Refused, ByEveryOracle_IsWhyTasksWait) {
  core_bench w(2);
  w.join(o, "olga", sender);
  w.join(a, "anna", solver, 1);
  refuse(w, o, "olga");
  EXPECT_NE(w.core.why_pending(w.run()).find("no oracle can work on it; olga: " + no_key),
            std::string::npos)
      << w.core.why_pending(w.run());
}

TEST(Core_Refused, OfNoRunManyTimesOrBeforeHello_ChangesNothing) {
  core_bench w(1);
  w.say(a, "anna", experiment_refused{run_a, no_key});
  EXPECT_EQ(w.got<hello_wanted>(a).size(), 1U);
  w.join(a, "anna", solver, 1);
  for (std::uint64_t i = 0; i < 1000; ++i)
    w.say(a, "anna", experiment_refused{experiment_id{1000 + i}, no_key});
  EXPECT_TRUE(w.core.peers().all().front().refused.empty()) << "nothing of it is kept";
  for (int i = 0; i < 100; ++i)
    w.say(a, "anna", experiment_refused{run_a, no_key});
  EXPECT_EQ(w.core.peers().all().front().refused.size(), 1U);
  EXPECT_EQ(w.status().tasks.leased, 1U) << "a lease ends when it is given back, or expires";
  EXPECT_EQ(w.events(), 0U);
  EXPECT_TRUE(w.dropped.empty());
  w.core.remove_run(run_a);
  EXPECT_TRUE(w.core.peers().all().front().refused.empty());
}

// -- drained by an operator, over a restart ------------------------------------------------------

TEST(Core_Grants, DrainedInAnEarlierLife_GetsNoneUntilUndrained) {
  core_bench before;
  before.join(a, "anna", solver, 1);
  EXPECT_TRUE(before.core.drain("anna", "new kernel"));
  core_bench w;
  w.core.load_drains(before.core.drains());
  w.join(a, "anna", solver, 1);
  EXPECT_TRUE(w.got<grant>(a).empty());
  EXPECT_TRUE(w.core.undrain("anna"));
  EXPECT_EQ(w.got<grant>(a).size(), 1U);
  EXPECT_TRUE(w.core.drains().empty());
}

// -- endpoints that are out ----------------------------------------------------------------------

namespace {

// A heartbeat with what it holds and the state of its one replica of the model "small".
void report(core_bench& w, connection_id from, const std::string& key, const char* breaker,
            std::uint32_t slots) {
  replica_report replica;
  replica.model = "small";
  replica.breaker = breaker;
  std::vector<lease_progress> leases;
  for (const problem_index task : w.run().tasks().held_by(w.core.peer_named(key)))
    leases.push_back({{run_a, task}, w.run().tasks().find(task)->number});
  w.say(from, key, heartbeat{1, ++w.beats[key], slots, std::move(leases), {replica}});
}

struct Core_Outage : ::testing::Test {
  Core_Outage() {
    w.join(a, "anna", solver, 2);
    w.join(b, "ben", solver, 2);
    EXPECT_EQ(w.got<grant>(a).size(), 2U);
  }
  // A second at a time, with heartbeats of both.
  void pass(run_clock::duration time, const char* of_anna, const char* of_ben) {
    for (const auto until = w.now + time; w.now < until;) {
      report(w, a, "anna", of_anna, std::string(of_anna) == "closed" ? 2 : 0);
      report(w, b, "ben", of_ben, std::string(of_ben) == "closed" ? 2 : 0);
      w.tick(1s);
    }
  }
  std::size_t asked_back() { return w.got<hand_back>(a).size(); }
  core_bench w{4};
};

} // namespace

TEST_F(Core_Outage, OutForAWhile_TasksGoToTheOtherAsAnOutage) {
  pass(limits::model_out_patience - 1s, "open", "closed");
  EXPECT_EQ(asked_back(), 0U);
  pass(3s, "half-open", "closed"); // a probe is no answer
  ASSERT_EQ(asked_back(), 2U);
  for (const hand_back& back : w.got<hand_back>(a))
    w.say(a, "anna", task_released{back.task, back.lease, release_kind::outage, 0});
  w.commit();
  pass(limits::outage_retry_delay_max, "open", "closed");
  const auto of_ben = w.got<grant>(b);
  for (const grant& given : of_ben)
    w.say(b, "ben", task_released{given.task, given.lease, release_kind::interrupted, 0});
  w.commit();
  std::set<task_id> later;
  const auto all = w.got<grant>(b);
  for (std::size_t i = of_ben.size(); i < all.size(); ++i)
    later.insert(all[i].task);
  EXPECT_TRUE(later.contains(w.got<hand_back>(a)[0].task));
  EXPECT_EQ(w.got<grant>(a).size(), 2U);
  EXPECT_EQ(w.status().tasks.failed + w.status().tasks.quarantined, 0U);
}

TEST_F(Core_Outage, NobodyElseCan_TasksAreWaitedFor) {
  pass(2 * limits::model_out_patience, "open", "open");
  EXPECT_EQ(asked_back(), 0U) << "the other is out too";
  w.say(b, "ben", goodbye{"x"});
  for (int i = 0; i < 30; ++i) {
    report(w, a, "anna", "open", 0);
    w.tick(1s);
  }
  EXPECT_EQ(asked_back(), 0U) << "it is alone";
}

TEST_F(Core_Outage, TheOtherRefusedTheRun_TasksAreWaitedFor) {
  refuse(w, b, "ben");
  pass(2 * limits::model_out_patience, "open", "closed");
  EXPECT_EQ(asked_back(), 0U);
}

TEST_F(Core_Outage, BackInTime_NothingIsAskedBack) {
  pass(limits::model_out_patience - 2s, "open", "closed");
  pass(2s, "closed", "closed");
  pass(limits::model_out_patience - 2s, "open", "closed");
  EXPECT_EQ(asked_back(), 0U);
}

TEST_F(Core_Outage, AnswerIsLost_AskedAgainButNotEveryTick) {
  pass(limits::model_out_patience + 2s, "open", "closed");
  EXPECT_EQ(asked_back(), 2U);
  pass(limits::model_out_patience, "open", "closed");
  EXPECT_EQ(asked_back(), 4U);
}

TEST_F(Core_Outage, TaskThatWasJustGranted_HasTimeToProbe) {
  pass(limits::model_out_patience + 2s, "open", "closed");
  ASSERT_EQ(asked_back(), 2U);
  for (const hand_back& back : w.got<hand_back>(a))
    w.say(a, "anna", task_released{back.task, back.lease, release_kind::outage, 0});
  w.commit();
  w.say(b, "ben", heartbeat{1, ++w.beats["ben"], 0, {}, {}});
  for (const grant& given : w.got<grant>(b))
    w.say(b, "ben", task_released{given.task, given.lease, release_kind::interrupted, 0});
  report(w, a, "anna", "open", 1); // its probe is due: one slot, for one task
  ASSERT_EQ(w.got<grant>(a).size(), 3U);
  pass(limits::model_out_patience - 2s, "half-open", "closed");
  EXPECT_EQ(asked_back(), 2U);
  pass(4s, "open", "closed");
  EXPECT_EQ(asked_back(), 3U);
}

TEST_F(Core_Outage, ModelOfAnotherExperiment_ChangesNothing) {
  replica_report replica;
  replica.model = "foreign";
  replica.breaker = "open";
  for (int i = 0; i < 25; ++i) {
    w.say(a, "anna", heartbeat{1, ++w.beats["anna"], 2, {}, {replica}});
    report(w, b, "ben", "closed", 2);
    w.tick(1s);
  }
  EXPECT_EQ(asked_back(), 0U);
}

} // namespace tenbit::testing

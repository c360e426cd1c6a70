// Sessions, grants, operators and figures of the coordinator, message by message.
#include "coordinator/cluster_core.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

} // namespace

// -- sessions ------------------------------------------------------------------------------------

TEST(Core_Session, MessageBeforeHello_WantsAHello) {
  core_bench w;
  w.say(a, "anna", task_released{{run_a, {}}, epoch{1}, release_kind::done, 0});
  w.say(a, "anna", heartbeat{1, 1, 4, {}, {}});
  w.say(a, "anna", goodbye{"x"});
  EXPECT_EQ(w.got<hello_wanted>(a).size(), 3U);
  EXPECT_EQ(w.sent.size(), 3U);
  EXPECT_TRUE(w.core.peers().all().empty());
}

TEST(Core_Session, RolesBeyondTheKey_AreRefusedForGood) {
  core_bench w;
  w.say(a, "anna", hello{"test", 1, 0, sender, 0, {}, {}}, solver);
  w.say(b, "ben", hello{"test", 1, 0, {}, 0, {}, {}}, solver);
  for (const connection_id who : {a, b}) {
    ASSERT_EQ(w.got<refused>(who).size(), 1U);
    EXPECT_TRUE(w.got<refused>(who).front().for_good);
    EXPECT_TRUE(w.got<welcome>(who).empty());
  }
  EXPECT_EQ(w.dropped.size(), 2U);
}

TEST(Core_Session, RoleNotTakenUp_MayNotBeSpokenIn) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  w.join(g, "gina", grading);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.say(a, "anna", w.finished_of(given[0], asking));
  w.say(a, "anna", graded{given[0].task, {}});
  EXPECT_EQ(w.events(), 0U);
  ASSERT_EQ(w.dropped.size(), 1U);
  EXPECT_EQ(w.dropped[0].first, a);
}

TEST(Core_Session, PeerThatSawANewerCoordinator_IsRefused) {
  core_bench w(3, core_bench::rules_of(5));
  w.say(a, "anna", hello{"test", 1, 6, solver, 1, {}, {}});
  EXPECT_EQ(w.got<refused>(a).size(), 1U);
  w.say(b, "ben", hello{"test", 1, 5, solver, 1, {}, {}});
  EXPECT_EQ(w.got<welcome>(b).size(), 1U);
}

TEST(Core_Session, SecondConnectionOfAKey_DropsTheFirst) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.join(b, "anna", solver, 1, 1, {{given[0].task, given[0].lease}});
  ASSERT_EQ(w.dropped.size(), 1U);
  EXPECT_EQ(w.dropped[0].first, a);
  EXPECT_TRUE(w.got<revoke>(b).empty());
  EXPECT_TRUE(w.got<grant>(b).empty()) << "it has it";
  w.core.on_gone(a);
  w.say(a, "anna", goodbye{"late, of the old connection"});
  EXPECT_TRUE(w.line_of("anna").connected);
  EXPECT_EQ(w.line_of("anna").leased, 1U);
}

TEST(Core_Session, HelloWithoutALease_IsGrantedItAgain) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  const auto first = w.got<grant>(a);
  w.join(b, "anna", solver, 1);
  const auto again = w.got<grant>(b);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].lease, first[0].lease);
  EXPECT_EQ(again[0].task, first[0].task);
  EXPECT_EQ(w.got<experiment_text>(b).size(), 1U) << "anew on each connection";
}

TEST(Core_Session, NewBoot_MakesItsLeasesSuspects) {
  core_bench w(2);
  w.join(a, "anna", solver, 2, 1);
  w.join(b, "anna", solver, 2, 2);
  EXPECT_EQ(w.run().tasks().suspects(), 2U);
  EXPECT_EQ(w.status().leases_lost, 2U);
  EXPECT_EQ(w.line_of("anna").restarts, 1U);
}

TEST(Core_Session, Goodbye_ChargesNobodyAndFreesAtOnce) {
  core_bench w(2);
  w.join(a, "anna", solver, 2);
  w.say(a, "anna", goodbye{"done"});
  EXPECT_EQ(w.run().tasks().suspects(), 0U);
  EXPECT_EQ(w.status().tasks.pending, 2U);
  w.join(b, "ben", solver, 2);
  EXPECT_EQ(w.got<grant>(b).size(), 2U);
  w.join(a, "anna", solver, 2, 2);
  EXPECT_EQ(w.run().tasks().suspects(), 0U);
}

TEST(Core_Adoption, AfterARestart_RightEpochAndHolderOnly) {
  core_bench w(0);
  w.exp->name = "x";
  const auto load = [&](experiment_id id) {
    w.add_run(id, 0);
    for (std::uint64_t i = 0; i < 3; ++i)
      w.run(id).load_lease(problem_index{i}, {},
                           {epoch{100 + i}, w.core.peer_named(i < 2 ? "anna" : "ben"), w.now,
                            w.now + limits::lease_ttl, false});
  };
  load(run_a);
  const task_id t0{run_a, {}}, t1{run_a, problem_index{1}}, t2{run_a, problem_index{2}};
  w.join(a, "anna", solver, 3, 9, {{t0, epoch{100}}, {t1, epoch{99}}, {t2, epoch{102}}});
  const auto no = w.got<revoke>(a);
  ASSERT_EQ(no.size(), 2U) << "an old epoch, and another's task";
  EXPECT_EQ(w.run().tasks().find(t0.problem)->number, epoch{100});
  EXPECT_EQ(w.run().tasks().live(w.core.peer_named("anna")), 2U)
      << "t0, and t1 pending and granted anew";
  EXPECT_EQ(w.run().tasks().find(t2.problem)->holder, w.core.peer_named("ben"));
  EXPECT_GT(w.run().tasks().find(t1.problem)->number, epoch{101});
}

TEST(Core_Oracle, SmallerLedger_IsAnOlderCopy) {
  core_bench w;
  w.core.expect_oracle("olga", run_a, 10);
  w.join(o, "olga", sender, 0, 1, {}, {{run_a, 9}});
  ASSERT_EQ(w.got<refused>(o).size(), 1U);
  EXPECT_NE(w.got<refused>(o)[0].reason.find("older copy"), std::string::npos);
  w.join(c, "olga", sender, 0, 1, {}, {{run_a, 10}});
  EXPECT_EQ(w.got<welcome>(c).size(), 1U);
}

// -- grants --------------------------------------------------------------------------------------

TEST(Core_Grants, Slots_AreTheLimit) {
  core_bench w(10);
  w.join(a, "anna", solver, 3);
  w.join(b, "ben", solver, 1);
  EXPECT_EQ(w.got<grant>(a).size(), 3U);
  EXPECT_EQ(w.got<grant>(b).size(), 1U);
  w.beat(a, "anna", 5);
  EXPECT_EQ(w.got<grant>(a).size(), 5U);
  EXPECT_GT(w.got<grant>(a)[1].lease, w.got<grant>(a)[0].lease) << "epochs grow";
}

TEST(Core_Grants, HugeSlots_AreBounded) {
  core_bench w(3);
  w.join(a, "anna", solver, ~0U);
  EXPECT_EQ(w.line_of("anna").slots, limits::tasks_in_flight_max);
}

TEST(Core_Grants, Peers_AreFilledEvenly) {
  core_bench w(0);
  w.join(a, "anna", solver, 10);
  w.join(b, "ben", solver, 10);
  w.add_run(run_a, 8);
  EXPECT_EQ(w.got<grant>(a).size(), 4U);
  EXPECT_EQ(w.got<grant>(b).size(), 4U);
}

TEST(Core_Grants, HigherPriority_GoesFirst) {
  core_bench w(2);
  w.add_run(run_b, 2, 5);
  w.join(a, "anna", solver, 3);
  auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 3U);
  std::sort(given.begin(), given.end(),
            [](const grant& x, const grant& y) { return x.lease < y.lease; });
  EXPECT_EQ(given[0].task.experiment, run_b);
  EXPECT_EQ(given[1].task.experiment, run_b);
  EXPECT_EQ(given[2].task.experiment, run_a);
}

TEST(Core_Grants, SilentPeer_GetsNone) {
  core_bench w(0);
  w.join(a, "anna", solver, 1);
  for (int i = 0; i < 16; ++i)
    w.tick(1s);
  w.add_run(run_a, 1);
  w.tick();
  EXPECT_TRUE(w.got<grant>(a).empty());
  w.beat(a, "anna", 1);
  w.tick();
  EXPECT_EQ(w.got<grant>(a).size(), 1U);
}

TEST(Core_Grants, AttemptsThatGrantNothing_UseNoEpochs) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  auto given = w.got<grant>(a);
  w.say(a, "anna", task_released{given[0].task, given[0].lease, release_kind::outage, 1});
  w.commit();
  for (int i = 0; i < 100; ++i)
    w.tick(1ms);
  w.tick(limits::task_retry_delay);
  given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[1].lease.value, given[0].lease.value + 1);
}

// -- time ----------------------------------------------------------------------------------------

TEST(Core_Time, LeaseWithoutProgress_GoesToAnotherWhoHeartbeats) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  w.join(b, "ben", solver, 1);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.pass(limits::lease_ttl + 2s, {{b, "ben"}}, 1);
  const auto next = w.got<grant>(b);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_GT(next[0].lease, given[0].lease);
  EXPECT_EQ(w.got<revoke>(a).size(), 1U);
  EXPECT_EQ(w.status().leases_expired, 1U);
}

TEST(Core_Time, Progress_RenewsAndTheHeartbeatAloneDoesNot) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  for (int i = 0; i < 12; ++i, w.tick(5s))
    w.beat(a, "anna", 1, {{given[0].task, given[0].lease, 1, 0}});
  EXPECT_EQ(w.status().leases_expired, 0U);
  for (int i = 0; i < 40; ++i, w.tick(1s))
    w.beat(a, "anna", 0);
  EXPECT_EQ(w.status().leases_expired, 1U);
}

TEST(F6_Core, CoordinatorPaused_NoLeaseExpires) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  w.tick(1s);
  w.tick(5min);
  EXPECT_EQ(w.status().leases_expired, 0U);
  EXPECT_TRUE(w.line_of("anna").connected) << "nobody is given up for it";
  EXPECT_GE(w.line_of("anna").heartbeat_age_s, 0);
  for (int i = 0; i < 31; ++i)
    w.tick(1s);
  EXPECT_EQ(w.status().leases_expired, 1U);
}

TEST(Core_Time, RepeatedHeartbeat_IsNoLifeSign) {
  core_bench w(0);
  w.join(a, "anna", solver, 1);
  w.beat(a, "anna", 1);
  w.tick(5s);
  w.say(a, "anna", heartbeat{1, 1, 1, {}, {}});
  w.say(a, "anna", heartbeat{77, 2, 1, {}, {}}); // of another process
  EXPECT_DOUBLE_EQ(w.line_of("anna").heartbeat_age_s, 5);
}

TEST(Core_Sources, WallClock_IsNeverRead) {
  for (const char* file :
       {"coordinator/plan.cpp", "coordinator/fleet.cpp", "coordinator/cluster_core.cpp",
        "coordinator/cluster_peers.cpp", "coordinator/cluster_snapshot.cpp",
        "coordinator/run_core.cpp", "coordinator/run_lease.cpp", "coordinator/run_relay.cpp",
        "coordinator/run_party.cpp", "coordinator/run_faults.cpp", "workers/link_core.cpp",
        "workers/task_runner.cpp"}) {
    std::ifstream in(std::string(TENBIT_SOURCE_DIR "/") + file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    ASSERT_FALSE(text.empty()) << file;
    for (const char* clock : {"system_clock", "clock::now", "time(nullptr)", "gettimeofday"})
      EXPECT_EQ(text.find(clock), std::string::npos) << file << " reads " << clock;
  }
}

// -- figures -------------------------------------------------------------------------------------

TEST(Core_WhyPending, EachReason_IsSaid) {
  core_bench w(2);
  EXPECT_EQ(w.core.why_pending(w.run()), "no worker is connected");
  w.join(a, "anna", solver, 0);
  EXPECT_NE(w.core.why_pending(w.run()).find("no worker has a model"), std::string::npos);
  w.beat(a, "anna", 1);
  EXPECT_EQ(w.core.why_pending(w.run()), "no free slot");
  heartbeat beat{
      1, ++w.beats["anna"], 1, {}, {{"small", "http://h:1", "open", 0, 0, 0, 0, 0, 0, 0, 0, 0}}};
  w.say(a, "anna", beat);
  EXPECT_NE(w.core.why_pending(w.run()).find("endpoints are out"), std::string::npos);
  w.beat(a, "anna", 2);
  EXPECT_EQ(w.core.why_pending(w.run()), "") << "all are in work";
  for (const grant& given : w.got<grant>(a))
    w.say(a, "anna", task_released{given.task, given.lease, release_kind::outage, 1});
  w.commit();
  EXPECT_NE(w.core.why_pending(w.run()).find("wait to be tried again"), std::string::npos);
  w.core.close_all();
  EXPECT_EQ(w.core.why_pending(w.run()), "the coordinator is stopping");
}

TEST(Core_Eta, SteadyRate_IsWhatIsLeftByTheRate) {
  core_bench w(400);
  w.join(a, "anna", solver, 1);
  w.join(g, "gina", grading);
  for (int i = 0; i < 100; ++i) { // a task a second
    const auto given = w.got<grant>(a);
    w.sent.clear();
    ASSERT_EQ(given.size(), 1U) << i;
    for (std::uint16_t arm = 0; arm < bench_arms; ++arm) {
      const arm_finished end = w.finished_of(given[0], {arm_index{arm}, {}});
      w.say(a, "anna", end);
      w.say(g, "gina", w.result_of(end));
    }
    w.commit();
    w.beat(a, "anna", 1);
    w.beat(g, "gina", 0);
    w.tick(1s);
  }
  const run_line line = w.core.snapshot(w.now).runs.at(0);
  EXPECT_EQ(line.status.tasks.done, 100U);
  EXPECT_NEAR(line.per_second_1m, 1, 0.1);
  EXPECT_NEAR(line.eta_s, 300, 30);
  EXPECT_LE(line.eta_low_s, line.eta_s);
  EXPECT_GE(line.eta_high_s, line.eta_s);
  for (const double v : {line.eta_s, line.eta_low_s, line.eta_high_s, line.per_second_1h})
    EXPECT_TRUE(std::isfinite(v));
}

TEST(Core_Eta, NothingDone_IsNotKnown) {
  core_bench w(4);
  w.pass(30s, {}, 0);
  const run_line line = w.core.snapshot(w.now).runs.at(0);
  EXPECT_EQ(line.eta_s, -1);
  EXPECT_EQ(line.per_second_1m, 0);
  EXPECT_GE(line.oldest_pending_s, 29);
}

} // namespace tenbit::testing

// Faults of tasks over the lives of a coordinator: written with the transition, loaded at the
// start, forgotten when the task is done or released.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

constexpr problem_index first{0};

// What the store has of the coordinator's lives so far.
struct kept_rows {
  std::map<std::uint64_t, fault_row> faults;
  std::map<std::uint64_t, lease_row> leases;
  std::map<std::uint64_t, task_status> status;

  void take(const core_bench& w) {
    for (const commit_command& command : w.committed) {
      const std::uint64_t task = command.what.task.value;
      if (command.what.faults)
        faults[task] = *command.what.faults;
      if (command.what.granted)
        leases[task] = *command.what.granted;
      if (command.what.lease_ended)
        leases.erase(task);
      if (command.what.status)
        status[task] = *command.what.status;
    }
    std::erase_if(faults, [](const auto& entry) { return entry.second.empty(); });
  }
  // A coordinator that starts with them.
  void load(core_bench& w, std::size_t problems) {
    w.exp->name = "x";
    w.add_run(run_a, 0);
    for (const auto& [task, row] : faults)
      w.run().load_faults(problem_index{task}, row);
    for (std::uint64_t i = 0; i < problems; ++i) {
      task_state state;
      state.events = 2;
      state.status = status[i];
      if (const auto row = leases.find(i); row != leases.end())
        w.run().load_lease(problem_index{i}, state, w.core.lease_of(row->second, w.now));
      else
        w.run().load(problem_index{i}, state);
    }
  }
};

const commit_command* last_with_faults(const core_bench& w) {
  const commit_command* out = nullptr;
  for (const commit_command& command : w.committed)
    out = command.what.faults ? &command : out;
  return out;
}

} // namespace

TEST(Faults_Plan, OfEarlierLives_CountAndAreNamedWhenTheyChange) {
  constexpr peer_id anna{1}, ben{2}, carl{3};
  constexpr problem_index second{1};
  const run_clock::time_point now{1h};
  plan_rules rules;
  rules.quarantine = true;
  plan tasks(rules);
  task_faults twice;
  twice.crashes = {anna, ben};
  twice.suspect = true;
  tasks.add_faults(second, twice);
  tasks.add_pending(first);
  tasks.add_pending(second);
  EXPECT_TRUE(tasks.take_changed().empty()) << "the store has them";
  EXPECT_EQ(tasks.next(now, carl, false), second) << "a suspect goes first, to one it did not kill";
  tasks.lease(second, {epoch{1}, carl, now, now + limits::lease_ttl, false});
  EXPECT_EQ(tasks.crashed(carl, false), std::vector{second});
  EXPECT_EQ(tasks.take_changed(), std::set{second});
  EXPECT_TRUE(tasks.faults_of(second)->given_up);
  EXPECT_EQ(tasks.faults_of(first), nullptr);
  tasks.end(second, task_ending::quarantined, now);
  tasks.requeue(second, task_ending::quarantined, true);
  EXPECT_EQ(tasks.take_changed(), std::set{second});
  EXPECT_EQ(tasks.faults_of(second), nullptr);
}

TEST(Faults_OwnFault, IsInTheBatchOfTheRelease) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  const grant given = w.got<grant>(a).at(0);
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::own_fault, 1});
  w.commit();
  const commit_command* written = last_with_faults(w);
  ASSERT_NE(written, nullptr);
  EXPECT_EQ(written->what.status, task_status::failed);
  EXPECT_TRUE(written->what.lease_ended);
  EXPECT_EQ(*written->what.faults, (fault_row{{{"anna", 0, 1}}, false, false}));
}

TEST(Faults_Outage, CostsNoRow) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  const grant given = w.got<grant>(a).at(0);
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::outage, 1});
  w.commit();
  EXPECT_EQ(last_with_faults(w), nullptr);
}

TEST(Faults_Crash, IsInTheBatchThatEndsTheLease) {
  core_bench w(1);
  w.join(a, "anna", solver, 1, 1);
  w.join(a, "anna", solver, 0, 2);
  w.commit();
  const commit_command* written = last_with_faults(w);
  ASSERT_NE(written, nullptr);
  EXPECT_TRUE(written->what.lease_ended);
  EXPECT_EQ(*written->what.faults, (fault_row{{{"anna", 1, 0}}, true, false}));
}

// Each crash in a life of its own, noticed by the boot that comes back to the next one.
TEST(Faults_Restart, ThreeCrashesInThreeLives_QuarantineTheTask) {
  kept_rows kept;
  std::uint64_t boot = 1;
  for (std::uint64_t life = 1; life <= 4; ++life) {
    core_bench w(0, core_bench::rules_of(life));
    kept.load(w, 1);
    w.join(a, "anna", solver, 0, ++boot);
    w.join(b, "ben", solver, 0, ++boot);
    w.commit();
    kept.take(w);
    if (life == 4) {
      EXPECT_EQ(w.status().tasks.quarantined, 1U);
      break;
    }
    ASSERT_EQ(w.status().tasks.pending, 1U) << life;
    EXPECT_EQ(w.run().tasks().suspects(), life == 1 ? 0U : 1U);
    // To the one it did not kill last, so that two workers die of it.
    w.beat(life == 2 ? b : a, life == 2 ? "ben" : "anna", 1, {}, boot - (life == 2 ? 0 : 1));
    if (w.status().tasks.leased == 0) // it has killed both: the only one left gets it
      w.say(b, "ben", goodbye{""});
    w.commit();
    ASSERT_EQ(w.status().tasks.leased, 1U) << life;
    kept.take(w);
  }
  EXPECT_EQ(kept.status[0], task_status::quarantined);
  EXPECT_EQ(kept.faults.at(0), (fault_row{{{"anna", 2, 0}, {"ben", 1, 0}}, false, true}));
}

TEST(Faults_Restart, SameProcessComesBack_IsNoCrash) {
  kept_rows kept;
  core_bench before(1);
  before.join(a, "anna", solver, 1, 7);
  const grant given = before.got<grant>(a).at(0);
  before.commit();
  kept.take(before);
  EXPECT_EQ(kept.leases.at(0).boot, 7U);
  core_bench w(0, core_bench::rules_of(6));
  kept.load(w, 1);
  w.join(a, "anna", solver, 1, 7, {{given.task, given.lease}});
  EXPECT_EQ(w.status().tasks.leased, 1U);
  EXPECT_EQ(w.run().tasks().suspects(), 0U);
  EXPECT_EQ(w.core.snapshot(w.now).peers.at(0).restarts, 0U);
}

TEST(Faults_Done, AreForgottenInTheSameBatch) {
  kept_rows kept;
  kept.faults[0] = {{{"anna", 0, 2}}, true, false};
  core_bench w(0);
  kept.load(w, 1);
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 1);
  const grant given = w.got<grant>(a).at(0);
  EXPECT_EQ(w.run().tasks().suspects(), 1U);
  for (std::uint16_t arm = 0; arm < bench_arms; ++arm) {
    const arm_finished end = w.finished_of(given, {arm_index{arm}, {}});
    w.say(a, "anna", end);
    w.say(g, "gina", w.result_of(end));
  }
  w.commit();
  const commit_command* written = last_with_faults(w);
  ASSERT_NE(written, nullptr);
  EXPECT_EQ(written->what.status, task_status::done);
  EXPECT_TRUE(written->what.faults->empty());
  kept.take(w);
  EXPECT_TRUE(kept.faults.empty());
}

TEST(Faults_Release, ByAnOperator_ForgetsThemForTheNextLifeToo) {
  kept_rows kept;
  kept.faults[0] = {{{"anna", 2, 0}, {"ben", 1, 0}}, false, true};
  kept.status[0] = task_status::quarantined;
  core_bench w(0);
  kept.load(w, 1);
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
  EXPECT_NE(w.run().tasks().evidence(first).find("3 crashes on 2 workers"), std::string::npos);
  EXPECT_TRUE(w.run().requeue(first, task_status::quarantined, true));
  w.commit();
  kept.take(w);
  EXPECT_EQ(kept.status[0], task_status::pending);
  EXPECT_TRUE(kept.faults.empty());
  core_bench next(0, core_bench::rules_of(6));
  kept.load(next, 1);
  EXPECT_EQ(next.run().tasks().evidence(first), "");
}

// The errors of one worker that fails everything are taken back, in the store as well.
TEST(Faults_Forgiven, AreTakenBackInTheStore) {
  kept_rows kept;
  core_bench w(30);
  w.join(b, "ben", solver, 0);
  w.join(a, "anna", solver, 1);
  for (std::size_t i = 0; i < limits::worker_failures_max; ++i) {
    const grant given = w.got<grant>(a).back();
    w.say(a, "anna", task_released{given.task, given.lease, release_kind::own_fault, 1});
    w.commit();
    if (i == 0) {
      kept.take(w);
      EXPECT_EQ(kept.faults.size(), 1U);
    }
  }
  kept.take(w);
  EXPECT_TRUE(kept.faults.empty());
}

} // namespace tenbit::testing

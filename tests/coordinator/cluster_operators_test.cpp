// What operators do to runs and workers, message by message.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {

TEST(Core_Operators, PausedRun_GetsNoneAndTheOtherDoes) {
  core_bench w(2);
  w.add_run(run_b, 1);
  w.core.pause(w.run(), true, false);
  w.join(a, "anna", solver, 3);
  ASSERT_EQ(w.got<grant>(a).size(), 1U);
  EXPECT_EQ(w.got<grant>(a)[0].task.experiment, run_b);
  EXPECT_EQ(w.core.why_pending(w.run()), "the run is paused");
  w.core.pause(w.run(), false, false);
  EXPECT_EQ(w.got<grant>(a).size(), 3U);
}

TEST(Core_Operators, PauseNow_HandsBack) {
  core_bench w(2);
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  w.core.pause(w.run(), true, true);
  ASSERT_EQ(w.got<hand_back>(a).size(), 1U);
  w.say(a, "anna", task_released{given[0].task, given[0].lease, release_kind::interrupted, 0});
  EXPECT_EQ(w.got<release_ack>(a).size(), 1U);
  EXPECT_EQ(w.got<grant>(a).size(), 1U) << "and gives nothing in its place";
  EXPECT_EQ(w.status().tasks.pending, 2U);
}

TEST(Core_Operators, LeaseThatComesBackWhileCalledIn_IsHandedBack) {
  core_bench w(0);
  w.add_run(run_a, 0);
  const task_id task{run_a, {}};
  w.run().load_lease(task.problem, {},
                     {epoch{100}, w.core.peer_named("anna"), w.now, w.now + limits::lease_ttl});
  w.core.pause(w.run(), true, true);
  w.join(a, "anna", solver, 1, 9, {{task, epoch{100}}});
  EXPECT_EQ(w.got<hand_back>(a).size(), 1U);
  w.core.pause(w.run(), false, false);
  w.join(b, "anna", solver, 1, 9, {{task, epoch{100}}});
  EXPECT_TRUE(w.got<hand_back>(b).empty());
}

TEST(Core_Operators, Kicked_LosesWhatItHoldsAndMayComeBack) {
  core_bench w(2);
  EXPECT_FALSE(w.core.kick("anna", "it hangs", w.now)) << "nobody of that name";
  w.join(a, "anna", solver, 2);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 2U);
  w.join(b, "ben", solver, 2);
  EXPECT_TRUE(w.core.kick("anna", "it hangs", w.now));
  EXPECT_EQ(w.got<revoke>(a).size(), 2U);
  ASSERT_EQ(w.dropped.size(), 1U);
  EXPECT_EQ(w.dropped[0], (std::pair(a, std::string("kicked: it hangs"))));
  EXPECT_EQ(w.got<grant>(b).size(), 2U) << "at once, and no suspects";
  EXPECT_EQ(w.run().tasks().suspects(), 0U);
  EXPECT_TRUE(w.core.kick("anna", "it hangs", w.now)) << "again: nothing to take";
  w.join(c, "anna", solver, 2, 1, {{given[0].task, given[0].lease}});
  EXPECT_EQ(w.got<revoke>(c).size(), 1U);
  EXPECT_TRUE(w.line_of("anna").connected);
}

TEST(Core_Operators, CancelledRun_CountsWhatIsLeftAsCancelled) {
  core_bench w(3);
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  w.core.cancel_run(run_a, "wrong prompt");
  EXPECT_EQ(w.got<hand_back>(a).size(), 1U);
  EXPECT_EQ(w.status().tasks.leased, 1U);
  EXPECT_EQ(w.status().tasks.cancelled, 2U);
  w.say(a, "anna", task_released{given[0].task, given[0].lease, release_kind::interrupted, 0});
  w.commit();
  EXPECT_EQ(w.status().tasks, (plan_counts{0, 0, 0, 0, 0, 3}));
  EXPECT_EQ(w.got<grant>(a).size(), 1U);
}

// As after a restart of the coordinator: what had failed is neither tried again nor forgotten.
TEST(Core_Operators, CancelledRun_CountsWhatFailedBeforeAsFailed) {
  core_bench w(1);
  task_state failed;
  failed.status = task_status::failed;
  w.run().load(problem_index{1}, failed);
  w.run().load(problem_index{2}, failed);
  w.pump();
  EXPECT_EQ(w.status().tasks.pending, 3U);
  w.join(a, "anna", solver, 2); // is given one of each
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 2U);
  w.core.cancel_run(run_a, "wrong prompt");
  w.pump();
  EXPECT_EQ(w.status().tasks, (plan_counts{0, 2, 0, 1, 0, 0}));
  for (const grant& one : given)
    w.say(a, "anna", task_released{one.task, one.lease, release_kind::interrupted, 0});
  w.commit();
  EXPECT_EQ(w.status().tasks, (plan_counts{0, 0, 0, 2, 0, 1}));
}

// It is tried again while the run goes on, and the store has it as failed meanwhile.
TEST(Core_Operators, CancelledRun_CountsWhatWaitedToBeTriedAgainAsFailed) {
  core_bench w(2);
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.beat(a, "anna", 0);
  w.say(a, "anna", task_released{given[0].task, given[0].lease, release_kind::outage, 1});
  w.commit();
  EXPECT_EQ(w.status().tasks.pending, 2U);
  w.core.cancel_run(run_a, "wrong prompt");
  w.pump();
  EXPECT_EQ(w.status().tasks, (plan_counts{0, 0, 0, 1, 0, 1}));
}

TEST(Core_Operators, LeaseLimit_Holds) {
  core_bench w(5);
  w.core.limit(w.run(), 2);
  w.join(a, "anna", solver, 5);
  EXPECT_EQ(w.got<grant>(a).size(), 2U);
  EXPECT_NE(w.core.why_pending(w.run()).find("limit of 2"), std::string::npos);
  w.core.limit(w.run(), 0);
  EXPECT_EQ(w.got<grant>(a).size(), 5U);
}

TEST(Core_Operators, DrainingPeer_GetsNoneUntilUndrained) {
  core_bench w(2);
  EXPECT_FALSE(w.core.drain("anna", "")) << "nobody of that name";
  w.join(a, "anna", solver, 1);
  EXPECT_TRUE(w.core.drain("anna", "new kernel"));
  EXPECT_TRUE(w.core.drain("anna", "new kernel"));
  const auto given = w.got<grant>(a);
  w.say(a, "anna", task_released{given[0].task, given[0].lease, release_kind::interrupted, 0});
  EXPECT_EQ(w.got<grant>(a).size(), 1U);
  EXPECT_EQ(w.core.why_pending(w.run()), "every worker is draining");
  EXPECT_TRUE(w.core.undrain("anna"));
  EXPECT_EQ(w.got<grant>(a).size(), 2U);
}

} // namespace tenbit::testing

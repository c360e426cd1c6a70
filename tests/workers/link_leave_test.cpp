// Heartbeats, and the end of a link.
#include "tests/workers/link_fixture.hpp"

namespace tenbit::testing {

// -- heartbeats ----------------------------------------------------------------------------------

TEST_F(Link, Heartbeats_CarryOnlyLeasesWhoseWorkerAnswered) {
  start();
  take(t0, 9);
  take(t1, 10);
  tick(5s);
  core.on_progress({{{t0, epoch{9}, 1, 2}, {t1, epoch{3}, 0, 0}}});
  tick(5s);
  tick(5s); // nobody answered since: the worker hangs
  const auto beats = sent<heartbeat>();
  ASSERT_EQ(beats.size(), 3U);
  EXPECT_TRUE(beats[0].leases.empty());
  ASSERT_EQ(beats[1].leases.size(), 1U);
  EXPECT_EQ(beats[1].leases[0].task, t0);
  EXPECT_EQ(beats[1].leases[0].events, 2U);
  EXPECT_TRUE(beats[2].leases.empty());
  EXPECT_EQ(asked, 3);
  EXPECT_LT(beats[0].number, beats[1].number);
  EXPECT_LT(beats[1].number, beats[2].number);
}

TEST_F(Link, OracleOrGraderHangs_NeitherHeartbeatNorHelloUntilItAnswers) {
  start();
  tick(5s);
  core.on_asked(1, now);
  core.on_asked(2, now);
  core.on_lives(1);
  forget();
  tick(limits::party_patience);
  EXPECT_EQ(sent<heartbeat>().size(), 1U) << "it may be slow";
  core.on_asked(1, now);
  core.on_asked(2, now); // the first question counts
  core.on_lives(1);
  forget();
  tick(5s);
  tick(5s);
  EXPECT_TRUE(core.hangs(now));
  EXPECT_TRUE(sent<heartbeat>().empty());
  core.on_down(); // it was given up
  core.on_up(now);
  tick(5s);
  EXPECT_TRUE(sent<hello>().empty()) << "it would get its work back";
  core.on_lives(2);
  tick(limits::welcome_timeout);
  EXPECT_EQ(sent<hello>().size(), 1U);
  EXPECT_FALSE(core.hangs(now));
}

TEST_F(Link, HeartbeatOfAReleasedLease_GoesOnUntilItIsAcknowledged) {
  start();
  take(t0, 9);
  core.on_local(task_released{t0, epoch{9}, release_kind::outage, 1}, now);
  tick(5s);
  ASSERT_EQ(sent<heartbeat>().back().leases.size(), 1U);
  core.on_message(release_ack{t0, epoch{9}}, now);
  tick(5s);
  EXPECT_TRUE(sent<heartbeat>().back().leases.empty());
}

TEST_F(Link, ChangedSlots_AreSaidAtOnce) {
  start();
  tick(1ms); // the first, right after the welcome
  forget();
  core.set_slots(1, now);
  tick(1ms);
  ASSERT_EQ(sent<heartbeat>().size(), 1U);
  EXPECT_EQ(sent<heartbeat>()[0].slots, 1U);
  core.set_slots(1, now);
  tick(1ms);
  EXPECT_EQ(sent<heartbeat>().size(), 1U);
}

// -- leaving -------------------------------------------------------------------------------------

TEST_F(Link, LeaveWithoutLeases_SaysGoodbyeAtOnce) {
  start();
  core.leave("told to", now);
  core.leave("told to", now);
  EXPECT_EQ(sent<goodbye>().size(), 1U);
  ASSERT_EQ(overs.size(), 1U);
  EXPECT_TRUE(overs[0].in_order);
}

TEST_F(Link, LeaveWithLeases_HandsThemBackFirst) {
  start();
  take(t0, 9);
  take(t1, 10);
  core.on_message(leave_order{"drained"}, now);
  EXPECT_EQ(given<hand_back>().size(), 2U);
  tick(1ms);
  EXPECT_EQ(sent<heartbeat>().back().slots, 0U);
  core.on_local(task_released{t0, epoch{9}, release_kind::interrupted, 0}, now);
  core.on_message(release_ack{t0, epoch{9}}, now);
  EXPECT_TRUE(sent<goodbye>().empty());
  core.on_message(revoke{t1, epoch{10}, "x"}, now);
  EXPECT_EQ(sent<goodbye>().size(), 1U);
  EXPECT_EQ(overs.size(), 1U);
}

TEST_F(Link, GrantWhileLeaving_IsGivenBackAtOnce) {
  start();
  take(t0, 9);
  core.leave("told to", now);
  take(t1, 10);
  EXPECT_EQ(given<grant>().size(), 1U);
  const auto back = sent<task_released>();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].task, t1);
  EXPECT_EQ(back[0].how, release_kind::interrupted);
  EXPECT_EQ(core.leases(), 2U);
}

TEST_F(Link, LeaveWhileDown_EndsInOrderWithoutAGoodbye) {
  core.leave("told to", now);
  EXPECT_TRUE(sent<goodbye>().empty());
  ASSERT_EQ(overs.size(), 1U);
  EXPECT_TRUE(overs[0].in_order);
}

} // namespace tenbit::testing

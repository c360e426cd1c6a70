#include "tests/workers/link_fixture.hpp"

namespace tenbit::testing {

// -- the session ---------------------------------------------------------------------------------

TEST_F(Link, Up_SaysHelloWithWhatItHolds) {
  start();
  take(t0, 9);
  core.on_message(oracle_ask{t1, 1, nullptr, {}, {}, {}, {}, {}, nullptr}, now);
  core.count_bits(exp_id, 12);
  core.on_down();
  forget();
  core.on_up(now);
  const auto hellos = sent<hello>();
  ASSERT_EQ(hellos.size(), 1U);
  EXPECT_EQ(hellos[0].boot, 42U);
  EXPECT_EQ(hellos[0].slots, 3U);
  EXPECT_EQ(hellos[0].incarnation_seen, 5U);
  EXPECT_EQ(hellos[0].leases, (std::vector<held_lease>{{t0, epoch{9}}, {t1, epoch{}}}));
  EXPECT_EQ(hellos[0].ledgers, (std::vector<ledger_count>{{exp_id, 12}}));
}

TEST_F(Link, NoWelcome_SaysHelloAgainAfterAWhile) {
  core.on_up(now);
  tick(limits::welcome_timeout);
  EXPECT_EQ(sent<hello>().size(), 1U);
  tick(1ms);
  EXPECT_EQ(sent<hello>().size(), 2U);
  EXPECT_TRUE(sent<heartbeat>().empty());
}

TEST_F(Link, HelloWantedManyTimes_IsOneHello) {
  start();
  for (int i = 0; i < 100; ++i) // a restarted coordinator answers every frame so
    core.on_message(hello_wanted{}, now);
  EXPECT_EQ(sent<hello>().size(), 1U);
  greet();
  core.on_message(hello_wanted{}, now);
  EXPECT_EQ(sent<hello>().size(), 2U);
}

TEST_F(Link, LowerIncarnation_EndsTheLink) {
  start();
  core.on_down();
  core.on_up(now);
  greet(4);
  pump();
  ASSERT_EQ(overs.size(), 1U);
  EXPECT_FALSE(overs[0].in_order);
  EXPECT_FALSE(core.welcomed());
}

TEST_F(Link, Refused_EndsOnlyWhenForGood) {
  core.on_up(now);
  core.on_message(refused{"busy", false}, now);
  pump();
  EXPECT_TRUE(overs.empty());
  core.on_message(refused{"no key", true}, now);
  pump();
  ASSERT_EQ(overs.size(), 1U);
  EXPECT_NE(overs[0].reason.find("no key"), std::string::npos);
}

TEST_F(Link, WorkOfAnUnknownExperiment_SaysHelloAgainAndTakesNothing) {
  core.on_up(now);
  greet();
  forget();
  take(t0, 9);
  take(t1, 9);
  EXPECT_EQ(sent<hello>().size(), 1U);
  EXPECT_TRUE(given<grant>().empty());
  EXPECT_EQ(core.leases(), 0U);
}

TEST_F(Link, ExperimentTwice_ReachesTheParties_Once) {
  start();
  core.on_message(experiment_text{exp_id, "x"}, now);
  EXPECT_TRUE(given<experiment_text>().empty());
}

// -- experiments ---------------------------------------------------------------------------------

TEST_F(Link, RefusedExperiment_IsSaidAndItsWorkGivenBackUncharged) {
  start();
  core.refuse(exp_id, "the key is not set", now);
  const auto said = sent<experiment_refused>();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].experiment, exp_id);
  EXPECT_EQ(said[0].reason, "the key is not set");
  take(t0, 9); // it crossed that
  EXPECT_TRUE(given<grant>().empty());
  const auto back = sent<task_released>();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].lease, epoch{9});
  EXPECT_EQ(back[0].how, release_kind::interrupted);
  EXPECT_EQ(sent<experiment_refused>().size(), 2U) << "the first may have been lost";
  core.on_message(release_ack{t0, epoch{9}}, now);
  EXPECT_EQ(core.leases(), 0U);
  EXPECT_EQ(sent<hello>().size(), 0U) << "it knows the experiment";
}

TEST_F(Link, RefusedExperiment_AsksAndArmsOfItAreNotWorkedOn) {
  start();
  core.on_message(oracle_ask{t1, 1, nullptr, {}, {}, {}, {}, {}, nullptr}, now);
  forget();
  core.refuse(exp_id, "x", now);
  EXPECT_EQ(sent<forgotten>().size(), 1U);
  core.on_message(oracle_ask{t1, 2, nullptr, {}, {}, {}, {}, {}, nullptr}, now);
  core.on_message(oracle_text{t1, 3, {}, nullptr}, now);
  grade_request request;
  request.finished.task = t0;
  core.on_message(std::move(request), now);
  EXPECT_TRUE(given<oracle_ask>().empty());
  EXPECT_TRUE(given<oracle_text>().empty());
  EXPECT_TRUE(given<grade_request>().empty());
  EXPECT_EQ(sent<experiment_refused>().size(), 4U);
}

TEST_F(Link, RefusedExperiment_OthersGoOn) {
  start();
  const task_id other{experiment_id{8}, problem_index{0}};
  core.on_message(experiment_text{other.experiment, "y"}, now);
  take(t0, 9);
  take(other, 10);
  forget();
  core.refuse(exp_id, "x", now);
  const auto back = sent<task_released>();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].task, t0);
  core.on_local(append_of(other, 10, 1), now);
  EXPECT_EQ(sent<append_request>().size(), 1U);
  EXPECT_TRUE(overs.empty());
}

TEST_F(Link, RefusedExperiment_IsTriedAgainAfterTheNextHello) {
  start();
  core.refuse(exp_id, "x", now);
  core.on_message(experiment_text{exp_id, "x"}, now);
  EXPECT_EQ(given<experiment_text>().size(), 1U);
  take(t0, 9);
  EXPECT_EQ(given<grant>().size(), 1U);
  EXPECT_TRUE(sent<task_released>().empty());
}

TEST_F(Link, RefusedWithoutAConnection_IsSaidWithTheFirstWorkThatComes) {
  start();
  core.on_down();
  core.refuse(exp_id, "x", now);
  EXPECT_TRUE(sent<experiment_refused>().empty());
  core.on_up(now);
  greet();
  take(t0, 9);
  EXPECT_EQ(sent<experiment_refused>().size(), 1U);
  EXPECT_EQ(sent<task_released>().size(), 1U);
}

TEST_F(Link, IdleExperiment_IsForgottenOnceNothingIsOpen) {
  start();
  take(t0, 9);
  core.on_message(oracle_ask{t1, 1, nullptr, {}, {}, {}, {}, {}, nullptr}, now);
  const auto idle_for_long = [&] {
    now += limits::experiment_idle_max + 1s;
    return core.take_idle(now);
  };
  EXPECT_TRUE(idle_for_long().empty()) << "a lease, and an oracle's session";
  core.on_local(task_released{t0, epoch{9}, release_kind::done, 0}, now);
  core.on_local(forgotten{t1}, now);
  EXPECT_TRUE(idle_for_long().empty()) << "the release is not acknowledged";
  core.on_message(release_ack{t0, epoch{9}}, now);
  EXPECT_TRUE(core.take_idle(now + limits::experiment_idle_max).empty());
  EXPECT_EQ(idle_for_long(), std::vector<experiment_id>{exp_id});
  EXPECT_TRUE(idle_for_long().empty()) << "once";
  forget();
  take(t1, 10); // on demand: its text comes after a hello
  EXPECT_TRUE(given<grant>().empty());
  EXPECT_EQ(sent<hello>().size(), 1U);
  greet();
  core.on_message(experiment_text{exp_id, "x"}, now);
  take(t1, 10);
  EXPECT_EQ(given<experiment_text>().size(), 1U);
  EXPECT_EQ(given<grant>().size(), 1U);
}

TEST_F(Link, GradingNowAndThen_KeepsTheExperiment) {
  start();
  for (int i = 0; i < 5; ++i) {
    now += limits::experiment_idle_max;
    grade_request request;
    request.finished.task = t0;
    core.on_message(std::move(request), now);
    EXPECT_TRUE(core.take_idle(now + 1s).empty());
  }
}

// -- the outbox ----------------------------------------------------------------------------------

TEST_F(Link, RepliesInAnyOrder_AreEachGivenOnce) {
  start();
  take(t0, 9);
  core.on_local(append_of(t0, 9, 1), now);
  core.on_local(append_of(t0, 9, 2), now);
  core.on_local(ask_message{t0, epoch{9}, 3, {}, {}, {}}, now);
  EXPECT_EQ(core.unanswered(), 3U);
  bits_reply bits;
  bits.task = t0;
  bits.lease = epoch{9};
  bits.ticket = 3;
  for (int copy = 0; copy < 3; ++copy) {
    core.on_message(appended{t0, epoch{9}, 2}, now);
    core.on_message(bits, now);
    core.on_message(appended{t0, epoch{9}, 1}, now);
    core.on_message(appended{t0, epoch{8}, 1}, now); // of another lease
    core.on_message(appended{t0, epoch{9}, 77}, now);
    core.on_message(oracle_appended{{t0, {}, 1}}, now);
  }
  const auto replies = given<appended>();
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].ticket, 2U);
  EXPECT_EQ(replies[1].ticket, 1U);
  EXPECT_EQ(given<bits_reply>().size(), 1U);
  EXPECT_EQ(core.unanswered(), 0U);
}

TEST_F(Link, Outbox_IsSentAgainAfterTheWelcomeAndNotBefore) {
  start();
  take(t0, 9);
  core.on_local(append_of(t0, 9, 1), now);
  core.on_down();
  core.on_local(append_of(t0, 9, 2), now); // made while there was no link
  core.on_local(oracle_append{t1, 1, 1, {}}, now);
  forget();
  core.on_up(now);
  EXPECT_TRUE(sent<append_request>().empty());
  tick(1s);
  EXPECT_TRUE(sent<append_request>().empty());
  greet();
  EXPECT_EQ(sent<append_request>().size(), 2U);
  EXPECT_EQ(sent<oracle_append>().size(), 1U);
  const auto held = core.unanswered();
  EXPECT_EQ(held, 3U);
}

TEST_F(Link, WithoutAReply_IsSentAgainAfterAWhile) {
  start();
  take(t0, 9);
  core.on_local(append_of(t0, 9, 1), now);
  tick(limits::resend_period);
  EXPECT_EQ(sent<append_request>().size(), 1U);
  tick(1ms);
  EXPECT_EQ(sent<append_request>().size(), 2U);
  tick(limits::resend_period);
  EXPECT_EQ(sent<append_request>().size(), 2U);
}

TEST_F(Link, FullWindow_HoldsAppendsBackAndReleasesThem) {
  start();
  take(t0, 9);
  constexpr std::size_t big = limits::outbox_bytes_max / 2 + 1;
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket)
    core.on_local(append_of(t0, 9, ticket, big), now);
  core.on_local(ask_message{t0, epoch{9}, 9, {}, {}, {}}, now);
  EXPECT_EQ(sent<append_request>().size(), 2U);
  EXPECT_EQ(sent<ask_message>().size(), 1U) << "it takes no room";
  core.on_message(appended{t0, epoch{9}, 1}, now);
  EXPECT_EQ(sent<append_request>().size(), 3U);
  core.on_message(appended{t0, epoch{9}, 2}, now);
  EXPECT_EQ(sent<append_request>().size(), 4U);
}

TEST_F(Link, FullWindow_AfterAReconnect_IsTheSame) {
  start();
  take(t0, 9);
  constexpr std::size_t big = limits::outbox_bytes_max / 2 + 1;
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket)
    core.on_local(append_of(t0, 9, ticket, big), now);
  core.on_down();
  forget();
  core.on_up(now);
  greet();
  EXPECT_EQ(sent<append_request>().size(), 2U);
  core.on_message(appended{t0, epoch{9}, 1}, now);
  core.on_message(appended{t0, epoch{9}, 2}, now);
  EXPECT_EQ(sent<append_request>().size(), 4U);
}

TEST_F(Link, FullWindow_OfALeaseThatIsRevoked_MakesRoomForTheOthers) {
  start();
  take(t0, 9);
  take(t1, 10);
  constexpr std::size_t big = limits::outbox_bytes_max + 1;
  core.on_local(append_of(t0, 9, 1, big), now);
  core.on_local(append_of(t1, 10, 2), now);
  EXPECT_EQ(sent<append_request>().size(), 1U);
  core.on_message(revoke{t0, epoch{9}, "x"}, now);
  const auto all = sent<append_request>();
  ASSERT_EQ(all.size(), 2U) << "else it waits for ever";
  EXPECT_EQ(all[1].task, t1);
}

// -- leases --------------------------------------------------------------------------------------

TEST_F(Link, Revoke_DropsWhatBelongsToTheLease) {
  start();
  take(t0, 9);
  take(t1, 10);
  core.on_local(append_of(t0, 9, 1), now);
  core.on_local(append_of(t1, 10, 2), now);
  core.on_message(revoke{t0, epoch{8}, "of an older lease"}, now);
  EXPECT_EQ(core.unanswered(), 2U);
  EXPECT_TRUE(given<revoke>().empty());
  core.on_message(revoke{t0, epoch{9}, "x"}, now);
  EXPECT_EQ(core.unanswered(), 1U);
  EXPECT_EQ(given<revoke>().size(), 1U);
  core.on_local(append_of(t0, 9, 3), now); // crossed the revoke
  EXPECT_EQ(core.unanswered(), 1U);
  EXPECT_EQ(core.leases(), 1U);
}

TEST_F(Link, GrantCopies_AreIgnoredAndANewerEpochReplacesTheOlder) {
  start();
  take(t0, 9);
  take(t0, 9);
  take(t0, 8);
  EXPECT_EQ(given<grant>().size(), 1U);
  core.on_local(append_of(t0, 9, 1), now);
  take(t0, 12);
  ASSERT_EQ(given<grant>().size(), 2U);
  ASSERT_EQ(given<revoke>().size(), 1U);
  EXPECT_EQ(given<revoke>()[0].lease, epoch{9});
  EXPECT_EQ(core.unanswered(), 0U);
  EXPECT_EQ(core.leases(), 1U);
}

TEST_F(Link, Release_KeepsTheLeaseUntilItIsAcknowledged) {
  start();
  take(t0, 9);
  core.on_local(task_released{t0, epoch{9}, release_kind::done, 0}, now);
  EXPECT_EQ(core.leases(), 1U);
  core.on_message(release_ack{t0, epoch{8}}, now);
  EXPECT_EQ(core.leases(), 1U);
  core.on_message(release_ack{t0, epoch{9}}, now);
  EXPECT_EQ(core.leases(), 0U);
  EXPECT_EQ(core.unanswered(), 0U);
}

TEST_F(Link, HandBackOfAnotherLease_IsDropped) {
  start();
  take(t0, 9);
  core.on_message(hand_back{t0, epoch{8}}, now);
  core.on_message(hand_back{t1, epoch{9}}, now);
  EXPECT_TRUE(given<hand_back>().empty());
  core.on_message(hand_back{t0, epoch{9}}, now);
  EXPECT_EQ(given<hand_back>().size(), 1U);
}

TEST_F(Link, EndpointOrder_GoesToTheClientsEachTime) {
  start();
  const endpoint_order order{"http://gpu/v1", endpoint_action::limit, 3};
  core.on_message(order, now);
  core.on_message(order, now);
  const std::vector<endpoint_order> twice = {order, order};
  EXPECT_EQ(given<endpoint_order>(), twice); // a copy changes nothing there
}

TEST_F(Link, ForgetOfAnUnknownTask_IsAnsweredAtOnce) {
  start();
  core.on_message(forget_task{t0}, now);
  EXPECT_EQ(sent<forgotten>().size(), 1U);
  EXPECT_TRUE(given<forget_task>().empty());
  core.on_message(oracle_text{t1, 1, {}, nullptr}, now);
  core.on_message(forget_task{t1}, now);
  EXPECT_EQ(given<forget_task>().size(), 1U);
  core.on_local(forgotten{t1}, now);
  EXPECT_EQ(sent<forgotten>().size(), 2U);
}

TEST_F(Link, GrantThatComesAfterItsEnd_IsACopy) {
  start();
  take(t0, 9);
  core.on_message(revoke{t0, epoch{9}, "x"}, now);
  take(t0, 9);
  take(t0, 8);
  EXPECT_EQ(given<grant>().size(), 1U);
  take(t0, 10);
  EXPECT_EQ(given<grant>().size(), 2U);
}

} // namespace tenbit::testing

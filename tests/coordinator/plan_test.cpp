#include "coordinator/plan.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <malloc.h>

namespace tenbit {
namespace {
using namespace std::chrono_literals;
constexpr run_clock::time_point start{1h};
constexpr peer_id anna{1}, ben{2}, carl{3};
constexpr problem_index first{0}, second{1};

plan with_pending(std::uint64_t count, plan_rules rules = {}) {
  plan p(rules);
  for (std::uint64_t i = 0; i < count; ++i)
    p.add_pending(problem_index{i});
  return p;
}

plan_rules of_cluster() {
  plan_rules rules;
  rules.leases_kept = rules.distrust = rules.quarantine = true;
  rules.outage_tries_max = 0;
  return rules;
}

task_lease lease_of(peer_id who, run_clock::time_point now = start) {
  static std::uint64_t number = 0;
  return {epoch{++number}, who, now, now + limits::lease_ttl, false};
}

// Grants the next task to a peer; empty: there was none for it.
std::optional<problem_index> grant_to(plan& p, peer_id who, run_clock::time_point now = start,
                                      bool alone = false) {
  const auto task = p.next(now, who, alone);
  if (task)
    p.lease(*task, lease_of(who, now));
  return task;
}

task_ending fail_once(plan& p, problem_index task, release_kind how, run_clock::time_point now,
                      bool alone = false) {
  const task_ending ending = p.judge(task, how, alone);
  p.end(task, ending, now);
  return ending;
}

} // namespace

TEST(Plan_Next, PendingTasks_ComeInOrderOnce) {
  plan p = with_pending(2);
  EXPECT_EQ(grant_to(p, anna), first);
  EXPECT_EQ(grant_to(p, ben), second);
  EXPECT_EQ(grant_to(p, anna), std::nullopt);
  EXPECT_FALSE(p.over());
  EXPECT_EQ(fail_once(p, first, release_kind::done, start), task_ending::done);
  EXPECT_EQ(fail_once(p, second, release_kind::done, start), task_ending::done);
  EXPECT_TRUE(p.over());
}

TEST(Plan_Next, TaskPutBack_ComesAfterTheOthers) {
  plan p = with_pending(2);
  const auto task = p.next(start, anna, false);
  ASSERT_EQ(task, first);
  p.put_back(first);
  EXPECT_EQ(grant_to(p, anna), second);
  EXPECT_EQ(grant_to(p, anna), first);
}

TEST(Plan_Next, GrantingHeld_GivesNothingUntilItIsNot) {
  plan p = with_pending(1);
  p.hold_granting(true);
  EXPECT_EQ(grant_to(p, anna), std::nullopt);
  EXPECT_FALSE(p.over());
  p.hold_granting(false);
  EXPECT_EQ(grant_to(p, anna), first);
}

TEST(Plan_Stopped, PendingTasks_StayPending) {
  plan p = with_pending(3);
  ASSERT_TRUE(grant_to(p, anna));
  p.stop_granting();
  EXPECT_FALSE(grant_to(p, anna));
  EXPECT_FALSE(p.over());
  EXPECT_EQ(fail_once(p, first, release_kind::interrupted, start), task_ending::interrupted);
  EXPECT_TRUE(p.over());
  EXPECT_EQ(p.counts().pending, 3U);
}

TEST(Plan_Outage, EachOne_DoublesTheDelayUpToItsCap) {
  plan p = with_pending(1, of_cluster());
  auto now = start;
  run_clock::duration delay = limits::task_retry_delay;
  for (int i = 0; i < 40; ++i) {
    const peer_id who = i % 2 == 0 ? anna : ben; // it goes to the other one
    ASSERT_TRUE(grant_to(p, who, now)) << i;
    EXPECT_EQ(fail_once(p, first, release_kind::outage, now), task_ending::delayed);
    EXPECT_EQ(p.delayed(), 1U);
    EXPECT_FALSE(grant_to(p, carl, now + delay - 1ns)) << i;
    now += delay;
    delay = std::min<run_clock::duration>(2 * delay, limits::outage_retry_delay_max);
  }
}

TEST(Plan_Outage, InOneProcess_FailsAfterItsTries) {
  plan p = with_pending(1);
  auto now = start;
  for (std::uint32_t i = 1; i < limits::task_errors_max; ++i) {
    ASSERT_TRUE(grant_to(p, anna, now));
    EXPECT_EQ(fail_once(p, first, release_kind::outage, now), task_ending::delayed);
    now += limits::outage_retry_delay_max;
  }
  ASSERT_TRUE(grant_to(p, anna, now));
  EXPECT_EQ(fail_once(p, first, release_kind::outage, now), task_ending::failed);
  EXPECT_TRUE(p.over());
}

// -- expiry --------------------------------------------------------------------------------------

TEST(Plan_Expiry, PassedDeadline_MakesTheTaskGrantable) {
  plan p = with_pending(2);
  ASSERT_EQ(grant_to(p, anna), first);
  EXPECT_TRUE(p.expire(start + limits::lease_ttl - 1ns).empty());
  EXPECT_EQ(p.expire(start + limits::lease_ttl), std::vector{first});
  EXPECT_TRUE(p.expire(start + 2 * limits::lease_ttl).empty()) << "once";
  EXPECT_EQ(p.live(anna), 0U);
  EXPECT_EQ(p.counts().pending, 2U);
  EXPECT_EQ(grant_to(p, ben), first) << "before the others";
  EXPECT_EQ(p.find(first)->holder, ben);
  EXPECT_EQ(p.live(ben), 1U);
}

TEST(Plan_Expiry, RenewedBeforeAnotherGrant_IsLiveAgainAndNotGranted) {
  plan p = with_pending(1);
  ASSERT_TRUE(grant_to(p, anna));
  auto now = start;
  for (int i = 0; i < 3; ++i) { // the stale entries pile up and none may count
    now += limits::lease_ttl;
    ASSERT_EQ(p.expire(now).size(), 1U);
    p.renew(first, now + limits::lease_ttl);
    EXPECT_EQ(p.counts().leased, 1U);
    EXPECT_EQ(p.live(anna), 1U);
  }
  EXPECT_EQ(grant_to(p, ben, now), std::nullopt);
  EXPECT_EQ(fail_once(p, first, release_kind::interrupted, now), task_ending::interrupted);
  EXPECT_EQ(grant_to(p, ben, now), first);
  EXPECT_EQ(grant_to(p, ben, now), std::nullopt);
}

TEST(Plan_Expiry, CoordinatorPaused_DeadlinesMoveWithTheGap) {
  plan p = with_pending(1);
  ASSERT_TRUE(grant_to(p, anna));
  p.shift_deadlines(60s);
  EXPECT_TRUE(p.expire(start + limits::lease_ttl + 60s - 1ns).empty());
  EXPECT_EQ(p.expire(start + limits::lease_ttl + 60s).size(), 1U);
}

TEST(Plan_Expiry, LeaseOfTheLastLife_WaitsForItsHolder) {
  plan p(of_cluster());
  p.add_leased(first, lease_of(anna));
  EXPECT_EQ(grant_to(p, ben), std::nullopt);
  EXPECT_EQ(p.held_by(anna), std::vector{first});
  EXPECT_EQ(p.expire(start + limits::lease_ttl).size(), 1U);
  EXPECT_EQ(grant_to(p, ben), first);
}

// Expired, then lost with its worker: the entry made by the expiry must not stand for the suspect.
TEST(Plan_TakePending, SuspectWithAStaleEntry_IsGrantedNoMore) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  ASSERT_EQ(p.expire(start + limits::lease_ttl).size(), 1U);
  EXPECT_TRUE(p.crashed(anna, false).empty());
  EXPECT_TRUE(p.take_pending(first, task_ending::quarantined));
  EXPECT_EQ(p.next(start, ben, false), std::nullopt);
  EXPECT_FALSE(p.take_pending(first, task_ending::quarantined)) << "it has ended";
  p.requeue(first, task_ending::quarantined, true);
  EXPECT_EQ(grant_to(p, ben), first) << "the stale entry must not hide it";
}

TEST(Plan_TakePending, DelayedWithAStaleEntry_IsGrantedNoMore) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  ASSERT_EQ(p.expire(start + limits::lease_ttl).size(), 1U);
  EXPECT_EQ(fail_once(p, first, release_kind::outage, start), task_ending::delayed);
  EXPECT_TRUE(p.take_pending(first, task_ending::cancelled));
  EXPECT_EQ(p.next(start + 1h, ben, false), std::nullopt);
  EXPECT_EQ(p.counts().cancelled, 1U);
}

// -- crashes -------------------------------------------------------------------------------------

TEST(Plan_Crash, WorkerWithSeveralTasks_ChargesNone) {
  plan p = with_pending(4, of_cluster());
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  EXPECT_EQ(p.suspects(), 4U);
  EXPECT_EQ(p.counts().pending, 4U);
  for (std::uint64_t i = 0; i < 4; ++i)
    EXPECT_TRUE(p.evidence(problem_index{i}).starts_with("0 crashes")) << i;
}

TEST(Plan_Crash, Suspects_AreTriedOnePerWorker) {
  plan p = with_pending(3, of_cluster());
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  EXPECT_TRUE(grant_to(p, ben));
  EXPECT_FALSE(grant_to(p, ben)) << "it has one";
  EXPECT_TRUE(grant_to(p, carl));
  EXPECT_FALSE(grant_to(p, carl));
  EXPECT_TRUE(grant_to(p, anna)) << "nobody knows yet who did it";
}

TEST(Plan_Crash, ExpiredSuspect_IsStillOnePerWorker) {
  plan p = with_pending(2, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  ASSERT_TRUE(grant_to(p, ben));
  ASSERT_TRUE(grant_to(p, carl));
  EXPECT_EQ(p.expire(start + limits::lease_ttl).size(), 2U);
  EXPECT_TRUE(grant_to(p, anna));
  EXPECT_FALSE(grant_to(p, anna)) << "a second suspect";
}

TEST(Plan_Crash, DelayedSuspect_IsStillOnePerWorker) {
  plan p = with_pending(2, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  const auto suspect = grant_to(p, ben);
  ASSERT_TRUE(suspect);
  EXPECT_EQ(fail_once(p, *suspect, release_kind::outage, start), task_ending::delayed);
  ASSERT_TRUE(grant_to(p, carl));
  EXPECT_FALSE(grant_to(p, carl, start + 1h));
  EXPECT_EQ(grant_to(p, ben, start + 1h), suspect);
}

TEST(Plan_Crash, TheOneItKilled_GetsItOnlyWhenAlone) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  EXPECT_FALSE(grant_to(p, anna, start, false));
  EXPECT_TRUE(grant_to(p, anna, start, true));
}

TEST(Plan_Crash, WatchedSuspect_IsChargedAndTheOthersAreNot) {
  plan p = with_pending(3, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  ASSERT_EQ(grant_to(p, ben), first);
  ASSERT_EQ(grant_to(p, ben), second);
  EXPECT_TRUE(p.crashed(ben, false).empty());
  EXPECT_TRUE(p.evidence(first).starts_with("2 crashes on 2 workers")) << p.evidence(first);
  EXPECT_TRUE(p.evidence(second).starts_with("0 crashes")) << p.evidence(second);
}

TEST(Plan_Crash, ThreeOnTwoWorkers_IsQuarantined) {
  plan p = with_pending(1, of_cluster());
  for (const peer_id who : {anna, ben}) {
    ASSERT_TRUE(grant_to(p, who));
    EXPECT_TRUE(p.crashed(who, false).empty());
  }
  ASSERT_TRUE(grant_to(p, carl));
  ASSERT_EQ(p.crashed(carl, false), std::vector{first});
  p.end(first, task_ending::quarantined, start);
  EXPECT_EQ(p.counts().quarantined, 1U);
  EXPECT_EQ(p.suspects(), 0U);
  EXPECT_TRUE(p.evidence(first).starts_with("3 crashes on 3 workers")) << "kept for a person";
  EXPECT_TRUE(p.over());
}

TEST(Plan_Crash, OnTheOnlyWorker_TakesSix) {
  plan p = with_pending(1, of_cluster());
  for (std::uint32_t i = 1; i < limits::crashes_one_worker_max; ++i) {
    ASSERT_TRUE(grant_to(p, anna, start, true)) << i;
    EXPECT_TRUE(p.crashed(anna, true).empty()) << i;
  }
  ASSERT_TRUE(grant_to(p, anna, start, true));
  EXPECT_EQ(p.crashed(anna, true), std::vector{first});
}

TEST(Plan_Crash, SurvivedAndDone_IsASuspectNoMore) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_TRUE(p.crashed(anna, false).empty());
  EXPECT_TRUE(p.take_pending(first, task_ending::done)) << "its last outcome was on its way";
  EXPECT_EQ(p.suspects(), 0U);
  EXPECT_TRUE(p.evidence(first).empty());
}

// -- own errors ----------------------------------------------------------------------------------

TEST(Plan_OwnFault, OnOneWorkerOfTwo_IsNoProof) {
  plan p = with_pending(1, of_cluster());
  auto now = start;
  for (int i = 0; i < 5; ++i, now += 1h) {
    ASSERT_TRUE(grant_to(p, anna, now));
    EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now), task_ending::delayed) << i;
  }
  ASSERT_TRUE(grant_to(p, ben, now));
  EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now), task_ending::quarantined);
}

TEST(Plan_OwnFault, OnTheOnlyWorker_TakesThree) {
  plan p = with_pending(1, of_cluster());
  auto now = start;
  for (std::uint32_t i = 1; i < limits::task_errors_max; ++i, now += 1h) {
    ASSERT_TRUE(grant_to(p, anna, now, true));
    EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now, true), task_ending::delayed);
  }
  ASSERT_TRUE(grant_to(p, anna, now, true));
  EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now, true), task_ending::quarantined);
}

TEST(Plan_Forgive, BadWorker_ItsChargesAreTakenBack) {
  plan p = with_pending(1, of_cluster());
  auto now = start;
  for (int i = 0; i < 2; ++i, now += 1h) {
    ASSERT_TRUE(grant_to(p, anna, now));
    EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now), task_ending::delayed);
  }
  EXPECT_TRUE(p.forgive(anna).empty()) << "it was not given up";
  EXPECT_TRUE(p.evidence(first).find("0 errors of its own") != std::string::npos);
  ASSERT_TRUE(grant_to(p, ben, now));
  EXPECT_EQ(fail_once(p, first, release_kind::own_fault, now), task_ending::delayed);
}

TEST(Plan_Forgive, GivenUpOnABadWorkersWord_IsNamed) {
  plan p = with_pending(1, of_cluster());
  auto now = start;
  ASSERT_TRUE(grant_to(p, ben, now));
  EXPECT_EQ(fail_once(p, first, release_kind::refused, now), task_ending::delayed);
  for (int i = 0; i < 2; ++i) {
    now += 1h;
    ASSERT_TRUE(grant_to(p, anna, now));
    EXPECT_EQ(fail_once(p, first, release_kind::refused, now),
              i == 0 ? task_ending::delayed : task_ending::failed);
  }
  EXPECT_EQ(p.forgive(anna), std::vector{first});
  EXPECT_TRUE(p.forgive(anna).empty()) << "once";
  p.requeue(first, task_ending::failed, false);
  ASSERT_TRUE(grant_to(p, ben, now));
}

TEST(Plan_Delayed, FailedOnOneWorker_GoesToAnother) {
  for (const release_kind how :
       {release_kind::refused, release_kind::own_fault, release_kind::outage}) {
    plan p = with_pending(1, of_cluster());
    ASSERT_TRUE(grant_to(p, anna, start));
    EXPECT_EQ(fail_once(p, first, how, start), task_ending::delayed);
    const auto later = start + 2 * limits::task_retry_delay;
    EXPECT_FALSE(p.next(later, anna, false));
    EXPECT_EQ(p.next(later, ben, false), first);
  }
}

TEST(Plan_Delayed, NoOtherTakesIt_ItComesBackToTheSameWorker) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna, start));
  EXPECT_EQ(fail_once(p, first, release_kind::refused, start), task_ending::delayed);
  EXPECT_EQ(p.next(start + limits::task_retry_delay, anna, true), first) << "it is the only one";
  p.put_back(first);
  plan q = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(q, anna, start));
  EXPECT_EQ(fail_once(q, first, release_kind::refused, start), task_ending::delayed);
  EXPECT_EQ(q.next(start + 2 * limits::outage_retry_delay_max, anna, false), first);
}

TEST(Plan_Requeue, Quarantined_KeepsItsFaultsUnlessForgotten) {
  plan p = with_pending(1, of_cluster());
  ASSERT_TRUE(grant_to(p, anna));
  EXPECT_EQ(fail_once(p, first, release_kind::diverged, start), task_ending::quarantined);
  p.requeue(first, task_ending::quarantined, false);
  EXPECT_EQ(p.counts().pending, 1U);
  EXPECT_EQ(grant_to(p, anna), first);
  EXPECT_EQ(p.find(first)->holder, anna);
}

// -- size ----------------------------------------------------------------------------------------

TEST(Plan_Memory, AMillionPendingTasks_TakeLessThanAHundredBytesEach) {
  constexpr std::size_t count = 1'000'000;
  const auto used = [] {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::size_t before = used();
  const plan p = with_pending(count);
  const std::size_t after = used();
  if (after <= before)
    GTEST_SKIP() << "this allocator is not counted (a sanitizer's)";
  EXPECT_GE(after - before, count * sizeof(problem_index));
  EXPECT_LT((after - before) / count, 100U);
  RecordProperty("bytes_per_task", std::to_string((after - before) / count));
}

} // namespace tenbit

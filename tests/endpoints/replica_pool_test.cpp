#include "endpoints/replica_pool.hpp"
#include "tests/endpoints/time_zero.hpp"

#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <set>

namespace tenbit {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> names(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back("http://gpu" + std::to_string(i) + ":8000");
  return all;
}

void break_replica(replica_pool& pool, replica_pool::place place) {
  pool.give_back(place, attempt_end::loading, t0); // opens at once
}

} // namespace

TEST(ReplicaPool, SameSticky_SameReplicaWhileUp) {
  replica_pool pool(names(4), 400);
  std::map<std::uint64_t, std::uint32_t> home;
  std::set<std::uint32_t> used;
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t sticky = 0; sticky < 40; ++sticky) {
      const auto place = pool.take(sticky, false, t0);
      ASSERT_TRUE(place);
      EXPECT_EQ(home.emplace(sticky, place->replica).first->second, place->replica);
      used.insert(place->replica);
      pool.give_back(*place, attempt_end::answered, t0);
    }
  }
  EXPECT_EQ(used.size(), 4U);
}

// As of a server that only queues: the tokens a second are the same with fewer calls.
TEST(ReplicaPool, SizesOfAnswers_LowerTheLimit) {
  replica_pool pool(names(1), 64);
  std::vector<replica_pool::place> taken;
  auto now = t0;
  for (int i = 0; i < 20'000 && pool.limit(0) == 64; ++i) {
    while (const auto place = pool.take(1, true, now))
      taken.push_back(*place);
    now += 100ms;
    pool.give_back(taken.back(), attempt_end::answered, now, std::nullopt, {300, 6s});
    taken.pop_back();
  }
  EXPECT_EQ(pool.limit(0), 58U);
}

TEST(ReplicaPool, OneGoesDown_OnlyItsCallsMove) {
  replica_pool pool(names(4), 400);
  std::map<std::uint64_t, std::uint32_t> home;
  for (std::uint64_t sticky = 0; sticky < 50; ++sticky) {
    const auto place = *pool.take(sticky, false, t0);
    home[sticky] = place.replica;
    pool.give_back(place, attempt_end::answered, t0);
  }
  const auto broken = *pool.take(0, false, t0);
  break_replica(pool, broken);
  for (std::uint64_t sticky = 0; sticky < 50; ++sticky) {
    const auto place = *pool.take(sticky, false, t0);
    if (home[sticky] == broken.replica)
      EXPECT_NE(place.replica, broken.replica);
    else
      EXPECT_EQ(place.replica, home[sticky]);
    pool.give_back(place, attempt_end::answered, t0);
  }
}

TEST(ReplicaPool, StickyFull_OnlyACallThatWaitedMoves) {
  replica_pool pool(names(2), 4);
  const auto first = *pool.take(1, false, t0);
  ASSERT_TRUE(pool.take(1, false, t0));
  EXPECT_FALSE(pool.take(1, false, t0));
  EXPECT_TRUE(pool.has_place(t0));
  const auto moved = pool.take(1, true, t0);
  ASSERT_TRUE(moved);
  EXPECT_NE(moved->replica, first.replica);
}

TEST(ReplicaPool, OneReplica_ReachesTheWholeConcurrency) {
  replica_pool pool(names(1), 1000);
  std::vector<replica_pool::place> taken;
  for (int round = 0; round < 6; ++round) {
    while (const auto place = pool.take(1, true, t0))
      taken.push_back(*place);
    for (const auto& place : taken)
      pool.give_back(place, attempt_end::answered, t0);
    taken.clear();
  }
  while (pool.take(1, true, t0)) {
  }
  EXPECT_EQ(pool.in_flight(), 1000U);
}

TEST(ReplicaPool, FewerPlacesThanReplicas_SumIsTheConcurrency) {
  replica_pool pool(names(8), 3);
  for (std::uint64_t sticky = 0; sticky < 50; ++sticky)
    EXPECT_EQ(pool.take(sticky, true, t0).has_value(), sticky < 3);
  EXPECT_EQ(pool.in_flight(), 3U);
}

TEST(ReplicaPool, ProbeDue_TakesTheNextCallFirst) {
  replica_pool pool(names(2), 10);
  const auto place = *pool.take(1, false, t0);
  break_replica(pool, place);
  EXPECT_EQ(pool.next_probe(), t0 + limits::breaker_probe_min);
  const auto due = t0 + limits::breaker_probe_min;
  const auto probe = pool.take(99, false, due);
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->replica, place.replica);
  EXPECT_EQ(probe->granted, breaker::permission::probe);
  const auto next = pool.take(1, false, due);
  EXPECT_NE(next->replica, place.replica);
  pool.give_back(*probe, attempt_end::answered, due);
  EXPECT_EQ(pool.state(place.replica), breaker_state::closed);
}

TEST(ReplicaPool, KeyRefusedEverywhere_AllStopped) {
  replica_pool pool(names(2), 10);
  EXPECT_FALSE(pool.all_stopped());
  for (int i = 0; i < 2; ++i)
    pool.give_back(*pool.take(1, true, t0), attempt_end::unauthorised, t0);
  EXPECT_TRUE(pool.all_stopped());
  EXPECT_TRUE(pool.all_down());
  EXPECT_FALSE(pool.take(1, true, t0 + 1h));
  EXPECT_FALSE(pool.next_probe());
}

TEST(ReplicaPool, RefusedRequests_NeverOpenTheBreaker) {
  replica_pool pool(names(1), 10);
  for (int i = 0; i < 100; ++i)
    pool.give_back(*pool.take(1, false, t0), attempt_end::refused, t0);
  EXPECT_EQ(pool.state(0), breaker_state::closed);
}

TEST(ReplicaPool, Paused_CallsGoToOthersAndNoneWhenAllAre) {
  replica_pool pool(names(2), 10);
  const auto home = *pool.take(1, false, t0);
  pool.pause(home.replica, true);
  const auto moved = pool.take(1, false, t0);
  ASSERT_TRUE(moved);
  EXPECT_NE(moved->replica, home.replica);
  pool.pause(moved->replica, true);
  EXPECT_FALSE(pool.take(1, true, t0));
  EXPECT_FALSE(pool.has_place(t0));
  EXPECT_FALSE(pool.all_down()); // worth waiting for
  pool.give_back(home, attempt_end::answered, t0);
  EXPECT_FALSE(pool.take(1, true, t0));
  pool.pause(home.replica, false);
  EXPECT_EQ(pool.take(1, false, t0)->replica, home.replica);
}

TEST(ReplicaPool, PausedWhileOpen_IsNotProbedUntilResumed) {
  replica_pool pool(names(1), 10);
  break_replica(pool, *pool.take(1, false, t0));
  EXPECT_TRUE(pool.all_down());
  pool.pause(0, true);
  const auto due = t0 + limits::breaker_probe_min;
  EXPECT_FALSE(pool.next_probe()); // a wait for it would never end
  EXPECT_FALSE(pool.take(1, true, due));
  EXPECT_FALSE(pool.all_down());
  pool.pause(0, false);
  EXPECT_TRUE(pool.all_down());
  EXPECT_EQ(pool.take(1, true, due)->granted, breaker::permission::probe);
}

TEST(ReplicaPool, PausedAfterItsKeyWasRefused_IsDownAllTheSame) {
  replica_pool pool(names(1), 10);
  pool.give_back(*pool.take(1, true, t0), attempt_end::unauthorised, t0);
  pool.pause(0, true);
  EXPECT_TRUE(pool.all_down());
}

TEST(ReplicaPool, Bounded_NeverMoreAtOnceUntilTheBoundGoes) {
  replica_pool pool(names(1), 4);
  const auto first = *pool.take(1, true, t0);
  const auto second = *pool.take(1, true, t0);
  pool.bound(0, 1);
  EXPECT_EQ(pool.limit(0), 1U);
  pool.give_back(first, attempt_end::answered, t0);
  EXPECT_FALSE(pool.take(1, true, t0)); // the other one is still there
  pool.give_back(second, attempt_end::answered, t0);
  const auto third = pool.take(1, true, t0);
  ASSERT_TRUE(third);
  EXPECT_FALSE(pool.take(1, true, t0));
  pool.bound(0, 100);
  EXPECT_EQ(pool.limit(0), 4U); // an upper bound: it gives no more than there was
  pool.bound(0, 0);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(pool.take(1, true, t0));
  EXPECT_FALSE(pool.take(1, true, t0));
}

// -- a dead replica's share ----------------------------------------------------------------------

namespace {

std::uint32_t take_all(replica_pool& pool, std::vector<replica_pool::place>& taken,
                       time_point now = t0) {
  while (const auto place = pool.take(1, true, now))
    taken.push_back(*place);
  return pool.in_flight();
}

} // namespace

TEST(ReplicaPool, OneOfTwoIsOut_TheOtherTakesOverItsShareUntilItIsBack) {
  replica_pool pool(names(2), 20);
  const auto dead = *pool.take(1, false, t0);
  const std::uint32_t living = 1 - dead.replica;
  EXPECT_EQ(pool.limit(living), 10U);
  break_replica(pool, dead);
  std::vector<replica_pool::place> taken;
  EXPECT_EQ(take_all(pool, taken), 20U);
  EXPECT_EQ(pool.in_flight(living), 20U);
  // The probe finds no place while the other has them all; then it is up, and each has its share.
  const auto due = t0 + limits::breaker_probe_min;
  EXPECT_FALSE(pool.take(1, true, due));
  pool.give_back(taken.back(), attempt_end::answered, due);
  taken.pop_back();
  const auto probe = *pool.take(1, true, due);
  EXPECT_EQ(probe.replica, dead.replica);
  pool.give_back(probe, attempt_end::answered, due);
  EXPECT_EQ(pool.limit(0), 10U);
  EXPECT_EQ(pool.limit(1), 10U);
  EXPECT_EQ(take_all(pool, taken, due), 20U);
  EXPECT_EQ(pool.in_flight(dead.replica), 1U) << "the others are on the wire still";
}

TEST(ReplicaPool, KeyRefusedOrPaused_TheOthersShareAllOfIt) {
  replica_pool pool(names(3), 31);
  const auto refused = *pool.take(1, false, t0);
  pool.give_back(refused, attempt_end::unauthorised, t0);
  const std::uint32_t second = (refused.replica + 1) % 3, third = (refused.replica + 2) % 3;
  EXPECT_EQ(pool.limit(second) + pool.limit(third), 31U);
  pool.pause(second, true);
  EXPECT_EQ(pool.limit(third), 31U);
  pool.pause(second, false);
  EXPECT_EQ(pool.limit(second) + pool.limit(third), 31U);
}

TEST(ReplicaPool, OneOfTwoIsOut_TheOtherGrowsToTheWholeAsItsServerAllows) {
  replica_pool pool(names(2), 1000);
  const auto dead = *pool.take(1, false, t0);
  const std::uint32_t living = 1 - dead.replica;
  break_replica(pool, dead);
  EXPECT_EQ(pool.limit(living), limits::limiter_start);
  std::vector<replica_pool::place> taken;
  for (int round = 0; round < 6; ++round) {
    (void)take_all(pool, taken);
    for (const auto& place : taken)
      pool.give_back(place, attempt_end::answered, t0);
    taken.clear();
  }
  EXPECT_EQ(take_all(pool, taken), 1000U);
  // A server that throttles keeps the limit it has shown.
  for (int i = 0; i < 1000; ++i) {
    pool.give_back(taken.back(), attempt_end::throttled, t0);
    taken.pop_back();
  }
  EXPECT_LT(pool.limit(living), 1000U);
}

TEST(ReplicaPool, ThrottledOneThatGetsALargerShare_DoesNotJump) {
  replica_pool pool(names(2), 40);
  const auto first = *pool.take(1, false, t0);
  const std::uint32_t living = 1 - first.replica;
  std::vector<replica_pool::place> taken;
  for (int round = 0; round < 3; ++round) {
    (void)take_all(pool, taken);
    for (const auto& place : taken) {
      const bool its = place.replica == living;
      pool.give_back(place, its ? attempt_end::throttled : attempt_end::abandoned, t0);
    }
    taken.clear();
  }
  const auto limit = pool.limit(living);
  ASSERT_LT(limit, 20U);
  pool.give_back(first, attempt_end::loading, t0);
  EXPECT_EQ(pool.limit(living), limit);
}

RC_GTEST_PROP(ReplicaPool, AnyHistory_KeepsItsBounds, (const std::vector<std::uint8_t>& script)) {
  const auto concurrency = *rc::gen::inRange(1U, 200U);
  replica_pool pool(names(*rc::gen::inRange<std::size_t>(1, 6)), concurrency);
  std::vector<replica_pool::place> taken;
  auto now = t0;
  for (auto step : script) {
    now += std::chrono::milliseconds(step * 50);
    for (int i = 0; i < step; ++i)
      if (const auto place = pool.take(step, step % 2 == 0, now))
        taken.push_back(*place);
    std::uint32_t sum = 0;
    for (std::uint32_t r = 0; r < pool.size(); ++r)
      sum += pool.in_flight(r);
    RC_ASSERT(sum == pool.in_flight());
    RC_ASSERT(sum == taken.size());
    RC_ASSERT(sum <= concurrency);
    while (taken.size() > step % 7) {
      pool.give_back(taken.back(), static_cast<attempt_end>(step % 8), now);
      taken.pop_back();
    }
  }
}

} // namespace tenbit

#include "coordinator/plan.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <set>

namespace tenbit {
namespace {

constexpr run_clock::time_point start{};

plan with_pending(std::uint64_t count) {
  plan p;
  for (std::uint64_t i = 0; i < count; ++i)
    p.add_pending(problem_index{i});
  return p;
}

} // namespace

TEST(Plan_Next, PendingTasks_ComeInOrderOnce) {
  plan p = with_pending(2);
  EXPECT_EQ(p.next(start), problem_index{0});
  EXPECT_EQ(p.next(start), problem_index{1});
  EXPECT_EQ(p.next(start), std::nullopt);
  EXPECT_FALSE(p.over());
  p.release(problem_index{0}, task_ending::done, start);
  p.release(problem_index{1}, task_ending::done, start);
  EXPECT_TRUE(p.over());
}

TEST(Plan_Passing, FailedTask_ComesBackLaterAtMostThrice) {
  plan p = with_pending(1);
  auto now = start;
  for (std::uint32_t i = 1; i < limits::task_errors_max; ++i) {
    ASSERT_TRUE(p.next(now));
    EXPECT_EQ(p.release(problem_index{0}, task_ending::passing, now), task_ending::passing);
    EXPECT_FALSE(p.next(now)) << "before its delay";
    EXPECT_FALSE(p.over());
    now += limits::task_retry_delay;
  }
  ASSERT_TRUE(p.next(now));
  EXPECT_EQ(p.release(problem_index{0}, task_ending::passing, now), task_ending::failed);
  EXPECT_TRUE(p.over());
  EXPECT_EQ(p.counts().failed, 1U);
}

TEST(Plan_Stopped, PendingTasks_StayPending) {
  plan p = with_pending(3);
  ASSERT_TRUE(p.next(start));
  p.stop_granting();
  EXPECT_FALSE(p.next(start));
  EXPECT_FALSE(p.over());
  p.release(problem_index{0}, task_ending::interrupted, start);
  EXPECT_TRUE(p.over());
  EXPECT_EQ(p.counts().pending, 3U);
}

// Whatever happens to leases, every task is in exactly one place and the counts say so.
RC_GTEST_PROP(Plan_Counts, AnyEndings_AddUp, (const std::vector<std::uint8_t>& endings)) {
  plan p = with_pending(8);
  std::set<std::uint64_t> leased;
  auto now = start;
  for (const std::uint8_t draw : endings) {
    now += std::chrono::seconds(1);
    if (leased.empty() || draw % 2 == 0) {
      if (const auto task = p.next(now))
        RC_ASSERT(leased.insert(task->value).second);
    } else {
      const auto task = *leased.begin();
      leased.erase(leased.begin());
      p.release(problem_index{task}, static_cast<task_ending>(draw / 2 % 4), now);
    }
    RC_ASSERT(p.counts().all() == 8U);
    RC_ASSERT(p.counts().leased == leased.size());
  }
}

} // namespace tenbit

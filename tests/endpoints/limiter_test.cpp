#include "endpoints/limiter.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"
#include "tests/endpoints/time_zero.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;

void full_round(limiter& l, std::uint32_t throttled = 0) {
  const auto size =
      l.in_slow_start() ? l.limit() : std::max(l.limit(), limits::limiter_round_calls_min);
  const auto in_flight = l.limit();
  for (std::uint32_t i = 0; i < size; ++i) {
    if (i < throttled)
      l.on_throttled(in_flight, t0);
    else
      l.on_success(in_flight, t0);
  }
}

} // namespace

TEST(Limiter, SlowStart_DoublesEachFullRoundUpToTheMaximum) {
  limiter l(1000);
  EXPECT_EQ(l.limit(), limits::limiter_start);
  for (std::uint32_t expected : {128U, 256U, 512U, 1000U, 1003U}) {
    full_round(l);
    EXPECT_EQ(l.limit(), std::min(expected, 1000U));
  }
}

TEST(Limiter, SmallMaximum_IsTheStart) {
  EXPECT_EQ(limiter(1).limit(), 1U);
  EXPECT_EQ(limiter(8).limit(), 8U);
}

TEST(Limiter, HalfEmpty_DoesNotGrow) {
  limiter l(1000);
  for (int i = 0; i < 500; ++i)
    l.on_success(limits::limiter_start / 2, t0);
  EXPECT_EQ(l.limit(), limits::limiter_start);
}

TEST(Limiter, RoundAllThrottled_CutsByAFifthOnce) {
  limiter l(1000);
  full_round(l, 64);
  EXPECT_EQ(l.limit(), 52U); // 64 - 0.2 * 64, rounded towards the cautious cut
  EXPECT_FALSE(l.in_slow_start());
}

TEST(Limiter, FewThrottled_CutsByTwiceTheShare) {
  limiter l(1000);
  for (int i = 0; i < 4; ++i)
    full_round(l);
  ASSERT_EQ(l.limit(), 1000U);
  full_round(l, 10); // 1 %
  EXPECT_EQ(l.limit(), 980U);
}

TEST(Limiter, AfterAThrottle_GrowsByTheRootSlowly) {
  limiter l(1000);
  full_round(l, 64);
  const auto before = l.limit();
  full_round(l);
  EXPECT_EQ(l.limit(), before + 1); // max(1, sqrt(52) / 4)
}

TEST(Limiter, TimeAlone_EndsARoundOnlyOutsideSlowStart) {
  limiter l(1000);
  l.on_success(64, t0);
  l.on_success(64, t0 + limits::limiter_round_max);
  EXPECT_EQ(l.limit(), 64U);
  limiter cut(1000);
  full_round(cut, 64);
  const auto limit = cut.limit();
  cut.on_success(limit, t0);
  cut.on_success(limit, t0 + limits::limiter_round_max);
  EXPECT_EQ(cut.limit(), limit + 1);
}

RC_GTEST_PROP(Limiter, AnyResults_StayWithinBounds, (const std::vector<bool>& throttled)) {
  const auto limit_max = *rc::gen::inRange(1U, 300U);
  limiter l(limit_max);
  for (bool t : throttled) {
    for (int i = 0; i < 20; ++i) {
      if (t)
        l.on_throttled(l.limit(), t0);
      else
        l.on_success(l.limit(), t0);
      RC_ASSERT(l.limit() >= 1U);
      RC_ASSERT(l.limit() <= limit_max);
    }
  }
}

} // namespace tenbit

#include "endpoints/breaker.hpp"
#include "tests/endpoints/time_zero.hpp"

#include <gtest/gtest.h>

namespace tenbit {
namespace {

using namespace std::chrono_literals;
using permission = breaker::permission;

void fail_often(breaker& b, int times, time_point now) {
  for (int i = 0; i < times; ++i)
    b.done(permission::allowed, verdict::bad, now);
}

breaker opened() {
  breaker b;
  fail_often(b, limits::breaker_failures_in_row, t0);
  return b;
}

} // namespace

TEST(Breaker, TenFailuresInARow_Open) {
  breaker b;
  fail_often(b, limits::breaker_failures_in_row - 1, t0);
  EXPECT_EQ(b.state(), breaker_state::closed);
  fail_often(b, 1, t0);
  EXPECT_EQ(b.state(), breaker_state::open);
  EXPECT_EQ(b.ask(t0), permission::refused);
}

TEST(Breaker, SuccessBetween_StartsTheRowAnew) {
  breaker b;
  for (int i = 0; i < 30; ++i) { // two good ones to each bad one
    b.done(permission::allowed, verdict::bad, t0);
    b.done(permission::allowed, verdict::good, t0);
    b.done(permission::allowed, verdict::good, t0);
  }
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST(Breaker, HalfOfTwentyInTheWindow_Opens) {
  breaker b;
  for (int i = 0; i < 9; ++i) {
    b.done(permission::allowed, verdict::good, t0);
    b.done(permission::allowed, verdict::bad, t0 + 10s);
  }
  EXPECT_EQ(b.state(), breaker_state::closed); // 18 calls: too few to judge
  b.done(permission::allowed, verdict::good, t0 + 11s);
  b.done(permission::allowed, verdict::bad, t0 + 11s);
  EXPECT_EQ(b.state(), breaker_state::open);
}

TEST(Breaker, FailuresOlderThanTheWindow_DoNotCount) {
  breaker b;
  for (int i = 0; i < 9; ++i) {
    b.done(permission::allowed, verdict::bad, t0);
    b.done(permission::allowed, verdict::good, t0);
  }
  const auto later = t0 + limits::breaker_window + 1s;
  b.done(permission::allowed, verdict::good, later);
  b.done(permission::allowed, verdict::bad, later);
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST(Breaker, NeutralResults_NeverOpen) {
  breaker b;
  for (int i = 0; i < 100; ++i)
    b.done(permission::allowed, verdict::none, t0);
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST(Breaker, ProbeSucceeds_Closes) {
  auto b = opened();
  const auto due = t0 + limits::breaker_probe_min;
  EXPECT_EQ(b.ask(due - 1ms), permission::refused);
  ASSERT_EQ(b.ask(due), permission::probe);
  b.started(permission::probe);
  EXPECT_EQ(b.state(), breaker_state::half_open);
  EXPECT_EQ(b.ask(due), permission::refused);      // one probe at a time
  b.done(permission::allowed, verdict::good, due); // an old call: says nothing
  EXPECT_EQ(b.state(), breaker_state::half_open);
  b.done(permission::probe, verdict::good, due);
  EXPECT_EQ(b.state(), breaker_state::closed);
}

TEST(Breaker, ProbesFail_WaitDoublesUpToTheMaximum) {
  auto b = opened();
  std::chrono::milliseconds wait = limits::breaker_probe_min;
  auto now = t0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(b.probe_at(), now + wait);
    now += wait;
    ASSERT_EQ(b.ask(now), permission::probe);
    b.started(permission::probe);
    b.done(permission::probe, verdict::bad, now);
    wait = std::min<std::chrono::milliseconds>(wait * 2, limits::breaker_probe_max);
  }
  EXPECT_EQ(b.probe_at(), now + limits::breaker_probe_max);
}

TEST(Breaker, ProbeAbandoned_NextCallProbesAgain) {
  auto b = opened();
  const auto due = t0 + limits::breaker_probe_min;
  b.started(permission::probe);
  b.done(permission::probe, verdict::none, due);
  EXPECT_EQ(b.ask(due), permission::probe);
}

TEST(Breaker, LateSuccessesWhileOpen_DoNotClose) {
  auto b = opened();
  b.done(permission::allowed, verdict::good, t0);
  EXPECT_EQ(b.state(), breaker_state::open);
}

TEST(Breaker, Tripped_OpensAtOnce) {
  breaker b;
  b.trip(t0);
  EXPECT_EQ(b.state(), breaker_state::open);
}

TEST(Breaker, Stopped_StaysStopped) {
  breaker b;
  b.stop();
  b.done(permission::allowed, verdict::good, t0);
  b.trip(t0);
  EXPECT_EQ(b.ask(t0 + 1h), permission::refused);
  EXPECT_EQ(to_string(b.state()), "stopped");
}

} // namespace tenbit

// The limit of a replica whose server queues without saying so, in virtual time: as many calls as
// the limit allows are in flight all the time.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <queue>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"
#include "endpoints/limiter.hpp"

namespace tenbit {
namespace {

using seconds = std::chrono::duration<double>;

// What a server is; changed while it runs.
struct server_shape {
  std::size_t slots = 100'000; // prompts read at once; the others wait
  double first_byte_s = 0.5;
  double answer_s = 0;        // from the first byte to the last, beside the slots
  double noise = 0;           // sigma of the logarithm
  std::vector<double> mix{1}; // kinds of prompts: how much longer each takes
  double answer_noise = 0;    // sigma of the logarithm
  bool held = false;          // a slot is free again when the answer is out, not its first byte
};

class closed_loop {
public:
  explicit closed_loop(std::uint32_t limit_max) : limit(limit_max) {}

  // Returns the lowest limit on the way.
  std::uint32_t run(int calls) {
    std::uint32_t lowest = limit.limit();
    for (int i = 0; i < calls; ++i) {
      fill();
      end_one();
      lowest = std::min(lowest, limit.limit());
    }
    return lowest;
  }

  [[nodiscard]] double now() const { return now_; }

  limiter limit;
  server_shape server;
  bool streamed = true;

private:
  struct call {
    double started = 0, first_byte = 0, end = 0;
    bool operator<(const call& other) const { return end > other.end; }
  };

  // A call gets the slot that is free first; it is free again when its first byte is out.
  void fill() {
    for (; in_flight_ < limit.limit(); ++in_flight_) {
      double from = now_;
      while (slots_.size() >= server.slots) {
        from = std::max(from, slots_.top());
        slots_.pop();
      }
      call next{now_, from + one_time(), 0};
      next.end = next.first_byte + server.answer_s * spread(server.answer_noise);
      slots_.push(server.held ? next.end : next.first_byte);
      ends_.push(next);
    }
  }

  double one_time() {
    const double kind = server.mix[random_.below(server.mix.size())];
    return server.first_byte_s * kind * spread(server.noise);
  }

  double spread(double sigma) {
    double normal = -6; // of twelve even ones: Gauss enough
    for (int i = 0; i < 12; ++i)
      normal += static_cast<double>(random_.below(1'000'000)) / 1e6;
    return std::exp(sigma * normal);
  }

  void end_one() {
    const call done = ends_.top();
    ends_.pop();
    now_ = std::max(now_, done.end);
    std::optional<first_byte_time> first_byte;
    if (streamed)
      first_byte =
          first_byte_time{at(done.started), std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                seconds(done.first_byte - done.started))};
    limit.on_success(in_flight_--, at(now_), first_byte);
  }

  static time_point at(double s) {
    return time_point(std::chrono::duration_cast<time_point::duration>(seconds(1000 + s)));
  }

  random_stream random_{7};
  double now_ = 0;
  std::uint32_t in_flight_ = 0;
  std::priority_queue<double, std::vector<double>, std::greater<>> slots_;
  std::priority_queue<call> ends_;
};

} // namespace

TEST(LimiterQueue, ConstantLatency_KeepsTheFullLimit) {
  closed_loop loop(1000);
  (void)loop.run(3000);
  ASSERT_EQ(loop.limit.limit(), 1000U) << "slow start is not held up";
  EXPECT_EQ(loop.run(50'000), 1000U);
}

TEST(LimiterQueue, NoiseAndPromptsOfManyLengths_KeepTheFullLimit) {
  for (const std::uint32_t full : {8U, 64U, 500U}) {
    closed_loop loop(full);
    loop.server.noise = 0.5;
    loop.server.mix = {1, 2, 8};
    (void)loop.run(4000);
    ASSERT_EQ(loop.limit.limit(), full);
    EXPECT_EQ(loop.run(50'000), full);
  }
}

TEST(LimiterQueue, TenTimesSlower_FallsToNearTheKneeAndComesBack) {
  closed_loop loop(64);
  loop.server.slots = 64;
  loop.server.noise = 0.2;
  (void)loop.run(2000);
  ASSERT_EQ(loop.limit.limit(), 64U);
  loop.server.slots = 6;
  (void)loop.run(1500);
  for (int i = 0; i < 10; ++i) {
    (void)loop.run(100);
    EXPECT_GE(loop.limit.limit(), 6U);
    EXPECT_LE(loop.limit.limit(), 14U);
  }
  loop.server.slots = 64;
  (void)loop.run(1500);
  EXPECT_EQ(loop.limit.limit(), 64U);
}

// As llama-server, or vLLM with its most sequences: a call has its slot to the end. Some more calls
// than slots are late by much, and cutting the limit by half would leave half the slots idle.
TEST(LimiterQueue, SlotsHeldToTheEnd_AreAllInUse) {
  for (const auto& [most, slots] :
       {std::pair(110U, 100U), {256U, 240U}, {400U, 90U}, {64U, 40U}, {64U, 60U}}) {
    closed_loop loop(most);
    loop.server = {slots, 0.2, 10, 0.2, {1}, 0.5, true};
    (void)loop.run(5000);
    const double from = loop.now();
    constexpr int calls = 50'000;
    const std::uint32_t lowest = loop.run(calls);
    const double mean_s = 10 * std::exp(0.5 * 0.5 / 2) + 0.2;
    const double busy = calls * mean_s / (loop.now() - from) / slots; // of the slots, all the time
    std::printf("%u slots, limit up to %u: %.3f of the slots in use, lowest limit %u\n", slots,
                most, busy, lowest);
    EXPECT_GT(busy, 0.97);
  }
}

// A cut is judged by calls that began after it: with calls of a minute that takes minutes.
TEST(LimiterQueue, CallsOfAMinute_AreCutAndNotLetBackUnjudged) {
  closed_loop loop(64);
  loop.server = {64, 0.5, 60, 0.2, {1}, 0.3, true};
  (void)loop.run(1500);
  ASSERT_EQ(loop.limit.limit(), 64U);
  loop.server.slots = 16;
  (void)loop.run(1500);
  double sum = 0;
  constexpr int looks = 100;
  for (int i = 0; i < looks; ++i) {
    (void)loop.run(10);
    sum += loop.limit.limit();
    EXPECT_GE(loop.limit.limit(), 14U);
  }
  EXPECT_LE(sum / looks, 40) << "52.9 when cuts were undone after ten rounds without a judgement";
}

TEST(LimiterQueue, CallsOfAMinuteLateForAnotherReason_GetTheFullLimitBack) {
  closed_loop loop(64);
  loop.server.answer_s = 60;
  (void)loop.run(2000);
  loop.server.first_byte_s *= 10;
  (void)loop.run(4000);
  EXPECT_EQ(loop.limit.limit(), 64U);
  EXPECT_EQ(loop.run(2000), 64U);
}

TEST(LimiterQueue, HalfTheSlots_StillAllInUse) {
  closed_loop loop(64);
  loop.server.slots = 64;
  (void)loop.run(2000);
  loop.server.slots = 32;
  EXPECT_GE(loop.run(5000), 32U) << "fewer would leave slots idle";
}

TEST(LimiterQueue, SlowerWithoutAQueue_ComesBackToTheFullLimit) {
  closed_loop loop(64);
  (void)loop.run(2000);
  loop.server.first_byte_s *= 10;
  EXPECT_LT(loop.run(500), 64U) << "it cannot be told at first";
  (void)loop.run(1000);
  EXPECT_EQ(loop.run(5000), 64U);
}

TEST(LimiterQueue, LongerAnswers_AreNoQueue) {
  closed_loop loop(64);
  loop.server.answer_s = 1;
  (void)loop.run(1000);
  loop.server.answer_s = 40;
  EXPECT_EQ(loop.run(5000), 64U);
}

TEST(LimiterQueue, RepliesThatAreNotStreamed_TellNothing) {
  closed_loop loop(64);
  loop.streamed = false;
  loop.server.slots = 64;
  (void)loop.run(1000);
  loop.server.slots = 4;
  EXPECT_EQ(loop.run(5000), 64U);
}

// At the end of a run few calls are in flight and answered early: no standard for the next one.
TEST(LimiterQueue, AlmostIdleForAWhile_IsNoStandard) {
  limiter l(64);
  auto now = time_point(std::chrono::seconds(1000));
  const auto answered = [&](std::uint32_t in_flight, std::chrono::milliseconds took) {
    now += std::chrono::milliseconds(50);
    l.on_success(in_flight, now, first_byte_time{now - took, took});
  };
  for (int i = 0; i < 1000; ++i)
    answered(64, std::chrono::milliseconds(900));
  for (int i = 0; i < 1000; ++i)
    answered(2, std::chrono::milliseconds(90));
  for (int i = 0; i < 1000; ++i) {
    answered(64, std::chrono::milliseconds(900));
    ASSERT_EQ(l.limit(), 64U);
  }
}

RC_GTEST_PROP(LimiterQueue, AnyFirstBytes_StayWithinBounds,
              (const std::vector<std::uint16_t>& script)) {
  const auto limit_max = *rc::gen::inRange(1U, 300U);
  limiter l(limit_max);
  auto now = time_point(std::chrono::seconds(1000));
  for (const std::uint16_t ms : script) {
    now += std::chrono::milliseconds(ms);
    for (int i = 0; i < 60; ++i)
      l.on_success(l.limit(), now, first_byte_time{now, std::chrono::milliseconds(ms)},
                   {ms, std::chrono::milliseconds(ms)});
    if (ms % 7 == 0)
      l.on_throttled(l.limit(), now);
    if (ms % 5 == 0)
      l.share(1 + ms % limit_max);
    RC_ASSERT(l.limit() >= 1U);
    RC_ASSERT(l.limit() <= limit_max);
  }
}

} // namespace tenbit

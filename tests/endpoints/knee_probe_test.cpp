// The limit of a replica that only queues beyond its knee, in virtual time: as many calls as the
// limit allows are in flight all the time, and the server works on all of them at once.
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <queue>

#include "base/random.hpp"
#include "endpoints/limiter.hpp"
#include "tests/endpoints/time_zero.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

constexpr double call_speed = 30; // tokens a second of a call on a server that has room
constexpr double hour = 3600;

double gauss(random_stream& random) {
  double sum = -6; // of twelve even ones: Gauss enough
  for (int i = 0; i < 12; ++i)
    sum += static_cast<double>(random.below(1'000'000)) / 1e6;
  return sum;
}

class shared_server {
public:
  explicit shared_server(std::uint32_t limit_max) : limit(limit_max) {}

  void run_for(double duration) {
    const double end = now_ + duration;
    while (now_ < end)
      step();
  }
  // Until the limit is another one; false: an hour was not enough.
  bool run_until_moved() {
    const auto before = limit.limit();
    for (const double end = now_ + hour; now_ < end;) {
      step();
      if (limit.limit() != before)
        return true;
    }
    return false;
  }
  void begin_count() { tokens_ = limit_seconds_ = 0, counted_from_ = now_, lowest = 1U << 20; }
  [[nodiscard]] double tokens_per_second() const { return tokens_ / (now_ - counted_from_); }
  [[nodiscard]] double mean_limit() const { return limit_seconds_ / (now_ - counted_from_); }
  [[nodiscard]] time_point now() const {
    return t0 + std::chrono::duration_cast<time_point::duration>(seconds(now_));
  }

  limiter limit;
  std::uint32_t lowest = 1U << 20;
  // Tokens a second of all calls together, by how many there are.
  std::function<double(double calls)> speed;
  double noise = 0;              // sigma of the speed, drawn anew each minute
  std::uint32_t work = 1U << 20; // calls that there are at once
  bool counts_tokens = true;
  bool streams = false;

private:
  struct call {
    double done = 0; // on the clock of the tokens that each call has got
    double tokens = 0, started = 0;
    bool operator<(const call& other) const { return done > other.done; }
  };

  void step() {
    while (calls_.size() < std::min(limit.limit(), work)) {
      const double tokens = 300 * std::exp(0.5 * gauss(random_));
      calls_.push({got_ + tokens, tokens, now_});
    }
    if (now_ >= next_noise_) {
      factor_ = 1 + noise * gauss(random_);
      next_noise_ = now_ + 60;
    }
    const call next = calls_.top();
    const auto in_flight = static_cast<std::uint32_t>(calls_.size());
    const double took = (next.done - got_) / (factor_ * speed(in_flight) / in_flight);
    calls_.pop();
    got_ = next.done;
    now_ += took;
    tokens_ += next.tokens;
    limit_seconds_ += took * limit.limit();
    answer_size size{
        0, std::chrono::duration_cast<std::chrono::nanoseconds>(seconds(now_ - next.started))};
    if (counts_tokens)
      size.completion_tokens = static_cast<std::uint64_t>(next.tokens);
    std::optional<first_byte_time> first;
    if (streams)
      first = {now() - size.took, std::chrono::milliseconds(200)};
    limit.on_success(in_flight, now(), first, size);
    lowest = std::min(lowest, limit.limit());
  }

  random_stream random_{11};
  double now_ = 0, got_ = 0, next_noise_ = 0, factor_ = 1;
  double tokens_ = 0, limit_seconds_ = 0, counted_from_ = 0;
  std::priority_queue<call> calls_;
};

auto knee_at(double calls) {
  return [calls](double n) { return call_speed * std::min(n, calls); };
}
double without_knee(double n) {
  return call_speed * n;
}

// Just after a probe began to try less.
shared_server trying() {
  shared_server out(64);
  out.speed = knee_at(40);
  EXPECT_TRUE(out.run_until_moved());
  EXPECT_EQ(out.limit.limit(), 58U);
  return out;
}

} // namespace

// They tell of a queue by themselves, and a probe that empties it would spoil their measure.
TEST(KneeProbe, ServerThatStreams_IsNotTried) {
  shared_server server(64);
  server.speed = knee_at(40);
  server.streams = true;
  server.run_for(2 * hour);
  EXPECT_EQ(server.limit.limit(), 64U);
}

TEST(KneeProbe, CallsThatTakeHours_LeaveTheLimitFreeMostOfTheTime) {
  shared_server server(1000);
  server.speed = [](double n) { return n * 300 / 1800; }; // half an hour each
  server.run_for(24 * hour);
  EXPECT_GT(server.limit.limit(), 900U);
}

TEST(KneeProbe, ServerWithAKnee_ComesDownToItAndStaysThere) {
  for (const auto& [most, knee] : {std::pair(64U, 40.0), std::pair(400U, 90.0)}) {
    shared_server server(most);
    server.speed = knee_at(knee);
    server.run_for(8 * hour);
    server.begin_count();
    server.run_for(16 * hour);
    std::printf("knee %.0f of %u: mean limit %.1f, lowest %u, tokens/s %.1f of %.1f\n", knee, most,
                server.mean_limit(), server.lowest, server.tokens_per_second(), call_speed * knee);
    EXPECT_GT(server.mean_limit(), 0.95 * knee);
    EXPECT_LT(server.mean_limit(), 1.25 * knee);
    EXPECT_GT(server.lowest, 0.8 * knee);
    EXPECT_GT(server.tokens_per_second(), 0.98 * call_speed * knee);
  }
}

TEST(KneeProbe, ServerWithoutAKnee_IsLoweredForTheProbeAlone) {
  shared_server server(64);
  server.speed = without_knee;
  server.run_for(24 * hour);
  std::printf("no knee: mean limit %.2f, lowest %u\n", server.mean_limit(), server.lowest);
  EXPECT_EQ(server.lowest, 58U);
  EXPECT_GT(server.mean_limit(), 62.5);
  EXPECT_GT(server.tokens_per_second(), 0.98 * call_speed * 64);
}

// Each step would be let pass alone.
TEST(KneeProbe, ServerThatFlattensSlowly_IsNotWalkedDownByManySmallSteps) {
  shared_server server(256);
  const auto speed = [](double n) { return call_speed * n / (1 + n / 20); };
  server.speed = speed;
  server.run_for(24 * hour);
  server.begin_count();
  server.run_for(24 * hour);
  std::printf("flattens: mean limit %.1f, lowest %u, tokens/s %.1f of %.1f\n", server.mean_limit(),
              server.lowest, server.tokens_per_second(), speed(256));
  EXPECT_GT(server.tokens_per_second(), 0.95 * speed(256));
}

TEST(KneeProbe, Noise_DoesNotWalkTheLimitDown) {
  for (const double noise : {0.02, 0.05}) {
    shared_server rising(64), flat(64);
    rising.speed = without_knee;
    flat.speed = knee_at(40);
    for (auto* server : {&rising, &flat}) {
      server->noise = noise;
      server->run_for(24 * hour);
      std::printf("noise %.2f: mean limit %.1f, lowest %u, tokens/s %.1f\n", noise,
                  server->mean_limit(), server->lowest, server->tokens_per_second());
    }
    EXPECT_GT(rising.tokens_per_second(), (noise < 0.03 ? 0.97 : 0.95) * call_speed * 64);
    EXPECT_GT(rising.lowest, 40U);
    EXPECT_GT(flat.tokens_per_second(), 0.97 * call_speed * 40);
    EXPECT_GT(flat.lowest, 28U);
  }
}

TEST(KneeProbe, ServerThatBecomesFaster_IsFollowedUpwards) {
  shared_server server(64);
  server.speed = knee_at(20);
  server.run_for(6 * hour);
  EXPECT_LT(server.limit.limit(), 26U);
  server.speed = without_knee;
  server.run_for(4 * hour);
  EXPECT_GE(server.limit.limit(), 57U);
}

TEST(KneeProbe, KeptLimit_IsNotGrownAwayAtOnce) {
  auto server = trying();
  server.run_for(500); // the probe has ended, and the next has not begun
  EXPECT_EQ(server.limit.limit(), 58U);
  EXPECT_TRUE(server.run_until_moved());
  EXPECT_EQ(server.limit.limit(), 53U);
}

TEST(KneeProbe, WithoutTokensOrWorkOrCalls_NothingIsTried) {
  shared_server no_tokens(64), little_work(64), few_calls(64);
  no_tokens.speed = little_work.speed = knee_at(40);
  no_tokens.counts_tokens = false;
  little_work.work = 50; // more than half of the limit
  few_calls.speed = knee_at(0.5);
  for (auto* server : {&no_tokens, &little_work, &few_calls}) {
    server->run_for(6 * hour);
    EXPECT_EQ(server->lowest, 64U);
  }
}

TEST(KneeProbe, WorkThatEndsInTheProbe_SaysNothing) {
  auto server = trying();
  server.run_for(60);
  server.work = 40;
  server.run_for(300);
  EXPECT_EQ(server.limit.limit(), 64U);
}

TEST(KneeProbe, Silence_SaysNothing) {
  limiter l(64);
  auto now = t0;
  const auto answered = [&](std::chrono::milliseconds after) {
    now += after;
    l.on_success(l.limit(), now, std::nullopt, {300, 6s});
  };
  for (int i = 0; i < 20'000 && l.limit() == 64; ++i)
    answered(100ms);
  ASSERT_EQ(l.limit(), 58U);
  answered(limits::limiter_round_max);
  EXPECT_EQ(l.limit(), 64U);
}

TEST(KneeProbe, ThrottleDuringAProbe_IsCutAsEver) {
  auto server = trying();
  const auto now = server.now();
  for (std::uint32_t i = 0; i < 200 && server.limit.limit() == 58U; ++i)
    server.limit.on_throttled(58, now);
  EXPECT_EQ(server.limit.limit(), 47U) << "a fifth less than what was tried";
  server.run_for(500);
  EXPECT_EQ(server.limit.limit(), 64U) << "it grows as after any cut, without a ceiling";
}

TEST(KneeProbe, NewShareDuringAProbe_EndsItAtTheLimitBefore) {
  auto server = trying();
  server.limit.share(60);
  EXPECT_EQ(server.limit.limit(), 60U);
  server.lowest = 64;
  server.run_for(500);
  EXPECT_EQ(server.lowest, 60U) << "a period of steady operation begins anew";

  auto larger = trying();
  larger.limit.share(100);
  EXPECT_EQ(larger.limit.limit(), 64U);
}

} // namespace tenbit

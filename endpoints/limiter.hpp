// How many calls one replica may have in flight: slow start, then additive increase and a decrease
// in proportion to the throttled share (AIMD with the proportional cut of DCTCP, RFC 8257).
//
// The limit moves at most once a round, so that it never reacts twice to the same congestion. A
// round of slow start ends after `limit` completions and doubles the limit; later rounds end after
// max(limit, limits::limiter_round_calls_min) completions or limits::limiter_round_max.
//
// Pure: `now` is an argument. Owned by replica_pool; not thread-safe. Never fails.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenbit {

using time_point = std::chrono::steady_clock::time_point;

class limiter {
public:
  // limit_max >= 1. Starts at min(limit_max, limits::limiter_start).
  explicit limiter(std::uint32_t limit_max);

  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  [[nodiscard]] bool in_slow_start() const { return slow_start_; }

  // A call was answered; in_flight counts it too.
  void on_success(std::uint32_t in_flight, time_point now);
  // The server said it is overloaded.
  void on_throttled(std::uint32_t in_flight, time_point now);

private:
  void count(std::uint32_t in_flight, time_point now);
  void end_round(time_point now);

  std::uint32_t limit_max_;
  std::uint32_t limit_;
  bool slow_start_ = true;
  bool used_ = false; // more than half of the limit was in flight in this round
  std::uint32_t successes_ = 0;
  std::uint32_t throttles_ = 0;
  time_point round_start_{};
};

} // namespace tenbit

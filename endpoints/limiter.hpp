// How many calls one replica may have in flight: slow start, then additive increase and a decrease
// in proportion to the throttled share (AIMD with the proportional cut of DCTCP, RFC 8257). A
// server that queues without saying so is told by its first bytes (queue_signal): while they are
// late the limit does not grow, or is cut, and it comes back quickly to where it was. Now and then
// less is tried, and kept when the replica does as much with it (knee_probe).
//
// The limit moves at most once a round, so that it never reacts twice to the same congestion. A
// round of slow start ends after `limit` completions and doubles the limit; later rounds end after
// max(limit, limits::limiter_round_calls_min) completions or limits::limiter_round_max. It does not
// grow while the probe measures, nor over the ceiling of one that was kept. A throttle or a cut
// ends the probe where it is: a server with too much to do is not given more at once. A new share
// ends it, too, at the limit before.
//
// Pure: `now` is an argument. Owned by replica_pool; not thread-safe. Never fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "endpoints/knee_probe.hpp"
#include "endpoints/queue_signal.hpp"

namespace tenbit {

class limiter {
public:
  // limit_max >= 1. Starts at min(limit_max, limits::limiter_start).
  explicit limiter(std::uint32_t limit_max);

  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  [[nodiscard]] bool in_slow_start() const { return slow_start_; }

  // A call was answered; in_flight counts it too. first_byte: of a stream; without one there is no
  // telling a queue from a long answer. Less is tried where it is not known and the size of the
  // answer is: the first bytes of a probe would be early, which is no standard either.
  void on_success(std::uint32_t in_flight, time_point now,
                  const std::optional<first_byte_time>& first_byte = std::nullopt,
                  const answer_size& answer = {});
  // The server said it is overloaded.
  void on_throttled(std::uint32_t in_flight, time_point now);
  // Its share of the model's concurrency is another one now; limit_max >= 1. A limit that was never
  // cut starts anew from the larger share.
  void share(std::uint32_t limit_max);

private:
  void count(std::uint32_t in_flight, time_point now);
  void end_round(time_point now);
  void grow(time_point now);
  void cut(double part, time_point now);

  std::uint32_t limit_max_;
  std::uint32_t limit_;
  std::uint32_t before_cut_ = 0; // to where it grows quickly; 0: nowhere
  bool slow_start_ = true;
  bool was_cut_ = false;
  bool used_ = false; // more than half of the limit was in flight in this round
  std::uint32_t successes_ = 0;
  std::uint32_t throttles_ = 0;
  time_point round_start_{};
  queue_signal signal_;
  knee_probe probe_;
};

} // namespace tenbit

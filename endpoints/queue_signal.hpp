// Whether calls queue in a server, told by the time to their first bytes against its long average.
//
// Lateness alone does not say why: another mix of prompts or a slower machine is late however few
// calls it has. So a cut is held against what it should bring: when a queue of our own makes the
// first bytes late, fewer calls make them earlier in proportion. If twice they do not, the lateness
// is taken for how the server is, and the average starts anew from there (the ratio to a long
// average: Gradient2 of Netflix's concurrency-limits; the check of its effect is ours). How many
// calls wait is told by Little's law: never more are cut, because a server that has a slot for each
// call until its end is late by much for a queue of few.
//
// Averages are geometric: a few long prompts among short ones weigh little. The long average moves
// only while the server is in use, or an idle hour would make every busy one look late.
//
// Pure. Owned by limiter; not thread-safe. Never fails.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenbit {

using time_point = std::chrono::steady_clock::time_point;

struct first_byte_time {
  time_point started; // of the attempt
  std::chrono::nanoseconds took{0};
};

class queue_signal {
public:
  enum class level : std::uint8_t { none, some, much }; // none: or too few were seen to tell

  void add(const first_byte_time& seen);
  // A round under this limit is over, in which so many calls were answered a second.
  [[nodiscard]] level end_round(std::uint32_t limit, double calls_per_second);
  // The limit was cut to this: calls that began before say nothing about it.
  void on_cut(std::uint32_t limit, time_point now);
  // After `much`: which part of the limit is too much.
  [[nodiscard]] double excess() const { return excess_; }

private:
  [[nodiscard]] bool helped(double short_s, std::uint32_t limit) const;

  double log_sum_ = 0; // of seconds, since the last judgement
  std::uint32_t count_ = 0;
  std::uint32_t skipped_ = 0, to_skip_ = 0;
  double long_s_ = 0; // 0: nothing is known yet
  double excess_ = 0;
  time_point since_ = time_point::min();
  // Of the cut before, while it is late: how late it was under which limit. 0: there was none.
  double late_s_ = 0;
  std::uint32_t late_limit_ = 0;
  int unhelped_ = 0; // cuts in a row that brought nothing
  int late_rounds_ = 0, silent_rounds_ = 0;
  bool any_seen_ = false; // in this round, of whatever time
};

} // namespace tenbit

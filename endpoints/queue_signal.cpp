#include "endpoints/queue_signal.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "config/limits.hpp"

namespace tenbit {
namespace {

// Weight of one round in the long average. Upwards it follows slowly, and hardly at all while the
// lateness is in question: else a queue would make itself the standard.
constexpr double weight_earlier = 0.2;
constexpr double weight_later = 0.05;
constexpr double weight_in_question = 0.002;

constexpr int late_rounds_min = 2; // in a row, before the first cut
constexpr int unhelped_max = 2;
constexpr int silent_rounds_max = 10; // without any first byte: it is not streamed any more
// Of calls that begin together the quick ones end first: so many times the limit are not counted.
constexpr std::uint32_t settling = 2;

} // namespace

void queue_signal::add(const first_byte_time& seen) {
  any_seen_ = true;
  if (seen.started < since_)
    return;
  if (skipped_ < to_skip_) {
    ++skipped_;
    return;
  }
  const double seconds = std::chrono::duration<double>(seen.took).count();
  log_sum_ += std::log(std::max(seconds, 1e-6));
  ++count_;
}

void queue_signal::on_cut(std::uint32_t limit, time_point now) {
  since_ = now;
  skipped_ = 0;
  to_skip_ = settling * limit;
  log_sum_ = 0;
  count_ = 0;
}

// At least half of what the smaller limit promised.
bool queue_signal::helped(double short_s, std::uint32_t limit) const {
  const double promised = static_cast<double>(limit) / late_limit_;
  return short_s <= late_s_ * (1 + promised) / 2;
}

queue_signal::level queue_signal::end_round(std::uint32_t limit, double calls_per_second) {
  silent_rounds_ = std::exchange(any_seen_, false) ? 0 : silent_rounds_ + 1;
  if (count_ < limits::limiter_first_bytes_min) { // what was seen is kept for the next round
    if (silent_rounds_ >= silent_rounds_max)
      late_s_ = late_rounds_ = 0;
    return late_s_ > 0 ? level::some : level::none; // a cut is not undone before it is judged
  }
  const double short_s = std::exp(log_sum_ / count_);
  log_sum_ = 0;
  count_ = 0;
  if (long_s_ == 0)
    long_s_ = short_s;
  const double ratio = short_s / long_s_;
  if (ratio > limits::limiter_cut_ratio && limit > 1) {
    unhelped_ = late_s_ > 0 && !helped(short_s, limit) ? unhelped_ + 1 : 0;
    if (late_s_ == 0 && ++late_rounds_ < late_rounds_min)
      return level::some; // perhaps a chance
    if (unhelped_ < unhelped_max) {
      late_s_ = short_s;
      late_limit_ = limit;
      const double waiting = calls_per_second * (short_s - long_s_) / limit;
      excess_ = std::min(waiting,
                         std::clamp(1 - limits::limiter_cut_ratio / ratio,
                                    limits::limiter_queue_cut_min, limits::limiter_queue_cut_max));
      return level::much;
    }
    long_s_ = short_s; // it is so without a queue of ours
  }
  late_s_ = 0;
  unhelped_ = late_rounds_ = 0;
  const bool in_question = short_s / long_s_ > limits::limiter_hold_ratio;
  const double weight = in_question         ? weight_in_question
                        : short_s < long_s_ ? weight_earlier
                                            : weight_later;
  long_s_ += weight * (short_s - long_s_);
  return in_question ? level::some : level::none;
}

} // namespace tenbit

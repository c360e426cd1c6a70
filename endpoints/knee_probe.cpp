#include "endpoints/knee_probe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "config/limits.hpp"

namespace tenbit {
namespace {

constexpr std::uint32_t probe_part = 10;    // less by one in so many
constexpr std::uint32_t ceiling_part = 4;   // likewise, more
constexpr std::uint32_t settling_calls = 2; // times the limit
constexpr double in_use_min = 0.9;          // of the slots, or it was the work that was short

} // namespace

double knee_probe::window::error_squared() const {
  const double mean = rate();
  return std::max(0.0, squares / slices - mean * mean) / (slices - 1);
}

std::uint32_t knee_probe::ceiling(time_point now) const {
  return ceiling_ > 0 && (measuring() || now < ceiling_until_)
             ? ceiling_
             : std::numeric_limits<std::uint32_t>::max();
}

std::optional<std::uint32_t> knee_probe::on_success(std::uint32_t limit, std::uint32_t in_flight,
                                                    const answer_size& answer, time_point now) {
  if (!steady_since_)
    steady_since_ = now;
  if (phase_ == phase::idle) {
    if (now >= ceiling_until_)
      ceiling_ = 0;
    if (limit > 1 && now - *steady_since_ >= limits::limiter_probe_period)
      begin(phase::before, limit, now);
    return std::nullopt;
  }
  switch (add(limit, in_flight, answer, now)) {
  case measured::not_yet:
    return std::nullopt;
  case measured::nothing: {
    const std::uint32_t stood = phase_ == phase::less ? limit_before_ : limit;
    stays(stood, now);
    return stood;
  }
  case measured::good:
    break;
  }
  if (phase_ == phase::less)
    return decide(limit, now);
  before_ = window_;
  limit_before_ = limit;
  const std::uint32_t less = limit - std::max(1U, limit / probe_part);
  begin(phase::less, less, now);
  return less;
}

void knee_probe::begin(phase which, std::uint32_t limit, time_point now) {
  phase_ = which;
  window_ = {};
  window_.to_skip = std::uint64_t{settling_calls} * limit;
  window_.begun = window_.slice_start = window_.last = now;
}

knee_probe::measured knee_probe::add(std::uint32_t limit, std::uint32_t in_flight,
                                     const answer_size& answer, time_point now) {
  window& w = window_;
  if (now - w.last >= limits::limiter_round_max)
    return measured::nothing; // there was no work, or no answer
  w.last = now;
  if (w.to_skip > 0) {
    if (now - w.begun >= limits::limiter_probe_period)
      return measured::nothing; // calls are so long that the limit would stand still for hours
    --w.to_skip;
    w.slice_start = now;
    return measured::not_yet;
  }
  ++w.calls;
  ++w.slice_calls;
  w.tokens += static_cast<double>(answer.completion_tokens);
  w.seconds += std::chrono::duration<double>(answer.took).count();
  w.in_flight += in_flight;
  w.in_flight_all += in_flight;
  if (now - w.slice_start < limits::limiter_probe_slice)
    return measured::not_yet;
  if (w.tokens <= 0 || w.seconds <= 0)
    return measured::nothing;
  const double rate = w.in_flight / w.slice_calls * w.tokens / w.seconds;
  w.sum += rate;
  w.squares += rate * rate;
  w.tokens = w.seconds = w.in_flight = 0;
  w.slice_calls = 0;
  w.slice_start = now;
  if (++w.slices < limits::limiter_probe_slices_min)
    return measured::not_yet;
  if (w.calls < limits::limiter_probe_calls_min)
    return w.slices < limits::limiter_probe_slices_max ? measured::not_yet : measured::nothing;
  return w.in_flight_all >= in_use_min * limit * w.calls ? measured::good : measured::nothing;
}

std::optional<std::uint32_t> knee_probe::decide(std::uint32_t limit, time_point now) {
  best_rate_ = std::max(best_rate_, before_.rate());
  const double error = std::sqrt(before_.error_squared() + window_.error_squared());
  if (window_.rate() < best_rate_ * (1 - limits::limiter_probe_loss_max) + error) {
    stays(limit_before_, now);
    return limit_before_;
  }
  phase_ = phase::idle;
  steady_since_ = now;
  ceiling_ = limit;
  ceiling_until_ = now + 2 * limits::limiter_probe_period;
  return std::nullopt;
}

// Not down: then a limit that is held down may go up.
void knee_probe::stays(std::uint32_t limit, time_point now) {
  const bool held = ceiling(now) < std::numeric_limits<std::uint32_t>::max();
  phase_ = phase::idle;
  steady_since_ = now;
  best_rate_ = 0;
  if (!held) {
    ceiling_ = 0;
    return;
  }
  ceiling_ = std::max(ceiling_, limit + std::max(1U, limit / ceiling_part));
  ceiling_until_ = now + 2 * limits::limiter_probe_period;
}

std::optional<std::uint32_t> knee_probe::disturbed() {
  const bool tried = phase_ == phase::less;
  phase_ = phase::idle;
  steady_since_.reset();
  best_rate_ = 0;
  return tried ? std::optional(limit_before_) : std::nullopt;
}

} // namespace tenbit

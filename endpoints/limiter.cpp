#include "endpoints/limiter.hpp"

#include <algorithm>
#include <cmath>

#include "base/expected.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

constexpr double cut_max = 0.2; // of the limit, in one round

} // namespace

limiter::limiter(std::uint32_t limit_max)
    : limit_max_(limit_max), limit_(std::min(limit_max, limits::limiter_start)) {
  TENBIT_ASSERT(limit_max >= 1);
}

void limiter::on_success(std::uint32_t in_flight, time_point now) {
  ++successes_;
  count(in_flight, now);
}

void limiter::on_throttled(std::uint32_t in_flight, time_point now) {
  ++throttles_;
  count(in_flight, now);
}

void limiter::count(std::uint32_t in_flight, time_point now) {
  const std::uint32_t seen = successes_ + throttles_;
  if (seen == 1)
    round_start_ = now;
  used_ = used_ || in_flight * 2 > limit_;
  // Time alone never ends a round of slow start: few completions in ten seconds say that calls are
  // long, not that the server has room.
  const bool enough =
      slow_start_ ? seen >= limit_ : seen >= std::max(limit_, limits::limiter_round_calls_min);
  const bool old = now - round_start_ >= limits::limiter_round_max && (!slow_start_ || throttles_);
  if (enough || old)
    end_round(now);
}

void limiter::end_round(time_point now) {
  if (throttles_ > 0) {
    const double share = static_cast<double>(throttles_) / (successes_ + throttles_);
    const double cut = std::max(1.0, limit_ * std::min(cut_max, 2 * share));
    limit_ = std::max(1U, limit_ - std::min(limit_, static_cast<std::uint32_t>(cut)));
    slow_start_ = false;
  } else if (used_) {
    const double step = slow_start_ ? limit_ : std::max(1.0, std::sqrt(double{limit_ * 1.0}) / 4);
    limit_ = std::min(limit_max_, limit_ + static_cast<std::uint32_t>(step));
  }
  slow_start_ = slow_start_ && limit_ < limit_max_;
  successes_ = throttles_ = 0;
  used_ = false;
  round_start_ = now;
}

} // namespace tenbit

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
  signal_.on_cut(limit_, time_point::min());
}

void limiter::on_success(std::uint32_t in_flight, time_point now,
                         const std::optional<first_byte_time>& first_byte,
                         const answer_size& answer) {
  ++successes_;
  // Of a server that is hardly used the first bytes are early, which is no standard for later.
  if (first_byte && in_flight * 2 > limit_)
    signal_.add(*first_byte);
  if (first_byte) // what tells a queue by itself would take a probe's quicker ones for its measure
    limit_ = probe_.disturbed().value_or(limit_);
  else if (!slow_start_ && before_cut_ == 0)
    limit_ = probe_.on_success(limit_, in_flight, answer, now).value_or(limit_);
  count(in_flight, now);
}

void limiter::on_throttled(std::uint32_t in_flight, time_point now) {
  ++throttles_;
  probe_.disturbed();
  count(in_flight, now);
}

void limiter::share(std::uint32_t limit_max) {
  TENBIT_ASSERT(limit_max >= 1);
  if (limit_max == limit_max_)
    return;
  const bool larger = limit_max > limit_max_;
  limit_max_ = limit_max;
  limit_ = probe_.disturbed().value_or(limit_);
  if (larger && !was_cut_ && !probe_.met()) {
    limit_ = std::max(limit_, std::min(limit_max, limits::limiter_start));
    slow_start_ = limit_ < limit_max_;
  }
  limit_ = std::min(limit_, limit_max_);
  before_cut_ = std::min(before_cut_, limit_max_);
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
  const double round_s = std::chrono::duration<double>(now - round_start_).count();
  // Its first completion began it.
  const double per_second = round_s > 0 ? (successes_ + throttles_ - 1) / round_s : limit_;
  const auto late = signal_.end_round(limit_, per_second);
  if (throttles_ > 0) {
    const double share = static_cast<double>(throttles_) / (successes_ + throttles_);
    cut(std::min(cut_max, 2 * share), now);
    before_cut_ = 0; // the server says where its end is
  } else if (late == queue_signal::level::much) {
    before_cut_ = std::max(before_cut_, limit_);
    cut(signal_.excess(), now);
  } else if (!used_) {
    limit_ = probe_.disturbed().value_or(limit_);
  } else if (late == queue_signal::level::none && !probe_.measuring()) {
    grow(now);
  }
  slow_start_ = slow_start_ && limit_ < limit_max_;
  successes_ = throttles_ = 0;
  used_ = false;
  round_start_ = now;
}

void limiter::cut(double part, time_point now) {
  const double less = std::max(1.0, limit_ * part);
  limit_ = std::max(1U, limit_ - std::min(limit_, static_cast<std::uint32_t>(less)));
  slow_start_ = false;
  was_cut_ = true;
  probe_.disturbed();
  signal_.on_cut(limit_, now);
}

void limiter::grow(time_point now) {
  const std::uint32_t top = std::max(limit_, std::min(limit_max_, probe_.ceiling(now)));
  if (limit_ < before_cut_) {
    const double step = std::max(1.0, limit_ * limits::limiter_regrowth);
    limit_ = std::min({top, before_cut_, limit_ + static_cast<std::uint32_t>(step)});
    return;
  }
  before_cut_ = 0;
  const double step = slow_start_ ? limit_ : std::max(1.0, std::sqrt(double{limit_ * 1.0}) / 4);
  limit_ = std::min(top, limit_ + static_cast<std::uint32_t>(step));
}

} // namespace tenbit

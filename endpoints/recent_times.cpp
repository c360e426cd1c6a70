#include "endpoints/recent_times.hpp"

namespace tenbit {

void recent_times::add(std::chrono::microseconds duration, time_point now) {
  const auto age = now - begun_;
  if (age >= limits::quantile_window) {
    before_ = age < 2 * limits::quantile_window ? current_ : histogram();
    current_ = {};
    begun_ = now;
  }
  current_.add(duration);
}

histogram recent_times::at(time_point now) const {
  const auto age = now - begun_;
  if (age >= 2 * limits::quantile_window)
    return {};
  histogram out = current_;
  if (age < limits::quantile_window)
    out.add(before_);
  return out;
}

} // namespace tenbit

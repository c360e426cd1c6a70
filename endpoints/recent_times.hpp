// Durations of the last minutes: what is older than two windows is forgotten, so that a slow hour
// shows after a good day.
//
// Owned by the client's thread; not thread-safe. Never fails.
#pragma once

#include "base/histogram.hpp"
#include "config/limits.hpp"
#include "endpoints/limiter.hpp"

namespace tenbit {

class recent_times {
public:
  void add(std::chrono::microseconds duration, time_point now);
  // Of the window that runs and the one before it; empty when nothing was added in them.
  [[nodiscard]] histogram at(time_point now) const;

private:
  histogram current_, before_;
  time_point begun_{}; // of the current window
};

} // namespace tenbit

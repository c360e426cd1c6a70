// Durations counted in 256 fixed buckets, eight to each doubling: a quantile is within 7 % of the
// truth.
//
// recent_times forgets what is older than two windows, so that a slow hour shows after a good day.
//
// Owned by the client's thread; not thread-safe. Never fails.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "config/limits.hpp"
#include "endpoints/limiter.hpp"

namespace tenbit {

class histogram {
public:
  void add(std::chrono::microseconds duration);
  // The q-quantile in milliseconds, 0 <= q <= 1; 0 when nothing was added.
  [[nodiscard]] double quantile_ms(double q) const;
  [[nodiscard]] std::uint64_t count() const { return total_; }
  void add(const histogram& other);

private:
  std::array<std::uint64_t, 256> buckets_{};
  std::uint64_t total_ = 0;
};

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

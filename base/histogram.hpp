// Durations counted in 256 fixed buckets, eight to each doubling: a quantile is within 7 % of the
// truth.
//
// Not thread-safe. Never fails.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

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

} // namespace tenbit

// Quantiles of many durations in fixed memory.
//
// Counts in buckets whose width is 1/128 of their lower end, so that a quantile is right to within
// 0.8 %; below 128 it is exact. One thread.
#pragma once

#include <array>
#include <cstdint>

namespace tenbit::report {

class quantile_counts {
public:
  void add(std::uint64_t value);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // The lower end of the bucket that holds the ceil(q * count)-th smallest value; 0 when empty.
  [[nodiscard]] std::uint64_t quantile(double q) const;

private:
  static constexpr unsigned mantissa_bits = 7;
  static constexpr std::size_t buckets = (64 - mantissa_bits + 1) << mantissa_bits;
  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
};

} // namespace tenbit::report

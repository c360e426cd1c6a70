#include "report/quantile_counts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/expected.hpp"

namespace tenbit::report {

void quantile_counts::add(std::uint64_t value) {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  std::size_t bucket = static_cast<std::size_t>(value);
  if (width > mantissa_bits) { // the leading bit and 7 more pick the bucket
    const unsigned shift = width - mantissa_bits - 1;
    bucket = (static_cast<std::size_t>(shift) << mantissa_bits) +
             static_cast<std::size_t>(value >> shift);
  }
  ++counts_[bucket];
  ++count_;
}

std::uint64_t quantile_counts::quantile(double q) const {
  TENBIT_ASSERT(q >= 0 && q <= 1);
  if (count_ == 0)
    return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket + 1 < buckets && (seen += counts_[bucket]) < wanted)
    ++bucket;
  constexpr std::size_t first = std::size_t{1} << mantissa_bits;
  if (bucket < 2 * first)
    return bucket;
  const std::size_t shift = (bucket >> mantissa_bits) - 1;
  return (first + (bucket & (first - 1))) << shift;
}

} // namespace tenbit::report

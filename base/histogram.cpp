#include "base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tenbit {
namespace {

// Values below 8 have a bucket each; above, the top three bits after the leading one choose it.
std::size_t bucket_of(std::uint64_t us) {
  if (us < 8)
    return us;
  const auto log = static_cast<unsigned>(std::bit_width(us)) - 1;
  return std::min<std::size_t>(255, (log - 2) * 8 + ((us >> (log - 3)) & 7U));
}

double middle_of(std::size_t bucket) {
  if (bucket < 8)
    return static_cast<double>(bucket);
  const auto log = static_cast<int>(bucket / 8 + 2);
  return std::ldexp(8.5 + static_cast<double>(bucket % 8), log - 3);
}

} // namespace

void histogram::add(std::chrono::microseconds duration) {
  const auto us = std::max<std::int64_t>(0, duration.count());
  ++buckets_[bucket_of(static_cast<std::uint64_t>(us))];
  ++total_;
}

void histogram::add(const histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  total_ += other.total_;
}

double histogram::quantile_ms(double q) const {
  if (total_ == 0)
    return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= std::max<std::uint64_t>(rank, 1))
      return middle_of(i) / 1000;
  }
  return middle_of(buckets_.size() - 1) / 1000;
}

} // namespace tenbit

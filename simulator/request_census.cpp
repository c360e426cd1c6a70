#include "simulator/request_census.hpp"

#include <utility>

#include "config/limits.hpp"

namespace tenbit::sim {

std::uint32_t request_census::arrive(std::uint64_t hash) {
  slot* found = &place(hash);
  if (found->arrivals == 0) {
    if (used_ >= limits::sim_distinct_max)
      return 1;
    if ((used_ + 1) * 10 > slots_.size() * 7) {
      grow();
      found = &place(hash);
    }
    found->hash = hash;
    ++used_;
  }
  if (found->arrivals != UINT32_MAX)
    ++found->arrivals;
  return found->arrivals;
}

request_census::slot& request_census::place(std::uint64_t hash) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(hash) & mask; // hashes are uniform already
  while (slots_[at].arrivals != 0 && slots_[at].hash != hash)
    at = (at + 1) & mask;
  return slots_[at];
}

void request_census::grow() {
  std::vector<slot> old(slots_.size() * 2);
  std::swap(old, slots_);
  for (const slot& one : old) {
    if (one.arrivals != 0)
      place(one.hash) = one;
  }
}

} // namespace tenbit::sim

// Counts how often each request arrived, by its 64-bit hash: for faults that a retry survives, and
// for the number of distinct requests.
//
// Open addressing, no allocation per request. Holds at most limits::sim_distinct_max hashes; a
// request beyond them counts as new each time and is not counted as distinct. One owner, one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenbit::sim {

class request_census {
public:
  // The arrival number of this request, from 1.
  std::uint32_t arrive(std::uint64_t hash);
  [[nodiscard]] std::size_t distinct() const { return used_; }

private:
  struct slot {
    std::uint64_t hash = 0;
    std::uint32_t arrivals = 0; // 0: free
  };
  void grow();
  [[nodiscard]] slot& place(std::uint64_t hash);

  std::vector<slot> slots_ = std::vector<slot>(1024); // a power of two
  std::size_t used_ = 0;
};

} // namespace tenbit::sim

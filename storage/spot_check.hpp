// A look at some of what a store calls done, beside its use: a journal that was changed or damaged
// is found in the first minutes, without waiting for somebody to call verify.
//
// One task in limits::spot_check_stride (more of a small store), drawn by a seed, so that every
// start looks at others. Reads the state row, the chain of events to its head and the ledger rows.
// Not thread-safe; the store is only read.
#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "storage/store.hpp"

namespace tenbit::storage {

class spot_check {
public:
  spot_check(const store& of, std::uint64_t seed);
  // Looks at so many drawn tasks more, at most. Fails with the first that does not hold: `corrupt`,
  // or `io` when it cannot be read.
  [[nodiscard]] status<store_failure> step(std::size_t tasks);
  [[nodiscard]] bool over() const { return next_ >= tasks_; }
  [[nodiscard]] std::uint64_t checked() const { return checked_; } // tasks that were done

private:
  [[nodiscard]] status<store_failure> look_at(problem_index task);

  const store& store_;
  std::uint64_t tasks_, stride_;
  std::uint64_t next_ = 0; // the first task of the next stretch of which one is drawn
  std::uint64_t checked_ = 0;
  random_stream drawn_;
};

} // namespace tenbit::storage

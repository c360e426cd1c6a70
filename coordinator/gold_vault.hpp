// Where gold is written to the store and taken out of it, sealed. Part of the coordinator.
#pragma once

#include "benchmarks/benchmark.hpp"
#include "storage/store.hpp"

namespace tenbit {

class gold_vault {
public:
  // The rows of a new store: public problems with gold beside them, for its sealed column family.
  [[nodiscard]] static std::vector<problem_row> rows(const benchmark& b);
  // Gold of one task, still sealed: for the oracle and the grader.
  [[nodiscard]] static expected<gold, store_failure> fetch(const store& s, problem_index task);
};

} // namespace tenbit

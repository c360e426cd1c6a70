// A benchmark in memory: public problems and sealed gold, side by side.
//
// Loading validates everything (sizes, UTF-8, JSON, schema, a gold that can be graded) and fails
// with the file and line of the first bad row. Immutable afterwards, so it may be shared between
// threads.
#pragma once

#include <string>
#include <vector>

#include "base/expected.hpp"
#include "base/hash.hpp"
#include "benchmarks/gold.hpp"
#include "benchmarks/problem.hpp"
#include "config/experiment.hpp"

namespace tenbit {

struct benchmark {
  std::string name;              // "arith" or "gsm8k"
  std::vector<problem> problems; // problems[i].index == i
  std::vector<gold> golds;       // golds[i] belongs to problems[i]
  hash256 content; // over questions and golds, in order: part of the experiment's identity
};

// The error is one line for people: file, line, what is wrong, how to mend it.
[[nodiscard]] expected<benchmark, std::string> load_benchmark(const benchmark_spec& spec);

} // namespace tenbit

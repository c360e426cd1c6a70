// Paired bootstrap over problems, on counts instead of lists.
//
// Problems that look alike (same share right in every series) form a cell; drawing n problems with
// replacement is then one multinomial draw over the cells, so the time depends on the number of
// cells and not of problems. Seeded: equal cells and seed give equal intervals. Pure, never fails.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "report/statistics.hpp"

namespace tenbit::report {

inline constexpr std::uint32_t bootstrap_resamples = 10'000; // the ends of a 95 % interval are the
                                                             // 250th values: steady to about a
                                                             // tenth of the standard error
inline constexpr std::uint64_t bootstrap_seed = 20'260'404;

// Exact binomial draw: the number of successes in n trials of probability p. Constant time for
// large n * p (transformed rejection, Hörmann 1993), time n * p for small ones.
[[nodiscard]] std::uint64_t draw_binomial(random_stream& random, std::uint64_t n, double p);

// n things spread over cells in proportion to `weights`; `drawn` gets the counts and has their
// size.
void draw_multinomial(random_stream& random, std::uint64_t n,
                      std::span<const std::uint64_t> weights, std::span<std::uint64_t> drawn);

// Problems with the same shares right: of an arm, of its solver alone, of its answerer alone.
struct gap_cell {
  double arm = 0;
  double solver = 0;
  double answerer = 0;
  std::uint64_t problems = 0;
};

// What part of the way from solver to answerer the arm goes: (arm - solver) / (answerer - solver).
struct gap_estimate {
  std::uint64_t problems = 0;
  double gap = 0; // answerer - solver
  interval gap_ci;
  // Absent when the gap is 0 or its interval includes 0: a share of nothing has no meaning.
  std::optional<double> closed;
  interval closed_ci; // only with closed; over the resamples whose gap is not 0
};
[[nodiscard]] gap_estimate estimate_gap_closed(std::span<const gap_cell> cells,
                                               std::uint64_t seed = bootstrap_seed,
                                               std::uint32_t resamples = bootstrap_resamples);

} // namespace tenbit::report

#include "report/bootstrap.hpp"

#include <algorithm>
#include <cmath>

#include "base/expected.hpp"

namespace tenbit::report {

namespace {

// log(k!) minus Stirling's main term, as the rejection test below needs it.
double stirling_tail(double k) {
  static constexpr std::array<double, 10> table = {
      0.0810614667953272,  0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
      0.0166446911898211,  0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
      0.00925546218271273, 0.00833056343336287};
  if (k <= 9)
    return table[static_cast<std::size_t>(k)];
  const double square = (k + 1) * (k + 1);
  return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

// Waiting times between successes; p <= 0.5 and n * p small.
std::uint64_t draw_by_waiting(random_stream& random, std::uint64_t n, double p) {
  const double log_fail = std::log1p(-p);
  double passed = 0;
  std::uint64_t successes = 0;
  for (;;) {
    passed += std::floor(std::log(1 - random.unit()) / log_fail) + 1;
    if (passed > static_cast<double>(n))
      return successes;
    ++successes;
  }
}

// Algorithm BTRS of Hörmann, "The generation of binomial random variates" (1993); n * p >= 10, p <=
// 0.5.
std::uint64_t draw_by_rejection(random_stream& random, std::uint64_t count, double p) {
  const double n = static_cast<double>(count);
  const double spread = std::sqrt(n * p * (1 - p));
  const double b = 1.15 + 2.53 * spread;
  const double a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = n * p + 0.5;
  const double accept = 0.92 - 4.2 / b;
  const double odds = p / (1 - p);
  const double alpha = (2.83 + 5.1 / b) * spread;
  const double mode = std::floor((n + 1) * p);
  for (;;) {
    const double u = random.unit() - 0.5;
    const double v = 1 - random.unit(); // never 0: its logarithm is taken
    const double us = 0.5 - std::abs(u);
    if (us <= 0)
      continue;
    const double k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= accept)
      return static_cast<std::uint64_t>(k);
    if (k < 0 || k > n)
      continue;
    const double left = std::log(v * alpha / (a / (us * us) + b));
    const double right = (mode + 0.5) * std::log((mode + 1) / (odds * (n - mode + 1))) +
                         (n + 1) * std::log((n - mode + 1) / (n - k + 1)) +
                         (k + 0.5) * std::log(odds * (n - k + 1) / (k + 1)) + stirling_tail(mode) +
                         stirling_tail(n - mode) - stirling_tail(k) - stirling_tail(n - k);
    if (left <= right)
      return static_cast<std::uint64_t>(k);
  }
}

interval percentile_interval(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return {quantile_sorted(values, 0.025), quantile_sorted(values, 0.975)};
}

struct gap_means {
  double arm = 0, solver = 0, answerer = 0;
  [[nodiscard]] double gap() const { return answerer - solver; }
};

gap_means means_of(std::span<const gap_cell> cells, std::span<const std::uint64_t> counts,
                   std::uint64_t n) {
  gap_means sums;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double weight = static_cast<double>(counts[i]);
    sums.arm += weight * cells[i].arm;
    sums.solver += weight * cells[i].solver;
    sums.answerer += weight * cells[i].answerer;
  }
  const double total = static_cast<double>(n);
  return {sums.arm / total, sums.solver / total, sums.answerer / total};
}

// Shares are sums of a few fractions; a gap this small is rounding.
constexpr double no_gap = 1e-12;

} // namespace

std::uint64_t draw_binomial(random_stream& random, std::uint64_t n, double p) {
  if (n == 0 || p <= 0)
    return 0;
  if (p >= 1)
    return n;
  if (p > 0.5)
    return n - draw_binomial(random, n, 1 - p);
  return static_cast<double>(n) * p < 10 ? draw_by_waiting(random, n, p)
                                         : draw_by_rejection(random, n, p);
}

void draw_multinomial(random_stream& random, std::uint64_t n,
                      std::span<const std::uint64_t> weights, std::span<std::uint64_t> drawn) {
  TENBIT_ASSERT(weights.size() == drawn.size());
  std::uint64_t weight_left = 0;
  for (std::uint64_t w : weights)
    weight_left += w;
  std::uint64_t left = n;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // The last cell with weight has p = 1 and takes what is left.
    const double p =
        weight_left == 0 ? 0 : static_cast<double>(weights[i]) / static_cast<double>(weight_left);
    drawn[i] = draw_binomial(random, left, p);
    left -= drawn[i];
    weight_left -= weights[i];
  }
}

gap_estimate estimate_gap_closed(std::span<const gap_cell> cells, std::uint64_t seed,
                                 std::uint32_t resamples) {
  gap_estimate result;
  std::vector<std::uint64_t> weights;
  weights.reserve(cells.size());
  for (const gap_cell& cell : cells) {
    weights.push_back(cell.problems);
    result.problems += cell.problems;
  }
  if (result.problems == 0)
    return result;
  const gap_means seen = means_of(cells, weights, result.problems);
  result.gap = seen.gap();

  random_stream random(seed, "report.bootstrap", result.problems);
  std::vector<std::uint64_t> drawn(cells.size());
  std::vector<double> gaps, closed;
  gaps.reserve(resamples);
  closed.reserve(resamples);
  for (std::uint32_t i = 0; i < resamples; ++i) {
    draw_multinomial(random, result.problems, weights, drawn);
    const gap_means means = means_of(cells, drawn, result.problems);
    gaps.push_back(means.gap());
    if (std::abs(means.gap()) > no_gap)
      closed.push_back((means.arm - means.solver) / means.gap());
  }
  result.gap_ci = percentile_interval(gaps);
  const bool apart = result.gap_ci.low > no_gap || result.gap_ci.high < -no_gap;
  if (!apart || std::abs(result.gap) <= no_gap)
    return result;
  result.closed = (seen.arm - seen.solver) / seen.gap();
  result.closed_ci = percentile_interval(closed);
  return result;
}

} // namespace tenbit::report

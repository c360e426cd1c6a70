#include "report/bootstrap.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace tenbit::report {
namespace {

// Pearson's test of many draws against the exact probabilities, cells of at least 10 expected.
double chi_square_z(std::uint64_t n, double p, std::uint64_t seed) {
  constexpr int draws = 200'000;
  random_stream random(seed);
  std::vector<int> seen(n + 1, 0);
  for (int i = 0; i < draws; ++i)
    ++seen.at(draw_binomial(random, n, p));
  double statistic = 0, expected_sum = 0, freedom = -1;
  double seen_sum = 0;
  for (std::uint64_t k = 0; k <= n; ++k) {
    const double x = static_cast<double>(k), m = static_cast<double>(n);
    expected_sum +=
        draws * std::exp(std::lgamma(m + 1) - std::lgamma(x + 1) - std::lgamma(m - x + 1) +
                         x * std::log(p) + (m - x) * std::log1p(-p));
    seen_sum += seen[k];
    if (expected_sum < 10 && k < n)
      continue;
    if (expected_sum >= 1) {
      statistic += (seen_sum - expected_sum) * (seen_sum - expected_sum) / expected_sum;
      freedom += 1;
    }
    expected_sum = seen_sum = 0;
  }
  return (statistic - freedom) / std::sqrt(2 * freedom);
}

TEST(DrawBinomial, EveryRegime_HasTheExactDistribution) {
  EXPECT_LT(chi_square_z(5, 0.3, 1), 4);      // waiting times
  EXPECT_LT(chi_square_z(1000, 0.004, 2), 4); // waiting times, rare
  EXPECT_LT(chi_square_z(40, 0.3, 3), 4);     // rejection
  EXPECT_LT(chi_square_z(1000, 0.5, 4), 4);   // rejection, wide
  EXPECT_LT(chi_square_z(300, 0.9, 5), 4);    // mirrored
}

TEST(DrawBinomial, Ends_AreCertain) {
  random_stream random(1);
  EXPECT_EQ(draw_binomial(random, 10, 0), 0U);
  EXPECT_EQ(draw_binomial(random, 10, 1), 10U);
  EXPECT_EQ(draw_binomial(random, 0, 0.5), 0U);
}

TEST(DrawMultinomial, Counts_SumToN) {
  random_stream random(7);
  const std::vector<std::uint64_t> weights = {0, 5, 0, 900, 95, 0};
  std::vector<std::uint64_t> drawn(weights.size()), sums(weights.size());
  for (int i = 0; i < 1000; ++i) {
    draw_multinomial(random, 1000, weights, drawn);
    EXPECT_EQ(std::accumulate(drawn.begin(), drawn.end(), std::uint64_t{0}), 1000U);
    for (std::size_t j = 0; j < drawn.size(); ++j)
      sums[j] += drawn[j];
  }
  EXPECT_EQ(sums[0] + sums[2] + sums[5], 0U);
  EXPECT_NEAR(static_cast<double>(sums[1]), 5000, 5 * std::sqrt(5000.0));
  EXPECT_NEAR(static_cast<double>(sums[4]), 95'000, 5 * std::sqrt(95'000.0));
}

TEST(GapClosed, Half_IsHalfWithAnIntervalAroundIt) {
  const std::vector<gap_cell> cells = {
      {1, 1, 1, 100}, {1, 0, 1, 150}, {0, 0, 1, 150}, {0, 0, 0, 100}};
  const gap_estimate e = estimate_gap_closed(cells);
  EXPECT_EQ(e.problems, 500U);
  EXPECT_DOUBLE_EQ(e.gap, 0.6);
  ASSERT_TRUE(e.closed);
  EXPECT_DOUBLE_EQ(*e.closed, 0.5);
  // The share closed is a share of the ~300 problems in the gap: sd sqrt(0.25 / 300).
  EXPECT_NEAR(e.closed_ci.low, 0.5 - 1.96 * std::sqrt(0.25 / 300), 0.004);
  EXPECT_NEAR(e.closed_ci.high, 0.5 + 1.96 * std::sqrt(0.25 / 300), 0.004);
  // And the gap itself: sd sqrt(0.6 * 0.4 / 500).
  EXPECT_NEAR(e.gap_ci.low, 0.6 - 1.96 * std::sqrt(0.24 / 500), 0.004);
  EXPECT_NEAR(e.gap_ci.high, 0.6 + 1.96 * std::sqrt(0.24 / 500), 0.004);
}

TEST(GapClosed, PairsOfAnswers_ArePaired) {
  // Arm and answerer agree everywhere: whatever is drawn, the whole gap is closed.
  const gap_estimate e = estimate_gap_closed(std::vector<gap_cell>{{1, 0, 1, 60}, {0, 0, 0, 40}});
  ASSERT_TRUE(e.closed);
  EXPECT_DOUBLE_EQ(e.closed_ci.low, 1);
  EXPECT_DOUBLE_EQ(e.closed_ci.high, 1);
}

TEST(GapClosed, NoGap_IsAbsent) {
  EXPECT_FALSE(estimate_gap_closed(std::vector<gap_cell>{{1, 0, 0, 30}, {1, 1, 1, 30}}).closed);
}

TEST(GapClosed, GapWithinNoise_IsAbsent) {
  const gap_estimate e =
      estimate_gap_closed(std::vector<gap_cell>{{1, 0, 1, 6}, {1, 1, 0, 4}, {1, 1, 1, 40}});
  EXPECT_GT(e.gap, 0);
  EXPECT_LT(e.gap_ci.low, 0);
  EXPECT_FALSE(e.closed);
}

TEST(GapClosed, NothingAtAll_IsAbsent) {
  EXPECT_EQ(estimate_gap_closed({}).problems, 0U);
  EXPECT_FALSE(estimate_gap_closed({}).closed);
}

TEST(GapClosed, EqualSeeds_GiveEqualIntervals) {
  const std::vector<gap_cell> cells = {{1, 0, 1, 50}, {0.5, 0, 1, 50}, {0, 0, 0, 100}};
  const gap_estimate a = estimate_gap_closed(cells, 5), b = estimate_gap_closed(cells, 5),
                     c = estimate_gap_closed(cells, 6);
  EXPECT_EQ(a.closed_ci, b.closed_ci);
  EXPECT_NE(a.closed_ci, c.closed_ci);
}

// The plain way: draw problems one by one. Both estimate the same distribution.
TEST(GapClosed, AgainstDrawingProblems_Agrees) {
  const std::vector<gap_cell> cells = {{1, 0, 1, 8}, {0, 1, 1, 2}, {0, 0, 1, 10}, {1, 1, 1, 20}};
  const gap_estimate e = estimate_gap_closed(cells);
  random_stream random(99);
  std::vector<double> closed;
  for (int i = 0; i < 10'000; ++i) {
    double arm = 0, solver = 0, answerer = 0;
    for (int draw = 0; draw < 40; ++draw) {
      auto at = random.below(40);
      std::size_t cell = 0;
      while (at >= cells[cell].problems)
        at -= cells[cell++].problems;
      arm += cells[cell].arm;
      solver += cells[cell].solver;
      answerer += cells[cell].answerer;
    }
    if (answerer != solver)
      closed.push_back((arm - solver) / (answerer - solver));
  }
  std::sort(closed.begin(), closed.end());
  ASSERT_TRUE(e.closed);
  EXPECT_NEAR(e.closed_ci.low, quantile_sorted(closed, 0.025), 0.03);
  EXPECT_NEAR(e.closed_ci.high, quantile_sorted(closed, 0.975), 0.03);
}

} // namespace
} // namespace tenbit::report

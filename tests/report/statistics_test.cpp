#include "report/statistics.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tenbit::report {
namespace {

// Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
TEST(Wilson, PublishedExamples_Agree) {
  const struct {
    double right, n, low, high;
  } rows[] = {{81, 263, 0.2553, 0.3662},
              {15, 148, 0.0624, 0.1605},
              {0, 20, 0, 0.1611},
              {1, 29, 0.0061, 0.1718}};
  for (const auto& row : rows) {
    const interval ci = wilson(row.right / row.n, row.n);
    EXPECT_NEAR(ci.low, row.low, 0.00005) << row.right << "/" << row.n;
    EXPECT_NEAR(ci.high, row.high, 0.00005) << row.right << "/" << row.n;
  }
}

TEST(Wilson, Nothing_IsEverything) {
  EXPECT_EQ(wilson(0, 0), (interval{0, 1}));
}

TEST(Wilson, Extremes_StayInsideExactly) {
  EXPECT_EQ(wilson(0, 50).low, 0);
  EXPECT_EQ(wilson(1, 50).high, 1);
}

// The ends are where the score test just rejects: (share - end)^2 n = z^2 end (1 - end).
RC_GTEST_PROP(Wilson, Ends_SolveTheScoreEquation, ()) {
  const auto n = *rc::gen::inRange<int>(1, 5000);
  const auto right = *rc::gen::inRange<int>(1, n + 1);
  RC_PRE(right < n);
  const double share = static_cast<double>(right) / n;
  const interval ci = wilson(share, n);
  for (double end : {ci.low, ci.high})
    RC_ASSERT(std::abs((share - end) * (share - end) * n - 3.841458820694124 * end * (1 - end)) <
              1e-9 * n);
  RC_ASSERT(ci.low < share && share < ci.high);
}

TEST(ClusteredShare, OneTrialEach_IsPlainWilson) {
  clustered_share s;
  for (int i = 0; i < 40; ++i)
    s.add(i < 13 ? 1 : 0, 1);
  EXPECT_EQ(s.effective_n(), 40);
  EXPECT_EQ(s.ci(), wilson(13.0 / 40, 40));
}

TEST(ClusteredShare, TrialsThatAgree_AreWorthOne) {
  clustered_share s;
  for (int i = 0; i < 40; ++i)
    s.add(i < 10 ? 5 : 0, 5);
  EXPECT_DOUBLE_EQ(s.effective_n(), 40);
  EXPECT_DOUBLE_EQ(s.share(), 0.25);
}

TEST(ClusteredShare, TrialsUnrelatedToProblems_AreWorthAll) {
  clustered_share
      s; // of 2 trials: 0, 1, 2 right in proportion 1 : 2 : 1, as independent coins give
  for (int i = 0; i < 100; ++i) {
    s.add(0, 2);
    s.add(1, 2);
    s.add(1, 2);
    s.add(2, 2);
  }
  EXPECT_DOUBLE_EQ(s.effective_n(), 800);
}

TEST(ClusteredShare, AllRight_CountsProblemsOnly) {
  clustered_share s;
  for (int i = 0; i < 7; ++i)
    s.add(3, 3);
  EXPECT_EQ(s.effective_n(), 7);
  EXPECT_EQ(s.ci().high, 1);
}

// Fagerland, Lydersen, Laake, "The McNemar test for binary matched-pairs data" (2013): airway
// hyper-responsiveness before and after stem cell transplantation, 1 against 7 discordant pairs.
TEST(Mcnemar, PublishedExample_Agrees) {
  const mcnemar_p p = mcnemar(1, 7);
  EXPECT_NEAR(p.exact, 0.0703, 0.00005);
  EXPECT_NEAR(p.mid, 0.0391, 0.00005);
}

TEST(Mcnemar, NoDiscordantPairs_IsOne) {
  EXPECT_EQ(mcnemar(0, 0).exact, 1);
  EXPECT_EQ(mcnemar(0, 0).mid, 1);
}

// Pascal's triangle in whole numbers.
TEST(Mcnemar, AllSmallTables_AgreeWithCounting) {
  std::vector<std::uint64_t> row = {1};
  for (std::uint64_t n = 1; n <= 50; ++n) {
    std::vector<std::uint64_t> next(n + 1, 1);
    for (std::uint64_t i = 1; i < n; ++i)
      next[i] = row[i - 1] + row[i];
    row = next;
    for (std::uint64_t k = 0; k <= n; ++k) {
      std::uint64_t tail = 0;
      for (std::uint64_t i = 0; i <= std::min(k, n - k); ++i)
        tail += row[i];
      const double scale = std::ldexp(1.0, -static_cast<int>(n));
      const double exact = std::min(1.0, 2 * static_cast<double>(tail) * scale);
      const double mid =
          2 * static_cast<double>(tail) * scale - static_cast<double>(row[k]) * scale;
      EXPECT_NEAR(mcnemar(k, n - k).exact, exact, 1e-12) << n << " " << k;
      EXPECT_NEAR(mcnemar(k, n - k).mid, std::min(1.0, mid), 1e-12) << n << " " << k;
    }
  }
}

// The normal limit: mid-p without, exact with continuity correction.
TEST(Mcnemar, MillionPairs_ApproachesTheNormalTest) {
  const mcnemar_p p = mcnemar(499'000, 501'000);
  EXPECT_NEAR(p.mid, std::erfc(2000 / 1000.0 / std::sqrt(2.0)), 1e-6);
  EXPECT_NEAR(p.exact, std::erfc(1999 / 1000.0 / std::sqrt(2.0)), 1e-6);
}

TEST(Mcnemar, HugeAndLopsided_IsFiniteAndTiny) {
  const mcnemar_p p = mcnemar(0, 10'000'000);
  EXPECT_GE(p.exact, 0);
  EXPECT_LT(p.exact, 1e-300);
  EXPECT_LT(mcnemar(4'000'000, 6'000'000).exact, 1e-300);
}

RC_GTEST_PROP(Mcnemar, Sides_AreSymmetric, (std::uint16_t b, std::uint16_t c)) {
  const mcnemar_p one = mcnemar(b, c), other = mcnemar(c, b);
  RC_ASSERT(one.exact == other.exact && one.mid == other.mid);
  RC_ASSERT(one.mid <= one.exact && one.exact <= 1 && one.mid >= 0);
}

TEST(Quantile, TypeSeven_Interpolates) {
  const std::vector<double> v = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0), 1);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile_sorted(v, 1), 4);
  EXPECT_EQ(quantile_sorted({}, 0.5), 0);
}

TEST(MeanAndSd, Population_DividesByN) {
  const std::vector<double> v = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(mean_and_sd(v).mean, 5);
  EXPECT_DOUBLE_EQ(mean_and_sd(v).sd, 2);
}

} // namespace
} // namespace tenbit::report

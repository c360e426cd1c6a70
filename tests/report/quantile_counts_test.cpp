#include "report/quantile_counts.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tenbit::report {
namespace {

TEST(QuantileCounts, Empty_IsZero) {
  EXPECT_EQ(quantile_counts().quantile(0.5), 0U);
}

TEST(QuantileCounts, SmallValues_AreExact) {
  quantile_counts q;
  for (std::uint64_t v = 1; v <= 100; ++v)
    q.add(v);
  EXPECT_EQ(q.count(), 100U);
  EXPECT_EQ(q.quantile(0), 1U);
  EXPECT_EQ(q.quantile(0.5), 50U);
  EXPECT_EQ(q.quantile(0.99), 99U);
  EXPECT_EQ(q.quantile(1), 100U);
}

TEST(QuantileCounts, LargestValue_HasABucket) {
  quantile_counts q;
  q.add(~std::uint64_t{0});
  EXPECT_EQ(q.quantile(1), std::uint64_t{0xFF} << 56);
}

RC_GTEST_PROP(QuantileCounts, AnyValues_AreWithinOnePercentBelow,
              (std::vector<std::uint64_t> values)) {
  RC_PRE(!values.empty());
  quantile_counts q;
  for (auto v : values)
    q.add(v);
  std::sort(values.begin(), values.end());
  for (double at : {0.0, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = std::max(1.0, std::ceil(at * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(rank) - 1]);
    const auto given = static_cast<double>(q.quantile(at));
    RC_ASSERT(given <= exact && given >= exact * (1 - 1.0 / 128));
  }
}

} // namespace
} // namespace tenbit::report

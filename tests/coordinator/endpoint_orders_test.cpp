#include "coordinator/endpoint_orders.hpp"

#include <gtest/gtest.h>

#include "config/limits.hpp"

namespace tenbit {
namespace {

using orders = std::vector<endpoint_order>;

constexpr auto pause = endpoint_action::pause;
constexpr auto resume = endpoint_action::resume;
constexpr auto limit = endpoint_action::limit;

} // namespace

TEST(Endpoint_Orders, ForAll_ReachesEveryWorker) {
  endpoint_orders o;
  ASSERT_TRUE(o.apply("", {"http://a", pause, 0}));
  ASSERT_TRUE(o.apply("", {"http://b", limit, 3}));
  const orders told = {{"http://a", pause, 0}, {"http://b", limit, 3}};
  EXPECT_EQ(o.of("w1"), told);
  EXPECT_EQ(o.of("w2"), told);
  EXPECT_EQ(o.of("w2", "http://b"), (orders{{"http://b", limit, 3}}));
}

TEST(Endpoint_Orders, ForOne_CountsBeforeThatForAll) {
  endpoint_orders o;
  ASSERT_TRUE(o.apply("", {"http://a", pause, 0}));
  ASSERT_TRUE(o.apply("w1", {"http://a", resume, 0}));
  ASSERT_TRUE(o.apply("w1", {"http://a", limit, 2}));
  EXPECT_EQ(o.of("w1"), (orders{{"http://a", resume, 0}, {"http://a", limit, 2}}));
  EXPECT_EQ(o.of("w2"), (orders{{"http://a", pause, 0}}));
}

TEST(Endpoint_Orders, ForAllAfterOne_TakesItsPlaceAndLeavesTheLimit) {
  endpoint_orders o;
  ASSERT_TRUE(o.apply("w1", {"http://a", pause, 0}));
  ASSERT_TRUE(o.apply("w1", {"http://a", limit, 2}));
  ASSERT_TRUE(o.apply("w1", {"http://b", pause, 0}));
  ASSERT_TRUE(o.apply("", {"http://a", resume, 0}));
  EXPECT_EQ(o.of("w1"),
            (orders{{"http://a", resume, 0}, {"http://a", limit, 2}, {"http://b", pause, 0}}));
  EXPECT_EQ(o.of("w2"), (orders{{"http://a", resume, 0}}));
}

TEST(Endpoint_Orders, Resumed_StaysToBeToldToWhoWasAway) {
  endpoint_orders o;
  ASSERT_TRUE(o.apply("", {"http://a", pause, 0}));
  ASSERT_TRUE(o.apply("", {"http://a", resume, 0}));
  ASSERT_TRUE(o.apply("", {"http://a", resume, 0}));
  EXPECT_EQ(o.of("w1"), (orders{{"http://a", resume, 0}}));
  EXPECT_EQ(o.rules().size(), 1U);
}

TEST(Endpoint_Orders, Loaded_IsWhatWasKept) {
  endpoint_orders o, again;
  ASSERT_TRUE(o.apply("", {"http://a", pause, 0}));
  ASSERT_TRUE(o.apply("w1", {"http://a", limit, 7}));
  again.load(o.rules());
  EXPECT_EQ(again.rules(), o.rules());
  EXPECT_EQ(again.of("w1"), o.of("w1"));
}

TEST(Endpoint_Orders, TooMany_AreRefusedAndKnownOnesChange) {
  endpoint_orders o;
  for (std::size_t i = 0; i < limits::endpoint_orders_max; ++i)
    ASSERT_TRUE(o.apply("w", {"http://h" + std::to_string(i), pause, 0}));
  EXPECT_FALSE(o.apply("w", {"http://other", pause, 0}));
  EXPECT_TRUE(o.apply("w", {"http://h0", resume, 0}));
  EXPECT_EQ(o.rules().size(), limits::endpoint_orders_max);
}

} // namespace tenbit

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"
#include "endpoints/retry_policy.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;

const retry_policy policy(limits::retry_delay_base, limits::retry_delay_max);

retry_decision decide(const failed_attempt& failed) {
  retry_budget budget;
  random_stream random(7);
  return policy.decide(failed, budget, random);
}

failed_attempt attempt(call_error kind, std::uint32_t attempts, std::uint32_t invalid = 0) {
  return {kind, false, attempts, invalid, {}};
}

} // namespace

TEST(RetryPolicy, EveryClass_FollowsTheTable) {
  using enum call_error;
  for (auto kind : {throttled, transient}) {
    for (std::uint32_t n = 1; n < limits::call_attempts_max; ++n)
      EXPECT_TRUE(decide(attempt(kind, n)).again);
    EXPECT_FALSE(decide(attempt(kind, limits::call_attempts_max)).again);
  }
  EXPECT_TRUE(decide(attempt(endpoint_invalid, 1, 1)).again);
  EXPECT_FALSE(decide(attempt(endpoint_invalid, 2, 2)).again);
  EXPECT_FALSE(decide(attempt(endpoint_invalid, limits::call_attempts_max, 1)).again);
  for (auto kind : {request_invalid, auth, cancelled}) {
    const auto decision = decide(attempt(kind, 1));
    EXPECT_FALSE(decision.again);
    EXPECT_FALSE(decision.why_not.empty());
  }
}

TEST(RetryPolicy, RetryAfter_WinsAndIsCapped) {
  failed_attempt failed{call_error::throttled, false, 1, 0, 7s};
  EXPECT_EQ(decide(failed).wait, 7s);
  failed.retry_after = 100h;
  EXPECT_EQ(decide(failed).wait, limits::retry_after_max);
}

RC_GTEST_PROP(RetryPolicy, Jitter_IsBelowTheDoubledBase, (std::uint64_t seed)) {
  random_stream random(seed);
  for (std::uint32_t n = 1; n < limits::call_attempts_max; ++n) {
    retry_budget budget;
    const auto wait = policy.decide(attempt(call_error::transient, n), budget, random).wait;
    RC_ASSERT(wait >= 0ms);
    RC_ASSERT(wait < std::min<std::chrono::milliseconds>(
                         limits::retry_delay_max, limits::retry_delay_base * (1 << (n - 1))));
  }
}

TEST(RetryPolicy, BudgetSpent_GivesUpAndSaysSo) {
  retry_budget budget;
  random_stream random(7);
  int retries = 0;
  retry_decision decision;
  while ((decision = policy.decide(attempt(call_error::transient, 1), budget, random)).again)
    ++retries;
  EXPECT_EQ(retries, limits::retry_budget / limits::retry_cost);
  EXPECT_NE(decision.why_not.find("budget"), std::string_view::npos);
  for (int i = 0; i < limits::retry_cost; ++i)
    budget.on_success();
  EXPECT_TRUE(policy.decide(attempt(call_error::transient, 1), budget, random).again);
}

TEST(RetryBudget, Timeouts_CostMoreAndSuccessesNeverOverfill) {
  retry_budget budget;
  budget.on_success();
  EXPECT_EQ(budget.tokens(), limits::retry_budget);
  EXPECT_TRUE(budget.take(true));
  EXPECT_EQ(budget.tokens(), limits::retry_budget - limits::retry_cost_timeout);
}

TEST(RetryAfter, Seconds_AreRead) {
  EXPECT_EQ(parse_retry_after("0", 0), 0s);
  EXPECT_EQ(parse_retry_after(" 120 ", 0), 120s);
  EXPECT_GT(*parse_retry_after("99999999999999999999", 0), 100h);
}

TEST(RetryAfter, AllThreeDateForms_AreRead) {
  constexpr std::int64_t at = 784111777; // the example date of RFC 9110
  for (const char* date : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_retry_after(date, at - 30), 30s) << date;
    EXPECT_EQ(parse_retry_after(date, at + 30), 0s) << date;
  }
}

TEST(RetryAfter, Nonsense_IsAbsent) {
  for (const char* value : {"", "soon", "-1", "1.5", "12 s", "Sun, 06 Nov 1994"})
    EXPECT_FALSE(parse_retry_after(value, 0)) << value;
  EXPECT_FALSE(parse_retry_after(std::string(10'000, '1'), 0));
}

} // namespace tenbit

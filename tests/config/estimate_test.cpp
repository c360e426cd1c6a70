#include "config/estimate.hpp"

#include <gmock/gmock.h>

#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

using sample::right;

std::string arms(const std::string& text, const std::string& top = "") {
  return top + std::string(sample::arith) + std::string(sample::models) + text;
}

std::uint64_t calls_of(const std::string& arm) {
  return estimate_calls(right(arms("[[arms]]\n" + arm))).calls;
}

TEST(Estimate_EachMethod, FollowsItsFormula) {
  EXPECT_EQ(calls_of("method='direct'\nsolver='small'\n"), 1U);
  EXPECT_EQ(calls_of("method='resample'\nsolver='small'\nsamples=4\n"), 5U);
  EXPECT_EQ(calls_of("method='random_bits'\nsolver='small'\n"), 3U);
  EXPECT_EQ(calls_of("method='constant_yes'\nsolver='small'\n"), 3U);
  EXPECT_EQ(calls_of("method='self_ask'\nsolver='small'\nquestions=7\n"), 10U);
  const std::string qa = "method='qa'\nsolver='small'\nanswerer='large'\nquestions=10\n";
  EXPECT_EQ(calls_of(qa), 14U); // own solution
  EXPECT_EQ(calls_of(qa + "reference='gold'\n"), 13U);
  EXPECT_EQ(calls_of(qa + "answers='together'\n"), 5U);
}

const std::string three = "[[arms]]\nmethod='direct'\nsolver='small'\n"
                          "[[arms]]\nmethod='qa'\nsolver='small'\nanswerer='large'\n"
                          "[[arms]]\nmethod='qa'\nsolver='small'\nanswerer='large'\n"
                          "reference='gold'\n";

TEST(Estimate_Arms, ShareDraftsAndQuestions) {
  const auto estimate = estimate_calls(right(arms(three)));
  EXPECT_EQ(estimate.arms[1].shared, 1U); // the draft
  EXPECT_EQ(estimate.arms[2].shared, 2U); // draft and questions
  EXPECT_EQ(estimate.calls, 1U + 13U + 11U);
  EXPECT_EQ(estimate.arms[1].formula,
            "1 draft + 1 own solution + 1 list of questions + 10 answers + 1 revision");
}

TEST(Estimate_FreshCalls, ShareNothing) {
  const auto estimate = estimate_calls(right(arms(three, "profile = 'authors-compat'\n")));
  EXPECT_EQ(estimate.calls, 1U + 14U + 13U);
  for (const auto& arm : estimate.arms)
    EXPECT_EQ(arm.shared, 0U);
}

TEST(Estimate_Money, IsTokensTimesPrices) {
  const auto e = right(arms("[[arms]]\nmethod='direct'\nsolver='large'\n"),
                       {"models.large.price_input=2", "models.large.price_output=8"});
  const auto tokens = assumed_tokens(call_purpose::solution, 100, 2048);
  EXPECT_DOUBLE_EQ(estimate_money(e, estimate_calls(e), 100),
                   (tokens.prompt * 2 + tokens.completion * 8) / 1e6);
  EXPECT_GT(tokens.prompt, 100);
  EXPECT_LE(assumed_tokens(call_purpose::solution, 100, 50).completion, 50);
}

TEST(Estimate_Counts, AddUpToTheCalls) {
  const auto estimate = estimate_calls(right(arms(three)));
  std::uint64_t sum = 0;
  for (const auto& count : estimate.counts)
    sum += count.count;
  EXPECT_EQ(sum, estimate.calls);
}

} // namespace
} // namespace tenbit

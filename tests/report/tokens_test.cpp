#include "report/tokens.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>

namespace tenbit::report {
namespace {

TEST(TokenEstimate, BitsPerToken_IsLogOfTheVocabulary) {
  EXPECT_NEAR(cl100k_bits_per_token, std::log2(100277.0), 1e-6);
}

// Counts of the real tokenizer, from the examples that its makers publish with it.
TEST(TokenEstimate, PublishedCounts_AreMet) {
  EXPECT_EQ(estimate_cl100k_tokens("hello world"), 2U);
  EXPECT_EQ(estimate_cl100k_tokens("2 + 2 = 4"), 7U);
  EXPECT_EQ(estimate_cl100k_tokens("お誕生日おめでとう"), 9U);
}

TEST(TokenEstimate, PublishedLongWord_IsNear) {
  EXPECT_NEAR(static_cast<double>(estimate_cl100k_tokens("antidisestablishmentarianism")), 6, 1);
}

TEST(TokenEstimate, Pieces_AreCutAsThePatternSays) {
  EXPECT_EQ(estimate_cl100k_tokens(""), 0U);
  EXPECT_EQ(estimate_cl100k_tokens("1234567"), 3U);         // digits by three
  EXPECT_EQ(estimate_cl100k_tokens("don't we'll I'm"), 6U); // contractions
  EXPECT_EQ(estimate_cl100k_tokens("a\n\n\nb"), 3U);        // line ends merge
  EXPECT_EQ(estimate_cl100k_tokens("a    b"), 3U);          // all spaces but the last
  EXPECT_EQ(estimate_cl100k_tokens("a  "), 2U);             // at the end all of them
  EXPECT_EQ(estimate_cl100k_tokens(" ..."), 1U);            // a space joins punctuation
  EXPECT_EQ(estimate_cl100k_tokens("x = 12;\n"), 5U);       // and so do line ends after it
  EXPECT_EQ(estimate_cl100k_tokens("\xff\xfe"), 4U);        // ill-formed bytes are symbols
}

TEST(TokenEstimate, Prose_IsNearFourBytesAToken) {
  const std::string text =
      "Janet sells the remainder at the farmers' market daily for $2 per fresh duck egg. "
      "How much in dollars does she make every day at the farmers' market?";
  const auto tokens = static_cast<double>(estimate_cl100k_tokens(text));
  EXPECT_NEAR(static_cast<double>(text.size()) / tokens, 4.3, 0.5);
}

RC_GTEST_PROP(TokenEstimate, AnyBytes_GiveAtMostTwoTokensAByte, (const std::string& text)) {
  const auto tokens = estimate_cl100k_tokens(text);
  RC_ASSERT(tokens <= 2 * text.size());
  RC_ASSERT(text.empty() == (tokens == 0));
}

} // namespace
} // namespace tenbit::report

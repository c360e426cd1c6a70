#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>

#include "benchmarks/grading.hpp"

namespace tenbit {
namespace {

struct authors_row {
  std::string_view text;
  std::string_view answer; // as their pattern gives it
};

// Each line was worked out by hand from the two patterns; the wrong ones are theirs.
TEST(ExtractAnswerAuthors, Table) {
  for (const authors_row& r : {
           authors_row{"#### 18", "18"},
           {"####18", "18"},
           {"##### 18", "18"},
           {"#### 1,234", "1234"},
           {"#### -5", "-5"},
           {"#### - 5", "5"},           // no match behind the marks: the last number
           {"#### 12.50", "12"},        // cut at the dot
           {"#### 17\n#### 18", "17"},  // the first marks win
           {"#### $17\n#### 18", "18"}, // the first marks that match
           {"#### $42", "42"},          // the last number
           {"#### **42**", "42"},
           {"#### $42 in 7 days", "7"}, // the last number, wrong
           {"#### $12.50", "50"},       // the decimals, wrong
           {"####\n18", "18"},
           {"#### \t\r\n 18", "18"},
           {"#### ,5", "5"},
           {"#### , 5", ""}, // a lone comma
           {"It is 18, then", "18"},
           {"It is 18 , then", ""}, // a lone comma, wrong
           {"It is 18.", "18"},
           {"5-7", "-7"}, // a range becomes negative
           {"5 - 7", "7"},
           {"1/2", "2"},
           {"−5", "5"}, // U+2212 is no hyphen
           {"--5", "-5"},
           {"1-2-3", "-3"},
           {"5-", "5"},
           {"\\boxed{18} for 2 days", "2"},
           {"#### 18,", "18"},
           {"3,", "3"},
           {"-,", "-"},
       }) {
    const auto got = extract_answer_authors(r.text);
    ASSERT_TRUE(got.has_value()) << r.text;
    EXPECT_EQ(*got, r.answer) << r.text;
  }
  for (std::string_view text : {"", "no answer", "####", "#### ", "-", "#### none"})
    EXPECT_EQ(extract_answer_authors(text), std::nullopt) << text;
}

TEST(SameAnswerAuthors, Table) {
  EXPECT_TRUE(same_answer_authors("18", "18"));
  EXPECT_TRUE(same_answer_authors("018", "18"));
  EXPECT_TRUE(same_answer_authors("18", "18.0"));
  EXPECT_TRUE(same_answer_authors("-0", "0"));
  EXPECT_TRUE(same_answer_authors("9007199254740993", "9007199254740992"));       // doubles
  EXPECT_TRUE(same_answer_authors(std::string(400, '9'), std::string(500, '8'))); // both infinite
  EXPECT_FALSE(same_answer_authors("-" + std::string(400, '9'), std::string(400, '9')));
  EXPECT_FALSE(same_answer_authors("12", "12.5"));
  EXPECT_FALSE(same_answer_authors("", "18"));
  EXPECT_FALSE(same_answer_authors("-", "18"));
  EXPECT_TRUE(same_answer_authors("", "")); // both no number: compared as strings
  EXPECT_FALSE(same_answer_authors("1/3", "0.3333333333333333"));
}

// The fallback pattern, written the slow way: every place from the left, longest match, the last
// one wins.
std::optional<std::string> slow_last(const std::string& text) {
  std::optional<std::string> last;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + (text[at] == '-' ? 1 : 0);
    const std::size_t first = end;
    while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || text[end] == ','))
      ++end;
    if (end == first) {
      ++at;
      continue;
    }
    last = text.substr(at, end - at);
    std::erase(*last, ',');
    at = end;
  }
  return last;
}

RC_GTEST_PROP(ExtractAnswerAuthors, AnyBytesWithoutMarks_AgreeWithAPlainScan, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::element('-', ',', '1', '9', ' ', 'x'));
  RC_ASSERT(extract_answer_authors(text) == slow_last(text));
}

RC_GTEST_PROP(ExtractAnswerAuthors, AnyBytes_NeverCrash, (std::string text)) {
  if (const auto answer = extract_answer_authors("#### " + text))
    RC_ASSERT(same_answer_authors(*answer, *answer));
}

} // namespace
} // namespace tenbit

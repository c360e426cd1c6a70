#include "benchmarks/grading.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>

#include "config/limits.hpp"

namespace tenbit {
namespace {

struct row {
  std::string_view text;
  std::string_view answer; // empty: no answer
};

void check(const row& r) {
  const auto got = extract_answer(r.text);
  EXPECT_EQ(got.value_or("(none)"), r.answer.empty() ? "(none)" : r.answer) << r.text;
}

constexpr row hashes_rows[] = {
    row{"#### 18", "18"},
    {"####18", "18"},
    {"She has 3 * 6 = 18.\n#### 18\n", "18"},
    {"#### $42", "42"},
    {"#### **42**", "42"},
    {"#### **$42.00**", "42"},
    {"#### \\$42", "42"},
    {"#### $1,234.50 dollars", "1234.5"},
    {"#### 1,234,567", "1234567"},
    {"#### 12.50", "12.5"},
    {"#### 0.5", "0.5"},
    {"#### .5", "0.5"},
    {"#### 007", "7"},
    {"#### -5", "-5"},
    {"#### - 5", "-5"},
    {"#### −5", "-5"},
    {"#### –5", "-5"},
    {"#### -$5", "-5"},
    {"#### $-5", "-5"},
    {"#### -0", "0"},
    {"#### +5", "5"},
    {"#### 25%", "25"},
    {"#### 18 apples and 3 pears", "18"},
    {"#### 18 (9 * 2 = 18)", "18"},
    {"#### 16 - 3 - 4 = 9", "9"},
    {"#### 3 × 4 = $12", "12"},
    {"#### 3 \\times 4 = 12", "12"},
    {"#### x = 7", "7"},
    {"#### 1/2", "0.5"},
    {"#### 1/3", "1/3"},
    {"#### 2/6", "1/3"},
    {"#### -2/6", "-1/3"},
    {"#### 6/3", "2"},
    {"#### 1⁄2", "0.5"},
    {"#### 18/0", "18"},
    {"#### 2 1/2", "2.5"},
    {"#### 2 and 1/2 hours", "2.5"},
    {"#### -2 1/2", "-2.5"},
    {"#### 2½", "2.5"},
    {"#### ⅔", "2/3"},
    {"#### 5kg", "5"},
    {"#### 3rd", "3"},
    {"#### 10-15", "10"},
    {"#### 7:30 pm", "7"},
    {"#### 1.5e3", "1500"},
    {"#### 2 x 10^3", "2000"},
    {"#### 2 \\times 10^{-3}", "0.002"},
    {"#### 5 million", "5"},
    {"#### €12", "12"},
    {"#### USD18", "18"},
    {"#### 1\xC2\xA0"
     "234",
     "1234"},
    {"####\n18", "18"},
    {"#### **\n\n$18 per day", "18"},
    {"#### 17\n#### 18", "18"},
    {"Step 4 gives 7\n#### Final Answer\n18", "18"},
    {"#### 18\n#### Note: done", "18"},
    {"#### 5\nAnswer: 6\n\\boxed{7}\n8", "5"},
};

TEST(ExtractAnswer, BehindHashes_IsTheNumberOfTheTable) {
  for (const row& r : hashes_rows)
    check(r);
}

constexpr row boxed_rows[] = {
    row{"\\boxed{18}", "18"},
    {"so $\\boxed{18}$.", "18"},
    {"\\boxed{\\frac{3}{4}}", "0.75"},
    {"\\boxed{-\\frac{3}{4}}", "-0.75"},
    {"\\boxed{\\frac{-3}{4}}", "-0.75"},
    {"\\boxed{\\dfrac{1}{3}}", "1/3"},
    {"\\boxed{\\frac34}", "0.75"},
    {"\\boxed{2\\frac{1}{2}}", "2.5"},
    {"\\boxed{\\$18}", "18"},
    {"\\boxed{1{,}234}", "1234"},
    {"\\boxed{1,\\!234}", "1234"},
    {"\\boxed{18\\text{ dollars}}", "18"},
    {"\\boxed{\\text{Janet makes } 18}", "18"},
    {"\\boxed{50\\%}", "50"},
    {"\\boxed{x = 5}", "5"},
    {"\\boxed{17} no, \\boxed{18}", "18"},
    {"\\boxed{\\boxed{18}}", "18"},
    {"\\boxed{18", "18"},
    {"\\boxed{18} for 2 days", "18"},
    {"\\boxed{none} of the 4", "4"},
    {"Answer: 3, that is \\boxed{4}", "4"},
};

TEST(ExtractAnswer, InABox_IsTheNumberOfTheTable) {
  for (const row& r : boxed_rows)
    check(r);
}

constexpr row labels_rows[] = {
    row{"A: 13", "13"},
    {"Q: 2+2?\nA: 4 in all", "4"},
    {"**A:** 13", "13"},
    {"Answer: 13", "13"},
    {"**Answer:** 13", "13"},
    {"**Final Answer**: $13", "13"},
    {"ANSWER: -13", "-13"},
    {"Answer: - 13", "-13"},
    {"answer = 13", "13"},
    {"The answer is 5.", "5"},
    {"The answer is **5** apples in 2 bags.", "5"},
    {"the answer is: 1,000.", "1000"},
    {"The answer is 5 because 2 + 3 = 5 and not 6", "5"},
    {"Answer:\n\n13 apples\n14 pears", "13"},
    {"The answer is 4. Wait, the answer is 5, after 3 tries.", "5"},
    {"USA: 13 and 14", "14"},
    {"The answer isn't 5 or 6", "6"},
};

TEST(ExtractAnswer, BehindALabel_IsTheNumberOfTheTable) {
  for (const row& r : labels_rows)
    check(r);
}

constexpr row lastnumber_rows[] = {
    row{"She makes 9 * 2 = 18", "18"},
    {"9 eggs, then 18 dollars.", "18"},
    {"She makes $18 every day.", "18"},
    {"from 5 to 7", "7"},
    {"5-7", "7"},
    {"5 - 7", "7"},
    {"5 -7", "7"},
    {"It is -7 degrees", "-7"},
    {"5, -7", "-7"},
    {"- 7 apples", "7"},
    {"- one\n- 7 apples", "7"},
    {"x=-7", "-7"},
    {"3*-7", "-7"},
    {"(-7)", "-7"},
    {"well-7", "7"},
    {"--7", "7"},
    {"3x4", "4"},
    {"on 12/25/2023", "2023"},
    {"7 / 10", "0.7"},
    {"12,5", "5"},
    {"1,2,3", "3"},
    {"100, 200", "200"},
    {"1234,567", "567"},
    {"0,123", "123"},
    {"12 of CO2", "12"},
    {"CO2", "2"},
    {"version 1.2.3", ""},
    {"4 in version 1.2.3", "4"},
    {"5.", "5"},
    {"5...", "5"},
    {"5.0", "5"},
    {"0.10", "0.1"},
    {"the 3rd", "3"},
    {"1 1 1", "1"},
    {"3 < 4 </s>", "4"},
    {"no answer", ""},
    {"eighteen", ""},
    {"", ""},
    {" \n\t", ""},
    {",", ""},
    {", , ,", ""},
    {"-", ""},
    {"####", ""},
    {"#### no answer", ""},
    {"\\boxed{}", ""},
    {"A:", ""},
    {"$", ""},
    {".", ""},
    {"1e99999 apples", "1"},
    {"\xFF\xFE 7 \xC3", "7"},
    {"\xC3(", ""},
    {"123456789012345678901234567890", "123456789012345678901234567890"},
    {"1/1234567890123456789", "1234567890123456789"},
};

TEST(ExtractAnswer, WithoutMarker_IsTheLastNumber) {
  for (const row& r : lastnumber_rows)
    check(r);
}

TEST(ExtractAnswer, DigitsBeyondTheLimit_AreNoNumber) {
  const std::string longest(limits::answer_digits_max, '9');
  EXPECT_EQ(extract_answer("#### " + longest), longest);
  EXPECT_EQ(extract_answer("#### " + longest + "9"), std::nullopt);
  EXPECT_EQ(extract_answer("#### 5\n" + longest + "9"), "5");
}

// Texts that would make a rule quadratic if each marker or number were searched to the end of the
// text; at this size that would take minutes.
TEST(ExtractAnswer, MegabytesOfMarkers_EndAtOnce) {
  for (const std::string_view piece :
       {"#",          "####",     "#### ",   "####\n",     "\\boxed{", "\\boxed", "A:",    "A",
        "Answer is ", "answer *", "a ",      "-",          " ",        " -",      "$",     "- ",
        "1",          "1 ",       "1/",      "1,",         ".1",       "1.",      "1,000", "x",
        "x1",         "1x",       "\\frac{", "\\frac{1}{", "1e",       "1 x 10^", "=",     "#### =",
        "<<",         "½",        "\n",      "**",         "_1"}) {
    std::string text;
    while (text.size() < limits::reply_text_bytes_max / 4)
      text += piece;
    const auto answer = extract_answer(text);
    if (answer) {
      EXPECT_TRUE(same_answer(*answer, *answer)) << piece;
    }
    static_cast<void>(extract_answer_authors(text));
  }
}

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool no_leading_zero(std::string_view text) {
  return text == "0" || text[0] != '0';
}

bool normal_form(std::string_view text) {
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    if (text == "0")
      return false;
  }
  if (const auto bar = text.find('/'); bar != std::string_view::npos) {
    const auto above = text.substr(0, bar);
    const auto below = text.substr(bar + 1);
    return digits(above) && digits(below) && no_leading_zero(above) && above != "0" &&
           no_leading_zero(below) && below != "1" && below != "0";
  }
  const auto point = text.find('.');
  if (point == std::string_view::npos)
    return digits(text) && no_leading_zero(text);
  const auto decimals = text.substr(point + 1);
  return digits(text.substr(0, point)) && no_leading_zero(text.substr(0, point)) &&
         digits(decimals) && decimals.back() != '0';
}

void check_any(const std::string& text) {
  const auto answer = extract_answer(text);
  if (!answer)
    return;
  RC_ASSERT(normal_form(*answer));
  RC_ASSERT(same_answer(*answer, *answer));
  RC_ASSERT(extract_answer("#### " + *answer) == answer);
  RC_ASSERT(extract_answer("\\boxed{" + *answer + "}") == answer);
}

RC_GTEST_PROP(ExtractAnswer, AnyBytes_GiveNormalFormOrNothing, ()) {
  check_any(*rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

// Bytes that the rules look at, so that the search goes deep.
RC_GTEST_PROP(ExtractAnswer, BytesOfTheGrammar_GiveNormalFormOrNothing, ()) {
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("0", "1", "7", "25", "000", ",", ".", "-", "−", "/", " ", "\n",
                                    "####", "\\boxed{", "}", "\\frac{", "{", "A:", "answer is", "$",
                                    "%", "e", "x", "10^", "½", "=", "*", " and ", "\xC2"));
  std::string text;
  for (const std::string& piece : pieces)
    text += piece;
  check_any(text);
}

RC_GTEST_PROP(ExtractAnswer, AnyInteger_IsFoundWithOrWithoutCommas, (std::int64_t value)) {
  std::string plain = std::to_string(value);
  std::string grouped = plain;
  const int least = value < 0 ? 1 : 0;
  for (int at = static_cast<int>(grouped.size()) - 3; at > least; at -= 3)
    grouped.insert(static_cast<std::size_t>(at), ",");
  RC_ASSERT(extract_answer("#### " + plain) == plain);
  RC_ASSERT(extract_answer("It makes " + grouped + ".") == plain);
}

TEST(SameAnswer, Table) {
  EXPECT_TRUE(same_answer("18", "18"));
  EXPECT_TRUE(same_answer("0.5", "1/2"));
  EXPECT_TRUE(same_answer("1/3", "2/6"));
  EXPECT_TRUE(same_answer("-1/3", "-1/3"));
  EXPECT_TRUE(same_answer("18.0", "18"));
  EXPECT_TRUE(same_answer("1,000", "1000"));
  EXPECT_FALSE(same_answer("18", "-18"));
  EXPECT_FALSE(same_answer("18", "19"));
  EXPECT_FALSE(same_answer("0.3333333333333333333", "1/3"));
  EXPECT_FALSE(same_answer("9007199254740993", "9007199254740992")); // equal as doubles
  EXPECT_FALSE(same_answer("", ""));
  EXPECT_FALSE(same_answer("abc", "abc"));
  EXPECT_FALSE(same_answer("18 apples", "18"));
}

} // namespace
} // namespace tenbit

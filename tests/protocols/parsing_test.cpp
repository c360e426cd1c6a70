#include "protocols/parsing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.hpp"

namespace tenbit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> strictly(std::string_view text, std::uint32_t count = 10) {
  return parse_questions(text, count, {});
}

} // namespace

TEST(Questions_Strict, EveryFormOfANumber_IsRead) {
  for (const std::string_view line :
       {"1. Is it 7?",          "1) Is it 7?",     "1: Is it 7?",       "(1) Is it 7?",
        "**1.** Is it 7?",      "**1. Is it 7?**", "1. **Is it 7?**",   "1.**Is it 7?**",
        "**1**. Is it 7?",      "Q1: Is it 7?",    "**Q1:** Is it 7?",  "Q1. Is it 7?",
        "Question 1: Is it 7?", "q 1) Is it 7?",   "  1.   Is it 7?  ", "- 1. Is it 7?",
        "### 1. Is it 7?",      "> 1. Is it 7?",   "1.) Is it 7?",      "1.Is it 7?",
        "\t1.\tIs it 7?\r",     "1. _Is it 7?_",   "*1.* Is it 7?",     "12. Is it 7?"})
    EXPECT_THAT(strictly(line), ElementsAre("Is it 7?")) << line;
}

TEST(Questions_Strict, OtherLines_AreNone) {
  for (const std::string_view line :
       {"Is it 7?", "2.5 pens are left.", "v2.5 of the plan", "Version 1. is it?", "10 questions:",
        "10:30 is the time", "1.", "**1.**", "1. ", "-5. is a number", "0. Is it 7?",
        "12345. Is it 7?", "a1: Is it 7?", "Answer 1: Yes", "Q: Is it 7?", "1 Is it 7?", "", "()"})
    EXPECT_THAT(strictly(line), IsEmpty()) << line;
}

TEST(Questions_Strict, PreambleAndTrailer_StayOutside) {
  EXPECT_THAT(strictly("Here are 2 questions about 2.5 pens:\n\n1. Is it 7?\n\n2. Is it 8?\n\n"
                       "I hope these 2 help.\nAsk for more."),
              ElementsAre("Is it 7?", "Is it 8?"));
}

TEST(Questions_Strict, DuplicatesAndOrder_Stay) {
  EXPECT_THAT(strictly("2. b?\n1. a?\n2. b?"), ElementsAre("b?", "a?", "b?"));
}

TEST(Questions_Strict, MoreThanCount_AreCut) {
  EXPECT_THAT(strictly("1. a?\n2. b?\n3. c?", 2), ElementsAre("a?", "b?"));
}

TEST(Questions_Strict, EmphasisInside_Stays) {
  EXPECT_THAT(strictly("1. **Is** it **7**"), ElementsAre("**Is** it **7**"));
  EXPECT_THAT(strictly("1. Is 2*3 = 6?"), ElementsAre("Is 2*3 = 6?"));
}

// Each expectation is what Python's re gives for their pattern.
TEST(Questions_Loose, TheirPattern_WithItsQuirks) {
  const auto loose = [](std::string_view text) { return parse_questions_loosely(text, 10); };
  EXPECT_THAT(loose("1. a?\n2. b?"), ElementsAre("a?", "b?"));
  EXPECT_THAT(loose("1) a?\n2) b?"), IsEmpty());
  EXPECT_THAT(loose("About 2.5 pens\n1. a?"), ElementsAre("5 pens", "a?"));
  EXPECT_THAT(loose("1. a?\nmore\n\nBye"), ElementsAre("a?\nmore\n\nBye"));
  EXPECT_THAT(loose("1.\n2. b?"), ElementsAre("2. b?"));
  EXPECT_THAT(loose("1. a 2. b?\n3. c?"), ElementsAre("a 2. b?", "c?"));
  EXPECT_THAT(loose("12"), IsEmpty());
  EXPECT_THAT(loose("12."), IsEmpty());
  EXPECT_THAT(loose("12. "), ElementsAre(""));
  EXPECT_THAT(loose("1. a?\n22\n3. c?"), ElementsAre("a?\n22", "c?"));
  EXPECT_THAT(loose("1.\n\n2.\n3. x"), ElementsAre("2.", "x"));
  EXPECT_EQ(parse_questions_loosely("1. a\n2. b\n3. c", 2).size(), 2U);
}

TEST(Questions_Padded, FillerReachesTheCount) {
  protocol_switches switches;
  switches.pad_questions = true;
  const auto padded = parse_questions("none", 3, switches);
  ASSERT_EQ(padded.size(), 3U);
  EXPECT_EQ(padded[0], padded[2]);
  EXPECT_EQ(parse_questions("1. a\n2. b\n3. c\n4. d", 3, switches).size(), 3U);
}

RC_GTEST_PROP(Questions_Strict, NumberedLines_ComeBack, (std::uint8_t count)) {
  std::string text;
  for (int i = 1; i <= count; ++i)
    text += std::to_string(i) + ". Is it " + std::to_string(i) + "?\n";
  const auto found = strictly(text, 1000);
  RC_ASSERT(found.size() == count);
  for (int i = 1; i <= count; ++i)
    RC_ASSERT(found[static_cast<std::size_t>(i - 1)] == "Is it " + std::to_string(i) + "?");
}

RC_GTEST_PROP(Questions_Any, AnyBytes_GiveAtMostCount, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::element('1', '2', '.', ')', ':', '\n', ' ', '*', 'Q', '-', 'a', '\xE2', '\0'));
  protocol_switches loose;
  loose.loose_question_regex = true;
  for (const auto& switches : {protocol_switches{}, loose}) {
    const auto found = parse_questions(text, 3, switches);
    RC_ASSERT(found.size() <= 3U);
    for (const auto& question : found)
      RC_ASSERT(trim(question) == question);
  }
}

TEST(Questions_Hostile, LongText_IsReadInLinearTime) { // quadratic would take hours
  constexpr std::size_t size = 4U << 20U;
  const std::string texts[] = {std::string(size, '1'), std::string(size, '\n'),
                               std::string(size, '*'), std::string(size, ' ')};
  for (const auto& text : texts) {
    EXPECT_THAT(strictly(text), IsEmpty());
    EXPECT_THAT(parse_questions_loosely(text, 10), IsEmpty());
  }
  std::string dots;
  while (dots.size() < size)
    dots += "\n11";
  EXPECT_THAT(parse_questions_loosely("1. a" + dots, 10), ElementsAre("a" + dots));
}

} // namespace tenbit

#include "benchmarks/arith.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "benchmarks/arith_language.hpp"

namespace tenbit::arith {
namespace {

void expect_same(const item& got, const item& want) {
  EXPECT_EQ(got.question, want.question);
  EXPECT_EQ(got.answer, want.answer);
  ASSERT_EQ(got.steps.size(), want.steps.size()) << want.question;
  for (std::size_t i = 0; i < want.steps.size(); ++i) {
    EXPECT_EQ(got.steps[i].sentence, want.steps[i].sentence);
    EXPECT_EQ(got.steps[i].equation, want.steps[i].equation);
    EXPECT_EQ(got.steps[i].quantity, want.steps[i].quantity);
    EXPECT_EQ(got.steps[i].left, want.steps[i].left);
    EXPECT_EQ(got.steps[i].operation, want.steps[i].operation);
    EXPECT_EQ(got.steps[i].right, want.steps[i].right);
    EXPECT_EQ(got.steps[i].result, want.steps[i].result);
  }
}

bool step_holds(const step& one) {
  switch (one.operation) {
  case '+':
    return one.left + one.right == one.result;
  case '-':
    return one.left - one.right == one.result;
  case '*':
    return one.left * one.right == one.result;
  case '/':
    return one.right * one.result == one.left;
  default:
    return false;
  }
}

bool steps_fit(std::size_t steps, std::uint32_t level) {
  if (level == 1)
    return steps == 2;
  return level == 2 ? steps >= 3 && steps <= 5 : steps >= 5 && steps <= 8;
}

RC_GTEST_PROP(Arith, Generate_AnySeed_ParsesBackToTheSameItem, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const auto number = *rc::gen::arbitrary<std::uint64_t>();
  for (std::uint32_t level = 1; level <= 3; ++level) {
    const item made = generate(seed, level, number);
    const auto back = parse(made.question);
    RC_ASSERT(back.has_value());
    expect_same(*back, made);
  }
}

TEST(Arith, Generate_ThousandsOfProblems_KeepTheirPromises) {
  for (std::uint32_t level = 1; level <= 3; ++level) {
    std::set<std::string> questions;
    for (std::uint64_t number = 0; number < 3000; ++number) {
      const item made = generate(7, level, number);
      questions.insert(made.question);
      EXPECT_TRUE(steps_fit(made.steps.size(), level)) << made.question;
      for (const step& one : made.steps) {
        EXPECT_TRUE(step_holds(one)) << one.equation;
        EXPECT_GE(one.result, 2);
        EXPECT_LT(one.result, 10'000'000);
        EXPECT_NE(one.sentence.find(one.equation), std::string::npos);
        EXPECT_FALSE(one.quantity.empty());
      }
      EXPECT_EQ(made.answer, made.steps.back().result);
      EXPECT_EQ(made.question.find_first_of("{}"), std::string::npos);
      const auto back = parse(made.question);
      ASSERT_TRUE(back.has_value()) << made.question;
      expect_same(*back, made);
    }
    EXPECT_GT(questions.size(), level == 1 ? 2900U : 2990U); // nearly all differ
  }
}

// The problems are part of an experiment's identity: a change of any text shows here and must be
// meant.
TEST(Arith, Generate_FixedSeeds_GiveTheSameTextForEver) {
  hasher all("arith test");
  for (std::uint32_t level = 1; level <= 3; ++level)
    for (std::uint64_t number = 0; number < 500; ++number) {
      const item made = generate(1, level, number);
      all.field(made.question).field(solution_text(made));
    }
  EXPECT_EQ(all.finish().hex(), "b20453f2dd6d007a50afcd40aa0eeb80e0fd968acd4949d0ec916a345300232a");
}

TEST(Arith, Generate_ManyProblems_UseEverySentenceOfTheLanguage) {
  std::string corpus;
  for (std::uint64_t number = 0; number < 4000; ++number)
    corpus += generate(3, 3, number).question + '\n' + generate(3, 1, number).question + '\n';
  for (const frame& kind : frames())
    for (const auto* part : {&kind.openings, &kind.middles, &kind.finishes})
      for (const clause& one : *part) {
        std::size_t longest = 0; // the longest literal stretch stands for the sentence
        std::string_view literal;
        for (std::size_t at = 0; at < one.text.size();) {
          const auto end = std::min(one.text.find('{', at), one.text.size());
          if (end - at > longest)
            longest = end - at, literal = one.text.substr(at, end - at);
          at = end == one.text.size() ? end : end + 3;
        }
        EXPECT_NE(corpus.find(literal), std::string::npos) << one.text;
      }
}

TEST(Arith, Language_Words_AreNoPrefixesOfEachOther) {
  for (const person& a : people())
    for (const person& b : people())
      EXPECT_TRUE(a.name == b.name || !a.name.starts_with(b.name)) << a.name << ' ' << b.name;
  for (const frame& kind : frames())
    for (auto a : kind.things)
      for (auto b : kind.things)
        EXPECT_TRUE(a == b || !a.starts_with(b)) << a << ' ' << b;
}

RC_GTEST_PROP(Arith, Parse_QuestionInsideAPrompt_FindsIt, ()) {
  const item made = generate(*rc::gen::arbitrary<std::uint64_t>(), 2, 5);
  const auto before = *rc::gen::arbitrary<std::string>();
  const auto after = *rc::gen::arbitrary<std::string>();
  const auto back = parse("Solve the Problem. " + before + "\n\n" + made.question + after);
  RC_ASSERT(back.has_value());
  expect_same(*back, made);
}

RC_GTEST_PROP(Arith, Parse_AnyBytes_NeverCrashes, (std::string bytes)) {
  RC_ASSERT(!parse(bytes).has_value());
}

RC_GTEST_PROP(Arith, Parse_CutQuestion_IsEmpty, ()) {
  const item made = generate(*rc::gen::arbitrary<std::uint64_t>(), 3, 1);
  const auto cut = *rc::gen::inRange<std::size_t>(0, made.question.size());
  RC_ASSERT(!parse(made.question.substr(0, cut)).has_value());
}

TEST(Arith, Parse_SolutionText_IsNotAQuestion) {
  for (std::uint64_t number = 0; number < 500; ++number)
    EXPECT_FALSE(parse(solution_text(generate(5, 3, number))).has_value());
}

TEST(Arith, Parse_BrokenStories_AreEmpty) {
  for (
      const char* text : {
          "",
          "How many melons does Maya have now?",
          "Maya works on a farm and has gathered 12 melons so far. How many melons does Maya have "
          "now?", // no step
          "Maya works on a farm and has gathered 12 melons so far. Some deer eat 12 of the melons. "
          "How many melons does Maya have now?", // nothing left
          "Maya works on a farm and has gathered 13 melons so far. She takes half of the melons to "
          "the market and sells them there. How many melons does Maya have now?", // not exact
          "Maya works on a farm and has gathered 12 melons so far. Some deer eat 2 of the onions. "
          "How many melons does Maya have now?", // another thing
          "Maya works on a farm and has gathered 12 melons so far. He gives 2 melons to a "
          "neighbor. "
          "How many melons does Maya have now?", // another pronoun
          "Maya works on a farm and has gathered 99999999999999999999 melons so far. Some deer eat "
          "2 of the melons. How many melons does Maya have now?",
          "Maya works on a farm and has gathered 9999999 melons so far. In the evening she gathers "
          "9999999 more melons. How many melons does Maya have now?",
      })
    EXPECT_FALSE(parse(text).has_value()) << text;
}

TEST(Arith, Parse_HandWrittenQuestion_IsSolved) {
  const auto it =
      parse("Maya works on a farm and has gathered 12 melons so far.\nSome deer eat 2 of "
            "the melons. How many melons does Maya have now?");
  ASSERT_TRUE(it.has_value());
  ASSERT_EQ(it->steps.size(), 1U);
  EXPECT_EQ(it->steps[0].equation, "12 - 2 = 10");
  EXPECT_EQ(solution_text(*it), "The deer leave 12 - 2 = 10 melons.\n#### 10");
}

// Many beginnings of a story and no end: the work per beginning is bounded, so this ends at once.
TEST(Arith, Parse_MegabytesOfBeginnings_IsLinear) {
  std::string text;
  while (text.size() < (4U << 20))
    text +=
        "Maya works on a farm and has gathered 12 melons so far. Some deer eat 2 of the melons. ";
  EXPECT_FALSE(parse(text).has_value());
}

} // namespace
} // namespace tenbit::arith

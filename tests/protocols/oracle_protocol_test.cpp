// The sender's calls and the reading of its replies. The oracle of this test stands for the real
// one: it is the only class that can make a sealed_text.
#include "protocols/oracle_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/requests.hpp"
#include "scripted.hpp"

namespace tenbit {

class oracle {
public:
  static sealed_text seal(std::string text) { return sealed_text(std::move(text)); }
};

namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using parsed = std::vector<std::optional<answer>>;

const ask_request two = {{"Is 3 right?", "Is it 7?"}, "the draft"};

std::optional<answer> one(std::string_view reply) {
  const auto exp = make_experiment();
  return parse_answers(reply, 1, exp, exp.arms[arm_of(exp, "qa").value]).front();
}

parsed list(std::string_view reply, std::size_t questions,
            profile_kind profile = profile_kind::strict) {
  const auto exp = make_experiment(profile);
  return parse_answers(reply, questions, exp, exp.arms[arm_of(exp, "qa-together").value]);
}

} // namespace

TEST(AnswerCalls_Each, Question_IsACallOfItsOwn) {
  const auto exp = make_experiment();
  const auto calls =
      oracle_prompts::answer_calls(input_of(exp, "qa"), two, oracle::seal("It is 8."), false);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].model, "large");
  const auto text = prompt_of(calls[0]);
  EXPECT_THAT(text, HasSubstr("Problem:\nAnn has 3 pens"));
  EXPECT_THAT(text, HasSubstr("Solution attempt:\nthe draft"));
  EXPECT_THAT(text, HasSubstr("Reference:\nThis is your own solution of the problem:\nIt is 8."));
  EXPECT_THAT(text, HasSubstr("Question:\nIs 3 right?"));
  EXPECT_THAT(text, Not(HasSubstr("Is it 7?")));
  EXPECT_TRUE(text.ends_with("Answer with one word only: Yes or No."));
  EXPECT_EQ(calls[0].settings.temperature, 0.0);
  EXPECT_EQ(calls[0].settings.max_tokens, 10U);
  EXPECT_TRUE(calls[0].settings.yes_no);
}

TEST(AnswerCalls_Reference, Label_SaysWhatItIs) {
  const auto exp = make_experiment();
  const auto gold =
      oracle_prompts::answer_calls(input_of(exp, "qa-gold"), two, oracle::seal("7"), false);
  EXPECT_THAT(prompt_of(gold[0]),
              HasSubstr("Reference:\nThis is the correct answer to the problem:\n7"));
  const auto none =
      oracle_prompts::answer_calls(input_of(exp, "qa-none"), two, std::nullopt, false);
  EXPECT_THAT(prompt_of(none[0]), Not(HasSubstr("Reference:")));
}

TEST(AnswerCalls_HiddenDraft, Prompt_HasNone) {
  const auto exp = make_experiment();
  const auto calls =
      oracle_prompts::answer_calls(input_of(exp, "qa"), {two.questions, ""}, std::nullopt, false);
  EXPECT_THAT(prompt_of(calls[0]), Not(HasSubstr("Solution attempt:")));
}

TEST(AnswerCalls_Together, AllQuestions_AreOneCall) {
  const auto exp = make_experiment();
  const auto calls =
      oracle_prompts::answer_calls(input_of(exp, "qa-together"), two, std::nullopt, false);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_THAT(prompt_of(calls[0]), HasSubstr("Questions:\n1. Is 3 right?\n2. Is it 7?\n"));
  EXPECT_EQ(calls[0].settings.max_tokens, 32U);
  EXPECT_FALSE(calls[0].settings.yes_no);
}

TEST(AnswerCalls_AskedBefore, Call_IsAnotherOne) {
  const auto exp = make_experiment();
  for (const std::string_view arm : {"qa", "qa-together"}) {
    const auto input = input_of(exp, arm);
    const auto first = oracle_prompts::answer_calls(input, two, std::nullopt, false);
    const auto again = oracle_prompts::answer_calls(input, two, std::nullopt, true);
    EXPECT_EQ(again[0].k, 1U);
    EXPECT_EQ(first[0].k, 0U);
    EXPECT_NE(prompt_of(first[0]), prompt_of(again[0]));
    EXPECT_TRUE(prompt_of(again[0]).ends_with("Answer with one word only: Yes or No."));
  }
}

TEST(OwnSolution, Call_IsTheDirectArmsOfTheAnswerer) {
  const auto exp = make_experiment();
  const auto own = identify(exp, oracle_prompts::own_solution(input_of(exp, "qa"))).id;
  EXPECT_EQ(own, identify(exp, oracle_prompts::own_solution(input_of(exp, "qa-together"))).id);
  EXPECT_EQ(own, identify(exp, requests::draft(input_of(exp, "direct-large"))).id);
}

TEST(ParseAnswers_Strict, YesAndNo_InAnyDress) {
  for (const std::string_view reply : {"Yes",
                                       "yes",
                                       "YES.",
                                       " Yes\n",
                                       "**Yes**",
                                       "\"Yes\"",
                                       "`yes`",
                                       "Yes, it is.",
                                       "Yes - 7.",
                                       "Answer: Yes",
                                       "**Answer:** Yes",
                                       "answer : yes",
                                       "(Yes)",
                                       "> Yes",
                                       "_Yes_",
                                       "'Yes'",
                                       "\u201cYes\u201d",
                                       "Yes\u2014it is",
                                       "Yes\u2019",
                                       "Yes!",
                                       "Yes;",
                                       "Yes: 3 + 4 = 7",
                                       "# Yes",
                                       "- Yes",
                                       "Yes. No doubt.",
                                       "Yes\u3002",
                                       "Yes\t",
                                       "Yes (7)"})
    EXPECT_EQ(one(reply), answer::yes) << reply;
  for (const std::string_view reply : {"No", "no.", "**NO**", "No, 8.", "Answer: no", "No. 7 is."})
    EXPECT_EQ(one(reply), answer::no) << reply;
}

TEST(ParseAnswers_Strict, OtherWords_AreNone) {
  for (const std::string_view reply : {"",           " ",           "Not",
                                       "None",       "Nope, never", "Nothing",
                                       "Yesterday",  "Yeses",       "Noël",
                                       "No-one",     "no's",        "No\u2019s",
                                       "Maybe",      "It is yes",   "The answer is Yes",
                                       "Yes or No",  "Yes/No",      "**Yes** or **No**",
                                       "No or Yes?", "1. Yes",      "Unknown",
                                       "Y",          "N",           "True",
                                       "Ye",         "**No**w",     "yes_no",
                                       "Answer Yes", "Answer:",     "Yes1",
                                       "*",          "\xE2\x80",    "\xE2"})
    EXPECT_EQ(one(reply), std::nullopt) << reply;
}

TEST(ParseAnswers_List, Lines_AreMatchedByNumber) {
  const auto y = std::optional(answer::yes);
  const auto n = std::optional(answer::no);
  EXPECT_THAT(list("1. Yes\n2. No", 2), ElementsAre(y, n));
  EXPECT_THAT(list("2. No\n1. Yes", 2), ElementsAre(y, n));
  EXPECT_THAT(list("1) yes\n**2.** NO", 2), ElementsAre(y, n));
  EXPECT_THAT(list("Q1: Yes\nA2: No\n3 - Yes\n4 No", 4), ElementsAre(y, n, y, n));
  EXPECT_THAT(list("Here:\n\n1. **Yes**\n2. No, it is 8.\n3. Answer: Yes", 3),
              ElementsAre(y, n, y));
}

TEST(ParseAnswers_List, MissingLine_ShiftsNoOther) {
  EXPECT_THAT(list("1. Yes\n3. No", 3), ElementsAre(answer::yes, std::nullopt, answer::no));
  EXPECT_THAT(list("1. Yes\n2. Perhaps\n3. No", 3),
              ElementsAre(answer::yes, std::nullopt, answer::no));
  EXPECT_THAT(list("Yes\nNo", 2), ElementsAre(std::nullopt, std::nullopt));
}

TEST(ParseAnswers_List, NumberOutsideTheList_IsIgnored) {
  EXPECT_THAT(list("0. Yes\n1. No\n3. Yes\n99999. Yes", 2), ElementsAre(answer::no, std::nullopt));
}

TEST(ParseAnswers_List, TwoAnswersToOneNumber_AreNone) {
  EXPECT_THAT(list("1. Yes\n1. No\n2. Yes\n2. Yes", 2), ElementsAre(std::nullopt, answer::yes));
  EXPECT_THAT(list("1. Yes\n1. No\n1. Yes", 1), ElementsAre(std::nullopt));
}

TEST(ParseAnswers_List, OneQuestion_NeedsNoNumber) {
  EXPECT_THAT(list("Yes.", 1), ElementsAre(answer::yes));
  EXPECT_THAT(list("1. No", 1), ElementsAre(answer::no));
}

TEST(ParseAnswers_Unknown, AuthorsRule_IsThePrefix) {
  const auto exp = make_experiment(profile_kind::authors_compat);
  const arm_spec& arm = exp.arms[arm_of(exp, "qa").value];
  const auto by_prefix = [&](std::string_view reply) {
    return parse_answers(reply, 1, exp, arm).front();
  };
  EXPECT_EQ(by_prefix(" yes, so"), answer::yes);
  EXPECT_EQ(by_prefix("Yesterday"), answer::yes);
  EXPECT_EQ(by_prefix("NOT at all"), answer::no);
  EXPECT_EQ(by_prefix("None"), answer::no);
  EXPECT_EQ(by_prefix("**Yes**"), answer::unknown);
  EXPECT_EQ(by_prefix("Maybe"), answer::unknown);
  EXPECT_EQ(by_prefix(""), answer::unknown);
  EXPECT_THAT(list("1. Not so\n3. Hm", 3, profile_kind::authors_compat),
              ElementsAre(answer::no, answer::unknown, answer::unknown));
}

} // namespace tenbit

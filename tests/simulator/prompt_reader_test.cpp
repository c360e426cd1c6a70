#include "simulator/prompt_reader.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/simulator/prompt_text.hpp"

namespace tenbit::sim {

using namespace test;

TEST(PromptReader_Kind, EveryRequestOfTheProtocol_IsToldApart) {
  const std::string problem = "Zoe has 3 apples and buys 4. How many?";
  const std::string draft = "She has 3 + 4 = 7 apples.\n#### 7";
  EXPECT_EQ(read_prompt(solve_prompt(problem)).kind, prompt_kind::solve);
  EXPECT_EQ(read_prompt(ask_prompt(problem, draft, 7)).kind, prompt_kind::questions);
  EXPECT_EQ(read_prompt(answer_prompt(problem, draft, "7", "Is it 7?")).kind, prompt_kind::answer);
  EXPECT_EQ(read_prompt(revise_prompt(problem, draft, {"Is it 7?"}, {"Yes"})).kind,
            prompt_kind::revision);
  EXPECT_EQ(read_prompt("Questions:\n1. Is it 7?\n2. Is it 8?\n\nAnswer Yes or No.").kind,
            prompt_kind::answer_list);
  EXPECT_EQ(read_prompt("").kind, prompt_kind::solve);
}

TEST(PromptReader_Questions, WantedNumber_IsRead) {
  EXPECT_EQ(read_prompt(ask_prompt("p", "d", 7)).wanted, 7U);
  EXPECT_EQ(read_prompt("Write some yes/no questions").wanted, 10U);
  EXPECT_EQ(read_prompt("Write 99999999999999999999 yes/no questions").wanted, 10U);
  EXPECT_EQ(read_prompt("Write 0 yes/no questions").wanted, 10U);
}

TEST(PromptReader_Sections, Answer_HasAttemptReferenceAndQuestion) {
  const std::string text = answer_prompt("p", "line one\nline two", "#### 7", "Is it 7?");
  const auto view = read_prompt(text);
  EXPECT_EQ(view.problem, "p");
  EXPECT_EQ(view.attempt, "line one\nline two");
  EXPECT_EQ(view.reference, "#### 7");
  ASSERT_EQ(view.questions.size(), 1U);
  EXPECT_EQ(view.questions[0].text, "Is it 7?");
}

TEST(PromptReader_Sections, WishForQuestions_IsNotPartOfTheAttempt) {
  const std::string text = ask_prompt("p", "line one\n\nline two", 5);
  EXPECT_EQ(read_prompt(text).attempt, "line one\n\nline two");
}

TEST(PromptReader_Sections, GoldReference_IsShown) {
  const auto view = read_prompt("Problem:\np\n\nReference:\nThis is the correct answer to the "
                                "problem:\n18\n\nQuestion:\nIs it 18?\n\nYes or No?");
  EXPECT_EQ(view.problem, "p");
  EXPECT_EQ(view.reference, "18");
}

TEST(PromptReader_Pairs, BothForms_GiveQuestionsWithAnswers) {
  const std::string text =
      revise_prompt("p", "d", {"One?", "Two?", "Three?"}, {"Yes", "No", "Unknown"});
  const auto view = read_prompt(text);
  ASSERT_EQ(view.questions.size(), 3U);
  EXPECT_EQ(view.questions[0].answer, said::yes);
  EXPECT_EQ(view.questions[1].answer, said::no);
  EXPECT_EQ(view.questions[2].answer, said::unknown);
  EXPECT_EQ(view.questions[1].text, "Two?");
  const auto other = read_prompt("Questions and answers:\nQ: One?\nA: No\nQ: Two?\nA: Yes");
  ASSERT_EQ(other.questions.size(), 2U);
  EXPECT_EQ(other.questions[0].answer, said::no);
  EXPECT_EQ(other.questions[1].answer, said::yes);
}

TEST(PromptReader_Number, OnlyListNumbers_AreCutOff) {
  EXPECT_EQ(without_number("12. text"), "text");
  EXPECT_EQ(without_number("1) text"), "text");
  EXPECT_EQ(without_number("2.5 apples"), "2.5 apples");
  EXPECT_EQ(without_number("123456. text"), "123456. text");
}

RC_GTEST_PROP(PromptReader_Read, AnyBytes_GiveViewsIntoTheText, (const std::string& noise)) {
  const std::string text = "Question:\n" + noise + "\n\nQuestions and answers:\n1. " + noise +
                           "\nAnswer: " + noise + "\nProblem:" + noise;
  const auto view = read_prompt(text);
  for (const auto& question : view.questions) {
    RC_ASSERT(question.text.data() >= text.data());
    RC_ASSERT(question.text.data() + question.text.size() <= text.data() + text.size());
  }
}

} // namespace tenbit::sim

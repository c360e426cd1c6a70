#include "simulator/persona.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "benchmarks/arith.hpp"
#include "simulator/equations.hpp"
#include "tests/simulator/prompt_text.hpp"

namespace tenbit::sim {

using namespace test;

namespace {
arith::item sample(std::uint64_t number) {
  return arith::generate(11, 2, number);
}

// The share of Yes over many problems for one question each.
template <class Question> double yes_share(const std::string& model, bool reference, Question ask) {
  int yes = 0;
  constexpr int rounds = 300;
  for (int i = 0; i < rounds; ++i) {
    const auto item = sample(static_cast<std::uint64_t>(i));
    const std::string shown = reference ? arith::solution_text(item) : "";
    const auto text = say(model, answer_prompt(item.question, "", shown, ask(item))).text;
    yes += text.starts_with("Yes") ? 1 : 0;
  }
  return static_cast<double>(yes) / rounds;
}
} // namespace

TEST(Persona_Reply, SameRequest_GivesSameText) {
  const std::string prompt = solve_prompt(sample(1).question);
  const auto once = reply(5, {"small", prompt, 0.7, 3});
  const auto twice = reply(5, {"small", prompt, 0.7, 3});
  EXPECT_EQ(once.text, twice.text);
}

TEST(Persona_Reply, TemperatureZero_IgnoresTheRequestSeed) {
  const std::string prompt = solve_prompt(sample(1).question);
  EXPECT_EQ(reply(5, {"small", prompt, 0, 1}).text, reply(5, {"small", prompt, 0, 2}).text);
}

TEST(Persona_Reply, TemperatureAboveZero_VariesWithTheRequestSeed) {
  std::set<std::string> texts;
  const std::string prompt = solve_prompt(sample(4).question);
  for (std::uint64_t seed = 0; seed < 40; ++seed)
    texts.insert(reply(5, {"small", prompt, 1.0, seed}).text);
  EXPECT_GT(texts.size(), 1U);
}

TEST(Persona_Reply, SimulatorSeed_ChangesWhatIsGotWrong) {
  int different = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string prompt = solve_prompt(sample(i).question);
    different += say("small", prompt, 1).text != say("small", prompt, 2).text ? 1 : 0;
  }
  EXPECT_GT(different, 5);
}

TEST(Persona_Solution, EveryText_EndsWithTheMarkAndOneNumber) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto text = say("small", solve_prompt(sample(i).question)).text;
    const auto mark = text.rfind("\n#### ");
    ASSERT_NE(mark, std::string::npos) << text;
    const auto equations = find_equations(text);
    ASSERT_FALSE(equations.empty());
    EXPECT_TRUE(marked_answer(text).has_value());
  }
}

TEST(Persona_Answer, TrueAndFalseClaims_AreToldApartAsThePersonaCan) {
  const auto truth = [](const arith::item& item) {
    return "Is it right that " + item.steps[1].equation + "?";
  };
  const auto lie = [](const arith::item& item) {
    return "Is the final answer " + std::to_string(item.answer + 3) + "?";
  };
  EXPECT_GT(yes_share("large", true, truth), 0.95);
  EXPECT_LT(yes_share("large", true, lie), 0.05);
  EXPECT_GT(yes_share("large", false, truth), 0.92);
  EXPECT_LT(yes_share("large", false, lie), 0.13);
  EXPECT_GT(yes_share("small", false, truth), 0.85);
  EXPECT_GT(yes_share("small", false, lie), 0.45) << "it believes its own mistakes";
  EXPECT_LT(yes_share("small", true, lie), 0.20) << "a reference helps";
}

TEST(Persona_Answer, KindsOfQuestions_AreUnderstood) {
  const std::string sentences = "Zoe bakes 3 trays of rolls";
  struct row {
    const char* question;
    bool truth;
  };
  const std::string reference = "There are 3 * 4 = 12 rolls.\nSo 12 - 5 = 7 are left.\n#### 7";
  for (const row& one : {row{"Is it right that 3 * 4 = 12 for the rolls?", true},
                         row{"Is it right that 3 * 4 = 13 for the rolls?", false},
                         row{"Should 3 be multiplied by 4 to get the rolls?", true},
                         row{"Should 3 and 4 be added to get the rolls?", false},
                         row{"Should 5 be subtracted from 12 to get the rest?", true},
                         row{"Should 12 be divided by 5 to get the rest?", false},
                         row{"Is the final answer 7?", true}, row{"Is the final answer 17?", false},
                         row{"Does the problem need exactly 2 calculations?", true},
                         row{"Does the problem need exactly 3 calculations?", false},
                         row{"Is 3 a number given in the problem?", true},
                         row{"Is 99 a number given in the problem?", false}}) {
    int agreed = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const auto text =
          say("large", answer_prompt(sentences, "", reference, one.question), seed).text;
      agreed += text.starts_with(one.truth ? "Yes" : "No") ? 1 : 0;
    }
    EXPECT_GT(agreed, 52) << one.question;
  }
}

TEST(Persona_Answer, Probabilities_AgreeWithTheWord) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    const auto item = sample(i);
    const auto said =
        say("large", answer_prompt(item.question, "", "",
                                   "Is it right that " + item.steps[0].equation + "?"));
    ASSERT_TRUE(said.p_yes && said.p_no);
    EXPECT_GE(*said.p_yes, 0);
    EXPECT_GE(*said.p_no, 0);
    EXPECT_LE(*said.p_yes + *said.p_no, 1);
    if (said.text.starts_with("Yes")) {
      EXPECT_GT(*said.p_yes, *said.p_no);
    } else if (said.text.starts_with("No")) {
      EXPECT_GT(*said.p_no, *said.p_yes);
    } else {
      EXPECT_LT(*said.p_yes + *said.p_no, 0.5) << "the first token is another word";
    }
  }
}

TEST(Persona_AnswerList, ManyQuestions_GetALineEach) {
  const auto text = say("large", "Problem:\nnone\n\nQuestions:\n1. Is 1 + 1 = 2?\n2. Is it?\n3. Is "
                                 "1 + 1 = 3?\n\nAnswer all 3. Only Yes or No.")
                        .text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_TRUE(text.starts_with("1. "));
  EXPECT_NE(text.find("\n3. "), std::string::npos);
}

TEST(Persona_Revision, DoubtedStep_IsRedoneAndTheRestFollows) {
  int mended = 0, tried = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto item = sample(i);
    const auto& last = item.steps.back();
    const std::string truth = arith::solution_text(item);
    std::string draft = truth.substr(0, truth.find(last.equation));
    draft += last.equation + "1 of them.\n#### " + std::to_string(last.result) + "1"; // ten times
    const auto wrong = find_equations(draft).back();
    const auto text =
        say("small", revise_prompt(item.question, draft,
                                   {"Is it right that " + format_equation(wrong) + "?"}, {"No"}))
            .text;
    ++tried;
    mended += marked_answer(text) == static_cast<double>(item.answer) ? 1 : 0;
  }
  EXPECT_GT(mended, tried * 3 / 4);
  EXPECT_LT(mended, tried);
}

TEST(Persona_Revision, UnknownProblem_KeepsTheEarlierText) {
  const std::string draft = "It is 5 + 5 = 10.\n#### 10";
  EXPECT_EQ(say("small", revise_prompt("Something else.", draft, {"Is 5 + 5 = 10?"}, {"No"})).text,
            draft);
}

TEST(Persona_Questions, UnknownProblem_AsksAboutTheAttempt) {
  const auto text =
      say("small", ask_prompt("Unknown.",
                              "First it is 5 + 5 = 10 dollars.\nThen we stop there.\n#### 10", 5))
          .text;
  EXPECT_NE(text.find("5 + 5 = 10"), std::string::npos);
  EXPECT_NE(text.find("Is the final answer 10?"), std::string::npos);
}

TEST(Persona_Find, UnknownModel_IsNull) {
  EXPECT_EQ(find_persona("medium"), nullptr);
  EXPECT_NE(find_persona("small"), find_persona("large"));
}

RC_GTEST_PROP(Persona_Reply, AnyPrompt_GivesText, (const std::string& a, const std::string& b)) {
  for (const std::string& prompt :
       {a, ask_prompt(a, b, 3), answer_prompt(a, b, a, b), revise_prompt(a, b, {a, b}, {"No", b}),
        "Questions:\n1. " + a + "\n" + b + "yes or no"}) {
    RC_ASSERT(!say("small", prompt).text.empty());
    RC_ASSERT(!say("large", prompt).text.empty());
  }
}

} // namespace tenbit::sim

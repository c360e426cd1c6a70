// How good the personas are, over 500 generated problems: the bands that make the protocol worth
// running.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "benchmarks/arith.hpp"
#include "simulator/equations.hpp"
#include "simulator/prompt_reader.hpp"
#include "tests/simulator/prompt_text.hpp"

namespace tenbit::sim {
namespace {

using namespace test;

constexpr int problems = 500;

std::vector<std::string> parse_list(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string_view line : split_lines(text)) {
    if (without_number(line).size() != line.size())
      out.emplace_back(without_number(line));
  }
  return out;
}

bool right(const std::string& text, const arith::item& item) {
  return marked_answer(text) == static_cast<double>(item.answer);
}

enum class answerer { large_reference, large_alone, small_alone, random, constant };

std::string answer_of(answerer who, const arith::item& item, const std::string& draft,
                      const std::string& reference, const std::string& question,
                      random_stream& random) {
  if (who == answerer::random)
    return random.chance(0.5) ? "Yes" : "No";
  if (who == answerer::constant)
    return "Yes";
  const std::string model = who == answerer::small_alone ? "small" : "large";
  const auto prompt = answer_prompt(item.question, draft,
                                    who == answerer::large_reference ? reference : "", question);
  const std::string text = say(model, prompt).text;
  return text.starts_with("Yes") ? "Yes" : text.starts_with("No") ? "No" : "Unknown";
}

struct tally {
  int before = 0, after = 0, gained = 0, lost = 0;
};

tally run_loop(answerer who, bool hide_draft = false) {
  tally out;
  random_stream random(7);
  for (int i = 0; i < problems; ++i) {
    const auto item = arith::generate(3, 2, static_cast<std::uint64_t>(i));
    const std::string draft = say("small", solve_prompt(item.question)).text;
    const std::string reference = say("large", solve_prompt(item.question)).text;
    const auto questions = parse_list(say("small", ask_prompt(item.question, draft, 10)).text);
    std::vector<std::string> words;
    for (const auto& question : questions)
      words.push_back(answer_of(who, item, draft, reference, question, random));
    const std::string revised =
        say("small", revise_prompt(item.question, hide_draft ? "" : draft, questions, words)).text;
    const bool was = right(draft, item);
    const bool is = right(revised, item);
    out.before += was ? 1 : 0;
    out.after += is ? 1 : 0;
    out.gained += !was && is ? 1 : 0;
    out.lost += was && !is ? 1 : 0;
  }

  return out;
}

double accuracy(const std::string& model, std::uint32_t level) {
  int good = 0;
  for (int i = 0; i < problems; ++i) {
    const auto item = arith::generate(3, level, static_cast<std::uint64_t>(i));
    good += right(say(model, solve_prompt(item.question)).text, item) ? 1 : 0;
  }
  return static_cast<double>(good) / problems;
}

} // namespace

// Bands are four standard errors wide around the design values.
TEST(Persona_Direct, Level2_SmallIsFairAndLargeIsGood) {
  const double small = accuracy("small", 2);
  const double large = accuracy("large", 2);
  EXPECT_GT(small, 0.52);
  EXPECT_LT(small, 0.68);
  EXPECT_GT(large, 0.92);
  EXPECT_LT(large, 0.995);
}

TEST(Persona_Direct, HarderLevels_AreHarder) {
  EXPECT_GT(accuracy("small", 1), accuracy("small", 2));
  EXPECT_GT(accuracy("small", 2), accuracy("small", 3));
}

TEST(Persona_Loop, StrongAnswererWithReference_GainsClearly) {
  const tally t = run_loop(answerer::large_reference);
  EXPECT_GT(t.after, t.before + problems / 8);
  EXPECT_LT(t.lost, problems / 12);
  EXPECT_LT(t.after, problems * 95 / 100) << "ten bits cannot mend everything";
}

TEST(Persona_Loop, StrongAnswererAlone_GainsClearly) {
  const tally t = run_loop(answerer::large_alone);
  EXPECT_GT(t.after, t.before + problems / 8);
}

TEST(Persona_Loop, HiddenDraft_StillGains) {
  const tally t = run_loop(answerer::large_reference, true);
  EXPECT_GT(t.after, t.before + problems / 10);
}

TEST(Persona_Loop, SelfAsk_ChangesLittle) {
  const tally t = run_loop(answerer::small_alone);
  EXPECT_LT(std::abs(t.after - t.before), problems / 10);
  EXPECT_GT(t.gained, 0);
  EXPECT_GT(t.lost, 0);
}

TEST(Persona_Loop, RandomBits_Lose) {
  const tally t = run_loop(answerer::random);
  EXPECT_LT(t.after, t.before - problems / 10);
}

TEST(Persona_Loop, ConstantYes_ChangesAlmostNothing) {
  const tally t = run_loop(answerer::constant);
  EXPECT_LE(std::abs(t.after - t.before), problems / 25);
}

// What is measured is seen when it is wrong: every answer counts, most are clean, a few need a
// re-ask.
TEST(Persona_Answers, ManyQuestions_AreMostlyOneWordAndRarelyUnparseable) {
  int asked = 0, unparseable = 0, dotted = 0;
  for (int i = 0; i < problems; ++i) {
    const auto item = arith::generate(5, 2, static_cast<std::uint64_t>(i));
    for (const auto& step : item.steps) {
      const auto text = say("large", answer_prompt(item.question, "", "",
                                                   "Is it right that " + step.equation + "?"))
                            .text;
      ++asked;
      const bool word = text.starts_with("Yes") || text.starts_with("No");
      unparseable += word ? 0 : 1;
      dotted += word && text.size() > 3 ? 1 : 0;
    }
  }
  EXPECT_GT(unparseable, 0);
  EXPECT_LT(unparseable, asked / 50);
  EXPECT_GT(dotted, asked / 50);
}

TEST(Persona_Questions, ManyDrafts_AskTenAndSometimesFewer) {
  int fewer = 0, preambles = 0;
  for (int i = 0; i < problems; ++i) {
    const auto item = arith::generate(5, 2, static_cast<std::uint64_t>(i));
    const auto draft = say("small", solve_prompt(item.question)).text;
    const auto text = say("small", ask_prompt(item.question, draft, 10)).text;
    const auto list = parse_list(text);
    ASSERT_GE(list.size(), 4U) << text;
    ASSERT_LE(list.size(), 10U) << text;
    fewer += list.size() < 10 ? 1 : 0;
    preambles += text.starts_with("1. ") ? 0 : 1;
  }
  EXPECT_GT(fewer, problems / 50);
  EXPECT_LT(fewer, problems / 2);
  EXPECT_GT(preambles, 0);
}

} // namespace tenbit::sim

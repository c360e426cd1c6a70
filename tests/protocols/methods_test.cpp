// Every method against a script: which effects, in which order, which together, and what comes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "protocols/prompts.hpp"
#include "scripted.hpp"

namespace tenbit {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using names = std::vector<std::string>;

const names four = {"Is 3 right?", "Is 4 right?", "Is it a sum?", "Is it 7?"};

trace play_arm(std::string_view arm, const script& how = {}) {
  return play(input_of(make_experiment(), arm), how);
}

script with_questions(std::string text) {
  script out;
  out.reply = [text](const generate_request& request) {
    return kind_of(request) == "ask" ? text : default_reply(request);
  };
  return out;
}

// As default_reply, with this text for each call of that kind.
script with_reply(std::string kind, std::function<std::string(const generate_request&)> reply) {
  script out;
  out.reply = [=](const generate_request& request) {
    return kind_of(request) == kind ? reply(request) : default_reply(request);
  };
  return out;
}

std::string words_of(const generate_request& revision) {
  std::string out;
  const auto text = prompt_of(revision);
  for (const std::string_view line : split_lines(text))
    if (line.starts_with("Answer: "))
      out += line[8];
  return out;
}

} // namespace

TEST(Direct, Run_IsOneSolution) {
  const auto run = play_arm("direct");
  EXPECT_EQ(run.kinds, names{"solve"});
  ASSERT_TRUE(run.result);
  EXPECT_FALSE(run.result->draft);
  EXPECT_EQ(run.result->answer.text, "small says\n#### 10");
  EXPECT_EQ(run.result->answer.call, run.calls[0]);
  EXPECT_FALSE(run.result->text_crosses);
}

TEST(Direct, OfTheAnswerer_CrossesAsText) {
  EXPECT_TRUE(play_arm("direct-large").result->text_crosses);
}

TEST(Qa, Run_IsDraftQuestionsBitsRevision) {
  const auto run = play_arm("qa");
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "bits", "revise"}));
  EXPECT_THAT(run.batches, ElementsAre(1, 1, 1, 1));
  ASSERT_TRUE(run.result);
  EXPECT_EQ(run.result->draft->call, run.calls[0]);
  EXPECT_EQ(run.result->answer.call, run.calls[2]);
  EXPECT_EQ(run.result->questions, four);
  EXPECT_THAT(run.result->crossed, ElementsAre(answer::yes, answer::no, answer::yes, answer::yes));
  EXPECT_FALSE(run.result->text_crosses);
}

TEST(Qa, Prompts_ShowWhatEachPartyMaySee) {
  const auto run = play_arm("qa");
  EXPECT_THAT(prompt_of(run.requests[1]), HasSubstr("Solution attempt:\nsmall says\n#### 10"));
  EXPECT_THAT(prompt_of(run.requests[1]), HasSubstr("exactly 4 yes/no questions"));
  ASSERT_EQ(run.asks.size(), 1U);
  EXPECT_EQ(run.asks[0].questions, four);
  EXPECT_EQ(run.asks[0].draft, "small says\n#### 10");
  const auto revision = prompt_of(run.requests[2]);
  EXPECT_THAT(revision, HasSubstr("Your earlier solution:\nsmall says\n#### 10"));
  EXPECT_THAT(revision, HasSubstr("1. Is 3 right?\nAnswer: Yes\n2. Is 4 right?\nAnswer: No\n"));
}

TEST(Qa, NoQuestions_LeavesTheDraft) {
  const auto run = play_arm("qa", with_questions("I have no questions about 2.5 pens."));
  EXPECT_EQ(run.kinds, (names{"solve", "ask"}));
  ASSERT_TRUE(run.result);
  EXPECT_EQ(run.result->answer.text, run.result->draft->text);
  EXPECT_EQ(run.result->answer.call, run.calls[0]);
  EXPECT_TRUE(run.result->questions.empty());
  EXPECT_TRUE(run.result->crossed.empty());
}

TEST(Qa, FewerQuestions_ShortenTheStream) {
  auto how = with_questions("1. Is it 7?\n2) Is it 7?");
  how.bits = {answer::yes, answer::no};
  const auto run = play_arm("qa", how);
  EXPECT_THAT(run.result->questions, ElementsAre("Is it 7?", "Is it 7?"));
  EXPECT_EQ(run.result->crossed.size(), 2U);
}

TEST(Qa, MoreQuestions_AreCutToTheArms) {
  const auto run = play_arm("qa", with_questions("1. a?\n2. b?\n3. c?\n4. d?\n5. e?\n6. f?"));
  EXPECT_THAT(run.result->questions, ElementsAre("a?", "b?", "c?", "d?"));
}

TEST(Qa, UnknownWithoutTheSwitch_EndsAsFailed) {
  script how;
  how.bits = {answer::yes, answer::unknown, answer::no, answer::no};
  const auto run = play_arm("qa", how);
  ASSERT_FALSE(run.result);
  EXPECT_EQ(run.result.error().kind, call_error::request_invalid);
}

TEST(SelfAsk, Run_AsksItselfInParallel) {
  const auto run = play_arm("self");
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "answer", "answer", "answer", "answer", "revise"}));
  EXPECT_THAT(run.batches, ElementsAre(1, 1, 4, 1));
  EXPECT_TRUE(run.asks.empty());
  for (const auto& request : run.requests)
    EXPECT_EQ(request.model, "small");
  EXPECT_THAT(prompt_of(run.requests[2]), Not(HasSubstr("Reference:")));
  ASSERT_TRUE(run.result);
  EXPECT_TRUE(run.result->crossed.empty());
  EXPECT_EQ(run.result->questions, four);
  EXPECT_EQ(words_of(run.requests.back()), "YYYY");
}

TEST(SelfAsk, UnparseableReplies_AreAskedAgainOnceThenNo) {
  const auto run = play_arm("self", with_reply("answer", [](const generate_request& request) {
                              const auto text = prompt_of(request);
                              const bool again = text.find("earlier reply") != std::string::npos;
                              if (text.find("Is 3 right?") != std::string::npos)
                                return "Perhaps";
                              if (text.find("Is it a sum?") != std::string::npos)
                                return again ? "Yes" : "Hm";
                              return "No";
                            }));
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "answer", "answer", "answer", "answer", "answer",
                              "answer", "revise"}));
  EXPECT_THAT(run.batches, ElementsAre(1, 1, 4, 2, 1));
  EXPECT_EQ(words_of(run.requests.back()), "NNYN");
}

TEST(SelfAsk, Together_IsOneCall) {
  const auto run = play_arm("self-together");
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "list", "revise"}));
  EXPECT_EQ(words_of(run.requests.back()), "YNNY");
}

TEST(SelfAsk, TogetherWithAGap_AsksTheListAgainAndKeepsWhatWasSaid) {
  const auto run =
      play_arm("self-together", with_reply("list", [](const generate_request& request) {
                 return prompt_of(request).find("earlier reply") != std::string::npos
                            ? "1. Yes\n2. Yes\n3. Yes\n4. No"
                            : "1. No\n2. No\n4. No";
               }));
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "list", "list", "revise"}));
  EXPECT_EQ(words_of(run.requests.back()), "NNYN");
}

TEST(Controls, RandomBits_AreTheSeedsAndNothingCrosses) {
  const auto exp = make_experiment();
  const auto run = play(input_of(exp, "random"));
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "revise"}));
  EXPECT_TRUE(run.result->crossed.empty());
  EXPECT_EQ(run.result->questions, four);
  // The same on every machine: these are the bits of (7, "random", trial, question).
  std::string all;
  for (std::uint16_t trial = 0; trial < 3; ++trial)
    all += words_of(play(input_of(exp, "random", trial)).requests.back());
  EXPECT_EQ(all, "YNNYNNNYNNNY");
}

TEST(Controls, ConstantYes_SaysYesAndNothingCrosses) {
  const auto run = play_arm("yes");
  EXPECT_EQ(run.kinds, (names{"solve", "ask", "revise"}));
  EXPECT_EQ(words_of(run.requests.back()), "YYYY");
  EXPECT_TRUE(run.result->crossed.empty());
}

TEST(Resample, OneSample_IsTheAnswer) {
  const auto run = play_arm("resample");
  EXPECT_EQ(run.kinds, (names{"solve", "solve"}));
  EXPECT_THAT(run.batches, ElementsAre(2));
  EXPECT_EQ(run.result->draft->text, "small says\n#### 10");
  EXPECT_EQ(run.result->answer.text, "small says\n#### 11");
  EXPECT_EQ(run.result->answer.call, run.calls[1]);
}

namespace {

// Final answers of draft and samples, in order; empty: a text without a number.
std::string winner(const names& values) {
  std::size_t next = 0;
  script how;
  how.reply = [&](const generate_request&) {
    const auto& value = values[next++];
    return value.empty() ? std::string("no idea") : "so\n#### " + value;
  };
  const auto run = play_arm("vote", how);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (run.result->answer.call == run.calls[i])
      return std::string(1, static_cast<char>('0' + i));
  return "none";
}

} // namespace

TEST(Resample, MoreSamples_VoteWithTheDraft) {
  EXPECT_EQ(winner({"1", "2", "2", "3", "4"}), "1");
  EXPECT_EQ(winner({"1", "2", "2", "1", "3"}), "0"); // a tie: the earliest
  EXPECT_EQ(winner({"1", "2", "3", "2", "1"}), "0");
  EXPECT_EQ(winner({"", "5", "", "", ""}), "1"); // no answer, no vote
  EXPECT_EQ(winner({"", "", "", "", ""}), "0");
  EXPECT_EQ(winner({"9", "1,000", "1000.0", "8", "7"}), "1"); // one number in two forms
}

TEST(Program, ModelThatIsNotThere_EndsAsFailed) {
  auto exp = make_experiment();
  exp.models.erase(exp.models.begin() + 1);
  const auto running = start_program(input_of(exp, "qa"));
  ASSERT_TRUE(running->finished());
  EXPECT_TRUE(running->take().empty());
  EXPECT_THAT(running->result().error().message, HasSubstr("no model \"small\""));
}

TEST(Program, TrialOverTheLimit_EndsAsFailed) {
  const auto running = start_program(input_of(make_experiment(), "qa", 60'000));
  ASSERT_TRUE(running->finished());
  EXPECT_EQ(running->result().error().kind, call_error::request_invalid);
}

TEST(Program, PromptOverTheLimit_EndsAsFailed) {
  const auto run = play_arm("qa", with_reply("solve", [](const generate_request&) {
                              return std::string(5U << 20U, 'x');
                            }));
  ASSERT_FALSE(run.result);
  EXPECT_THAT(run.result.error().message, HasSubstr("a prompt of"));
}

} // namespace tenbit

// Identity and sampling of calls: what is shared between arms, and the settings of both profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "protocols/requests.hpp"
#include "scripted.hpp"

namespace tenbit {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

call_id draft_call(const experiment& exp, std::string_view arm, std::uint16_t trial = 0) {
  return identify(exp, requests::draft(input_of(exp, arm, trial))).id;
}

std::string canonical(const experiment& exp, const generate_request& request) {
  return identify(exp, request).canonical;
}

const generate_request& first_of(const trace& run, std::string_view kind) {
  for (const auto& request : run.requests)
    if (kind_of(request) == kind)
      return request;
  assertion_failed("no such request", __FILE__, __LINE__);
}

} // namespace

TEST(Calls_Strict, DraftOfATrial_IsSharedByAllArms) {
  const auto exp = make_experiment();
  for (const std::string_view arm : {"qa", "qa-gold", "self", "resample", "vote", "random", "yes"})
    EXPECT_EQ(draft_call(exp, arm), draft_call(exp, "direct")) << arm;
  EXPECT_NE(draft_call(exp, "direct-large"), draft_call(exp, "direct"));
}

TEST(Calls_Strict, QuestionsOfATrial_AreSharedByAllArms) {
  const auto exp = make_experiment();
  const auto calls = play(input_of(exp, "qa")).calls;
  for (const std::string_view arm : {"qa-gold", "self", "random", "yes"})
    EXPECT_EQ(play(input_of(exp, arm)).calls[1], calls[1]) << arm;
}

TEST(Calls_Strict, Trials_DrawTheirOwn) {
  auto exp = make_experiment();
  EXPECT_NE(draft_call(exp, "qa", 0), draft_call(exp, "qa", 1));
  exp.models[1].sampling.seed = false; // then nothing in the request tells them apart, but k does
  EXPECT_EQ(canonical(exp, requests::draft(input_of(exp, "qa", 0))),
            canonical(exp, requests::draft(input_of(exp, "qa", 1))));
  EXPECT_NE(draft_call(exp, "qa", 0), draft_call(exp, "qa", 1));
}

TEST(Calls_Strict, Samples_AreDistinct) {
  const auto exp = make_experiment();
  std::set<call_id> ids;
  for (std::uint16_t trial = 0; trial < 3; ++trial) {
    const auto calls = play(input_of(exp, "vote", trial)).calls;
    ids.insert(calls.begin(), calls.end());
  }
  EXPECT_EQ(ids.size(), 15U);
}

TEST(Calls_FreshCalls, EveryArm_DrawsItsOwn) {
  const auto exp = make_experiment(profile_kind::authors_compat);
  std::set<call_id> ids;
  std::size_t calls = 0;
  for (const arm_spec& arm : exp.arms)
    for (std::uint16_t trial = 0; trial < 3; ++trial) {
      const auto run = play(input_of(exp, arm.name, trial));
      ids.insert(run.calls.begin(), run.calls.end());
      calls += run.calls.size();
    }
  EXPECT_EQ(ids.size(), calls);
}

TEST(Calls_FreshCalls, SameQuestionTwice_IsTwoCalls) {
  const std::vector<std::string> twice = {"Is it 7?", "Is it 7?"};
  for (const auto profile : {profile_kind::strict, profile_kind::authors_compat}) {
    const auto exp = make_experiment(profile);
    const auto calls = requests::self_answers(input_of(exp, "self"), "draft", twice, false);
    EXPECT_EQ(identify(exp, calls[0]).id == identify(exp, calls[1]).id,
              profile == profile_kind::strict);
  }
}

TEST(Settings_Strict, EachCall_HasItsLimitsAndSampling) {
  const auto exp = make_experiment();
  const auto run = play(input_of(exp, "self"));
  const auto& draft = first_of(run, "solve");
  EXPECT_EQ(draft.settings.max_tokens, 2048U);
  EXPECT_EQ(draft.settings.temperature, 0.0);
  EXPECT_TRUE(draft.settings.seed && *draft.settings.seed <= 0x7FFFFFFFU);
  EXPECT_FALSE(draft.settings.yes_no);
  EXPECT_EQ(first_of(run, "ask").settings.max_tokens, 1024U + 64 * 4);
  EXPECT_EQ(first_of(run, "answer").settings.max_tokens, 10U);
  EXPECT_TRUE(first_of(run, "answer").settings.yes_no);
  EXPECT_EQ(first_of(run, "revise").settings, draft.settings);
  const auto list = first_of(play(input_of(exp, "self-together")), "list");
  EXPECT_EQ(list.settings.max_tokens, 16U * 4);
  EXPECT_FALSE(list.settings.yes_no);
}

TEST(Settings_Strict, Temperatures_AreTheModelsZeroAndTheArms) {
  auto exp = make_experiment();
  exp.models[1].sampling.temperature = 0.3;
  exp.models[1].logprobs = false;
  exp.arms[arm_of(exp, "vote").value].temperature = 0.9;
  const auto self = play(input_of(exp, "self"));
  EXPECT_EQ(first_of(self, "solve").settings.temperature, 0.3);
  EXPECT_EQ(first_of(self, "answer").settings.temperature, 0.0);
  EXPECT_FALSE(first_of(self, "answer").settings.yes_no);
  const auto vote = play(input_of(exp, "vote"));
  EXPECT_EQ(vote.requests[0].settings.temperature, 0.3);
  EXPECT_EQ(vote.requests[1].settings.temperature, 0.9);
}

TEST(Settings_Strict, ModelWithoutTemperatureOrSeed_IsSentNone) {
  auto exp = make_experiment();
  exp.models[1].sampling.temperature.reset();
  exp.models[1].sampling.seed = false;
  for (const std::string_view arm : {"self", "vote"})
    for (const auto& request : play(input_of(exp, arm)).requests) {
      EXPECT_THAT(canonical(exp, request), Not(HasSubstr("\"temperature\"")));
      EXPECT_THAT(canonical(exp, request), Not(HasSubstr("\"seed\"")));
    }
}

TEST(Settings_Compat, NoCall_SendsTemperatureOrSeed) {
  auto exp = make_experiment(profile_kind::authors_compat);
  exp.models[1].sampling.temperature = 0.0; // the switch wins
  for (const std::string_view arm : {"self", "vote"})
    for (const auto& request : play(input_of(exp, arm)).requests) {
      EXPECT_FALSE(request.settings.temperature);
      EXPECT_FALSE(request.settings.seed);
    }
}

TEST(Settings_Compat, QuestionLimit_DoesNotGrow) {
  const auto exp = make_experiment(profile_kind::authors_compat);
  EXPECT_EQ(first_of(play(input_of(exp, "qa")), "ask").settings.max_tokens, 1024U);
}

TEST(Switches_HiddenDraft, PromptsAndAsk_DoNotHoldIt) {
  const auto exp = make_experiment(profile_kind::authors_compat);
  const auto qa = play(input_of(exp, "qa"));
  EXPECT_EQ(qa.asks[0].draft, "");
  EXPECT_THAT(prompt_of(first_of(qa, "revise")), Not(HasSubstr("small says")));
  EXPECT_THAT(prompt_of(first_of(qa, "revise")), Not(HasSubstr("Your earlier solution:")));
  EXPECT_THAT(prompt_of(first_of(qa, "ask")), HasSubstr("small says"));
  const auto self = play(input_of(exp, "self"));
  EXPECT_THAT(prompt_of(first_of(self, "answer")), Not(HasSubstr("small says")));
}

TEST(Switches_PadQuestions, TooFew_AreFilledWithOne) {
  auto exp = make_experiment();
  exp.switches.pad_questions = true;
  script how;
  how.reply = [](const generate_request& request) {
    return kind_of(request) == "ask" ? "1. Is it 7?" : default_reply(request);
  };
  const auto run = play(input_of(exp, "qa"), how);
  ASSERT_EQ(run.asks[0].questions.size(), 4U);
  EXPECT_EQ(run.asks[0].questions[0], "Is it 7?");
  EXPECT_EQ(run.asks[0].questions[1], run.asks[0].questions[3]);
}

TEST(Switches_UnknownAnswers, ThirdSymbol_IsPassedOn) {
  const auto exp = make_experiment(profile_kind::authors_compat);
  script how;
  how.bits = {answer::yes, answer::unknown, answer::no, answer::yes};
  const auto run = play(input_of(exp, "qa"), how);
  ASSERT_TRUE(run.result);
  EXPECT_EQ(run.result->crossed, how.bits);
  EXPECT_THAT(prompt_of(first_of(run, "revise")), HasSubstr("2. Is 4 right?\nAnswer: Unknown\n"));
}

TEST(Seed, OfAnExperiment_ChangesEveryRequest) {
  const auto exp = make_experiment();
  auto other = exp;
  other.seed = 8;
  EXPECT_NE(draft_call(exp, "qa"), draft_call(other, "qa"));
}

} // namespace tenbit

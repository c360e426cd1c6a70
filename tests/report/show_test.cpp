#include "base/text.hpp"
#include "report/show.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "report/summary.hpp"
#include "tests/report/made_store.hpp"

namespace tenbit::report {
namespace {

using namespace tenbit::testing;

std::string shown(const store& source, bool json = false, const show_options& options = {}) {
  const auto exp = experiment_of(source, "made");
  EXPECT_TRUE(exp);
  const auto text = show(source, *exp, problem_index{0}, json, options);
  EXPECT_TRUE(text) << text.error().message;
  return text ? *text : std::string();
}

memory_store store_of_one(std::vector<event> journal) {
  return {manifest_of(made_experiment(), 1), {std::move(journal)}};
}

TEST(Show, MadeProblem_TellsTheStory) {
  const std::string text = shown(*made_store(1));
  for (const char* part :
       {"problem 0  made/0  task done", "simulated", "How many apples are left?", "gold: 7",
        "== qa, trial 0: qa, solver small, questioner small, answerer large, reference own",
        "draft answer: 7  right", "1. Is step 1 right?", "yes  P(yes) 0.500", "no  P(yes) 0.250",
        "It is 7.", "final answer: 8  wrong", "2 bits crossed: 80  .tbit ", "100 + 50 tokens"})
    EXPECT_TRUE(contains(text, part)) << part << "\n" << text;
  EXPECT_FALSE(contains(text, "\x1b")) << text;
}

TEST(Show, EventsOfPeers_AreCountedByName) {
  const auto source = made_store(1);
  EXPECT_FALSE(contains(shown(*source), "events of the journal"));
  source->set_origin("node-7");
  const auto events = source->events(problem_index{0})->size();
  EXPECT_TRUE(contains(shown(*source),
                       "events of the journal: " + std::to_string(events) + " from node-7"));
  const auto parsed = nlohmann::json::parse(shown(*source, true));
  EXPECT_EQ(parsed.at("events_by").at("node-7"), events);
}

TEST(Show, OneArm_ShowsOnlyIt) {
  show_options options;
  options.arm = small_arm;
  const std::string text = shown(*made_store(1), false, options);
  EXPECT_TRUE(contains(text, "== small"));
  EXPECT_FALSE(contains(text, "== qa"));
}

TEST(Show, Colour_IsOnRequestOnly) {
  show_options options;
  options.colour = true;
  EXPECT_TRUE(contains(shown(*made_store(1), false, options), "\x1b[32mright\x1b[0m"));
}

TEST(Show, TerminalEscapes_AreNeutralised) {
  const std::string attack = "\x1b]0;owned\x07\x1b[2J\xe2\x80\xaeleft\xc2\x9b";
  auto journal = made_journal(0);
  for (event& e : journal) {
    if (auto* call = std::get_if<call_event>(&e)) {
      call->reply.text = attack;
      call->model = attack;
      const chat_message message{chat_role::user, attack};
      call->request = canonical_request(attack, {&message, 1}, {});
    } else if (auto* bit = std::get_if<bit_event>(&e)) {
      bit->question = attack;
    } else if (auto* end = std::get_if<outcome_event>(&e)) {
      end->draft_answer = end->final_answer = attack;
    }
  }
  failure_event failure = made_failure(resample_arm);
  failure.message = attack;
  journal.pop_back();
  journal.push_back(failure);
  auto source = store_of_one(std::move(journal));
  source.set_id(attack);
  source.set_question(attack);
  show_options options;
  options.full = true;
  for (bool json : {false, true}) {
    const std::string text = shown(source, json, options);
    for (char c : text)
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n') << static_cast<int>(c);
    EXPECT_FALSE(contains(text, "\xe2\x80\xae"));
    EXPECT_FALSE(contains(text, "\xc2\x9b"));
  }
  EXPECT_TRUE(contains(shown(source), "\\x1b"));
  const auto parsed = nlohmann::json::parse(shown(source, true));
  EXPECT_EQ(parsed.at("problem").at("id"), attack + "0"); // the data itself is not changed
}

TEST(Show, LongText_IsCutUnlessFull) {
  auto journal = made_journal(0);
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += "ä"; // a cut must not split one
  std::get<call_event>(journal[0]).reply.text = text;
  const auto source = store_of_one(journal);
  const std::string cut = shown(source);
  EXPECT_TRUE(contains(cut, "… 2000 bytes more (--full shows all)")) << cut;
  show_options options;
  options.full = true;
  EXPECT_TRUE(contains(shown(source, false, options), text));
}

TEST(Show, Marks_AreShown) {
  auto journal = made_journal(0);
  auto& bit = std::get<bit_event>(journal[9]);
  bit.asked_again = bit.by_default = true;
  const std::string text = shown(store_of_one(journal));
  EXPECT_TRUE(contains(text, "asked again  by default")) << text;
}

TEST(Show, UnfinishedAndFailedArms_AreSaid) {
  const std::string text =
      shown(store_of_one({made_bit(qa_arm, 0, answer::yes, {}, "q"), made_failure(resample_arm)}));
  EXPECT_TRUE(contains(text, "not finished yet")) << text;
  EXPECT_TRUE(contains(text, "failed: transient: http://gpu1:8000 timed out")) << text;
  EXPECT_TRUE(contains(shown(store_of_one({})), "no arm has answered yet"));
}

TEST(Show, DamagedBitstream_IsSaidNotShown) {
  auto journal = made_journal(0);
  std::get<outcome_event>(journal[10]).bitstream = "garbage";
  const auto source = store_of_one(journal);
  EXPECT_TRUE(contains(shown(source), "(unreadable: "));
  EXPECT_TRUE(contains(shown(source, true), "payload_error"));
}

TEST(Show, Json_HasTheNumbers) {
  show_options options;
  options.full = true;
  const auto parsed = nlohmann::json::parse(shown(*made_store(1), true, options));
  EXPECT_EQ(parsed.at("problem").at("gold"), "7");
  const auto& qa = parsed.at("arms")[2];
  EXPECT_EQ(qa.at("arm"), "qa");
  EXPECT_EQ(qa.at("questions").size(), 2U);
  EXPECT_EQ(qa.at("questions")[0].at("answer"), "yes");
  EXPECT_EQ(qa.at("payload_hex"), "80");
  EXPECT_EQ(qa.at("final").at("correct"), false);
  EXPECT_EQ(parsed.at("calls").size(), 6U);
}

TEST(FindProblem, IndexOrId_IsFound) {
  const auto source = made_store(4);
  EXPECT_EQ(find_problem(*source, "3")->value, 3U);
  EXPECT_EQ(find_problem(*source, "made/2")->value, 2U);
}

TEST(FindProblem, Unknown_NamesTheRange) {
  const auto source = made_store(4);
  for (const char* name : {"4", "-1", "99999999999999999999999", "", "made/9"}) {
    const auto found = find_problem(*source, name);
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().kind, report_error::unknown);
    EXPECT_NE(found.error().message.find("from 0 to 3"), std::string::npos)
        << found.error().message;
  }
}

TEST(FindArm, Unknown_NamesTheNearest) {
  const auto exp = made_experiment();
  EXPECT_EQ(find_arm(exp, "qa")->value, 2U);
  EXPECT_NE(find_arm(exp, "resampel").error().message.find("\"resample\""), std::string::npos);
}

} // namespace
} // namespace tenbit::report

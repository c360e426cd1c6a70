// What workers and graders say of an arm against what the coordinator has: a lie is refused and
// counted, and changes nothing.
#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

// A worker with a lease, an oracle, a grader.
struct lease_bench {
  lease_bench() {
    w.join(o, "olga", sender);
    w.join(g, "gina", grading);
    w.join(a, "anna", solver, 1);
    given = w.got<grant>(a).at(0);
    w.commit();
  }
  // Two bits of the asking arm, committed or on their way.
  void give_bits() {
    w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?", "Even?"}, "draft"});
    oracle_append bits{given.task, 1, 0, {}};
    for (std::uint32_t i = 0; i < 2; ++i) {
      bit_event bit;
      bit.where = asking;
      bit.index = bit_index{i};
      bit.question = i == 0 ? "Is it?" : "Even?";
      bit.question_hash = hash_bytes(bit.question);
      bits.events.emplace_back(std::move(bit));
    }
    w.say(o, "olga", bits);
  }
  arm_finished with_bits() const {
    arm_finished out = w.finished_of(given, asking);
    out.questions = 2;
    out.payload_bits = 2;
    return out;
  }
  // It ends the lease, at once, and is charged to the task and to the worker.
  void expect_refused(const arm_finished& lie, const std::string& what) {
    w.say(a, "anna", lie);
    w.commit();
    EXPECT_EQ(w.got<revoke>(a).size(), 1U) << what;
    EXPECT_EQ(w.status().stale_refused, 1U) << what;
    EXPECT_TRUE(w.got<grade_request>(g).empty()) << what;
    EXPECT_EQ(w.run().tasks().find(given.task.problem), nullptr) << what;
    const task_faults* faults = w.run().tasks().faults_of(given.task.problem);
    ASSERT_NE(faults, nullptr) << what;
    EXPECT_EQ(faults->errors.size(), 1U) << what;
    EXPECT_EQ(w.core.peers().all().at(2).tasks_failed, 1U) << what;
  }

  core_bench w;
  grant given;
};

struct Core_Lies : ::testing::Test, lease_bench {};

} // namespace

TEST_F(Core_Lies, ArmAgainstTheJournalOrTheLedger_IsRefused) {
  const call_event sent = call_of(*w.exp, "earlier", "large", party::sender);
  const call_event own = call_of(*w.exp, "earlier");
  const call_id unknown{hash_bytes("x")};
  struct lie {
    const char* what;
    arm_trial where;
    std::function<void(arm_finished&)> change;
  };
  const std::vector<lie> lies{
      {"fewer bits", asking, [](auto& m) { m.payload_bits = 1; }},
      {"more bits", asking, [](auto& m) { m.payload_bits = 3; }},
      {"fewer questions", asking, [](auto& m) { m.questions = 1; }},
      {"no call of the task", asking, [&](auto& m) { m.answer_call = unknown; }},
      {"another text of the call", asking, [](auto& m) { m.answer_text = "another"; }},
      {"a call of the sender", asking, [&](auto& m) { m.answer_call = sent.id; }},
      {"a draft of no call", asking, [&](auto& m) { m.draft_call = unknown; }},
      {"a draft of the sender", asking, [&](auto& m) { m.draft_call = sent.id; }},
      {"another text of the draft", asking,
       [&](auto& m) {
         m.draft_call = own.id;
         m.draft_text = "another";
       }},
      {"a draft without a call", asking, [](auto& m) { m.draft_text = "so"; }},
      {"bits where nothing crosses", asking_itself, [](auto& m) { m.payload_bits = 1; }},
      {"a text that is shorter than it is", crossing, [](auto& m) { m.payload_bits -= 8; }},
      {"a text of its own for one that crossed", crossing,
       [&](auto& m) { m.answer_call = own.id; }},
  };
  for (const lie& one : lies) {
    lease_bench own_bench;
    own_bench.give_bits();
    own_bench.w.commit();
    arm_finished end = one.where == asking ? own_bench.with_bits()
                                           : own_bench.w.finished_of(own_bench.given, one.where);
    one.change(end);
    own_bench.expect_refused(end, one.what);
    EXPECT_EQ(own_bench.w.events(), 2U) << one.what << ": the bits";
  }
}

TEST_F(Core_Lies, BitsThatAreNotDurable_AreRefused) {
  give_bits();
  expect_refused(with_bits(), "bits on their way");
}

TEST_F(Core_Lies, ReleasedAsDoneWithArmsOpen_EndsTheLeaseAndIsCharged) {
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::done, 0});
  w.commit();
  EXPECT_EQ(w.got<revoke>(a).size(), 1U);
  EXPECT_EQ(w.run().tasks().find(given.task.problem), nullptr);
  EXPECT_EQ(w.run().tasks().faults_of(given.task.problem)->errors.size(), 1U);
  EXPECT_TRUE(std::any_of(w.committed.begin(), w.committed.end(), [&](const auto& one) {
    return one.what.task == given.task.problem && one.what.lease_ended;
  })) << "else the next life would wait for its holder";
}

// Not for ever: two workers that say the same of it are believed to be unable to do it.
TEST_F(Core_Lies, SameTaskAgainAndAgain_IsQuarantined) {
  const problem_index task = given.task.problem;
  w.join(b, "bert", solver, 3);
  for (int i = 0; i < 20 && w.status().tasks.quarantined == 0; ++i) {
    for (const auto& [who, name] : {std::pair{a, "anna"}, std::pair{b, "bert"}})
      for (const grant& one : w.got<grant>(who))
        if (one.task.problem == task)
          w.say(who, name, task_released{one.task, one.lease, release_kind::done, 0});
    w.commit();
    w.pass(limits::task_retry_delay, {{a, "anna"}, {b, "bert"}}, 3);
  }
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
}

// A model may solve in one arm and answer in another: each party has its own text of the one call.
TEST_F(Core_Lies, CallThatBothPartiesMade_IsKeptForEach) {
  call_event theirs = call_of(*w.exp, "both", "large", party::sender);
  call_event ours = call_of(*w.exp, "both", "large");
  ours.reply.text = "another draw";
  w.say(o, "olga", oracle_append{given.task, 1, 0, {theirs}});
  w.say(a, "anna", append_request{given.task, given.lease, 1, {ours}});
  w.say(a, "anna", append_request{given.task, given.lease, 2, {ours}});
  w.commit();
  EXPECT_EQ(w.events(), 2U);
  arm_finished end = w.finished_of(given, asking_itself);
  end.answer_call = ours.id;
  end.answer_text = ours.reply.text;
  w.say(a, "anna", end);
  EXPECT_EQ(w.got<grade_request>(g).size(), 1U);
  EXPECT_EQ(w.status().stale_refused, 0U);
}

// Two oracles may have made the call, one after the other, and an oracle may lie: it is asked again
// with what the journal has, and after a few times no more. Neither worker nor task is to blame.
TEST_F(Core_Lies, TextThatIsNotInTheJournal_DoesNotCrossAndDrainsItsOracle) {
  text_request ask{given.task, given.lease, 1, crossing, {}};
  ask.request.model = "large";
  w.say(a, "anna", ask);
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(w.got<oracle_text>(o).size(), i);
    const auto ticket = w.got<oracle_text>(o).back().ticket;
    w.say(o, "olga", oracle_text_reply{given.task, ticket, "made up"});
    w.say(o, "olga", forgotten{given.task});
    w.commit();
  }
  EXPECT_TRUE(w.got<text_reply>(a).empty());
  EXPECT_EQ(w.got<oracle_text>(o).size(), 3U);
  EXPECT_FALSE(w.core.peers().all().at(0).draining.empty());
  w.join(h, "hank", sender);
  ASSERT_EQ(w.got<oracle_text>(h).size(), 1U);
  call_event paid = call_of(*w.exp, "x", "large", party::sender);
  paid.request = canonical_request("large", {}, {});
  paid.id = identify("large", paid.request, 0);
  w.say(h, "hank", oracle_append{given.task, 1, 0, {paid}});
  w.commit();
  w.say(h, "hank", oracle_text_reply{given.task, w.got<oracle_text>(h)[0].ticket, paid.reply.text});
  ASSERT_EQ(w.got<text_reply>(a).size(), 1U);
  EXPECT_EQ(w.got<text_reply>(a)[0].text, paid.reply.text);
}

TEST_F(Core_Lies, TextOfAnotherCall_DoesNotCross) {
  text_request ask{given.task, given.lease, 1, crossing, {}};
  ask.request.model = "large";
  w.say(a, "anna", ask);
  const call_event other = call_of(*w.exp, "other", "large", party::sender);
  w.say(o, "olga", oracle_append{given.task, 1, 0, {other}});
  w.commit();
  const auto ticket = w.got<oracle_text>(o).at(0).ticket;
  w.say(o, "olga", oracle_text_reply{given.task, ticket, other.reply.text});
  EXPECT_TRUE(w.got<text_reply>(a).empty());
  EXPECT_EQ(w.status().stale_refused, 1U);
}

// Of an arm that asked for fewer bits than it might.
TEST_F(Core_Lies, BitAfterTheLastQuestion_IsDropped) {
  w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?"}, "draft"});
  const auto bit_of = [](std::uint32_t index, const char* question) {
    bit_event bit;
    bit.where = asking;
    bit.index = bit_index{index};
    bit.question = question;
    bit.question_hash = hash_bytes(question);
    return bit;
  };
  w.say(o, "olga", oracle_append{given.task, 1, 0, {bit_of(0, "Is it?")}});
  w.commit();
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  w.say(o, "olga", oracle_append{given.task, 2, 0, {bit_of(1, "Is it another?")}});
  w.commit();
  EXPECT_EQ(w.events(), 1U);
}

TEST_F(Core_Lies, TextAskedForAgainAndAgain_IsRefused) {
  text_request ask{given.task, given.lease, 0, crossing, {}};
  ask.request.model = "large";
  for (ask.ticket = 1; ask.ticket <= 20; ++ask.ticket)
    w.say(a, "anna", ask);
  EXPECT_EQ(w.got<text_reply>(a).size() + w.got<oracle_text>(o).size(), 20U);
  EXPECT_EQ(w.got<oracle_text>(o).size(), 8U);
}

TEST_F(Core_Lies, TruthWithBits_IsGradedOnceTheyAreDurable) {
  give_bits();
  w.commit();
  w.say(a, "anna", with_bits());
  w.say(a, "anna", w.finished_of(given, crossing));
  w.say(a, "anna", w.finished_of(given, asking_itself));
  EXPECT_EQ(w.got<grade_request>(g).size(), 3U);
}

TEST_F(Core_Lies, AskForMoreBitsThanTheArmHas_IsRefused) {
  const std::vector<std::string> many(w.exp->arms[0].questions + 1, "Is it?");
  w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, many, "draft"});
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  EXPECT_TRUE(w.got<bits_reply>(a)[0].failed);
  EXPECT_TRUE(w.got<oracle_ask>(o).empty()) << "it would have been paid for";
}

TEST_F(Core_Lies, SecondAskOfAnArm_IsRefusedAndTheFirstIsAnswered) {
  w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?", "Even?"}, "draft"});
  w.say(a, "anna", ask_message{given.task, given.lease, 2, asking, {"Is it 7?", "8?"}, "draft"});
  EXPECT_EQ(w.got<oracle_ask>(o).size(), 1U);
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  EXPECT_EQ(w.got<bits_reply>(a)[0].ticket, 2U);
  EXPECT_TRUE(w.got<bits_reply>(a)[0].failed);
  give_bits(); // the first ask again, and its bits
  w.commit();
  ASSERT_EQ(w.got<bits_reply>(a).size(), 2U);
  EXPECT_FALSE(w.got<bits_reply>(a)[1].failed);
}

TEST_F(Core_Lies, BitOfAnotherQuestionOrBeyondTheArm_IsDropped) {
  w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?"}, "draft"});
  oracle_append lie{given.task, 1, 0, {}};
  for (const std::uint32_t index : {0U, 1U, w.exp->arms[0].questions}) {
    bit_event bit;
    bit.where = asking;
    bit.index = bit_index{index};
    bit.question = "Is it another?";
    bit.question_hash = hash_bytes(bit.question);
    lie.events.emplace_back(std::move(bit));
  }
  w.say(o, "olga", lie);
  w.commit();
  EXPECT_EQ(w.events(), 0U);
  EXPECT_EQ(w.status().stale_refused, 3U);
  EXPECT_TRUE(w.got<bits_reply>(a).empty());
}

TEST_F(Core_Lies, OracleCallUnderAnotherName_IsDropped) {
  call_event forged = call_of(*w.exp, "new", "large", party::sender);
  forged.id = call_id{hash_bytes("x")};
  call_event priceless = call_of(*w.exp, "newer", "large", party::sender);
  priceless.reply.usage.completion = ~std::uint64_t{0};
  w.say(o, "olga", oracle_append{given.task, 1, 0, {forged, priceless}});
  w.commit();
  EXPECT_EQ(w.events(), 0U);
  EXPECT_EQ(w.status().stale_refused, 2U);
  w.say(o, "olga",
        oracle_append{given.task, 2, 0, {call_of(*w.exp, "new", "large", party::sender)}});
  w.commit();
  EXPECT_EQ(w.events(), 1U);
}

TEST_F(Core_Lies, WordsOfTheSendersFailure_ReachTheJournalAndNotTheSolver) {
  const std::string words = "HTTP 422: the reference says 42";
  w.say(a, "anna", ask_message{given.task, given.lease, 1, asking, {"Is it?"}, "draft"});
  ASSERT_EQ(w.got<oracle_ask>(o).size(), 1U);
  w.say(o, "olga",
        oracle_failed{
            given.task, w.got<oracle_ask>(o)[0].ticket, {call_error::request_invalid, words}});
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  const ask_failure told = w.got<bits_reply>(a)[0].failure;
  EXPECT_EQ(told.kind, call_error::request_invalid);
  EXPECT_EQ(told.message.find("42"), std::string::npos) << told.message;
  EXPECT_EQ(w.status().last_failure, words);
  w.say(
      a, "anna",
      append_request{given.task, given.lease, 2, {failure_event{asking, told.kind, told.message}}});
  w.commit();
  ASSERT_EQ(w.events(), 1U);
  const auto& kept = w.stored.at({run_a.value, given.task.problem.value}).at(0);
  EXPECT_EQ(std::get<failure_event>(kept).message, words);
}

TEST_F(Core_Lies, ReleasedAsDoneAgainAndAgain_CountsNothing) {
  for (int i = 0; i < 3; ++i)
    w.say(a, "anna", task_released{given.task, epoch{99}, release_kind::done, 0});
  for (const auto& peer : w.core.peers().all())
    EXPECT_EQ(peer.tasks_done, 0U) << peer.name;
}

TEST_F(Core_Lies, GradedByOneThatWasNotAsked_CountsNot) {
  w.join(h, "hank", grading);
  const arm_finished end = w.finished_of(given, asking);
  w.say(a, "anna", end);
  const bool of_gina = !w.got<grade_request>(g).empty();
  ASSERT_NE(of_gina, !w.got<grade_request>(h).empty()) << "one of them was asked";
  const std::pair asked{of_gina ? g : h, of_gina ? "gina" : "hank"};
  const std::pair other{of_gina ? h : g, of_gina ? "hank" : "gina"};
  w.say(other.first, other.second, w.result_of(end));
  w.say(other.first, other.second, w.result_of(w.finished_of(given, crossing)));
  w.commit();
  EXPECT_EQ(w.events(), 0U);
  EXPECT_EQ(w.status().stale_refused, 1U) << "the other arm is not open";
  w.say(asked.first, asked.second, w.result_of(end));
  w.commit();
  EXPECT_EQ(w.events(), 1U);
}

TEST_F(Core_Lies, GradedOtherThanAsked_IsRefusedAndTheTruthIsTaken) {
  const arm_finished end = w.finished_of(given, asking);
  w.say(a, "anna", end);
  graded lie = w.result_of(end);
  lie.result.payload_bits = 1;
  w.say(g, "gina", lie);
  lie = w.result_of(end);
  lie.result.answer_hash = hash_bytes("another");
  w.say(g, "gina", lie);
  w.commit();
  EXPECT_EQ(w.events(), 0U);
  EXPECT_EQ(w.status().stale_refused, 2U);
  EXPECT_NE(w.status().last_failure.find("gina"), std::string::npos);
  w.say(g, "gina", w.result_of(end));
  w.commit();
  EXPECT_EQ(w.events(), 1U);
}

TEST_F(Core_Lies, ResultOfAGraderThatIsDrained_StillCounts) {
  const arm_finished end = w.finished_of(given, asking);
  w.say(a, "anna", end);
  ASSERT_EQ(w.got<grade_request>(g).size(), 1U);
  EXPECT_TRUE(w.core.drain("gina", ""));
  w.say(g, "gina", w.result_of(end)); // it was on its way
  w.commit();
  EXPECT_EQ(w.events(), 1U);
  EXPECT_EQ(w.status().stale_refused, 0U);
}

TEST_F(Core_Lies, GraderThatIsGone_AnotherIsAskedAndCounts) {
  const arm_finished end = w.finished_of(given, asking);
  w.say(a, "anna", end);
  w.join(h, "hank", grading); // and is asked what is open, or gina again
  EXPECT_TRUE(w.core.drain("gina", ""));
  ASSERT_FALSE(w.got<grade_request>(h).empty());
  w.say(h, "hank", w.result_of(end));
  w.commit();
  EXPECT_EQ(w.events(), 1U);
}

} // namespace tenbit::testing

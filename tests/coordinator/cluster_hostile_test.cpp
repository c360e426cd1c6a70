// What a coordinator does with messages that are late, repeated, forged or nonsense: nothing is
// committed, and it lives.
#include <gtest/gtest.h>

#include "actors/wire.hpp"
#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

// Anna works on the first task; ben, olga and gina are there.
struct Core_Hostile : ::testing::Test {
  Core_Hostile() {
    w.join(o, "olga", sender);
    w.join(g, "gina", grading);
    w.join(a, "anna", solver, 1);
    w.join(b, "ben", solver, 0);
    given = w.got<grant>(a).at(0);
    w.commit();
  }
  append_request append(std::uint64_t ticket, std::vector<event> events) const {
    return {given.task, given.lease, ticket, std::move(events)};
  }
  append_request one_call(std::uint64_t ticket) const {
    return append(ticket, {call_of(*w.exp, "p")});
  }
  ask_message ask(std::uint64_t ticket, arm_trial where = asking) const {
    return {given.task, given.lease, ticket, where, {"Is it?", "Even?"}, "draft"};
  }
  text_request text(std::uint64_t ticket) const {
    return {given.task, given.lease, ticket, crossing, {"large", {}, {}, 0}};
  }
  arm_finished finished(arm_trial where) const { return w.finished_of(given, where); }
  task_released released(release_kind how) const { return {given.task, given.lease, how, 1}; }
  // Of the answer to the oracle's ask.
  oracle_append bits(std::uint64_t ticket) {
    oracle_append out{given.task, ticket, 0, {}};
    for (std::uint32_t i = 0; i < 2; ++i) {
      bit_event bit;
      bit.where = asking;
      bit.index = bit_index{i};
      bit.value = answer::yes;
      bit.question = i == 0 ? "Is it?" : "Even?";
      bit.question_hash = hash_bytes(bit.question);
      out.events.emplace_back(std::move(bit));
    }
    return out;
  }
  // Everything a solver can say of a lease, each of which this peer may not say.
  void expect_refused(connection_id from, const std::string& key) {
    const auto events = w.events();
    w.sent.clear();
    w.say(from, key, one_call(1));
    w.say(from, key, ask(2));
    w.say(from, key, text(3));
    w.say(from, key, finished(asking));
    EXPECT_EQ(w.got<revoke>(from).size(), 4U);
    w.say(from, key, released(release_kind::own_fault));
    EXPECT_EQ(w.got<release_ack>(from).size(), 1U);
    w.commit();
    EXPECT_EQ(w.events(), events);
    EXPECT_TRUE(w.got<oracle_ask>(o).empty());
    EXPECT_TRUE(w.got<oracle_text>(o).empty());
    EXPECT_TRUE(w.got<grade_request>(g).empty());
    EXPECT_TRUE(w.got<appended>(from).empty());
  }

  core_bench w;
  grant given;
};

TEST_F(Core_Hostile, StaleEpoch_IsRefusedEverywhere) {
  given.lease.value -= 1;
  expect_refused(a, "anna");
  EXPECT_EQ(w.status().tasks.leased, 1U);
}

TEST_F(Core_Hostile, AnothersLeaseWithTheRightEpoch_IsRefusedEverywhere) {
  expect_refused(b, "ben");
  EXPECT_NE(w.run().tasks().find(given.task.problem), nullptr);
}

TEST_F(Core_Hostile, ProblemBeyondTheBenchmark_IsRefusedEverywhere) {
  for (const std::uint64_t index : {std::uint64_t{3}, ~std::uint64_t{0}}) {
    given.task.problem = problem_index{index};
    expect_refused(a, "anna");
    w.say(o, "olga", oracle_append{given.task, 1, 1, {call_of(*w.exp, "q", "large")}});
    w.say(o, "olga", oracle_failed{given.task, ~0ULL, {}});
    w.say(o, "olga", oracle_text_reply{given.task, ~0ULL, "x"});
    w.say(o, "olga", forgotten{given.task});
    w.say(g, "gina", graded{given.task, {}});
    w.beat(a, "anna", 1, {{given.task, given.lease, ~0U, ~0U}});
    w.join(a, "anna", solver, 0, 1, {{given.task, given.lease}});
    w.join(o, "olga", sender, 0, 1, {{given.task, {}}});
    EXPECT_FALSE(w.run().quarantine(given.task.problem, "x"));
    EXPECT_TRUE(w.run().requeue(given.task.problem, task_status::quarantined, true));
    w.commit();
    EXPECT_EQ(w.events(), 0U);
    EXPECT_EQ(w.status().tasks.all(), 3U);
  }
}

TEST_F(Core_Hostile, UnknownExperiment_IsRefusedEverywhere) {
  given.task.experiment = experiment_id{99};
  expect_refused(a, "anna");
  w.say(o, "olga", oracle_append{given.task, 1, 1, {}});
  w.say(g, "gina", graded{given.task, {}});
  w.beat(a, "anna", 1, {{given.task, given.lease, 0, 0}});
  EXPECT_EQ(w.got<revoke>(a).size(), 5U);
}

TEST_F(Core_Hostile, RepeatedAppend_IsCommittedOnceAndAnsweredAgain) {
  w.say(a, "anna", one_call(1));
  w.say(a, "anna", one_call(1));
  EXPECT_TRUE(w.got<appended>(a).empty()) << "not before it is durable";
  EXPECT_EQ(w.events(), 1U);
  w.commit();
  EXPECT_EQ(w.got<appended>(a).size(), 1U);
  w.say(a, "anna", one_call(1));
  EXPECT_EQ(w.got<appended>(a).size(), 2U);
  w.say(a, "anna", one_call(2)); // the same call under another ticket
  w.commit();
  EXPECT_EQ(w.got<appended>(a).size(), 3U);
  EXPECT_EQ(w.events(), 1U);
  EXPECT_EQ(w.status().duplicates, 2U);
}

TEST_F(Core_Hostile, RepeatedAsk_IsAnsweredWithTheSameBits) {
  w.say(a, "anna", ask(1));
  w.say(a, "anna", ask(1));
  const auto asked = w.got<oracle_ask>(o);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].ticket, asked[1].ticket);
  w.say(o, "olga", bits(1));
  EXPECT_TRUE(w.got<bits_reply>(a).empty()) << "not before they are durable";
  w.say(o, "olga", bits(1));
  w.commit();
  ASSERT_EQ(w.got<bits_reply>(a).size(), 1U);
  EXPECT_EQ(w.events(), 2U) << "each bit once";
  w.say(a, "anna", ask(1));
  ASSERT_EQ(w.got<bits_reply>(a).size(), 2U);
  EXPECT_EQ(w.got<bits_reply>(a)[1].values, w.got<bits_reply>(a)[0].values);
  EXPECT_EQ(w.got<oracle_ask>(o).size(), 2U) << "the ledger answers";
}

TEST_F(Core_Hostile, AnotherQuestionAtTheSameBit_Diverges) {
  w.say(a, "anna", ask(1));
  w.say(o, "olga", bits(1));
  w.commit();
  ask_message other = ask(2);
  other.questions[1] = "Odd?";
  w.say(a, "anna", other);
  ASSERT_EQ(w.got<bits_reply>(a).size(), 2U);
  EXPECT_TRUE(w.got<bits_reply>(a)[1].failed);
  EXPECT_EQ(w.got<bits_reply>(a)[1].failure.kind, call_error::diverged);
}

TEST_F(Core_Hostile, RepeatedFinished_IsGradedAndCommittedOnce) {
  w.say(a, "anna", finished(asking));
  w.say(a, "anna", finished(asking));
  EXPECT_EQ(w.got<grade_request>(g).size(), 2U);
  w.say(g, "gina", w.result_of(finished(asking)));
  w.say(g, "gina", w.result_of(finished(asking)));
  w.say(a, "anna", finished(asking));
  EXPECT_TRUE(w.got<arm_closed>(a).empty());
  w.commit();
  EXPECT_EQ(w.got<arm_closed>(a).size(), 1U);
  w.say(a, "anna", finished(asking));
  EXPECT_EQ(w.got<arm_closed>(a).size(), 2U);
  EXPECT_EQ(w.events(), 1U);
}

TEST_F(Core_Hostile, ForgedEvents_CommitNothingAndEndTheLease) {
  call_event other_id = call_of(*w.exp, "p");
  other_id.request = "another";
  call_event other_k = call_of(*w.exp, "p");
  other_k.k = 1;
  const arm_trial no_arm{arm_index{bench_arms}, {}}, no_trial{{}, trial_index{1}};
  const std::vector<event> forged{other_id,
                                  other_k,
                                  call_of(*w.exp, "p", "unknown"),
                                  call_of(*w.exp, "p", "large", party::sender),
                                  call_of(*w.exp, "p", "small", party::grader),
                                  bit_event{},
                                  outcome_event{},
                                  failure_event{no_arm, {}, {}},
                                  failure_event{no_trial, {}, {}}};
  std::uint64_t ticket = 0;
  for (const event& bad : forged) {
    w.say(a, "anna", append(++ticket, {call_of(*w.exp, "good"), bad}));
    EXPECT_EQ(w.got<revoke>(a).size(), ticket) << bad.index();
  }
  w.commit();
  EXPECT_EQ(w.events(), 0U) << "nor the good one beside it";
  EXPECT_TRUE(w.got<appended>(a).empty());
}

TEST_F(Core_Hostile, AskWhereNothingIsAsked_IsRefused) {
  const std::vector<arm_trial> bad{crossing,
                                   asking_itself,
                                   {arm_index{bench_arms}, {}},
                                   {{}, trial_index{1}},
                                   {arm_index{65535}, trial_index{65535}}};
  std::uint64_t ticket = 0;
  for (const arm_trial& where : bad)
    w.say(a, "anna", ask(++ticket, where));
  ask_message many = ask(++ticket);
  many.questions.resize(limits::questions_max + 1);
  w.say(a, "anna", many);
  const auto replies = w.got<bits_reply>(a);
  ASSERT_EQ(replies.size(), bad.size() + 1);
  for (const bits_reply& reply : replies)
    EXPECT_EQ(reply.failure.kind, call_error::request_invalid);
  EXPECT_TRUE(w.got<oracle_ask>(o).empty());
}

TEST_F(Core_Hostile, TextOfAnotherArmOrModel_IsRefused) {
  text_request of_asking = text(1), other_model = text(2), unknown = text(3);
  of_asking.where = asking;
  other_model.request.model = "small";
  unknown.request.model = "unknown";
  for (const text_request& bad : {of_asking, other_model, unknown})
    w.say(a, "anna", bad);
  EXPECT_EQ(w.got<text_reply>(a).size(), 3U);
  EXPECT_TRUE(w.got<oracle_text>(o).empty());
  w.say(a, "anna", text(4));
  EXPECT_EQ(w.got<oracle_text>(o).size(), 1U);
}

TEST_F(Core_Hostile, FinishedArmThatIsNot_EndsTheLease) {
  w.say(a, "anna", finished({arm_index{bench_arms}, {}}));
  w.say(a, "anna", finished({{}, trial_index{9}}));
  EXPECT_EQ(w.got<revoke>(a).size(), 2U);
  EXPECT_TRUE(w.got<grade_request>(g).empty());
}

TEST_F(Core_Hostile, ReleasedAsDoneWithOpenArms_IsNotDone) {
  w.say(a, "anna", released(release_kind::done));
  EXPECT_EQ(w.status().tasks.done, 0U);
  EXPECT_EQ(w.got<revoke>(a).size(), 1U);
}

// -- failures that meet ---------------------------------------------------------------------------

TEST_F(Core_Hostile, WorkerDiesWhileItsReleaseIsCommitted_TheTaskIsGrantedAgain) {
  w.say(a, "anna", released(release_kind::outage));
  w.join(a, "anna", solver, 0, 2); // another boot, before the commit
  w.commit();
  w.pass(limits::outage_retry_delay_max + 1s, {{a, "anna"}, {b, "ben"}}, 0);
  w.join(b, "ben", solver, 3);
  EXPECT_EQ(w.got<grant>(b).size(), 3U);
  EXPECT_EQ(w.status().tasks.leased, 3U);
}

TEST_F(Core_Hostile, QuarantinedWhileExpired_ItsWorkerComesBackToNothing) {
  w.pass(limits::lease_ttl + 1s, {{a, "anna"}, {b, "ben"}, {o, "olga"}, {g, "gina"}}, 0);
  ASSERT_EQ(w.status().leases_expired, 1U);
  EXPECT_TRUE(w.run().quarantine(given.task.problem, "by hand"));
  EXPECT_TRUE(w.run().quarantine(given.task.problem, "by hand"));
  w.commit();
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
  expect_refused(a, "anna");
}

TEST_F(Core_Hostile, QuarantineThatTheStoreRefuses_EndsAllTheSame) {
  EXPECT_TRUE(w.run().quarantine(given.task.problem, "by hand"));
  w.pump();
  ASSERT_FALSE(w.journal.empty());
  const std::uint64_t ticket = w.journal.back().ticket;
  w.journal.pop_back();
  w.core.on_diverged(run_a, ticket, "too many events", w.now);
  w.commit();
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
  EXPECT_EQ(w.run().tasks().find(given.task.problem), nullptr);
}

TEST_F(Core_Hostile, RequeueTwice_IsOneTask) {
  w.say(a, "anna", released(release_kind::diverged));
  w.commit();
  ASSERT_EQ(w.status().tasks.quarantined, 1U);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(w.run().requeue(given.task.problem, task_status::quarantined, true));
  EXPECT_TRUE(w.run().requeue(problem_index{1}, task_status::failed, true)) << "it is pending";
  w.pump();
  EXPECT_EQ(w.status().tasks.pending + w.status().tasks.leased, 3U);
  EXPECT_EQ(w.status().tasks.all(), 3U);
  w.join(b, "ben", solver, 9);
  EXPECT_EQ(w.got<grant>(a).size() + w.got<grant>(b).size(), 4U) << "three and the first one";
}

// A hello that lists less than the peer has must not make the coordinator forget what is being
// committed.
TEST_F(Core_Hostile, HelloWithoutTheLeaseDuringACommit_CommitsNoCallTwice) {
  w.say(a, "anna", one_call(1));
  w.join(a, "anna", solver, 1);
  w.say(a, "anna", one_call(2));
  w.commit();
  EXPECT_EQ(w.events(), 1U);
  EXPECT_EQ(w.got<grant>(a).size(), 1U) << "its journal would have lacked the call";
}

// -- workers that fail ---------------------------------------------------------------------------

TEST(F20_Core, BlackHoleWorker_IsDrainedAndItsChargesForgiven) {
  core_bench w(30);
  w.join(b, "ben", solver, 0);
  w.join(a, "anna", solver, 1);
  for (std::size_t i = 0; i < limits::worker_failures_max; ++i) {
    const auto given = w.got<grant>(a);
    ASSERT_EQ(given.size(), i + 1);
    const task_released bad{given[i].task, given[i].lease, release_kind::own_fault, 1};
    w.say(a, "anna", bad);
    w.say(a, "anna", bad); // a copy is not another failure
    w.commit();
  }
  w.tick(1h);
  w.beat(a, "anna", 1);
  w.tick();
  EXPECT_EQ(w.got<grant>(a).size(), limits::worker_failures_max);
  const cluster_status status = w.core.snapshot(w.now);
  EXPECT_EQ(status.peers[1].tasks_failed, limits::worker_failures_max);
  EXPECT_NE(status.peers[1].draining.find("finished none"), std::string::npos);
  EXPECT_EQ(w.status().tasks.pending, 30U);
  EXPECT_NE(w.run().tasks().evidence({}).find(" 0 errors of its own"), std::string::npos);
}

TEST(F18_Core, LongOutage_ChargesNobodyAndStopsNothing) {
  core_bench w(30);
  w.join(a, "anna", solver, 30);
  for (int round = 0; round < 3; ++round) {
    const auto given = w.got<grant>(a);
    w.sent.clear();
    ASSERT_EQ(given.size(), 30U);
    for (const grant& one : given)
      w.say(a, "anna", task_released{one.task, one.lease, release_kind::outage, 1});
    w.commit();
    w.pass(limits::outage_retry_delay_max, {{a, "anna"}}, 0);
    w.beat(a, "anna", 30);
  }
  EXPECT_EQ(w.status().phase, run_phase::running);
  EXPECT_EQ(w.status().tasks.quarantined + w.status().tasks.failed, 0U);
  EXPECT_TRUE(w.core.snapshot(w.now).peers[0].draining.empty());
}

// -- who sees what -------------------------------------------------------------------------------

TEST_F(Core_Hostile, Solvers_AreSentNoGoldAndNothingOfTheSender) {
  constexpr auto secret = "the sender's own words";
  w.say(a, "anna", ask(1));
  w.say(o, "olga", [&] {
    oracle_append out = bits(1);
    call_event call = call_of(*w.exp, "prompt of the sender", "large", party::sender);
    call.reply.text = secret;
    out.events.emplace_back(call);
    return out;
  }());
  w.commit();
  arm_finished end = finished(asking);
  end.questions = 2;
  end.payload_bits = 2;
  w.say(a, "anna", end);
  w.commit();
  w.say(a, "anna", released(release_kind::interrupted));
  w.join(b, "ben", solver, 3); // is granted it with its journal
  w.commit();
  int to_solvers = 0, sealed = 0;
  for (const auto& [to, message] : w.sent) {
    const std::string bytes = wire::encode(message);
    sealed += bytes.find(sealed_text) != std::string::npos ? 1 : 0;
    if (to != a && to != b)
      continue;
    ++to_solvers;
    EXPECT_TRUE(solver.covers(role_of(message)));
    EXPECT_EQ(bytes.find(sealed_text), std::string::npos);
    EXPECT_EQ(bytes.find(secret), std::string::npos);
    EXPECT_EQ(bytes.find("prompt of the sender"), std::string::npos);
  }
  EXPECT_GT(to_solvers, 8);
  EXPECT_EQ(sealed, 2) << "to the oracle and the grader, so that the search above could find it";
}

} // namespace
} // namespace tenbit::testing

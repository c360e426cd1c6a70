#include "workers/task_runner.hpp"

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <set>

#include "protocols/bitstream.hpp"
#include "tests/coordinator/small_experiment.hpp"

namespace tenbit::testing {
namespace {

const task_id run_task{experiment_id{7}, problem_index{0}};

// One arm that asks the sender, and one that is drafted alone.
std::shared_ptr<experiment> two_arms() {
  auto exp = every_method();
  exp->trials = 1;
  exp->arms = {arm("own", method_kind::qa), arm("again", method_kind::resample)};
  return exp;
}

// A runner, and what it wants, in order.
struct Runner : ::testing::Test {
  Runner() { restart({}); }

  void restart(std::vector<event> past, std::unordered_set<arm_trial> closed = {}) {
    grant given;
    given.task = run_task;
    given.lease = epoch{9};
    given.item = std::make_shared<const problem>(problem{0, "p/0", "What is 1 plus 1?"});
    given.journal = std::make_shared<const std::vector<event>>(std::move(past));
    given.closed = std::move(closed);
    runner = std::make_unique<task_runner>(
        exp, std::make_shared<const std::vector<std::string>>(make_recipes(*exp)), given);
    calls.clear();
    appends.clear();
    asks.clear();
    finished.clear();
    released.clear();
    take(runner->start());
  }
  void take(std::vector<runner_command> commands) {
    for (runner_command& command : commands) {
      if (auto* call = std::get_if<start_call>(&command))
        calls.push_back(std::move(*call));
      else if (auto* append = std::get_if<append_request>(&command))
        appends.push_back(std::move(*append));
      else if (auto* ask = std::get_if<ask_message>(&command))
        asks.push_back(std::move(*ask));
      else if (auto* done = std::get_if<arm_finished>(&command))
        finished.push_back(std::move(*done));
      else if (auto* end = std::get_if<task_released>(&command))
        released.push_back(*end);
    }
  }
  void answer() {
    const start_call call = calls.front();
    calls.pop_front();
    ++answered;
    take(runner->on_call(call.id, reply_to(call.model, call.canonical), 1));
  }
  void fail_call(call_error kind) {
    const start_call call = calls.front();
    calls.pop_front();
    take(runner->on_call(call.id, fail(call_failure{kind, "no", 1}), 1));
  }
  void commit() {
    const append_request append = appends.front();
    appends.pop_front();
    for (const event& entry : append.events)
      journal.push_back(entry);
    take(runner->on_appended(append.ticket));
  }
  void answer_bits() {
    const ask_message ask = asks.front();
    asks.pop_front();
    bits_reply reply;
    reply.task = run_task;
    reply.lease = ask.lease;
    reply.ticket = ask.ticket;
    reply.values.assign(ask.questions.size(), answer::yes);
    take(runner->on_bits(reply));
  }
  void close() {
    const arm_trial where = finished.front().where;
    finished.pop_front();
    take(runner->on_closed(where));
  }
  // Until nothing is open; every call fails when `kind` is given.
  void run(std::optional<call_error> kind = std::nullopt) {
    for (;;) {
      if (!appends.empty())
        commit();
      else if (!calls.empty())
        kind ? fail_call(*kind) : answer();
      else if (!asks.empty())
        answer_bits();
      else if (!finished.empty())
        close();
      else
        return;
    }
  }

  std::shared_ptr<experiment> exp = two_arms();
  std::unique_ptr<task_runner> runner;
  std::deque<start_call> calls;
  std::deque<append_request> appends;
  std::deque<ask_message> asks;
  std::deque<arm_finished> finished;
  std::vector<task_released> released;
  std::vector<event> journal;
  int answered = 0;
};

TEST_F(Runner, Start_SharesTheCallThatBothArmsNeed) {
  ASSERT_GE(calls.size(), 1U);
  std::set<call_id> ids;
  for (const start_call& call : calls)
    EXPECT_TRUE(ids.insert(call.id).second) << "nothing is paid twice";
}

TEST_F(Runner, Call_IsCommittedBeforeAProgramSeesIt) {
  while (!calls.empty())
    answer();
  EXPECT_FALSE(appends.empty());
  EXPECT_TRUE(asks.empty());
  EXPECT_TRUE(finished.empty());
}

TEST_F(Runner, EverythingAnswered_IsReleasedAsDoneOnce) {
  run();
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::done);
  EXPECT_EQ(released[0].failed_arms, 0U);
  EXPECT_EQ(released[0].lease, epoch{9});
}

TEST_F(Runner, Journal_IsReplayedWithoutACall) {
  run();
  const int paid = answered;
  EXPECT_GT(paid, 0);
  restart(journal);
  run();
  EXPECT_EQ(answered, paid);
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::done);
}

TEST_F(Runner, ClosedArms_AreNotRunAgain) {
  restart({}, {arm_trial{}, arm_trial{arm_index{1}, {}}});
  EXPECT_TRUE(calls.empty());
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::done);
}

// -- hand-back -----------------------------------------------------------------------------------

TEST_F(Runner, HandBack_CommitsWhatIsOnTheWireAndStartsNothing) {
  const std::size_t on_the_wire = calls.size();
  take(runner->on_hand_back());
  EXPECT_TRUE(released.empty()) << "calls are out";
  EXPECT_EQ(runner->progress().calls_in_flight, on_the_wire);
  while (!calls.empty())
    answer();
  EXPECT_EQ(appends.size(), on_the_wire);
  EXPECT_TRUE(released.empty()) << "they are not durable";
  while (!appends.empty())
    commit();
  EXPECT_TRUE(calls.empty());
  EXPECT_TRUE(asks.empty());
  run(); // an arm that had all it needed is closed
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::interrupted);
  EXPECT_EQ(released[0].failed_arms, 0U);
  EXPECT_EQ(runner->progress().events, on_the_wire);
}

TEST_F(Runner, HandBackAtAnyPoint_TheNextWorkerPaysOnlyTheRest) {
  run();
  const int all = answered;
  for (int at = 0; at < all; ++at) {
    journal.clear();
    answered = 0;
    restart({});
    for (int i = 0; i < at; ++i) {
      while (calls.empty())
        !appends.empty() ? commit() : !asks.empty() ? answer_bits() : close();
      answer();
    }
    take(runner->on_hand_back());
    take(runner->on_hand_back());
    run();
    ASSERT_EQ(released.size(), 1U) << at;
    const bool whole = released[0].how == release_kind::done;
    EXPECT_EQ(released[0].how, whole ? release_kind::done : release_kind::interrupted);
    restart(journal);
    run();
    EXPECT_EQ(answered, all) << "handed back after " << at;
  }
}

TEST_F(Runner, HandBackBecauseNobodyAnswers_IsAnOutageWithoutFailedArms) {
  answer();
  commit();
  ASSERT_FALSE(calls.empty());
  take(runner->on_hand_back());
  while (!calls.empty()) // those that waited are given up
    fail_call(call_error::transient);
  EXPECT_TRUE(appends.empty()) << "no arm failed";
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::outage);
  EXPECT_EQ(released[0].failed_arms, 0U);
  restart(journal);
  run();
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::done);
}

TEST_F(Runner, HandBackWhileAReplyIsBad_IsTheTasksOwnFaultStill) {
  take(runner->on_hand_back());
  while (!calls.empty())
    fail_call(call_error::endpoint_invalid);
  run();
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::own_fault);
}

TEST_F(Runner, HandBackWhileAsking_WaitsForTheBits) {
  while (asks.empty())
    !appends.empty() ? commit() : answer();
  take(runner->on_hand_back());
  while (!calls.empty() || !appends.empty())
    !appends.empty() ? commit() : answer();
  EXPECT_TRUE(released.empty()) << "the ask is open";
  run();
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::interrupted);
}

// -- failures ------------------------------------------------------------------------------------

struct class_of {
  call_error kind;
  release_kind how;
};
struct Runner_Failure : Runner, ::testing::WithParamInterface<class_of> {};

TEST_P(Runner_Failure, EveryCall_ReleasesAsItsClass) {
  run(GetParam().kind);
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, GetParam().how);
  const bool told = GetParam().kind == call_error::cancelled;
  EXPECT_EQ(released[0].failed_arms, told ? 0U : 2U);
  int failures = 0;
  for (const event& entry : journal)
    failures += std::holds_alternative<failure_event>(entry) ? 1 : 0;
  EXPECT_EQ(failures, told ? 0 : 2) << "each failed arm says why";
}

INSTANTIATE_TEST_SUITE_P(
    Classes, Runner_Failure,
    ::testing::Values(class_of{call_error::throttled, release_kind::outage},
                      class_of{call_error::transient, release_kind::outage},
                      class_of{call_error::endpoint_invalid, release_kind::own_fault},
                      class_of{call_error::request_invalid, release_kind::refused},
                      class_of{call_error::auth, release_kind::refused},
                      class_of{call_error::cancelled, release_kind::interrupted},
                      class_of{call_error::diverged, release_kind::diverged}));

TEST_F(Runner, ArmsThatFailDifferently_ReleaseAsTheWorst) {
  while (asks.empty())
    !appends.empty() ? commit() : answer();
  bits_reply no;
  no.task = run_task;
  no.lease = epoch{9};
  no.ticket = asks.front().ticket;
  no.failed = true;
  no.failure = {call_error::endpoint_invalid, "nonsense"};
  asks.pop_front();
  take(runner->on_bits(no));
  run(call_error::transient);
  ASSERT_EQ(released.size(), 1U);
  EXPECT_EQ(released[0].how, release_kind::own_fault);
  EXPECT_GE(released[0].failed_arms, 1U);
}

} // namespace
} // namespace tenbit::testing

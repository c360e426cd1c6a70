// The figures of a snapshot: the time that is left, and what problems cost.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {
using namespace std::chrono_literals;
constexpr peer_id anna{1};
constexpr run_clock::time_point start{1h};

run_line line_of(const core_bench& w) {
  return w.core.snapshot(w.now).runs.at(0);
}

// Anna says that all arms are finished, the first of them with as many answers, and gina grades
// them.
void finish(core_bench& w, const grant& given, std::uint16_t answers = 0) {
  for (std::uint16_t arm = 0; arm < bench_arms; ++arm) {
    arm_finished end = w.finished_of(given, {arm_index{arm}, {}});
    if (end.where == asking)
      end.payload_bits = end.questions = answers;
    w.say(a, "anna", end);
    w.say(g, "gina", w.result_of(end));
  }
  w.commit();
}

// Forty tasks in four slots, each of ten seconds. After them there is one slot.
void finish_forty(core_bench& w) {
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 4);
  for (int i = 0; i < 10; ++i) {
    const auto given = w.got<grant>(a);
    w.sent.clear();
    ASSERT_EQ(given.size(), 4U);
    w.pass(10s, {{a, "anna"}, {g, "gina"}}, 4);
    if (i == 9)
      w.beat(a, "anna", 1);
    for (const grant& one : given)
      finish(w, one);
  }
  ASSERT_EQ(w.run().tasks().counts().leased, 1U);
  ASSERT_EQ(w.run().tasks().usual_time(), 10s);
}

void take(plan& tasks, problem_index task, run_clock::time_point granted,
          run_clock::duration time) {
  ASSERT_EQ(tasks.next(granted, anna, true), task);
  tasks.lease(task, {epoch{1}, anna, granted, granted + 1h, false});
  tasks.end(task, task_ending::done, granted + time);
}

} // namespace

TEST(Plan_UsualTime, FirstTasks_GiveTheirMeanAndNewerOnesWeighMore) {
  plan tasks;
  EXPECT_FALSE(tasks.usual_time());
  for (std::uint64_t i = 0; i < 200; ++i)
    tasks.add_pending(problem_index{i});
  take(tasks, problem_index{0}, start, 10s);
  EXPECT_EQ(tasks.usual_time(), 10s);
  take(tasks, problem_index{1}, start, 20s);
  EXPECT_EQ(tasks.usual_time(), 15s);
  for (std::uint64_t i = 2; i < 199; ++i)
    take(tasks, problem_index{i}, start, 100s);
  EXPECT_GT(*tasks.usual_time(), 99s);
  EXPECT_LE(*tasks.usual_time(), 100s);
}

TEST(Plan_UsualTime, WhatIsHandedBack_DoesNotCount) {
  plan tasks;
  tasks.add_pending(problem_index{0});
  ASSERT_TRUE(tasks.next(start, anna, true));
  tasks.lease(problem_index{0}, {epoch{1}, anna, start, start + 1h, false});
  tasks.end(problem_index{0}, task_ending::interrupted, start + 5s);
  EXPECT_FALSE(tasks.usual_time());
  EXPECT_FALSE(tasks.youngest_lease());
}

TEST(Plan_SlowTime, IsOfTheSlowestInAHundredWhenSoManyAreDone) {
  plan tasks;
  for (std::uint64_t i = 0; i < 200; ++i)
    tasks.add_pending(problem_index{i});
  for (std::uint64_t i = 0; i < 99; ++i)
    take(tasks, problem_index{i}, start, 10s);
  EXPECT_FALSE(tasks.slow_time());
  for (std::uint64_t i = 99; i < 200; ++i)
    take(tasks, problem_index{i}, start, i % 20 == 0 ? 100s : 10s);
  ASSERT_TRUE(tasks.slow_time());
  EXPECT_NEAR(std::chrono::duration<double>(*tasks.slow_time()).count(), 100, 7);
}

TEST(Core_OldestLeases, AreTheOldestWithWhatTheirWorkersSaid) {
  core_bench w(40);
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 1);
  w.pass(10s, {{a, "anna"}, {g, "gina"}}, 1);
  w.join(b, "bert", solver, 20);
  w.tick(5s);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  lease_progress said{given[0].task, given[0].lease, 2, 3};
  said.phase = lease_phase::receiving;
  said.bytes = 4000;
  said.tokens = 50;
  said.silent_ms = 1500;
  w.beat(a, "anna", 1, {said});
  const auto leases = w.core.snapshot(w.now).oldest_leases;
  ASSERT_EQ(leases.size(), limits::oldest_leases_shown);
  EXPECT_EQ(leases[0].worker, "anna");
  EXPECT_EQ(leases[0].problem, given[0].task.problem.value);
  EXPECT_DOUBLE_EQ(leases[0].age_s, 15);
  EXPECT_EQ(leases[0].times_p99, 0) << "nothing is done yet";
  EXPECT_EQ(leases[0].phase, "receiving");
  EXPECT_EQ(leases[0].calls, 2U);
  EXPECT_EQ(leases[0].events, 3U);
  EXPECT_EQ(leases[0].bytes, 4000U);
  EXPECT_EQ(leases[0].tokens, 50U);
  EXPECT_DOUBLE_EQ(leases[0].silent_s, 1.5);
  EXPECT_EQ(leases[1].worker, "bert");
  EXPECT_EQ(leases[1].phase, "");
  EXPECT_EQ(leases[1].silent_s, -1);
}

TEST(Core_Stragglers, OldAndSilent_AreCounted) {
  core_bench w(130);
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 1);
  const auto first = w.got<grant>(a);
  ASSERT_EQ(first.size(), 1U);
  w.join(b, "bert", solver, 1);
  for (int i = 0; i < 100; ++i) { // of a second each
    w.beat(b, "bert", 1);
    const auto given = w.got<grant>(b);
    w.sent.clear();
    ASSERT_EQ(given.size(), 1U) << i;
    w.tick(1s);
    for (std::uint16_t arm = 0; arm < bench_arms; ++arm) {
      const arm_finished end = w.finished_of(given[0], {arm_index{arm}, {}});
      w.say(b, "bert", end);
      w.say(g, "gina", w.result_of(end));
    }
    w.commit();
    lease_progress said{first[0].task, first[0].lease};
    w.beat(a, "anna", 1, {said});
    w.beat(g, "gina", 0);
  }
  EXPECT_GT(w.core.snapshot(w.now).oldest_leases.at(0).times_p99, 90);
  EXPECT_EQ(line_of(w).stragglers, 0U) << "it is not silent";
  lease_progress said{first[0].task, first[0].lease};
  said.silent_ms = 60'000;
  w.beat(a, "anna", 1, {said});
  EXPECT_EQ(line_of(w).stragglers, 1U);
}

TEST(Plan_YoungestLease, OfSeveral_IsTheLastOneThatHasNotExpired) {
  plan tasks;
  for (std::uint64_t i = 0; i < 3; ++i)
    tasks.add_pending(problem_index{i});
  for (const auto& [granted, deadline] :
       {std::pair(start, start + 1h), {start + 2s, start + 1h}, {start + 3s, start + 4s}}) {
    const auto task = tasks.next(start, anna, false);
    ASSERT_TRUE(task);
    tasks.lease(*task, {epoch{1}, anna, granted, deadline, false});
  }
  EXPECT_EQ(tasks.youngest_lease(), start + 3s);
  (void)tasks.expire(start + 5s);
  EXPECT_EQ(tasks.youngest_lease(), start + 2s);
  EXPECT_EQ(tasks.oldest_lease(), start);
}

// By the throughput, four in ten seconds, it would be over in 2.5 s.
TEST(Core_Eta, OneLeaseLeft_IsWhatItLacks) {
  core_bench w(41);
  finish_forty(w);
  run_line line = line_of(w);
  for (const double eta : {line.eta_low_s, line.eta_s, line.eta_high_s})
    EXPECT_DOUBLE_EQ(eta, 10);
  w.tick(4s);
  line = line_of(w);
  for (const double eta : {line.eta_low_s, line.eta_s, line.eta_high_s})
    EXPECT_DOUBLE_EQ(eta, 6);
}

TEST(Core_Eta, PendingTask_HasToRunWhole) {
  core_bench w(42);
  finish_forty(w);
  ASSERT_EQ(w.run().tasks().counts().pending, 1U);
  w.tick(9s);
  EXPECT_DOUBLE_EQ(line_of(w).eta_low_s, 10) << "whatever the lease lacks";
}

TEST(Core_Eta, LeaseOlderThanUsual_LeavesTheThroughputAlone) {
  core_bench w(41);
  finish_forty(w);
  w.tick(25s);
  EXPECT_GT(line_of(w).eta_low_s, 0);
  EXPECT_LT(line_of(w).eta_low_s, 5);
}

// An estimate that nothing is known of stays so: one task's usual time is not the run's.
TEST(Core_Eta, UnknownThroughput_StaysUnknown) {
  core_bench w(400);
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 1);
  finish(w, w.got<grant>(a).at(0));
  ASSERT_TRUE(w.run().tasks().usual_time());
  w.pass(5s, {{a, "anna"}, {g, "gina"}}, 1);
  EXPECT_EQ(line_of(w).per_second_1m, 0);
  EXPECT_EQ(line_of(w).eta_s, -1);
}

// -- what problems cost --------------------------------------------------------------------------

TEST(Bits_Histogram, Bounds_AreOfTheClassThatEndsThere) {
  bits_histogram all;
  for (const std::uint64_t bits : {0U, 1U, 2U, 3U, 4U, 9U, 10U, 11U, 64U, 65U, 1000U})
    all.add(bits);
  EXPECT_EQ(all.problems, (decltype(all.problems){1, 1, 1, 2, 0, 2, 1, 0, 1, 2}));
  EXPECT_EQ(all.bits, 1169U);
}

// What an earlier life of the coordinator paid is in the journal, so it counts.
TEST(Core_BitsPerProblem, DoneTask_CountsTheBitsOfItsLedger) {
  core_bench w(2);
  auto& journal = w.earlier[0];
  journal = {call_of(*w.exp, "earlier"), call_of(*w.exp, "earlier", "large", party::sender)};
  for (std::uint16_t i = 0; i < 3; ++i) {
    bit_event bit;
    bit.where = asking;
    bit.index = decltype(bit.index){i};
    bit.question_hash = hash_bytes(std::to_string(i));
    journal.emplace_back(bit);
  }
  w.join(g, "gina", grading);
  w.join(a, "anna", solver, 1);
  for (int i = 0; i < 2; ++i) {
    const auto given = w.got<grant>(a);
    w.sent.clear();
    ASSERT_EQ(given.size(), 1U);
    EXPECT_EQ(w.status().bits_per_problem.bits, i == 0 ? 0U : 3U) << "not before it is done";
    finish(w, given[0], i == 0 ? 3 : 0);
    w.beat(a, "anna", 1);
  }
  const bits_histogram all = line_of(w).status.bits_per_problem;
  EXPECT_EQ(all.problems, (decltype(all.problems){1, 0, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(all.bits, 3U);
}

} // namespace tenbit::testing

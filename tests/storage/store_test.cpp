#include "storage/store.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <thread>
#include <unistd.h>

#include "config/limits.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class StoreCreate : public store_test {};
class StoreOpen : public store_test {};
class StoreCommit : public store_test {};
class StoreRead : public store_test {};
class StoreVerify : public store_test {};

std::vector<std::string> verified(const store& db) {
  const auto findings = db.verify({});
  EXPECT_TRUE(findings) << findings.error().message;
  return findings.value_or(std::vector<std::string>{"verify failed"});
}

} // namespace

TEST_F(StoreCreate, NewFolder_HasManifestAndPendingTasks) {
  const auto db = create_store(dir(), 3);
  ASSERT_TRUE(db);
  EXPECT_EQ(db->manifest().name, "made");
  EXPECT_EQ(db->manifest().identity_text.size(), 2U);
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(db->for_each_state([&](problem_index task, const task_state& state) {
    seen.push_back(task.value);
    EXPECT_EQ(state.status, task_status::pending);
    EXPECT_EQ(state.events, 0U);
  }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_THAT(verified(*db), IsEmpty());
}

TEST_F(StoreCreate, ExistingStore_IsRefused) {
  create_store(dir(), 1);
  const auto again = store::create(dir(), made_manifest(1), made_problems(1));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, store_error::exists);
}

TEST_F(StoreCreate, FolderWithOtherFiles_IsRefusedAndUntouched) {
  std::ofstream(root_ + "/thesis.txt") << "text";
  const auto db = store::create(root_, made_manifest(1), made_problems(1));
  ASSERT_FALSE(db);
  EXPECT_EQ(db.error().kind, store_error::exists);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/LOCK"));
}

TEST_F(StoreCreate, InterruptedCreation_IsStartedOver) {
  create_store(dir(), 5);
  std::ofstream(dir() + "/creating");
  const auto opened = store::open(dir());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, store_error::not_a_store);
  EXPECT_THAT(opened.error().message, HasSubstr("create it again"));
  const auto db = create_store(dir(), 2);
  ASSERT_TRUE(db);
  EXPECT_EQ(db->manifest().tasks, 2U);
  EXPECT_FALSE(std::filesystem::exists(dir() + "/creating"));
}

TEST_F(StoreOpen, AbsentOrForeignFolder_IsNotAStore) {
  const auto absent = store::open(dir());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().kind, store_error::not_a_store);
  EXPECT_FALSE(std::filesystem::exists(dir()));
  std::ofstream(root_ + "/thesis.txt") << "text";
  const auto foreign = store::open(root_);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, store_error::not_a_store);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/LOCK"));
}

TEST_F(StoreOpen, SecondWriter_IsToldTheHolder) {
  const auto db = create_store(dir(), 1);
  const auto second = store::open(dir());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, store_error::locked);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("process {}", ::getpid())));
}

TEST_F(StoreOpen, LockFileOfADeadProcess_IsNoLock) {
  create_store(dir(), 1);
  std::ofstream(dir() + "/LOCK") << "999999\n";
  EXPECT_TRUE(open_store(dir()));
}

TEST_F(StoreOpen, EveryOpening_HasAHigherIncarnation) {
  auto db = create_store(dir(), 1);
  auto last = db->incarnation();
  for (int i = 0; i < 3; ++i) {
    if (i == 1) {
      ASSERT_TRUE(db->close());
    }
    db.reset();
    db = open_store(dir());
    ASSERT_TRUE(db);
    EXPECT_GT(db->incarnation(), last);
    last = db->incarnation();
  }
}

TEST_F(StoreOpen, WithoutClose_HasEveryCommit) {
  auto db = create_store(dir(), 2);
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(commit_one(*db, 1, {made_call(fmt::format("reply {}", i))}));
  const auto before = db->totals();
  const auto events = db->events(problem_index{1});
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_EQ(db->totals(), before);
  EXPECT_EQ(encoded(*db->events(problem_index{1})), encoded(*events));
  EXPECT_THAT(verified(*db), IsEmpty());
}

TEST_F(StoreCommit, Events_AreReadBackInOrderAndCounted) {
  auto db = create_store(dir(), 2);
  const std::vector<event> first{made_call("a"), made_call("b", party::sender),
                                 made_bit(0, "Is it 4?", answer::yes)};
  ASSERT_TRUE(commit_one(*db, 1, first));
  ASSERT_TRUE(commit_one(*db, 1, {made_outcome(true)}, task_status::done));
  auto all = encoded(first);
  all.push_back(encode(event(made_outcome(true))));
  const auto events = db->events(problem_index{1});
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(encoded(*events), all);
  const auto state = db->state(problem_index{1});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->status, task_status::done);
  EXPECT_EQ(state->events, 4U);
  EXPECT_EQ(state->bits, 1U);
  const auto totals = db->totals();
  EXPECT_EQ(totals.calls, 2U);
  EXPECT_EQ(totals.calls_receiver, 1U);
  EXPECT_EQ(totals.calls_sender, 1U);
  EXPECT_EQ(totals.bits, 1U);
  EXPECT_EQ(totals.outcomes, 1U);
  EXPECT_EQ(totals.events, 4U);
  EXPECT_EQ(totals.prompt_tokens, 20U);
  EXPECT_EQ(totals.tokens_by_model.at("large").completion, 3U);
  EXPECT_TRUE(totals.tokens_by_model.at("large").reported);
  EXPECT_THAT(verified(*db), IsEmpty());
}

TEST_F(StoreCommit, EventsOfPeers_AreReadBackWithTheirNames) {
  auto db = create_store(dir(), 2);
  const std::vector<event> events = {made_call("a"), made_bit(0, "q", answer::yes)};
  task_commit part{problem_index{1}, events, std::nullopt, std::nullopt, false};
  part.by = "node-7";
  ASSERT_TRUE(db->commit({&part, 1}));
  ASSERT_TRUE(commit_one(*db, 1, {made_call("b")}));
  EXPECT_EQ(*db->origins(problem_index{1}), (std::vector<std::string>{"node-7", "node-7", ""}));
  EXPECT_EQ(encoded(*db->events(problem_index{1})),
            encoded({events[0], events[1], made_call("b")}));
  EXPECT_EQ(db->bits(problem_index{1})->size(), 1U);
  EXPECT_TRUE(db->verify({})->empty());
  part.by = std::string(limits::peer_name_chars_max + 1, 'n');
  const auto refused = db->commit({&part, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::diverged);
}

TEST_F(StoreCommit, OneTaskTwiceInAGroup_ContinuesItsJournal) {
  auto db = create_store(dir(), 2);
  const std::vector<task_commit> group{
      {problem_index{0}, {made_call("a")}, std::nullopt, std::nullopt, false},
      {problem_index{1}, {made_call("b")}, std::nullopt, std::nullopt, false},
      {problem_index{0}, {made_call("c")}, task_status::failed, 2U, true}};
  const auto before = db->commit_seq();
  ASSERT_TRUE(db->commit(group));
  EXPECT_EQ(db->commit_seq(), before + 1);
  EXPECT_EQ(db->events(problem_index{0})->size(), 2U);
  const auto state = *db->state(problem_index{0});
  EXPECT_EQ(state.status, task_status::failed);
  EXPECT_EQ(state.errors, 2U);
  EXPECT_EQ(state.attempts, 1U);
}

TEST_F(StoreCommit, SameBitAgain_IsNotCountedAgain) {
  auto db = create_store(dir(), 1);
  ASSERT_TRUE(commit_one(*db, 0, {made_bit(0, "q0", answer::yes), made_bit(0, "q0", answer::yes)}));
  const auto seq = db->commit_seq();
  ASSERT_TRUE(commit_one(*db, 0, {made_bit(0, "q0", answer::yes)}));
  EXPECT_EQ(db->commit_seq(), seq);
  EXPECT_EQ(db->totals().bits, 1U);
  EXPECT_EQ(db->events(problem_index{0})->size(), 1U);
  EXPECT_EQ(db->bits(problem_index{0})->size(), 1U);
}

TEST_F(StoreCommit, OtherQuestionOrAnswerOfABit_DivergesAndWritesNothing) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(commit_one(*db, 0, {made_bit(0, "q0", answer::yes)}));
  const auto seq = db->commit_seq();
  const auto totals = db->totals();
  for (const auto& bit : {made_bit(0, "other", answer::yes), made_bit(0, "q0", answer::no)}) {
    const std::vector<task_commit> group{
        {problem_index{1}, {made_call("x")}, std::nullopt, std::nullopt, false},
        {problem_index{0}, {bit}, std::nullopt, std::nullopt, false}};
    const auto result = db->commit(group);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, store_error::diverged);
    EXPECT_THAT(result.error().message, HasSubstr("arm 0 trial 0 bit 0"));
  }
  EXPECT_EQ(db->commit_seq(), seq);
  EXPECT_EQ(db->totals(), totals);
  EXPECT_TRUE(commit_one(*db, 1, {made_call("x")}));
  EXPECT_THAT(verified(*db), IsEmpty());
}

TEST_F(StoreCommit, DivergenceWithinAGroup_IsFound) {
  auto db = create_store(dir(), 1);
  const auto result =
      commit_one(*db, 0, {made_bit(7, "q", answer::yes), made_bit(7, "q", answer::no)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, store_error::diverged);
  EXPECT_EQ(db->totals().bits, 0U);
}

TEST_F(StoreCommit, TaskOutOfRange_IsRefused) {
  auto db = create_store(dir(), 2);
  const auto result = commit_one(*db, 2, {made_call("x")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, store_error::diverged);
  EXPECT_FALSE(db->events(problem_index{2}));
}

TEST_F(StoreCommit, AfterClose_IsRefused) {
  auto db = create_store(dir(), 1);
  ASSERT_TRUE(db->close());
  EXPECT_FALSE(commit_one(*db, 0, {made_call("x")}));
}

TEST_F(StoreRead, Bits_ComeByArmTrialAndIndex) {
  auto db = create_store(dir(), 1);
  auto late = made_bit(0, "arm 1", answer::no);
  late.where.arm = arm_index{1};
  ASSERT_TRUE(commit_one(
      *db, 0, {late, made_bit(300, "i300", answer::yes), made_bit(2, "i2", answer::unknown)}));
  const auto bits = db->bits(problem_index{0});
  ASSERT_TRUE(bits);
  ASSERT_EQ(bits->size(), 3U);
  EXPECT_EQ((*bits)[0].question, "i2");
  EXPECT_EQ((*bits)[1].question, "i300");
  EXPECT_EQ((*bits)[2].question, "arm 1");
}

TEST_F(StoreRead, Problem_HasNoGold) {
  const auto db = create_store(dir(), 12);
  const auto open = db->problem(problem_index{11});
  ASSERT_TRUE(open);
  EXPECT_EQ(open->question, "What is 11 + 1?");
  EXPECT_EQ(open->gold_answer, "");
  EXPECT_EQ(open->gold_solution, "");
  const auto sealed = db->sealed(problem_index{11});
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->gold_answer, "12");
}

TEST_F(StoreRead, BesideALiveWriter_SeesWhatWasCommitted) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(commit_one(*db, 0, {made_call("a"), made_bit(0, "q", answer::yes)}));
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE(commit_one(*db, 0, {made_call("later")}));
  EXPECT_EQ((*reader)->events(problem_index{0})->size(), 2U);
  EXPECT_EQ((*reader)->totals().bits, 1U);
  EXPECT_EQ((*reader)->incarnation(), db->incarnation());
  const auto refused = commit_one(**reader, 0, {made_call("x")});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("reading only"));
  EXPECT_TRUE((*reader)->close());
}

// Small memtables, so that the writer deletes logs and tables while readers open.
TEST_F(StoreRead, OpenedAgainAndAgainBesideABusyWriter_NeverGoesBack) {
  store_options small;
  small.memory_bytes = 1U << 20;
  auto db = create_store(dir(), 8, small);
  std::atomic<std::uint64_t> acknowledged{db->commit_seq()};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      std::string text(3000, static_cast<char>('a' + i % 26));
      text += std::to_string(i * 7919);
      const auto done = commit_one(*db, static_cast<std::uint64_t>(i % 8), {made_call(text)});
      EXPECT_TRUE(done) << done.error().message;
      acknowledged = db->commit_seq();
    }
  });
  for (int i = 0; i < 40; ++i) {
    const auto least = acknowledged.load();
    const auto reader = store::open_for_reading(dir(), small);
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader)
      break;
    EXPECT_GE((*reader)->commit_seq(), least);
    EXPECT_TRUE((*reader)->events(problem_index{0}));
  }
  stop = true;
  writer.join();
  EXPECT_THAT(verified(*db), IsEmpty());
}

TEST_F(StoreVerify, CleanlyClosedStore_HasNoFindings) {
  auto db = create_store(dir(), 4);
  for (std::uint64_t task = 0; task < 4; ++task)
    ASSERT_TRUE(commit_one(*db, task,
                           {made_call("a"), made_bit(0, "q", answer::no), made_outcome(false),
                            failure_event{{}, call_error::auth, "no key"}},
                           task_status::done));
  ASSERT_TRUE(db->close());
  db.reset();
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader) << reader.error().message;
  std::uint64_t done = 0;
  const auto findings = (*reader)->verify([&done](std::uint64_t tasks) { done = tasks; });
  ASSERT_TRUE(findings);
  EXPECT_THAT(*findings, IsEmpty());
  EXPECT_EQ(done, 4U);
}

TEST_F(StoreOpen, Seal_ChangesWithEveryWriter) {
  EXPECT_EQ(store::seal(dir()), "");
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(db->close());
  db.reset();
  const std::string closed = store::seal(dir());
  EXPECT_NE(closed, "");
  EXPECT_TRUE(store::open_for_reading(dir()));
  EXPECT_EQ(store::seal(dir()), closed);
  {
    const auto again = store::open(dir());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_NE(store::seal(dir()), closed); // before anything is committed
  }
  EXPECT_NE(store::seal(dir()), closed); // and when that writer died
  std::filesystem::remove(dir() + "/anchor");
  EXPECT_EQ(store::seal(dir()), "");
}

TEST_F(StoreCommit, Figures_AreOfTheWriter) {
  const auto db = create_store(dir(), 2);
  const auto before = db->figures();
  task_commit one;
  one.events = {made_call("one")};
  ASSERT_TRUE(db->commit({&one, 1}));
  const auto after = db->figures();
  EXPECT_GT(after.log_bytes, before.log_bytes);
  EXPECT_GT(after.anchor_lag.count(), 0.0); // that commit is not in it
  EXPECT_EQ(after.background_errors, 0U);
  EXPECT_EQ(after.write_stalls, 0U);
  ASSERT_TRUE(db->keep_anchor(true));
  EXPECT_EQ(db->figures().anchor_lag.count(), 0.0);
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->figures().log_bytes, 0U);
  ASSERT_TRUE(db->close());
  EXPECT_EQ(db->figures().log_bytes, 0U);
}

} // namespace tenbit

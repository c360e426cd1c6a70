// A store and its signed summary: what is told from what.
#include "storage/summary_check.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit::storage {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class SummaryCheck : public store_test {
protected:
  // Two tasks, one of them done; closed.
  SummaryCheck() {
    auto db = create_store(dir(), 2);
    EXPECT_TRUE(commit_one(*db, 0, {made_call("a"), made_bit(0, "q0", answer::yes)}));
    EXPECT_TRUE(commit_one(*db, 0, {made_outcome(true)}, task_status::done));
    EXPECT_TRUE(db->close());
  }
  signed_summary signed_now() const {
    const auto made = sign_store(dir(), key, store_lock::taken_here);
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(signed_summary{});
  }
  summary_verdict checked(const std::optional<key256>& pinned = std::nullopt) const {
    const auto file = read_summary(dir());
    const auto source = store::open_for_reading(dir());
    EXPECT_TRUE(source) << source.error().message;
    if (!source)
      return {};
    const auto out = check_summary(file, **source, pinned);
    EXPECT_TRUE(out) << out.error().message;
    return *out;
  }
  std::string path() const { return dir() + "/summary"; }
  void put(const std::string& text) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << text;
  }
  // Rows changed through RocksDB itself.
  void change(const std::function<void(database&, rocksdb::WriteBatch&)>& how) const {
    auto raw =
        database::open(dir() + "/db", {open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
    ASSERT_TRUE(raw) << raw.error().message;
    rocksdb::WriteBatch batch;
    how(**raw, batch);
    ASSERT_TRUE((*raw)->write(batch, true));
  }
  static head_row head_of(const database& db) {
    std::string row;
    EXPECT_TRUE(*db.get(family::meta, head_key, row));
    return *read_head_row(row);
  }
  static void put_head(database& db, rocksdb::WriteBatch& batch, const head_row& head) {
    std::string row;
    encode_to(head, row);
    EXPECT_TRUE(batch.Put(db.handle(family::meta), {head_key.data(), head_key.size()}, row).ok());
  }
  const signing_key key = signing_key::make();
};

} // namespace

TEST_F(SummaryCheck, Signed_HoldsForItsSigner) {
  const auto made = signed_now();
  EXPECT_EQ(made.name, "made");
  EXPECT_EQ(made.tasks, 2U);
  EXPECT_EQ(made.done, 1U);
  EXPECT_EQ(made.bits, 1U);
  EXPECT_EQ(made.outcomes, 1U);
  EXPECT_TRUE(made.simulated);
  EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
  EXPECT_EQ(checked().is, standing::holds);
  EXPECT_THAT(checked(key.public_key()).findings, IsEmpty());
  EXPECT_THAT(checked(signing_key::make().public_key()).findings,
              Contains(HasSubstr("not by the signer that was asked for")));
}

TEST_F(SummaryCheck, NoSummary_IsAFindingOnlyForASigner) {
  EXPECT_EQ(checked().is, standing::none);
  EXPECT_THAT(checked().findings, IsEmpty());
  EXPECT_THAT(checked(key.public_key()).findings, Contains(HasSubstr("is not there")));
}

TEST_F(SummaryCheck, BesideAWriter_IsNotSigned) {
  const auto writer = open_store(dir());
  const auto made = sign_store(dir(), key, store_lock::taken_here);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, store_error::locked);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(SummaryCheck, NoStore_IsRefused) {
  const auto made = sign_store(root_, key, store_lock::taken_here);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, store_error::not_a_store);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/LOCK"));
}

TEST_F(SummaryCheck, OpenedAndClosedSince_StillHolds) {
  const auto made = signed_now();
  EXPECT_TRUE(open_store(dir())->close());
  const auto now = checked(key.public_key());
  EXPECT_EQ(now.is, standing::holds);
  EXPECT_EQ(now.commits_since, 2U) << "the incarnation and the close";
  EXPECT_THAT(now.findings, IsEmpty());
  EXPECT_EQ(now.summary, made);
}

TEST_F(SummaryCheck, StoreThatWentOn_IsOlder_AndAFindingForASigner) {
  signed_now();
  auto db = open_store(dir());
  EXPECT_TRUE(commit_one(*db, 1, {made_outcome(false)}, task_status::done));
  EXPECT_TRUE(db->close());
  db.reset();
  EXPECT_EQ(checked().is, standing::older);
  EXPECT_THAT(checked().findings, IsEmpty());
  EXPECT_THAT(checked(key.public_key()).findings, Contains(HasSubstr("the store went on")));
  signed_now();
  EXPECT_EQ(checked(key.public_key()).is, standing::holds);
}

TEST_F(SummaryCheck, EditedOrBrokenSummary_IsRefused) {
  const auto made = signed_now();
  auto text = format_summary(made);
  text.replace(text.find("bits 1"), 6, "bits 9");
  put(text);
  EXPECT_EQ(checked().is, standing::refused);
  EXPECT_THAT(checked().findings, Contains(HasSubstr("its signature does not hold")));
  for (const std::string& bad :
       {std::string(), std::string("tenbit-summary 1\n"), std::string(100'000, 'x')}) {
    put(bad);
    EXPECT_EQ(checked().is, standing::refused);
    EXPECT_EQ(checked(key.public_key()).findings.size(), 1U);
  }
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  EXPECT_EQ(checked().is, standing::refused);
}

TEST_F(SummaryCheck, SummaryOfAnotherStoreOrALaterCommit_Differs) {
  auto made = signed_now();
  made.commit_seq += 1;
  sign(made, key);
  put(format_summary(made));
  EXPECT_THAT(checked().findings, Contains(HasSubstr("the store has only")));
  made.commit_seq -= 1;
  made.store = std::string(32, '0');
  sign(made, key);
  put(format_summary(made));
  EXPECT_EQ(checked().is, standing::differs);
  EXPECT_THAT(checked().findings, Contains(HasSubstr("is of store")));
}

// An outcome turned round, and all that the store has against loss made good again: nothing in it
// can tell, and the head still has the chain that was signed.
TEST_F(SummaryCheck, RowsMadeAgain_DifferInContentAlone) {
  signed_now();
  change([](database& db, rocksdb::WriteBatch& batch) {
    const task_id task{experiment_id{made_manifest(2).identity.prefix()}, problem_index{0}};
    std::string event_at, row, state_at;
    task_key(task, state_at);
    EXPECT_TRUE(*db.get(family::state, state_at, row));
    auto state = *read_state_row(row);
    const auto before = state_mark(task.problem, state);
    event_key(task, state.events - 1, event_at);
    EXPECT_TRUE(*db.get(family::event, event_at, row));
    const auto previous = read_event_row(row)->previous;
    row = encode(event(made_outcome(false)));
    state.chain = seal_event_row(event_at, previous, row);
    EXPECT_TRUE(batch.Put(db.handle(family::event), event_at, row).ok());
    row.clear();
    encode_to(state, row);
    EXPECT_TRUE(batch.Put(db.handle(family::state), state_at, row).ok());
    auto head = head_of(db);
    head.states += state_mark(task.problem, state) - before;
    put_head(db, batch, head);
  });
  const auto source = store::open_for_reading(dir());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_THAT(*(*source)->verify({}), IsEmpty()) << "the rows alone do not show it";
  const auto now = checked();
  EXPECT_EQ(now.is, standing::differs);
  EXPECT_THAT(now.findings, Contains(HasSubstr("content")));
}

// Or a commit number that says "went on": for a signer that is none.
TEST_F(SummaryCheck, CommitNumberMadeHigher_IsAFindingForASigner) {
  signed_now();
  change([](database& db, rocksdb::WriteBatch& batch) {
    auto head = head_of(db);
    ++head.commit_seq;
    ++head.totals.calls;
    put_head(db, batch, head);
  });
  EXPECT_EQ(checked().is, standing::older);
  EXPECT_THAT(checked(key.public_key()).findings, Contains(HasSubstr("the store went on")));
}

} // namespace tenbit::storage

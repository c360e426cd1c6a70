// Lease rows: with the commit, by themselves, after a crash, in older stores, and damaged.
#include <functional>
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using storage::family;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using leases = std::vector<std::pair<problem_index, lease_row>>;

task_commit granted(std::uint64_t task, std::uint64_t number, std::string holder = "worker") {
  task_commit out;
  out.task = problem_index{task};
  out.granted = lease_row{epoch{number}, std::move(holder)};
  return out;
}
task_commit ended(std::uint64_t task) {
  task_commit out;
  out.task = problem_index{task};
  out.lease_ended = true;
  return out;
}
std::pair<problem_index, lease_row> lease(std::uint64_t task, std::uint64_t number,
                                          std::string holder = "worker") {
  return {problem_index{task}, {epoch{number}, std::move(holder)}};
}

class StoreLease : public store_test {
protected:
  static leases leases_of(const store& db) {
    auto out = db.leases();
    EXPECT_TRUE(out) << out.error().message;
    return out.value_or(leases{});
  }
  static void expect_whole(const store& db) {
    const auto findings = db.verify({});
    ASSERT_TRUE(findings) << findings.error().message;
    EXPECT_THAT(*findings, IsEmpty());
  }
  // Changes rows behind the store's back, with good checksums.
  void tamper(const std::function<void(storage::database&, rocksdb::WriteBatch&)>& change) {
    auto raw = storage::database::open(
        dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
    ASSERT_TRUE(raw) << raw.error().message;
    rocksdb::WriteBatch batch;
    change(**raw, batch);
    EXPECT_TRUE((*raw)->write(batch, true));
  }
  static std::string key_of(std::uint64_t task) {
    std::string out;
    storage::task_key({experiment_id{made_manifest(1).identity.prefix()}, problem_index{task}},
                      out);
    return out;
  }
  void expect_refused(const std::string& what) {
    const auto refused = store::open(dir());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, store_error::corrupt);
    EXPECT_THAT(refused.error().message, HasSubstr(what));
  }
};

} // namespace

TEST_F(StoreLease, Granted_IsThereUntilEndedAndAfterACrash) {
  auto db = create_store(dir(), 20);
  const std::vector<task_commit> group{granted(7, 70, "a"), granted(3, 30, "b"), granted(9, 90)};
  ASSERT_TRUE(db->commit(group));
  ASSERT_TRUE(db->commit(std::vector<task_commit>{ended(9), granted(3, 31, "c")}));
  EXPECT_THAT(leases_of(*db), ElementsAre(lease(3, 31, "c"), lease(7, 70, "a")));
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(leases_of(*db), ElementsAre(lease(3, 31, "c"), lease(7, 70, "a")));
  expect_whole(*db);
  ASSERT_TRUE(db->close());
  db.reset();
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(leases_of(**reader).size(), 2U);
}

TEST_F(StoreLease, GrantAlone_LeavesStatesAndTotalsAsTheyWere) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(commit_one(*db, 1, {made_call("a")}));
  const auto seq = db->commit_seq();
  const auto totals = db->totals();
  const auto chain = db->state(problem_index{1})->chain;
  const std::vector<task_commit> group{granted(0, 1), granted(1, 2)};
  ASSERT_TRUE(db->commit(group));
  EXPECT_EQ(db->commit_seq(), seq + 1);
  EXPECT_EQ(db->totals(), totals);
  EXPECT_EQ(db->state(problem_index{1})->chain, chain);
  EXPECT_EQ(db->state(problem_index{0})->attempts, 0U);
  expect_whole(*db);
}

TEST_F(StoreLease, WhatChangesNothing_IsNotWritten) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(0, 1)}));
  const auto seq = db->commit_seq();
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(0, 1)}));           // there already
  ASSERT_TRUE(db->commit(std::vector<task_commit>{ended(1)}));                // never was
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(1, 5), ended(1)})); // came and went
  EXPECT_EQ(db->commit_seq(), seq);
  EXPECT_THAT(leases_of(*db), ElementsAre(lease(0, 1)));
}

TEST_F(StoreLease, WithEventsInOneCommit_MovesWithThem) {
  auto db = create_store(dir(), 2);
  auto part = granted(1, 4);
  part.events = {made_call("a"), made_bit(0, "q", answer::yes)};
  ASSERT_TRUE(db->commit({&part, 1}));
  part = ended(1);
  part.events = {made_outcome(true)};
  part.status = task_status::done;
  ASSERT_TRUE(db->commit({&part, 1}));
  EXPECT_THAT(leases_of(*db), IsEmpty());
  EXPECT_EQ(db->events(problem_index{1})->size(), 3U);
  expect_whole(*db);
}

TEST_F(StoreLease, GrantInADivergedGroup_IsNotWritten) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(commit_one(*db, 0, {made_bit(0, "q0", answer::yes)}));
  task_commit bad;
  bad.task = problem_index{0};
  bad.events = {made_bit(0, "q0", answer::no)};
  const auto refused =
      db->commit(std::vector<task_commit>{granted(1, 1), granted(2, 2), bad, granted(0, 3)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::diverged);
  EXPECT_EQ(refused.error().item, std::optional<std::size_t>(2));
  EXPECT_THAT(leases_of(*db), IsEmpty());
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(1, 1), granted(2, 2)}));
  EXPECT_THAT(leases_of(*db), ElementsAre(lease(1, 1), lease(2, 2)));
  expect_whole(*db);
}

TEST_F(StoreLease, BeyondALimit_IsDiverged) {
  auto db = create_store(dir(), 2);
  for (const auto& part : {granted(2, 1), ended(2), granted(0, 1, std::string(65, 'x'))}) {
    const auto refused = db->commit({&part, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, store_error::diverged);
    EXPECT_EQ(refused.error().item, std::optional<std::size_t>(0));
  }
  EXPECT_TRUE(db->commit(std::vector<task_commit>{granted(0, 1, std::string(64, 'x'))}));
}

// The family and the order of the tasks are what a store from before leases lacks.
TEST_F(StoreLease, StoreWithoutTheFamily_OpensAndGetsIt) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(commit_one(*db, 1, {made_call("a")}));
  ASSERT_TRUE(db->close());
  db.reset();
  tamper([](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(raw.rocks().DropColumnFamily(raw.handle(family::lease)).ok());
    std::string key;
    storage::longest_key(experiment_id{made_manifest(1).identity.prefix()}, key);
    ASSERT_TRUE(batch.Delete(raw.handle(family::run), key).ok());
  });
  {
    const auto reader = store::open_for_reading(dir());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_THAT(leases_of(**reader), IsEmpty());
    EXPECT_THAT(*(*reader)->longest_first(), ElementsAre(0, 1, 2));
    expect_whole(**reader);
  }
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(*db->longest_first(), ElementsAre(0, 1, 2));
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(2, 8)}));
  EXPECT_EQ(db->events(problem_index{1})->size(), 1U);
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(leases_of(*db), ElementsAre(lease(2, 8)));
  expect_whole(*db);
}

TEST_F(StoreLease, LostOrChangedRow_IsRefusedAtOpen) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{granted(0, 1), granted(2, 8)}));
  db.reset();
  tamper([](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(batch.Delete(raw.handle(family::lease), key_of(2)).ok());
  });
  expect_refused("the state and lease rows are not those as of commit");
  std::string row;
  storage::encode_to(lease_row{epoch{8}, "worker"}, row);
  tamper([&row](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(batch.Put(raw.handle(family::lease), key_of(2), row).ok());
  });
  EXPECT_TRUE(open_store(dir())); // as it was
  row.back() = 'x';
  tamper([&row](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(batch.Put(raw.handle(family::lease), key_of(2), row).ok());
  });
  expect_refused("the state and lease rows are not those as of commit");
  row.pop_back();
  tamper([&row](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(batch.Put(raw.handle(family::lease), key_of(2), row).ok());
  });
  expect_refused("a lease row is damaged");
}

} // namespace tenbit

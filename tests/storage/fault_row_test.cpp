// Fault rows: with the commit, by themselves, after a crash, in a copy, in older stores, and
// damaged.
#include <functional>
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "config/limits.hpp"
#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using storage::family;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using faults = std::vector<std::pair<problem_index, fault_row>>;

const fault_row crashed_once{{{"anna", 1, 0}}, true, false};
const fault_row given_up{{{"anna", 2, 0}, {"ben", 1, 3}}, false, true};

task_commit faulty(std::uint64_t task, fault_row row) {
  task_commit out;
  out.task = problem_index{task};
  out.faults = std::move(row);
  return out;
}
std::pair<problem_index, fault_row> of(std::uint64_t task, fault_row row) {
  return {problem_index{task}, std::move(row)};
}

class StoreFaults : public store_test {
protected:
  static faults faults_of(const store& db) {
    auto out = db.faults();
    EXPECT_TRUE(out) << out.error().message;
    return out.value_or(faults{});
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

TEST_F(StoreFaults, Written_AreThereUntilForgottenAndAfterACrash) {
  auto db = create_store(dir(), 20);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{
      faulty(7, crashed_once), faulty(3, given_up), faulty(9, crashed_once)}));
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(9, {}), faulty(7, given_up)}));
  EXPECT_THAT(faults_of(*db), ElementsAre(of(3, given_up), of(7, given_up)));
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(faults_of(*db), ElementsAre(of(3, given_up), of(7, given_up)));
  expect_whole(*db);
  ASSERT_TRUE(db->close());
  db.reset();
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(faults_of(**reader).size(), 2U);
}

TEST_F(StoreFaults, WhatChangesNothing_IsNotWritten) {
  auto db = create_store(dir(), 2);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(0, crashed_once)}));
  const auto seq = db->commit_seq();
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(0, crashed_once)}));            // there
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(1, {})}));                      // none
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(1, given_up), faulty(1, {})})); // gone
  EXPECT_EQ(db->commit_seq(), seq);
  EXPECT_THAT(faults_of(*db), ElementsAre(of(0, crashed_once)));
}

TEST_F(StoreFaults, WithATransitionInOneCommit_MoveWithIt) {
  auto db = create_store(dir(), 2);
  auto part = faulty(1, crashed_once);
  part.status = task_status::failed;
  part.events = {made_call("a")};
  ASSERT_TRUE(db->commit({&part, 1}));
  EXPECT_EQ(db->state(problem_index{1})->status, task_status::failed);
  EXPECT_THAT(faults_of(*db), ElementsAre(of(1, crashed_once)));
  part = faulty(1, {});
  part.status = task_status::done;
  ASSERT_TRUE(db->commit({&part, 1}));
  EXPECT_THAT(faults_of(*db), IsEmpty());
  expect_whole(*db);
}

TEST_F(StoreFaults, InADivergedGroup_AreNotWritten) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(commit_one(*db, 0, {made_bit(0, "q0", answer::yes)}));
  task_commit bad;
  bad.task = problem_index{0};
  bad.events = {made_bit(0, "q0", answer::no)};
  ASSERT_FALSE(db->commit(std::vector<task_commit>{faulty(1, crashed_once), bad}));
  EXPECT_THAT(faults_of(*db), IsEmpty());
  auto long_name = crashed_once;
  long_name.by[0].holder.assign(limits::peer_name_chars_max + 1, 'x');
  const auto refused = db->commit(std::vector<task_commit>{faulty(1, long_name)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::diverged);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(1, crashed_once)}));
  EXPECT_THAT(faults_of(*db), ElementsAre(of(1, crashed_once)));
}

TEST_F(StoreFaults, Checkpoint_HasThem) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(2, given_up)}));
  ASSERT_TRUE(db->checkpoint(root_ + "/copy"));
  const auto copy = store::open_for_reading(root_ + "/copy");
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_THAT(faults_of(**copy), ElementsAre(of(2, given_up)));
  expect_whole(**copy);
}

TEST_F(StoreFaults, StoreWithoutTheFamily_OpensAndGetsIt) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(commit_one(*db, 1, {made_call("a")}));
  ASSERT_TRUE(db->close());
  db.reset();
  tamper([](storage::database& raw, rocksdb::WriteBatch&) {
    ASSERT_TRUE(raw.rocks().DropColumnFamily(raw.handle(family::fault)).ok());
  });
  {
    const auto reader = store::open_for_reading(dir());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_THAT(faults_of(**reader), IsEmpty());
    expect_whole(**reader);
  }
  db = open_store(dir());
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(2, crashed_once)}));
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(faults_of(*db), ElementsAre(of(2, crashed_once)));
  EXPECT_EQ(db->events(problem_index{1})->size(), 1U);
  expect_whole(*db);
}

TEST_F(StoreFaults, LostOrChangedRow_IsRefusedAtOpen) {
  auto db = create_store(dir(), 3);
  ASSERT_TRUE(db->commit(std::vector<task_commit>{faulty(0, given_up), faulty(2, crashed_once)}));
  db.reset();
  tamper([](storage::database& raw, rocksdb::WriteBatch& batch) {
    ASSERT_TRUE(batch.Delete(raw.handle(family::fault), key_of(2)).ok());
  });
  expect_refused("the fault rows or the state and lease rows are not those as of commit");
  const auto put = [this](const std::string& row) {
    tamper([&row](storage::database& raw, rocksdb::WriteBatch& batch) {
      ASSERT_TRUE(batch.Put(raw.handle(family::fault), key_of(2), row).ok());
    });
  };
  std::string row;
  storage::encode_to(crashed_once, row);
  put(row);
  EXPECT_TRUE(open_store(dir())); // as it was
  auto more = row;
  more.back() = 5; // errors
  put(more);
  expect_refused("the fault rows or the state and lease rows are not those as of commit");
  put(row.substr(1));
  expect_refused("a fault row is damaged");
}

} // namespace tenbit

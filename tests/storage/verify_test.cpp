// Rows changed through RocksDB itself, with good checksums: only the store's own chains and sums
// can tell.
#include <functional>
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using storage::family;
using testing::Contains;
using testing::HasSubstr;

class StoreVerifyTampered : public store_test {
protected:
  // Two tasks with two calls and two bits each; then `change` on the rows of task 1.
  std::vector<std::string> findings_after(
      const std::function<void(storage::database&, rocksdb::WriteBatch&, task_id)>& change) {
    auto db = create_store(dir(), 2);
    for (std::uint64_t i = 0; i < 2; ++i) {
      task_commit part{problem_index{i},
                       {made_call("a"), made_bit(0, "q0", answer::yes), made_call("b"),
                        made_bit(1, "q1", answer::no)},
                       std::nullopt,
                       std::nullopt,
                       false};
      part.by = "node-7";
      EXPECT_TRUE(db->commit({&part, 1}));
    }
    EXPECT_TRUE(db->close());
    db.reset();
    {
      auto raw = storage::database::open(
          dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
      EXPECT_TRUE(raw) << raw.error().message;
      rocksdb::WriteBatch batch;
      change(**raw, batch, {experiment_id{made_manifest(2).identity.prefix()}, problem_index{1}});
      EXPECT_TRUE((*raw)->write(batch, true));
    }
    const auto reader = store::open_for_reading(dir());
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader)
      return {};
    auto findings = (*reader)->verify({});
    EXPECT_TRUE(findings) << findings.error().message;
    return *findings;
  }

  static std::string row_of(const storage::database& db, family f, const std::string& key) {
    std::string row;
    EXPECT_TRUE(*db.get(f, key, row));
    return row;
  }
};

} // namespace

TEST_F(StoreVerifyTampered, ChangedPeer_BreaksTheChain) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::event_key(task, 0, key);
    auto row = row_of(db, family::event, key);
    row[row.find("node-7")] = 'N';
    ignore(batch.Put(db.handle(family::event), key, row), "a put into memory");
  });
  EXPECT_THAT(findings, Contains(HasSubstr("chain hash does not hold")));
}

TEST_F(StoreVerifyTampered, ChangedEvent_BreaksTheChain) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::event_key(task, 0, key);
    auto row = row_of(db, family::event, key);
    row[row.find("{}")] = '[';
    EXPECT_TRUE(batch.Put(db.handle(family::event), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("task 1 event 0: its chain hash does not hold")));
}

TEST_F(StoreVerifyTampered, ChangedLedgerRow_DiffersFromItsEvent) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::bit_key(task, {}, bit_index{1}, key);
    auto row = row_of(db, family::bit, key);
    row[row.find("q1")] = 'Q';
    EXPECT_TRUE(batch.Put(db.handle(family::bit), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("task 1: ledger row 1 differs from its event 3")));
}

TEST_F(StoreVerifyTampered, AddedLedgerRow_HasNoEvent) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::bit_key(task, {}, bit_index{1}, key);
    const auto row = row_of(db, family::bit, key);
    storage::bit_key(task, {}, bit_index{2}, key);
    EXPECT_TRUE(batch.Put(db.handle(family::bit), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("task 1: ledger row 2 has no event")));
  EXPECT_THAT(findings, Contains(HasSubstr("task 1: 3 ledger rows, its state says 2")));
}

TEST_F(StoreVerifyTampered, DeletedEventAndLedgerRows_AreMissed) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::event_key(task, 1, key);
    EXPECT_TRUE(batch.Delete(db.handle(family::event), key).ok());
    storage::bit_key(task, {}, bit_index{1}, key);
    EXPECT_TRUE(batch.Delete(db.handle(family::bit), key).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("task 1 event 1: has the sequence number 2")));
  EXPECT_THAT(findings, Contains(HasSubstr("task 1: 3 events, its state says 4")));
  EXPECT_THAT(findings, Contains(HasSubstr("event 3 has no ledger row")));
  EXPECT_THAT(findings, Contains(HasSubstr("totals: events 7 by the rows, 8 by the total")));
}

TEST_F(StoreVerifyTampered, RowsOfNoTask_AreFound) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::event_key(task, 0, key);
    const auto row = row_of(db, family::event, key);
    storage::event_key({task.experiment, problem_index{9}}, 0, key);
    EXPECT_TRUE(batch.Put(db.handle(family::event), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("event: a row of task 9, which is not there")));
}

TEST_F(StoreVerifyTampered, ChangedGold_IsNotWhatTheManifestHas) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::task_key(task, key);
    auto row = row_of(db, family::gold, key);
    row.back() = 'x';
    EXPECT_TRUE(batch.Put(db.handle(family::gold), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("manifest: the problem and gold rows")));
}

TEST_F(StoreVerifyTampered, ChangedTotals_AreCountedAgain) {
  const auto findings = findings_after([](auto& db, auto& batch, task_id) {
    const std::string key(storage::head_key);
    auto head = *storage::read_head_row(row_of(db, family::meta, key));
    --head.totals.calls;
    std::string row;
    storage::encode_to(head, row);
    EXPECT_TRUE(batch.Put(db.handle(family::meta), key, row).ok());
  });
  EXPECT_THAT(findings, Contains(HasSubstr("totals: calls 4 by the rows, 3 by the total")));
}

TEST_F(StoreVerifyTampered, ChangedState_IsRefusedAtOpen) {
  const auto change = [](auto& db, auto& batch, task_id task) {
    std::string key;
    storage::task_key(task, key);
    auto state = *storage::read_state_row(row_of(db, family::state, key));
    state.status = task_status::done;
    std::string row;
    storage::encode_to(state, row);
    EXPECT_TRUE(batch.Put(db.handle(family::state), key, row).ok());
  };
  create_store(dir(), 2);
  {
    auto raw = storage::database::open(
        dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
    ASSERT_TRUE(raw);
    rocksdb::WriteBatch batch;
    change(**raw, batch, {experiment_id{made_manifest(2).identity.prefix()}, problem_index{1}});
    ASSERT_TRUE((*raw)->write(batch, true));
  }
  const auto refused = store::open(dir());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::corrupt);
  EXPECT_THAT(refused.error().message,
              HasSubstr("the state and lease rows are not those as of commit"));
}

} // namespace tenbit

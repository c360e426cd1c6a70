// What a look at a sample finds, and how much of a store it looks at.
#include "storage/spot_check.hpp"

#include <functional>
#include <gmock/gmock.h>
#include <rocksdb/env.h>

#include "config/limits.hpp"
#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using storage::family;
using storage::spot_check;
using testing::HasSubstr;

class Storage_SpotCheck : public store_test {
protected:
  // Each task has a call and two bits; all but `pending` are done.
  void make(std::size_t tasks, std::uint64_t pending = ~std::uint64_t{0}) {
    auto db = create_store(dir(), tasks);
    for (std::uint64_t i = 0; i < tasks; ++i)
      ASSERT_TRUE(commit_one(
          *db, i, {made_call("a"), made_bit(0, "q0", answer::yes), made_bit(1, "q1", answer::no)},
          i == pending ? task_status::pending : task_status::done));
    ASSERT_TRUE(db->close());
  }
  // Changes the first byte that is `from` in a row of a task, with good checksums of RocksDB.
  void change(std::size_t tasks, std::uint64_t task, family f, std::string_view from) {
    auto raw = storage::database::open(
        dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
    ASSERT_TRUE(raw) << raw.error().message;
    const task_id which{experiment_id{made_manifest(tasks).identity.prefix()}, problem_index{task}};
    std::string key, row;
    if (f == family::event)
      storage::event_key(which, 0, key);
    else
      storage::bit_key(which, {}, bit_index{1}, key);
    ASSERT_TRUE(*(*raw)->get(f, key, row));
    const auto at = row.find(from);
    ASSERT_NE(at, std::string::npos);
    row[at] = '!';
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put((*raw)->handle(f), key, row).ok());
    ASSERT_TRUE((*raw)->write(batch, true));
  }
  // What a whole look says, in steps of 7; empty: all holds.
  std::string look(std::uint64_t seed, std::uint64_t* checked = nullptr) {
    const auto reader = store::open_for_reading(dir());
    EXPECT_TRUE(reader);
    spot_check sample(**reader, seed);
    while (!sample.over())
      if (const auto held = sample.step(7); !held)
        return held.error().message;
    if (checked != nullptr)
      *checked = sample.checked();
    return "";
  }
};

} // namespace

TEST_F(Storage_SpotCheck, SmallStore_IsReadWhole) {
  make(20, 3);
  std::uint64_t checked = 0;
  EXPECT_EQ(look(1, &checked), "");
  EXPECT_EQ(checked, 19U) << "all that are done";
}

TEST_F(Storage_SpotCheck, ChangedEvent_IsFound) {
  make(20);
  change(20, 11, family::event, "{}");
  EXPECT_THAT(look(1), HasSubstr("event 0 of task 11: its chain hash does not hold"));
}

TEST_F(Storage_SpotCheck, ChangedLedgerRow_IsFound) {
  make(20);
  change(20, 11, family::bit, "q1");
  EXPECT_THAT(look(1), HasSubstr("task 11: ledger row 1 is not what its journal says"));
}

TEST_F(Storage_SpotCheck, TaskThatIsNotDone_IsNotRead) {
  make(20, 11);
  change(20, 11, family::event, "{}");
  EXPECT_EQ(look(1), "");
}

TEST_F(Storage_SpotCheck, LargerStore_EverySeedLooksAtOthers) {
  constexpr std::size_t tasks = 10 * limits::spot_check_tasks_min;
  make(tasks);
  change(tasks, 123, family::event, "{}");
  int found = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::uint64_t checked = 0;
    if (look(seed, &checked).empty())
      EXPECT_EQ(checked, limits::spot_check_tasks_min);
    else
      ++found;
  }
  // One in ten: a fair draw of 60 is outside of 1..19 once in 500.
  EXPECT_GT(found, 0);
  EXPECT_LT(found, 20);
}

} // namespace tenbit

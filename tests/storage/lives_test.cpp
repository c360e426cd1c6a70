// The openings that a store remembers, and stores of the format before there were any.
#include <rocksdb/env.h>

#include "config/limits.hpp"
#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

class StoreLives : public store_test {};

TEST_F(StoreLives, LivesBeyondThoseKept_LeaveTheirRollbackToTheNext) {
  auto db = create_store(dir(), 1);
  store_options accept;
  accept.accept_rollback = true;
  db.reset();
  db = open_store(dir(), accept);
  const auto accepted = db->incarnation();
  for (std::size_t i = 0; i < limits::store_lives_kept; ++i) {
    db.reset();
    db = open_store(dir());
  }
  ASSERT_EQ(db->lives().size(), limits::store_lives_kept);
  EXPECT_GT(db->lives().front().incarnation, accepted);
  EXPECT_TRUE(db->lives().front().accepted);
  EXPECT_FALSE(db->lives()[1].accepted);
}

TEST_F(StoreLives, OfFormatOne_IsReadAndWrittenOnAsTwo) {
  auto db = create_store(dir(), 1);
  ASSERT_TRUE(commit_one(*db, 0, {made_call("a")})); // nobody is named in its rows
  ASSERT_TRUE(db->close());
  db.reset();
  const auto raw = [&](std::uint32_t format) {
    auto opened = storage::database::open(
        dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
    ASSERT_TRUE(opened) << opened.error().message;
    std::string row;
    ASSERT_TRUE(*(*opened)->get(storage::family::meta, storage::store_key, row));
    auto store = storage::read_store_row(row);
    ASSERT_TRUE(store);
    store->format = format;
    rocksdb::WriteBatch batch;
    const auto meta = (*opened)->handle(storage::family::meta);
    ASSERT_TRUE(batch.Put(meta, rocksdb::Slice(storage::store_key), encode(*store)).ok());
    if (format == 1) {
      ASSERT_TRUE(batch.Delete(meta, rocksdb::Slice(storage::lives_key)).ok());
    }
    ASSERT_TRUE((*opened)->write(batch, true));
  };
  raw(1);
  ASSERT_TRUE(store::open_for_reading(dir()));
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_EQ(db->lives().size(), 1U);
  EXPECT_EQ(db->events(problem_index{0})->size(), 1U);
  EXPECT_TRUE(db->verify({})->empty());
  ASSERT_TRUE(db->close());
  db.reset();
  EXPECT_EQ(open_store(dir())->lives().size(), 2U);
  raw(3);
  EXPECT_EQ(store::open(dir()).error().kind, store_error::other_format);
}

} // namespace
} // namespace tenbit

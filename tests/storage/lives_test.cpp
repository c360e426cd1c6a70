// The openings that a store remembers, and stores of the format before there were any.
#include <rocksdb/env.h>

#include "config/limits.hpp"
#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

class StoreLives : public store_test {};

TEST(Lives, BeyondThoseKept_LeaveTheirRollbackToTheNext) {
  std::vector<store_life> lives;
  for (std::uint64_t i = 1; i <= limits::store_lives_kept; ++i)
    storage::add_life(lives, {i, i, i == 2});
  ASSERT_EQ(lives.size(), limits::store_lives_kept);
  EXPECT_EQ(*storage::read_lives(storage::encode(lives)), lives);
  storage::add_life(lives, {5000, 1, false}); // 1 goes
  EXPECT_EQ(lives.front(), (store_life{2, 2, true}));
  storage::add_life(lives, {5001, 1, false}); // 2 goes
  EXPECT_EQ(lives.front(), (store_life{3, 3, true}));
  EXPECT_FALSE(lives[1].accepted);
  EXPECT_EQ(lives.size(), limits::store_lives_kept);
}

TEST(Lives, RowsThatDoNotFit_AreNone) {
  const std::string one = storage::encode(std::vector<store_life>{{7, 0, false}});
  const std::string two = storage::encode(std::vector<store_life>{{8, 6, true}});
  EXPECT_EQ(storage::read_lives("")->size(), 0U);
  EXPECT_EQ(storage::read_lives(one + two)->size(), 2U);
  EXPECT_FALSE(storage::read_lives(two + one)) << "not in ascending order";
  EXPECT_FALSE(storage::read_lives(one + one));
  EXPECT_FALSE(storage::read_lives(one.substr(1)));
  EXPECT_FALSE(storage::read_lives(one + two + "x"));
  std::string many;
  for (std::uint64_t i = 0; i <= limits::store_lives_kept; ++i)
    many += storage::encode(std::vector<store_life>{{i, 0, false}});
  EXPECT_FALSE(storage::read_lives(many));
}

TEST_F(StoreLives, EachOpeningForWriting_IsOne) {
  auto db = create_store(dir(), 1);
  ASSERT_TRUE(commit_one(*db, 0, {made_call("a")}));
  const auto first = db->lives();
  ASSERT_EQ(first.size(), 1U);
  const auto seq = db->commit_seq();
  db.reset();
  store_options accept;
  accept.accept_rollback = true;
  db = open_store(dir(), accept);
  ASSERT_EQ(db->lives().size(), 2U);
  EXPECT_EQ(db->lives()[0], first[0]);
  EXPECT_EQ(db->lives()[1], (store_life{db->incarnation(), seq, true}));
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->lives(), db->lives());
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

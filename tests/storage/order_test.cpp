// The order of the tasks by the length of their questions.
#include <bit>
#include <gmock/gmock.h>
#include <numeric>
#include <rocksdb/env.h>

#include "storage/database.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreOrder : public store_test {
protected:
  std::unique_ptr<store> create_with(const std::vector<std::size_t>& lengths) {
    auto problems = made_problems(lengths.size());
    for (std::size_t i = 0; i < lengths.size(); ++i)
      problems[i].question.assign(lengths[i], 'q');
    auto out = store::create(dir(), made_manifest(lengths.size()), problems);
    EXPECT_TRUE(out) << out.error().message;
    return out ? std::move(*out) : nullptr;
  }
};

} // namespace

TEST_F(StoreOrder, LongestFirst_ByPowerOfTwoThenIndexAndAfterReopening) {
  auto db = create_with({5, 100, 5, 0, 100, 7});
  ASSERT_TRUE(db);
  EXPECT_THAT(*db->longest_first(), ElementsAre(1, 4, 0, 2, 5, 3));
  db.reset();
  db = open_store(dir());
  ASSERT_TRUE(db);
  EXPECT_THAT(*db->longest_first(), ElementsAre(1, 4, 0, 2, 5, 3));
}

TEST_F(StoreOrder, ManyTasks_AreAPermutationInOrder) {
  constexpr std::size_t count = 20'000;
  std::vector<std::size_t> lengths(count);
  for (std::size_t i = 0; i < count; ++i)
    lengths[i] = i * 7919 % 301;
  const auto db = create_with(lengths);
  ASSERT_TRUE(db);
  const auto order = db->longest_first();
  ASSERT_TRUE(order) << order.error().message;
  std::vector<std::uint32_t> wanted(count);
  std::iota(wanted.begin(), wanted.end(), 0U);
  std::sort(wanted.begin(), wanted.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(std::bit_width(lengths[b]), a) < std::pair(std::bit_width(lengths[a]), b);
  });
  EXPECT_EQ(*order, wanted);
}

TEST_F(StoreOrder, DamagedRow_IsCorruptAndAFinding) {
  using storage::encode_order;
  for (const auto& row : {encode_order(std::vector<std::uint32_t>{0, 1, 1}),
                          encode_order(std::vector<std::uint32_t>{0, 1, 3}),
                          encode_order(std::vector<std::uint32_t>{0, 1}),
                          encode_order(std::vector<std::uint32_t>{0, 1, 2, 3}), std::string("x")}) {
    std::filesystem::remove_all(dir());
    ASSERT_TRUE(create_with({1, 2, 3})->close());
    {
      auto raw = storage::database::open(
          dir() + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
      ASSERT_TRUE(raw);
      std::string key;
      storage::longest_key(experiment_id{made_manifest(3).identity.prefix()}, key);
      rocksdb::WriteBatch batch;
      ASSERT_TRUE(batch.Put((*raw)->handle(storage::family::run), key, row).ok());
      ASSERT_TRUE((*raw)->write(batch, true));
    }
    const auto db = open_store(dir());
    ASSERT_TRUE(db);
    const auto order = db->longest_first();
    ASSERT_FALSE(order);
    EXPECT_EQ(order.error().kind, store_error::corrupt);
    EXPECT_THAT(*db->verify({}), ElementsAre(HasSubstr("the order of the tasks")));
  }
}

} // namespace tenbit

// Copies made beside commits: whole or not there, also when the copying fails or the power goes.
#include <fstream>
#include <thread>

#include "tests/storage/fault_work.hpp"

namespace tenbit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreCheckpoint : public store_test {
protected:
  [[nodiscard]] std::string copy() const { return root_ + "/copy"; }
  static std::unique_ptr<rocksdb::Env> env_of(fault_plan& plan) {
    return std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
  }
  // A store with `done` commits.
  std::unique_ptr<store> worked(const std::string& folder, int done, rocksdb::Env* env = nullptr) {
    auto db = create_store(folder, tasks, small_memory(env));
    for (int i = 0; db && i < done; ++i)
      EXPECT_TRUE(commit_number(*db, i));
    return db;
  }
  // Not there, not openable, or whole.
  static void expect_absent_or_whole(const std::string& folder, const progress& before) {
    auto db = store::open(folder, small_memory(nullptr));
    if (db)
      return expect_prefix(**db, before);
    EXPECT_EQ(db.error().kind, store_error::not_a_store) << db.error().message;
  }
};

} // namespace

TEST_F(StoreCheckpoint, Copy_OpensWithEverythingCommitted) {
  auto db = worked(dir(), 20);
  const auto made = db->checkpoint(copy() + "/"); // as completion in a shell writes it
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(fs::exists(copy() + ".partial"));
  ASSERT_TRUE(commit_number(*db, 20)); // the store goes on
  {
    const auto reader = store::open_for_reading(copy());
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_LT((*reader)->commit_seq(), db->commit_seq());
    expect_prefix(**reader, {true, 20, 20});
  }
  auto second = open_store(copy());
  ASSERT_TRUE(second);
  EXPECT_GT(second->incarnation(), db->incarnation());
  expect_prefix(*second, {true, 20, 20});
  EXPECT_TRUE(commit_number(*second, 20));
  EXPECT_TRUE(second->close());
  expect_prefix(*db, {true, 21, 21});
}

TEST_F(StoreCheckpoint, CopyOfACopyInAnAbsentParent_Opens) {
  auto db = worked(dir(), 5);
  ASSERT_TRUE(db->checkpoint(root_ + "/a/b/first"));
  auto second = open_store(root_ + "/a/b/first");
  ASSERT_TRUE(second);
  ASSERT_TRUE(second->checkpoint(copy()));
  expect_prefix(*open_store(copy()), {true, 5, 5});
}

TEST_F(StoreCheckpoint, ExistingFolder_IsRefusedAndUntouched) {
  auto db = worked(dir(), 3);
  fs::create_directory(copy());
  for (const auto& taken : {copy(), dir(), root_}) {
    const auto refused = db->checkpoint(taken);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, store_error::exists);
    EXPECT_THAT(refused.error().message, HasSubstr(taken));
  }
  EXPECT_TRUE(fs::is_empty(copy()));
  EXPECT_FALSE(db->checkpoint(""));
  EXPECT_TRUE(commit_number(*db, 3));
}

TEST_F(StoreCheckpoint, LeftoverOfAnInterruptedCopy_DoesNotOpenAndIsReplaced) {
  auto db = worked(dir(), 3);
  ASSERT_TRUE(db->checkpoint(copy()));
  fs::rename(copy(), copy() + ".partial");
  std::ofstream(copy() + ".partial/creating");
  const auto refused = store::open(copy() + ".partial");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::not_a_store);
  ASSERT_TRUE(commit_number(*db, 3));
  ASSERT_TRUE(db->checkpoint(copy()));
  EXPECT_FALSE(fs::exists(copy() + ".partial"));
  expect_prefix(*open_store(copy()), {true, 4, 4});
}

TEST_F(StoreCheckpoint, ForeignFolderInTheWay_IsRefusedAndUntouched) {
  auto db = worked(dir(), 3);
  fs::create_directory(copy() + ".partial");
  std::ofstream(copy() + ".partial/thesis.txt") << "text";
  const auto refused = db->checkpoint(copy());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, store_error::exists);
  EXPECT_TRUE(fs::exists(copy() + ".partial/thesis.txt"));
  EXPECT_FALSE(fs::exists(copy() + ".partial/LOCK"));
}

TEST_F(StoreCheckpoint, OfAReader_IsRefused) {
  worked(dir(), 3);
  const auto reader = store::open_for_reading(dir());
  ASSERT_TRUE(reader);
  const auto refused = (*reader)->checkpoint(copy());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("reading only"));
}

// Small memtables, so that flushes, new logs and deletions happen beside the copying.
TEST_F(StoreCheckpoint, BesideABusyWriter_EveryCopyIsWhole) {
  auto db = create_store(dir(), tasks, small_memory(nullptr));
  std::atomic<int> acknowledged{0};
  std::atomic<int> attempted{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop && i < 5000; ++i) {
      attempted = i + 1;
      const auto done = commit_number(*db, i);
      EXPECT_TRUE(done) << done.error().message;
      EXPECT_TRUE(db->keep_anchor(i % 5 == 0));
      acknowledged = i + 1;
    }
  });
  for (int i = 0; i < 6; ++i) {
    const auto folder = fmt::format("{}{}", copy(), i);
    const int least = acknowledged;
    const auto made = db->checkpoint(folder);
    const int most = attempted;
    EXPECT_TRUE(made) << made.error().message;
    const auto opened = open_store(folder, small_memory(nullptr));
    if (!made || !opened)
      break;
    expect_prefix(*opened, {true, least, most});
    fs::remove_all(folder);
  }
  stop = true;
  writer.join();
  EXPECT_GT(acknowledged, 0);
  EXPECT_THAT(*db->verify({}), IsEmpty());
}

TEST_F(StoreCheckpoint, EveryOperationOfItFails_TheStoreLosesNothing) {
  constexpr int done = 4;
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {} of the copy", n));
    fault_plan plan;
    const auto env = env_of(plan);
    const auto folder = fmt::format("{}/store{}", root_, n);
    const auto to = fmt::format("{}/copy{}", root_, n);
    auto db = worked(folder, done, env.get());
    const auto start = plan.operations();
    plan.fail_at = start + n;
    const auto made = db->checkpoint(to);
    const bool all_passed = plan.operations() < start + n;
    const bool goes_on = bool(commit_number(*db, done));
    db.reset();
    expect_absent_or_whole(to, {true, done, done});
    expect_nothing_lost(folder, {true, goes_on ? done + 1 : done, done + 1});
    EXPECT_FALSE(made && !fs::exists(to));
    fs::remove_all(folder);
    fs::remove_all(to);
    if (all_passed) {
      EXPECT_TRUE(made) << made.error().message;
      EXPECT_GT(n, 20U);
      return;
    }
  }
}

TEST_F(StoreCheckpoint, PowerCutDuringIt_LeavesNoCopyThatLies) {
  constexpr int done = 4;
  fault_plan dry;
  const auto dry_env = env_of(dry);
  auto dry_db = worked(root_ + "/dry", done, dry_env.get());
  const auto first = dry.operations();
  ASSERT_TRUE(dry_db->checkpoint(root_ + "/dry_copy"));
  const auto operations = dry.operations() - first;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    fault_plan plan;
    const auto env = env_of(plan);
    const auto folder = fmt::format("{}/store{}", root_, seed);
    const auto to = fmt::format("{}/copy{}", root_, seed);
    auto db = worked(folder, done, env.get());
    // Up to just after it.
    plan.cut_at = plan.operations() + 1 + random_stream(seed, "cut at", 0).below(operations + 2);
    const auto made = db->checkpoint(to);
    db.reset();
    plan.lose_unsynced(seed);
    if (made) {
      EXPECT_TRUE(fs::exists(to));
    }
    expect_absent_or_whole(to, {true, done, done});
    expect_nothing_lost(folder, {true, done, done});
    fs::remove_all(folder);
    fs::remove_all(to);
  }
}

} // namespace tenbit

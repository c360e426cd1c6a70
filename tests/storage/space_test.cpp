// A full disk: nothing is acknowledged that is not there, nothing more is taken, and once there is
// space again a new opening has every acknowledged row.
#include "tests/storage/fault_work.hpp"

namespace tenbit {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

class F14_StoreSpace : public store_test {
protected:
  // Commits until one fails; gives how many did not.
  static int fill(store& db, store_failure& why) {
    for (int i = 0; i < commits; ++i) {
      auto done = commit_number(db, i);
      if (done && i % 7 == 0)
        done = db.keep_anchor(true);
      if (!done) {
        why = done.error();
        return i; // with a failed anchor commit i is there, too
      }
    }
    ADD_FAILURE() << "the disk was not full";
    return commits;
  }
};

} // namespace

TEST_F(F14_StoreSpace, FullAtAnyByte_RefusesAndGoesOnWhenThereIsSpace) {
  for (std::uint64_t seed = 0; seed < 15; ++seed) {
    fault_plan plan;
    const auto env = std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
    const auto folder = fmt::format("{}/full{}", root_, seed);
    auto db = create_store(folder, tasks, small_memory(env.get()));
    ASSERT_TRUE(db);
    const auto space = random_stream(seed, "space", 0).below(700'000);
    SCOPED_TRACE(fmt::format("seed {}, {} bytes", seed, space));
    plan.space = space;
    store_failure why;
    const int done = fill(*db, why);
    EXPECT_EQ(why.kind, store_error::io);
    EXPECT_THAT(why.message, HasSubstr("No space left on device"));
    const auto named = AnyOf(HasSubstr(".log"), HasSubstr(".sst"), HasSubstr("MANIFEST-"),
                             HasSubstr("/anchor"), HasSubstr("/receipt"));
    EXPECT_THAT(why.message, named);
    plan.space.reset(); // too late for this process: what a failed fsync left is not known
    for (int again = 0; again < 3; ++again) {
      const auto refused = commit_number(*db, done);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().kind, store_error::io);
      EXPECT_THAT(refused.error().message, named);
    }
    EXPECT_FALSE(db->close());
    EXPECT_FALSE(db->checkpoint(folder + ".copy"));
    EXPECT_FALSE(std::filesystem::exists(folder + ".copy"));
    db.reset();
    expect_nothing_lost(folder, {true, done, done + 1});
    std::filesystem::remove_all(folder);
  }
}

TEST_F(F14_StoreSpace, FullAtCreation_IsNoStoreAndIsCreatedAgain) {
  for (const std::uint64_t space : {0U, 10U, 100U, 1000U, 3000U}) {
    SCOPED_TRACE(space);
    fault_plan plan;
    plan.space = space;
    const auto env = std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
    const auto folder = fmt::format("{}/full{}", root_, space);
    const auto db =
        store::create(folder, made_manifest(tasks), made_problems(tasks), small_memory(env.get()));
    ASSERT_FALSE(db);
    EXPECT_EQ(db.error().kind, store_error::io) << db.error().message;
    EXPECT_THAT(db.error().message, HasSubstr("No space left on device"));
    expect_nothing_lost(folder, {});
  }
}

// The log and the MANIFEST are copied, and the witnesses are new. The store itself has nothing to
// write here, so it goes on.
TEST_F(F14_StoreSpace, FullDuringACopy_LeavesNoCopy) {
  int copies = 0;
  for (std::uint64_t space = 0; copies < 2; space += 300) {
    SCOPED_TRACE(space);
    fault_plan plan;
    const auto env = std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
    const auto folder = fmt::format("{}/full{}", root_, space);
    auto db = create_store(folder, tasks, small_memory(env.get()));
    ASSERT_TRUE(db);
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE(commit_number(*db, i));
    ASSERT_TRUE(db->checkpoint(folder + ".first")); // flushes
    plan.space = space;
    const auto made = db->checkpoint(folder + ".copy");
    copies += made ? 1 : 0;
    EXPECT_EQ(bool(made), std::filesystem::exists(folder + ".copy"));
    EXPECT_FALSE(std::filesystem::exists(folder + ".copy.partial"));
    plan.space.reset();
    EXPECT_TRUE(commit_number(*db, 4));
    db.reset();
    expect_nothing_lost(folder, {true, 5, 5});
    for (const auto* ending : {"", ".first", ".copy"})
      std::filesystem::remove_all(folder + ending);
  }
}

} // namespace tenbit

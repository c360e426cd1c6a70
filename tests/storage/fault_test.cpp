// Power cuts and failed operations under a store at work. A failing seed or operation number is
// printed.
#include "tests/storage/fault_work.hpp"

namespace tenbit {
namespace {

class F12_StoreFault : public store_test {
protected:
  // Runs the work under the plan in a folder of its own.
  progress run(const std::string& folder, fault_plan& plan) {
    const auto env = std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
    return work(folder, env.get());
  }
  std::uint64_t operations_without_faults() {
    fault_plan plan;
    const auto done = run(root_ + "/dry", plan);
    EXPECT_EQ(done.acknowledged, commits);
    return plan.operations();
  }
};

} // namespace

TEST_F(F12_StoreFault, PowerCutAtAnyOperation_LosesNothingAcknowledged) {
  const auto operations = operations_without_faults();
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    fault_plan plan;
    plan.cut_at = 1 + random_stream(seed, "cut at", 0).below(operations);
    const auto folder = fmt::format("{}/cut{}", root_, seed);
    const auto done = run(folder, plan);
    plan.lose_unsynced(seed);
    expect_nothing_lost(folder, done);
    std::filesystem::remove_all(folder);
  }
}

// n = 1, 2, 3, … up to the end, in steps that keep the test short.
TEST_F(F12_StoreFault, NthOperationFails_NothingIsFalselyAcknowledged) {
  const auto operations = operations_without_faults();
  const auto step = std::max<std::uint64_t>(1, operations / 70);
  for (std::uint64_t n = 1; n <= operations; n += step) {
    SCOPED_TRACE(fmt::format("operation {}", n));
    fault_plan plan;
    plan.fail_at = n;
    const auto folder = fmt::format("{}/fail{}", root_, n);
    const auto done = run(folder, plan);
    expect_nothing_lost(folder, done);
    std::filesystem::remove_all(folder);
  }
}

// Every operation of one commit, one after the other.
TEST_F(F12_StoreFault, EveryOperationOfACommitFails_TheStoreStops) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {} of the commit", n));
    fault_plan plan;
    const auto env = std::make_unique<impatient_env>(std::make_shared<fault_file_system>(plan));
    const auto folder = fmt::format("{}/commit{}", root_, n);
    auto db = create_store(folder, tasks, small_memory(env.get()));
    ASSERT_TRUE(db);
    ASSERT_TRUE(commit_number(*db, 0));
    const auto start = plan.operations();
    plan.fail_at = start + n;
    const auto result = commit_number(*db, 1);
    if (result) {
      EXPECT_LT(plan.operations(), start + n); // the commit had fewer operations than n
      EXPECT_GT(n, 3U);                        // log append, log sync, receipt at least
      return;
    }
    EXPECT_EQ(result.error().kind, store_error::io);
    EXPECT_FALSE(commit_number(*db, 1));
    db.reset();
    expect_nothing_lost(folder, {true, 1, 2});
  }
}

} // namespace tenbit

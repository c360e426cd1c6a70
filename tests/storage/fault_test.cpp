// Power cuts and failed operations under a store at work. A failing seed or operation number is
// printed.
#include <atomic>
#include <gmock/gmock.h>

#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {
namespace {

using testing::IsEmpty;

constexpr std::size_t tasks = 6;
constexpr int commits = 60;

// Commit i appends one call whose text begins with "i:" to task i modulo tasks, and every fourth a
// bit.
std::vector<event> events_of(int i) {
  random_stream random(7, "events", static_cast<std::uint64_t>(i));
  std::string text = fmt::format("{}:", i);
  const auto size = text.size() + random.below(30'000);
  while (text.size() < size)
    text.push_back(static_cast<char>('!' + random.below(90)));
  std::vector<event> out{made_call(text)};
  if (i % 4 == 0)
    out.push_back(made_bit(static_cast<std::uint32_t>(i), fmt::format("q{}", i), answer::yes));
  return out;
}

struct progress {
  bool created = false;
  int acknowledged = 0; // commits
  int attempted = 0;
};

store_options small_memory(rocksdb::Env* env) {
  return {env, false, 1U << 20};
}

// Creates, commits, anchors, and closes and opens once half-way. Stops at the first failure; a
// store that failed must take no further commit.
progress work(const std::string& dir, rocksdb::Env* env) {
  progress out;
  auto db = store::create(dir, made_manifest(tasks), made_problems(tasks), small_memory(env));
  if (!db)
    return out;
  out.created = true;
  for (int i = 0; i < commits; ++i) {
    if (i == commits / 2) {
      const auto closed = (*db)->close();
      db->reset();
      if (!closed)
        return out;
      db = store::open(dir, small_memory(env));
      if (!db)
        return out;
    }
    out.attempted = i + 1;
    const auto task = static_cast<std::uint64_t>(i) % tasks;
    if (!commit_one(**db, task, events_of(i))) {
      for (int again = 0; again < 3; ++again)
        EXPECT_FALSE(commit_one(**db, task, events_of(i))) << "accepted after a failed write";
      EXPECT_FALSE((*db)->close());
      return out;
    }
    out.acknowledged = i + 1;
    if (i % 7 == 0 && !(*db)->keep_anchor(true)) {
      EXPECT_FALSE(commit_one(**db, task, events_of(i))) << "accepted after a failed anchor";
      return out;
    }
  }
  ignore((*db)->close(), "the last operation; what it leaves is checked");
  return out;
}

// The commits that are there, which must be 0, 1, … k - 1 and whole; gives k.
int recovered_prefix(const store& db) {
  int found = 0;
  std::vector<std::size_t> next(tasks, 0);
  std::vector<std::vector<std::string>> rows(tasks);
  std::size_t all = 0;
  for (std::size_t task = 0; task < tasks; ++task) {
    const auto events = db.events(problem_index{task});
    EXPECT_TRUE(events) << events.error().message;
    if (events)
      rows[task] = encoded(*events);
    all += rows[task].size();
  }
  for (std::size_t seen = 0; seen < all; ++found) {
    const auto task = static_cast<std::size_t>(found) % tasks;
    for (const auto& bytes : encoded(events_of(found))) {
      if (next[task] >= rows[task].size() || rows[task][next[task]] != bytes) {
        ADD_FAILURE() << "commit " << found << " is missing or cut, later ones are there";
        return -1;
      }
      ++next[task];
      ++seen;
    }
  }
  return found;
}

// Reopens on the real file system and goes on.
void expect_nothing_lost(const std::string& dir, const progress& before) {
  auto db = store::open(dir, small_memory(nullptr));
  if (!db && !before.created) {
    EXPECT_EQ(db.error().kind, store_error::not_a_store) << db.error().message;
    EXPECT_TRUE(store::create(dir, made_manifest(tasks), made_problems(tasks)));
    return;
  }
  ASSERT_TRUE(db) << db.error().message;
  const int found = recovered_prefix(**db);
  EXPECT_GE(found, before.acknowledged);
  EXPECT_LE(found, before.attempted);
  const auto findings = (*db)->verify({});
  ASSERT_TRUE(findings) << findings.error().message;
  EXPECT_THAT(*findings, IsEmpty());
  EXPECT_TRUE(commit_one(**db, 0, {made_call("after")}));
  EXPECT_TRUE((*db)->close());
}

class StoreFault : public store_test {
protected:
  // Runs the work under the plan in a folder of its own.
  progress run(const std::string& folder, fault_plan& plan) {
    const auto env = rocksdb::NewCompositeEnv(std::make_shared<fault_file_system>(plan));
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

TEST_F(StoreFault, PowerCutAtAnyOperation_LosesNothingAcknowledged) {
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
TEST_F(StoreFault, NthOperationFails_NothingIsFalselyAcknowledged) {
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
TEST_F(StoreFault, EveryOperationOfACommitFails_TheStoreStops) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("operation {} of the commit", n));
    fault_plan plan;
    const auto env = rocksdb::NewCompositeEnv(std::make_shared<fault_file_system>(plan));
    const auto folder = fmt::format("{}/commit{}", root_, n);
    auto db = create_store(folder, tasks, small_memory(env.get()));
    ASSERT_TRUE(db);
    ASSERT_TRUE(commit_one(*db, 0, events_of(0)));
    const auto start = plan.operations();
    plan.fail_at = start + n;
    const auto result = commit_one(*db, 1, events_of(1));
    if (result) {
      EXPECT_LT(plan.operations(), start + n); // the commit had fewer operations than n
      EXPECT_GT(n, 3U);                        // log append, log sync, receipt at least
      return;
    }
    EXPECT_EQ(result.error().kind, store_error::io);
    EXPECT_FALSE(commit_one(*db, 1, events_of(1)));
    db.reset();
    expect_nothing_lost(folder, {true, 1, 2});
  }
}

} // namespace tenbit

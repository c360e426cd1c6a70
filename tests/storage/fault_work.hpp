// Work on a store that may fail at any point, and what must be there after it. Shared by the tests
// that inject faults.
#pragma once

#include <gmock/gmock.h>
#include <map>

#include "tests/storage/fault_file_system.hpp"
#include "tests/storage/impatient_env.hpp"
#include "tests/storage/store_fixture.hpp"

namespace tenbit {

inline constexpr std::size_t tasks = 6;
inline constexpr int commits = 60;

// Commit i appends one call whose text begins with "i:" to task i modulo tasks, and every fourth a
// bit.
inline std::vector<event> events_of(int i) {
  random_stream random(7, "events", static_cast<std::uint64_t>(i));
  std::string text = fmt::format("{}:", i);
  const auto size = text.size() + random.below(30'000);
  while (text.size() < size)
    text.push_back(static_cast<char>('!' + random.below(90)));
  std::vector<event> out{made_call(text)};
  if (i % 4 == 0)
    out.emplace_back(made_bit(static_cast<std::uint32_t>(i), fmt::format("q{}", i), answer::yes));
  return out;
}

// The lease of a task rides along: granted in one round of the tasks, kept in the next, ended in
// the third.
inline std::optional<lease_row> lease_after(int i) {
  const auto round = i / static_cast<int>(tasks);
  if (round % 3 == 2)
    return std::nullopt;
  const auto granted = static_cast<std::uint64_t>(round % 3 == 0 ? i : i - static_cast<int>(tasks));
  return lease_row{epoch{1000 + granted}, fmt::format("worker-{}", granted)};
}
// Its faults: one more in each round, and none in the third.
inline fault_row faults_after(int i) {
  const auto round = static_cast<std::uint32_t>(i / static_cast<int>(tasks)) % 3;
  return round == 2 ? fault_row{} : fault_row{{{"worker", round + 1, 0}}, round == 0, false};
}
inline status<store_failure> commit_number(store& db, int i) {
  const auto round = i / static_cast<int>(tasks);
  task_commit part;
  part.task = problem_index{static_cast<std::uint64_t>(i) % tasks};
  part.events = events_of(i);
  if (round % 3 == 0)
    part.granted = lease_after(i);
  part.lease_ended = round % 3 == 2;
  part.faults = faults_after(i);
  return db.commit({&part, 1});
}

struct progress {
  bool created = false;
  int acknowledged = 0; // commits
  int attempted = 0;
};

inline store_options small_memory(rocksdb::Env* env) {
  return {env, false, 1U << 20};
}

// Creates, commits, anchors, and closes and opens once half-way. Stops at the first failure; a
// store that failed must take no further commit.
inline progress work(const std::string& dir, rocksdb::Env* env) {
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
    if (!commit_number(**db, i)) {
      for (int again = 0; again < 3; ++again)
        EXPECT_FALSE(commit_number(**db, i)) << "accepted after a failed write";
      EXPECT_FALSE((*db)->close());
      return out;
    }
    out.acknowledged = i + 1;
    if (i % 7 == 0 && !(*db)->keep_anchor(true)) {
      EXPECT_FALSE(commit_number(**db, i)) << "accepted after a failed anchor";
      return out;
    }
  }
  ignore((*db)->close(), "the last operation; what it leaves is checked");
  return out;
}

// The commits that are there, which must be 0, 1, … k - 1 and whole; gives k.
inline int recovered_prefix(const store& db) {
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

inline void expect_faults(const store& db, int done) {
  std::map<std::uint64_t, fault_row> wanted;
  for (int i = 0; i < done; ++i) {
    const auto task = static_cast<std::uint64_t>(i) % tasks;
    wanted.erase(task);
    if (const auto faults = faults_after(i); !faults.empty())
      wanted[task] = faults;
  }
  std::map<std::uint64_t, fault_row> found;
  const auto faults = db.faults();
  ASSERT_TRUE(faults) << faults.error().message;
  for (const auto& [task, row] : *faults)
    found[task.value] = row;
  EXPECT_EQ(found, wanted) << "after " << done << " commits";
}

inline void expect_leases(const store& db, int done) {
  std::map<std::uint64_t, lease_row> wanted;
  for (int i = 0; i < done; ++i) {
    const auto task = static_cast<std::uint64_t>(i) % tasks;
    wanted.erase(task);
    if (const auto lease = lease_after(i))
      wanted[task] = *lease;
  }
  std::map<std::uint64_t, lease_row> found;
  const auto leases = db.leases();
  ASSERT_TRUE(leases) << leases.error().message;
  for (const auto& [task, lease] : *leases)
    found[task.value] = lease;
  EXPECT_EQ(found, wanted) << "after " << done << " commits";
}

// Whole commits only, at least those that were acknowledged.
inline void expect_prefix(const store& db, const progress& before) {
  const int found = recovered_prefix(db);
  EXPECT_GE(found, before.acknowledged);
  EXPECT_LE(found, before.attempted);
  expect_leases(db, found);
  expect_faults(db, found);
  const auto findings = db.verify({});
  ASSERT_TRUE(findings) << findings.error().message;
  EXPECT_THAT(*findings, testing::IsEmpty());
}

// Reopens on the real file system and goes on.
inline void expect_nothing_lost(const std::string& dir, const progress& before) {
  auto db = store::open(dir, small_memory(nullptr));
  if (!db && !before.created) {
    EXPECT_EQ(db.error().kind, store_error::not_a_store) << db.error().message;
    EXPECT_TRUE(store::create(dir, made_manifest(tasks), made_problems(tasks)));
    return;
  }
  ASSERT_TRUE(db) << db.error().message;
  expect_prefix(**db, before);
  EXPECT_TRUE(commit_one(**db, 0, {made_call("after")}));
  EXPECT_TRUE((*db)->close());
}

} // namespace tenbit

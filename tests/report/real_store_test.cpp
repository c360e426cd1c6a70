// Report and export against a store on disk, beside a live writer and in any order of commits.
#include <algorithm>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "report/export.hpp"
#include "report/render.hpp"
#include "report/show.hpp"
#include "report/summary.hpp"
#include "tests/report/made_store.hpp"

namespace tenbit::report {
namespace {

using namespace tenbit::testing;

constexpr std::uint64_t problems = 4;

std::unique_ptr<store> create(const std::string& dir) {
  std::vector<problem_row> rows;
  for (std::uint64_t number = 0; number < problems; ++number)
    rows.push_back({"made/" + std::to_string(number), "How many apples are left?", "7", "3 + 4"});
  auto made = store::create(dir, manifest_of(made_experiment(), problems), rows);
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

// Every event a commit of its own, tasks and events in an order that `seed` picks.
void fill(store& into, std::uint64_t seed) {
  std::vector<std::pair<std::uint64_t, event>> all;
  for (std::uint64_t number = 0; number < problems; ++number)
    for (event& e : made_journal(number))
      all.emplace_back(number, std::move(e));
  random_stream random(seed);
  for (std::size_t i = all.size(); i > 1 && seed != 0; --i)
    std::swap(all[i - 1], all[random.below(i)]);
  for (auto& [number, e] : all) {
    task_commit commit;
    commit.task = problem_index{number};
    commit.events.push_back(std::move(e));
    ASSERT_TRUE(into.commit({&commit, 1}));
  }
  for (std::uint64_t number = 0; number < problems; ++number) {
    task_commit commit;
    commit.task = problem_index{number};
    commit.status = task_status::done;
    commit.finished_attempt = true;
    ASSERT_TRUE(into.commit({&commit, 1}));
  }
}

std::unique_ptr<store> reopened(const std::string& dir) {
  auto source = store::open_for_reading(dir);
  EXPECT_TRUE(source) << source.error().message;
  return std::move(*source);
}

TEST(RealStore, AnyOrderOfCommits_ExportsEqualBytes) {
  const temporary_folder folder;
  const std::string in_memory = exported(*made_store(problems));
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const std::string dir = folder.path("store-" + std::to_string(seed));
    const auto writer = create(dir);
    fill(*writer, seed);
    ASSERT_TRUE(writer->close());
    EXPECT_EQ(exported(*reopened(dir)), in_memory) << "seed " << seed;
  }
}

TEST(RealStore, Report_EqualsThatOfTheSameEventsInMemory) {
  const temporary_folder folder;
  const auto writer = create(folder.path("store"));
  fill(*writer, 1);
  const auto source = reopened(folder.path("store")); // the writer is still there
  const auto made = made_store(problems);
  const auto exp = experiment_of(*source, "made");
  ASSERT_TRUE(exp) << exp.error().message;
  const auto real = summarize(*source, *exp, {});
  const auto expected = summarize(*made, *exp, {});
  ASSERT_TRUE(real) << real.error().message;
  ASSERT_TRUE(expected);
  EXPECT_EQ(render_json(*real), render_json(*expected));
  EXPECT_EQ(real->tasks.done, problems);
}

TEST(RealStore, UnfinishedBesideAWriter_IsReported) {
  const temporary_folder folder;
  const auto writer = create(folder.path("store"));
  task_commit commit;
  commit.task = problem_index{2};
  commit.events = made_journal(2);
  ASSERT_TRUE(writer->commit({&commit, 1}));
  const auto source = reopened(folder.path("store"));
  const auto run = summarize(*source, *experiment_of(*source, "made"), {});
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->tasks.pending, problems);
  EXPECT_EQ(run->arms[2].right, 1U);
  EXPECT_NE(render_text(*run).find("unfinished: 0 of 4"), std::string::npos);
}

TEST(RealStore, Show_ReadsIt) {
  const temporary_folder folder;
  const auto writer = create(folder.path("store"));
  fill(*writer, 0);
  const auto source = reopened(folder.path("store"));
  const auto exp = experiment_of(*source, "made");
  const auto problem = find_problem(*source, "made/1");
  ASSERT_TRUE(problem);
  const auto text = show(*source, *exp, *problem, false, {});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_NE(text->find("final answer: 7  right"), std::string::npos) << *text;
}

TEST(RealStore, NoStore_IsRefused) {
  const temporary_folder folder;
  const auto source = store::open_for_reading(folder.path("nothing"));
  ASSERT_FALSE(source);
  EXPECT_EQ(from_store(source.error()).kind, report_error::refused);
}

} // namespace
} // namespace tenbit::report

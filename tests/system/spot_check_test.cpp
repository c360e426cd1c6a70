// A store that somebody changed between two lives of a run: found while the run goes on.
#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <thread>
#include <vector>

#include "cli/command.hpp"
#include "storage/database.hpp"
#include "tests/system/fault_cluster.hpp"
#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

std::string slow_experiment(const std::string& url) {
  return fmt::format("name = \"changed\"\nseed = 3\n[benchmark]\nkind = \"arith\"\ncount = 400\n"
                     "level = 1\nseed = 5\n[models.small]\nkind = \"sim\"\nmodel = \"small\"\n"
                     "replicas = [\"{}\"]\nconcurrency = 4\n[[arms]]\nname = \"direct\"\n"
                     "method = \"direct\"\nsolver = \"small\"\n",
                     url);
}

// Tasks that are done; none before there is a store.
std::vector<task_id> done_tasks(const std::string& dir) {
  std::vector<task_id> out;
  const auto opened = store::open_for_reading(dir);
  if (!opened)
    return out;
  const experiment_id run{(*opened)->manifest().identity.prefix()};
  const auto scanned = (*opened)->for_each_state([&](problem_index task, const task_state& state) {
    if (state.status == task_status::done)
      out.push_back({run, task});
  });
  return scanned ? out : std::vector<task_id>{};
}

// The first event of each, with checksums that hold for RocksDB.
void change_events(const std::string& dir, const std::vector<task_id>& tasks) {
  auto raw = storage::database::open(
      dir + "/db", {storage::open_mode::write, rocksdb::Env::Default(), 8U << 20, false});
  ASSERT_TRUE(raw) << raw.error().message;
  rocksdb::WriteBatch batch;
  for (const task_id task : tasks) {
    std::string key, row;
    storage::event_key(task, 0, key);
    ASSERT_TRUE(*(*raw)->get(storage::family::event, key, row));
    row.back() = static_cast<char>(row.back() ^ 1);
    ASSERT_TRUE(batch.Put((*raw)->handle(storage::family::event), key, row).ok());
  }
  ASSERT_TRUE((*raw)->write(batch, true));
}

} // namespace

TEST(Run_ChangedStore, FinishedTasksNoLongerHold_StopsAndSaysWhich) {
  const sim_process sim({"--latency-ms", "100"});
  temporary_folder folder;
  const auto file = folder.path("changed.toml"), dir = folder.path("store");
  write_file(file, slow_experiment(sim.url()));
  {
    process first({"run", file, "--store", dir, "--quiet"});
    for (int i = 0; i < 1200 && done_tasks(dir).size() < 100; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    first.send(SIGKILL);
    (void)first.wait();
  }
  const auto done = done_tasks(dir);
  ASSERT_GE(done.size(), 100U);
  change_events(dir, done);
  const auto second = tenbit({"run", file, "--store", dir, "--quiet"});
  EXPECT_EQ(second.exit_code, cli::exit_refused) << second.err;
  EXPECT_THAT(second.err, ::testing::HasSubstr("its chain hash does not hold"));
  EXPECT_THAT(second.err, ::testing::HasSubstr("go on from a copy"));
}

// The same store under a coordinator: its exit code says to systemd that starting it again is no
// use.
TEST(Cluster_ChangedStore, FinishedTasksNoLongerHold_EndsTheCoordinatorWithDamage) {
  fault_cluster cluster(cheap_experiment(400), 100);
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until([&] { return done_tasks(cluster.store()).size() >= 100; }, 60));
  cluster.kill_coordinator();
  change_events(cluster.store(), done_tasks(cluster.store()));
  const auto ended = tenbit(
      {"coordinator", "--dir", cluster.path("cluster"), "--listen", cluster.address(), "--quiet"});
  EXPECT_EQ(ended.exit_code, cli::exit_refused) << ended.err;
  EXPECT_THAT(ended.err, ::testing::HasSubstr("its chain hash does not hold"));
  EXPECT_THAT(ended.err, ::testing::HasSubstr("go on from a copy"));
}

} // namespace tenbit::testing

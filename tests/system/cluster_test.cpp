// The cluster as processes, undisturbed.
#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>

#include "tests/system/cluster_processes.hpp"
#include "tests/system/tcp_proxy.hpp"

namespace tenbit::testing {

using nlohmann::json;

TEST(Cluster_Processes, Undisturbed_GivesTheExportOfOneProcess) {
  cluster_processes cluster(faults_experiment(30));
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_done(60)) << cluster.path();
  EXPECT_EQ(cluster.exported(), cluster.reference());
  const auto checked = cluster.verified();
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

TEST(Cluster_Processes, RunThatIsOver_IsShownRequeuedAndSubmittedAgain) {
  cluster_processes cluster(faults_experiment(10));
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_done(60)) << cluster.path();
  EXPECT_EQ(cluster.ctl({"task", "show", "faults", "3"}).at("state"), "done");
  EXPECT_EQ(cluster.ctl({"run", "submit", cluster.file()}).at("state"), "goes on where it was");
  EXPECT_EQ(cluster.ctl({"task", "requeue", "faults", "3", "--reason", "test"}).at("state"),
            "done");
  EXPECT_TRUE(cluster.ctl({"verify", "faults"}).at("holds"));
  EXPECT_EQ(cluster.ctl({"worker", "drain", "w1", "--reason", "test"}).at("worker"), "w1");
  cluster.coordinator().send(SIGTERM);
  EXPECT_EQ(cluster.coordinator().wait().exit_code, 0);
  cluster.start_coordinator();
  const auto still_drained = [&] {
    const auto now = cluster.status();
    for (const auto& peer : now.is_object() ? now.at("workers") : nlohmann::json::array())
      if (peer.at("name") == "w1" && peer.at("connected"))
        return peer.at("draining") == "test";
    return false;
  };
  EXPECT_TRUE(cluster.wait_until(still_drained, 30)) << cluster.status().dump(1);
}

// The next start knows the run from its mark and leaves the store alone; whoever asks for more
// opens it, and nothing is paid again.
TEST(Cluster_Processes, RunThatIsOver_IsNotOpenedUntilItIsAskedFor) {
  cluster_processes cluster(faults_experiment(8));
  cluster.start_coordinator();
  const auto has_run = [](const auto& c) {
    const json now = c.status();
    return now.is_object() && !now.at("runs").empty();
  };
  ASSERT_TRUE(cluster.wait_for(has_run, 20));
  ASSERT_EQ(cluster.ctl({"task", "quarantine", "faults", "3", "--reason", "held"}).at("state"),
            "quarantined");
  cluster.start_usual_workers();
  const std::string mark = cluster.path("cluster/runs/faults.ended");
  const auto marked = [&](const auto&) { return std::filesystem::exists(mark); };
  ASSERT_TRUE(cluster.wait_for(marked, 120)) << cluster.status().dump(1);
  const auto run = [&] { return cluster.status().at("runs").at(0); };
  const json before = run();
  const std::string seal = read_file(cluster.store() + "/anchor");
  cluster.kill_coordinator();
  cluster.start_coordinator();
  ASSERT_TRUE(cluster.wait_for(has_run, 20));
  const json after = run();
  EXPECT_EQ(after.at("phase"), "finished");
  for (const char* same :
       {"name", "id", "tasks", "tasks_all", "calls", "bits", "ledger_difference"})
    EXPECT_EQ(after.at(same), before.at(same)) << same;
  EXPECT_EQ(read_file(cluster.store() + "/anchor"), seal);
  EXPECT_EQ(cluster.ctl({"task", "show", "faults", "3"}).at("state"), "quarantined");
  EXPECT_EQ(cluster.ctl({"verify", "faults"}).at("holds"), true);
  EXPECT_TRUE(cluster.ctl({"run", "pause", "faults"}).is_object());
  EXPECT_TRUE(cluster.ctl({"run", "resume", "faults"}).is_object());
  EXPECT_EQ(read_file(cluster.store() + "/anchor"), seal);
  // The held task is released: the rest of the run is done, and no call of before is made again.
  EXPECT_EQ(cluster.ctl({"task", "release", "faults", "3", "--reason", "mended"}).at("state"),
            "pending");
  EXPECT_FALSE(std::filesystem::exists(mark));
  ASSERT_TRUE(cluster.wait_for(marked, 120)) << cluster.status().dump(1);
  EXPECT_EQ(run().at("tasks").at("done"), 8) << run().dump(1);
  EXPECT_EQ(cluster.exported(), cluster.reference());
  // Submitted again it ends at once, and is known again.
  const auto again = cluster.ctl({"run", "submit", cluster.file()});
  EXPECT_EQ(again.at("state"), "goes on where it was");
  ASSERT_TRUE(cluster.wait_for(marked, 60)) << cluster.status().dump(1);
  EXPECT_EQ(cluster.verified().exit_code, 0);
  // A writer from outside breaks the seal: the next start opens the store itself.
  cluster.kill_coordinator();
  EXPECT_EQ(tenbit({"run", cluster.file(), "--store", cluster.store(), "--quiet"}).exit_code, 0);
  const std::string outside = read_file(cluster.store() + "/anchor");
  cluster.start_coordinator();
  ASSERT_TRUE(cluster.wait_for(
      [&](const auto&) { return read_file(cluster.store() + "/anchor") != outside; }, 20));
  EXPECT_EQ(cluster.exported(), cluster.reference());
}

// The link held the order back and broke with the coordinator's death: the next life gives it
// again.
TEST(Cluster_Processes, PausedNow_OverARestart_LeasesAreStillHandedBack) {
  cluster_processes cluster(faults_experiment(12), {"--latency-ms", "500"});
  const std::vector<std::string> patient = {"--lease-ttl", "30"};
  cluster.start_coordinator(patient);
  tcp_proxy between(cluster.address(), 1);
  cluster.start_worker("w1", "solver", {"--slots", "4", "--coordinator", between.address()});
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  const auto run = [&] {
    const json now = cluster.status();
    return now.is_object() && !now.at("runs").empty() ? now.at("runs").at(0) : json();
  };
  ASSERT_TRUE(cluster.wait_until(
      [&] {
        const json now = run();
        return now.is_object() && now.at("calls") > 0;
      },
      30));
  between.hold(true, true);
  EXPECT_TRUE(cluster.ctl({"run", "pause", "faults", "--now", "--reason", "test"}).is_object());
  cluster.kill_coordinator();
  between.close_all();
  between.hold(false, false);
  cluster.start_coordinator(patient);
  const auto handed_back = [&] {
    const json now = run();
    return now.is_object() && now.at("tasks").at("leased") == 0;
  };
  ASSERT_TRUE(cluster.wait_until(handed_back, 60)) << cluster.status().dump(1);
  EXPECT_EQ(run().at("paused"), true);
  EXPECT_EQ(run().at("tasks").at("done"), 0) << "they were worked on to their end";
  EXPECT_TRUE(cluster.ctl({"run", "resume", "faults"}).is_object());
  ASSERT_TRUE(cluster.wait_done(120)) << cluster.status().dump(1);
  EXPECT_EQ(cluster.exported(), cluster.reference());
}

} // namespace tenbit::testing

// The cluster as processes, undisturbed.
#include <csignal>
#include <gtest/gtest.h>

#include "tests/system/cluster_processes.hpp"

namespace tenbit::testing {

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
}

} // namespace tenbit::testing

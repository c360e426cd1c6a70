// The cluster as processes, undisturbed.
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

} // namespace tenbit::testing

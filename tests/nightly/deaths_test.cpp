// F4: half of the workers die at once and come back together.
#include <csignal>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {

// 16 workers, where the plan of the tests names 64: two cores carry no more.
TEST(F4_HalfOfTheWorkers, KilledAtOnceAndRestartedTogether_EndsTheSame) {
  constexpr int workers = 16, problems = 300;
  fault_cluster cluster(faults_experiment(problems, 16), 100);
  cluster.start_coordinator();
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  const auto start = [&](int i) {
    cluster.start_worker(fmt::format("w{}", i), "solver", {"--slots", "2"});
  };
  for (int i = 0; i < workers; ++i)
    start(i);
  const auto all_work = [&] {
    for (int i = 0; i < workers; ++i)
      if (cluster.leased(fmt::format("w{}", i)) == 0)
        return false;
    return true;
  };
  ASSERT_TRUE(cluster.wait_until(all_work, 60)) << cluster.run().dump(1);
  const std::uint64_t in_flight = cluster.sim().now("tenbit_sim_in_flight");
  for (int i = 0; i < workers; i += 2)
    cluster.worker(fmt::format("w{}", i)).send(SIGKILL);
  for (int i = 0; i < workers; i += 2)
    (void)cluster.worker(fmt::format("w{}", i)).wait();
  EXPECT_LT(cluster.run().at("tasks").at("done"), problems / 2) << "the run is over too soon";
  for (int i = 0; i < workers; i += 2)
    start(i);
  EXPECT_TRUE(cluster.wait_until(all_work, 60)) << "not all are back " << cluster.run().dump(1);
  const auto leases = cluster.run();
  cluster.expect_same_end(180);
  const std::uint64_t received = cluster.received(), committed = cluster.committed();
  EXPECT_LT(static_cast<double>(received), 1.1 * static_cast<double>(committed + in_flight));
  EXPECT_EQ(cluster.run().at("tasks").at("quarantined"), 0);
  std::printf("F4: %d of %d workers killed; %llu requests for %llu calls, %llu in flight at the "
              "kill; leases expired %s, lost %s\n",
              workers / 2, workers, static_cast<unsigned long long>(received),
              static_cast<unsigned long long>(committed),
              static_cast<unsigned long long>(in_flight),
              leases.at("leases_expired").dump().c_str(), leases.at("leases_lost").dump().c_str());
}

} // namespace tenbit::testing

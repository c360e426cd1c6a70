// A worker that lacks what one experiment needs: it lives on without that experiment.
#include <cstdlib>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

constexpr const char* variable = "TENBIT_TEST_WORKER_KEY";

// Set while it lives, for the processes that are started meanwhile.
struct key_is_set {
  key_is_set() { ::setenv(variable, "a-key", 1); }
  ~key_is_set() { ::unsetenv(variable); }
  key_is_set(const key_is_set&) = delete;
  key_is_set& operator=(const key_is_set&) = delete;
};

std::string experiment_with_a_key() {
  std::string text = faults_experiment(12);
  const std::string where = "model = \"small\"\n";
  text.insert(text.find(where) + where.size(), std::string("api_key_env = \"") + variable + "\"\n");
  return text;
}

} // namespace

TEST(System_RefusedExperiment, WorkerWithoutTheKey_LivesAndAnotherDoesItsTasks) {
  std::unique_ptr<fault_cluster> cluster;
  {
    const key_is_set for_the_reference;
    cluster = std::make_unique<fault_cluster>(experiment_with_a_key(), 3);
  }
  cluster->start_coordinator();
  cluster->start_worker("o1", "oracle");
  cluster->start_worker("g1", "grader");
  cluster->start_worker("w1", "solver");
  ASSERT_TRUE(cluster->wait_until(
      [&] {
        return cluster->peer("w1").value("refused", std::string()).find(variable) !=
               std::string::npos;
      },
      20))
      << cluster->status().dump(1);
  EXPECT_TRUE(cluster->wait_until(
      [&] {
        const std::string why = cluster->run().value("waiting_for", std::string());
        return why.find("no worker can work on it") != std::string::npos &&
               why.find(variable) != std::string::npos;
      },
      10))
      << cluster->run().dump(1);
  EXPECT_EQ(cluster->leased("w1"), 0U);
  {
    const key_is_set for_the_other;
    cluster->start_worker("w2", "solver");
  }
  cluster->expect_same_end(60);
  EXPECT_TRUE(cluster->worker("w1").running());
  EXPECT_EQ(cluster->peer("w1").value("tasks_failed", 1), 0);
  EXPECT_EQ(cluster->run().at("tasks").at("quarantined"), 0);
}

} // namespace tenbit::testing

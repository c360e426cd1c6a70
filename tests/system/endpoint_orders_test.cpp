// An operator pauses the only replica of a model: nothing is called there, nothing is lost.
#include <algorithm>
#include <gtest/gtest.h>

#include "tests/system/cluster_processes.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;

// The small model at a simulator of its own; the large one stays with the fixture's.
std::string apart(const std::string& small_url) {
  std::string text = faults_experiment(150, 2);
  text.replace(text.find("{sim}"), 5, small_url);
  return text;
}

// What the solvers say of the replicas of that URL.
std::vector<std::string> breakers(const cluster_processes& cluster, const std::string& url) {
  std::vector<std::string> out;
  const json now = cluster.status();
  if (!now.is_object())
    return out;
  for (const json& peer : now.at("workers")) {
    const auto& roles = peer.at("roles");
    if (!peer.at("connected") || std::find(roles.begin(), roles.end(), "solver") == roles.end())
      continue;
    for (const json& replica : peer.at("replicas"))
      if (replica.at("url").get<std::string>().starts_with(url))
        out.push_back(replica.at("breaker"));
  }
  return out;
}

bool all_are(const std::vector<std::string>& found, const std::string& state) {
  return found.size() == 2 && found[0] == state && found[1] == state;
}

std::uint64_t asked(const sim_process& sim) {
  return sim.now("tenbit_sim_received_total");
}

} // namespace

TEST(Endpoint_Orders, PausedOverARestart_NothingIsCalledUntilResumed) {
  sim_process small{{"--latency-ms", "40"}};
  cluster_processes cluster(apart(small.url()));
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until(
      [&] { return breakers(cluster, small.url()).size() == 2 && asked(small) > 20; }, 60));

  const json paused = cluster.ctl({"endpoint", "pause", small.url()});
  ASSERT_TRUE(paused.is_object());
  EXPECT_EQ(paused.at("worker"), "all");
  ASSERT_TRUE(
      cluster.wait_until([&] { return all_are(breakers(cluster, small.url()), "paused"); }, 30));
  const std::uint64_t stood = small.settled("tenbit_sim_received_total");
  const json now = cluster.status();
  ASSERT_EQ(now.at("endpoint_orders").size(), 1U);
  EXPECT_EQ(now.at("endpoint_orders").at(0).at("paused"), true);
  EXPECT_NE(now.at("runs").at(0).at("phase"), "finished");

  cluster.kill_coordinator();
  cluster.start_coordinator();
  // A worker that begins only now hears of it with its welcome.
  cluster.kill("w2");
  cluster.start_worker("w2", "solver");
  ASSERT_TRUE(
      cluster.wait_until([&] { return all_are(breakers(cluster, small.url()), "paused"); }, 60));
  EXPECT_EQ(small.settled("tenbit_sim_received_total"), stood);
  EXPECT_NE(cluster.status().at("runs").at(0).at("phase"), "finished");

  ASSERT_TRUE(cluster.ctl({"endpoint", "resume", small.url()}).is_object());
  ASSERT_TRUE(cluster.wait_done(90)) << cluster.path();
  EXPECT_GT(asked(small), stood);
  EXPECT_EQ(cluster.exported(), cluster.reference());
  const auto checked = cluster.verified();
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
}

TEST(Endpoint_Orders, UnknownUrlWorkerAndDryRun_OrderNothing) {
  cluster_processes cluster(faults_experiment(400), {"--latency-ms", "40"});
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(
      cluster.wait_until([&] { return breakers(cluster, cluster.sim().url()).size() >= 2; }, 60));
  const auto ctl = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"ctl", "--socket", cluster.path("cluster/ctl.sock")});
    return tenbit(arguments);
  };
  const ended unknown = ctl({"endpoint", "pause", "http://user:pw@other:1"});
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_NE(unknown.err.find("no endpoint http://other:1"), std::string::npos) << unknown.err;
  EXPECT_NE(unknown.err.find(cluster.sim().url()), std::string::npos) << unknown.err;
  EXPECT_EQ(unknown.err.find("pw@"), std::string::npos);
  const ended nobody = ctl({"endpoint", "pause", cluster.sim().url(), "--worker", "w9"});
  EXPECT_NE(nobody.exit_code, 0);
  EXPECT_NE(nobody.err.find("w9"), std::string::npos) << nobody.err;
  const ended dry = ctl({"endpoint", "limit", cluster.sim().url(), "1", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_TRUE(cluster.status().at("endpoint_orders").empty());
  const ended one = ctl({"endpoint", "limit", cluster.sim().url(), "--worker", "w1", "1"});
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_TRUE(cluster.wait_until(
      [&] {
        const json now = cluster.status();
        std::uint64_t bounded = 0, free = 0;
        for (const json& peer : now.at("workers"))
          for (const json& replica : peer.at("replicas"))
            (peer.at("name") == "w1" && replica.at("limit") == 1 ? bounded : free) += 1;
        return bounded == 1 && free >= 1;
      },
      30));
}

} // namespace tenbit::testing

// F9: links with half a second of delay each way, few bytes a second, resets and connections that
// stay open with nobody behind them.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "tests/nightly/slow_link.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {

TEST(F9_SlowLossyLink, DelaysResetsAndHalfOpenOnes_EndTheSameInFlatMemory) {
  constexpr std::uint64_t seed = 99;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  link_quality poor;
  poor.delay = std::chrono::milliseconds(500);
  poor.bytes_per_second = 10'000;
  poor.resets_per_second = 0.05;
  poor.half_open_per_second = 0.01;
  fault_cluster cluster(cheap_experiment(120, 16), 20);
  cluster.start_coordinator({"--lease-ttl", "10"});
  std::map<std::string, std::unique_ptr<slow_link>> links;
  const auto start = [&](const std::string& name, const std::string& roles,
                         std::vector<std::string> extra) {
    links[name] = std::make_unique<slow_link>(cluster.address(), poor, seed + links.size());
    extra.insert(extra.end(), {"--coordinator", links[name]->address()});
    cluster.start_worker(name, roles, extra);
  };
  start("w1", "solver", {"--slots", "16"});
  start("w2", "solver", {"--slots", "16"});
  start("o1", "oracle", {});
  start("g1", "grader", {});
  std::vector<std::uint64_t> memory;
  const bool ended = cluster.wait_until(
      [&] {
        const auto now = cluster.status();
        if (!now.is_object() || now.at("runs").empty())
          return false;
        if (now.at("runs").at(0).at("tasks").at("done") > 0)
          memory.push_back(now.at("rss_bytes").get<std::uint64_t>());
        return now.at("runs").at(0).at("phase") == "finished";
      },
      400);
  ASSERT_TRUE(ended) << cluster.run().dump(1);
  cluster.expect_same_end(10);
  ASSERT_GT(memory.size(), 10U);
  const std::uint64_t early = memory[memory.size() / 4];
  const std::uint64_t most = *std::max_element(memory.begin(), memory.end());
  EXPECT_LT(most, early + (32U << 20)) << "the coordinator's memory grows";
  std::uint64_t resets = 0, forgotten = 0;
  for (const auto& [name, one] : links) {
    resets += one->resets();
    forgotten += one->forgotten();
    std::printf("F9: %s: %llu connections, %llu reset, %llu half open, %llu bytes\n", name.c_str(),
                static_cast<unsigned long long>(one->connections()),
                static_cast<unsigned long long>(one->resets()),
                static_cast<unsigned long long>(one->forgotten()),
                static_cast<unsigned long long>(one->bytes()));
  }
  EXPECT_GT(resets, 0U) << "nothing happened to the links";
  EXPECT_GT(forgotten, 0U) << "nothing happened to the links";
  const std::uint64_t received = cluster.received(), committed = cluster.committed();
  EXPECT_EQ(cluster.run().at("tasks").at("quarantined"), 0);
  std::printf("F9: %llu requests for %llu calls; leases expired %llu; rss %llu MiB early, %llu at "
              "most\n",
              static_cast<unsigned long long>(received), static_cast<unsigned long long>(committed),
              static_cast<unsigned long long>(cluster.figure("leases_expired")),
              static_cast<unsigned long long>(early >> 20),
              static_cast<unsigned long long>(most >> 20));
}

} // namespace tenbit::testing

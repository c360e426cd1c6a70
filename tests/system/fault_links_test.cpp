// F8: the link between a worker and the coordinator is cut, in both directions, only towards the
// coordinator, only back; for less and for more than a lease lasts.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "tests/system/fault_cluster.hpp"
#include "tests/system/tcp_proxy.hpp"

namespace tenbit::testing {
namespace {

using std::chrono::milliseconds;

// A lease that must outlast a cut, or be refused before its worker is given up.
constexpr int long_ttl_ms = 4000;
// One that only has to end in the cut.
constexpr int short_ttl_ms = 3000;
constexpr std::uint64_t seed = 88;

// Three workers, each behind a proxy of its own and cut in a way of its own at the same time; a
// fourth, which nobody cuts, takes over.
struct cut_cluster {
  static constexpr int slots = 3;
  cut_cluster(int problems, double latency_ms, int ttl_ms = long_ttl_ms)
      : cluster(faults_experiment(problems, 4), latency_ms) {
    cluster.start_coordinator({"--lease-ttl", std::to_string(ttl_ms / 1000)});
    for (const char* name : {"both", "in", "out"}) {
      proxies[name] = std::make_unique<tcp_proxy>(cluster.address(), seed);
      proxies[name]->delay(milliseconds(3));
      cluster.start_worker(
          name, "solver",
          {"--slots", std::to_string(slots), "--coordinator", proxies[name]->address()});
    }
    cluster.start_worker("free", "solver", {"--slots", std::to_string(slots)});
    cluster.start_worker("o1", "oracle");
    cluster.start_worker("g1", "grader");
  }
  // Each has been seen with a lease since this was called.
  [[nodiscard]] bool all_work() const {
    std::set<std::string> idle = {"both", "in", "out", "free"};
    return cluster.wait_until(
        [&] {
          std::erase_if(idle, [this](const std::string& name) { return cluster.leased(name) > 0; });
          return idle.empty();
        },
        60);
  }
  void cut() {
    proxies["both"]->hold(true, true);
    proxies["in"]->hold(true, false);
    proxies["out"]->hold(false, true);
  }
  void mend() {
    for (auto& [name, proxy] : proxies)
      proxy->hold(false, false);
  }
  fault_cluster cluster;
  std::map<std::string, std::unique_ptr<tcp_proxy>> proxies;
};

void expect_regrant_after(double leases, int ttl_ms, int problems, bool refused_as_stale) {
  const int cut_ms = static_cast<int>(leases * ttl_ms);
  SCOPED_TRACE(fmt::format("cut for {} ms, seed {}", cut_ms, seed));
  cut_cluster rig(problems, 80, ttl_ms);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  rig.cut();
  if (!refused_as_stale) // those of "out", and work for one that outlasts the cut
    cluster.hold_to(cut_cluster::slots + 1);
  std::this_thread::sleep_for(milliseconds(cut_ms));
  // Nothing is heard of these: their leases are over, and none is given to them in their place.
  EXPECT_TRUE(cluster.wait_until(
      [&] { return cluster.leased("both") == 0 && cluster.leased("in") == 0; }, 30));
  if (refused_as_stale)
    rig.mend(); // before they are given up
  const auto run = cluster.run();
  EXPECT_GE(run.at("leases_expired"), 2);
  // This one is heard: it keeps its leases.
  EXPECT_GT(cluster.leased("out"), 0U);
  EXPECT_LT(run.at("tasks").at("done"), problems) << "the run was over before the cut ended";
  rig.mend();
  cluster.hold_to(0);
  EXPECT_TRUE(rig.all_work()) << "a worker does not come back: " << cluster.run().dump(1);
  const auto stale = cluster.figure("stale_refused");
  if (refused_as_stale) {
    EXPECT_GT(stale, 0U);
  }
  cluster.expect_same_end(60);
  const std::uint64_t again = cluster.received() - cluster.committed();
  // Of two workers whose leases ended: what was on the wire, and what waited for its commit.
  EXPECT_LE(again, 2U * 2 * 4 + 2U * cut_cluster::slots);
  cluster.kill("o1");
  EXPECT_EQ(cluster.bits_of_oracles({"o1"}), cluster.bits());
  std::printf("cut for %d ms: %s leases expired, %llu stale messages refused, %llu calls again, "
              "%llu connections of both, %llu of in, %llu of out\n",
              cut_ms, run.at("leases_expired").dump().c_str(),
              static_cast<unsigned long long>(stale), static_cast<unsigned long long>(again),
              static_cast<unsigned long long>(rig.proxies["both"]->connections()),
              static_cast<unsigned long long>(rig.proxies["in"]->connections()),
              static_cast<unsigned long long>(rig.proxies["out"]->connections()));
}

} // namespace

TEST(F8_Cut, HalfALease_GoesOnWithTheSameLeases) {
  constexpr int problems = 160;
  cut_cluster rig(problems, 40);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  std::map<std::string, std::uint64_t> connections;
  for (const auto& [name, proxy] : rig.proxies)
    connections[name] = proxy->connections();
  rig.cut();
  std::this_thread::sleep_for(milliseconds(long_ttl_ms / 2));
  rig.mend();
  EXPECT_LT(cluster.run().at("tasks").at("done"), problems) << "it was over before the cut ended";
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_granted"), problems);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
  EXPECT_EQ(cluster.received(), cluster.committed()) << "a call was requested again";
  for (const auto& [name, proxy] : rig.proxies)
    EXPECT_EQ(proxy->connections(), connections[name]) << name;
}

// The connections stand when the cut ends: what was said meanwhile arrives late, and is refused.
TEST(F8_Cut, ShortOfTwoLeases_IsRegrantedAndRefusedAsStale) {
  expect_regrant_after(1.25, long_ttl_ms, 140, true);
}

TEST(F8_Cut, TwoLeases_IsRegranted) {
  expect_regrant_after(2, short_ttl_ms, 120, false);
}

TEST(F8_Cut, FiveLeases_IsRegrantedAndComesBack) {
  expect_regrant_after(5, short_ttl_ms, 160, false);
}

// The same lease over any number of broken connections.
TEST(F8_Cut, ConnectionsReset_GoOnWithTheSameLeases) {
  cut_cluster rig(120, 40);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  for (int i = 0; i < 4; ++i)
    for (auto& [name, proxy] : rig.proxies) {
      const auto before = proxy->connections();
      proxy->close_all();
      EXPECT_TRUE(cluster.wait_until([&] { return proxy->connections() > before; }, 30)) << name;
    }
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
  EXPECT_EQ(cluster.received(), cluster.committed()) << "a call was requested again";
  for (const auto& [name, proxy] : rig.proxies)
    EXPECT_GT(proxy->connections(), 3U) << name;
}

} // namespace tenbit::testing

// F8: the link between a worker and the coordinator is cut, in both directions, only towards the
// coordinator, only back; for less and for more than a lease lasts.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <thread>

#include "tests/system/fault_cluster.hpp"
#include "tests/system/tcp_proxy.hpp"

namespace tenbit::testing {
namespace {

using std::chrono::milliseconds;

constexpr int ttl_ms = 2000; // what start_coordinator gives
constexpr std::uint64_t seed = 88;

// Three workers, each behind a proxy of its own and cut in a way of its own at the same time; a
// fourth, which nobody cuts, takes over.
struct cut_cluster {
  static constexpr int slots = 3;
  explicit cut_cluster(int problems, double latency_ms)
      : cluster(faults_experiment(problems, 4), latency_ms) {
    cluster.start_coordinator();
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
  [[nodiscard]] bool all_work() const {
    return cluster.wait_until(
        [this] {
          for (const char* name : {"both", "in", "out", "free"})
            if (cluster.leased(name) == 0)
              return false;
          return true;
        },
        30);
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

void expect_regrant_after(int cut_ms, int problems, bool refused_as_stale) {
  SCOPED_TRACE(fmt::format("cut for {} ms, seed {}", cut_ms, seed));
  cut_cluster rig(problems, 80);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  rig.cut();
  std::this_thread::sleep_for(milliseconds(cut_ms));
  const auto run = cluster.run();
  // Nothing is heard of these: their leases are over, and none is given to them in their place.
  EXPECT_EQ(cluster.leased("both"), 0U);
  EXPECT_EQ(cluster.leased("in"), 0U);
  EXPECT_GE(run.at("leases_expired"), 2);
  // This one is heard: it keeps its leases.
  EXPECT_GT(cluster.leased("out"), 0U);
  EXPECT_LT(run.at("tasks").at("done"), problems) << "the run was over before the cut ended";
  rig.mend();
  EXPECT_TRUE(rig.all_work()) << "a worker does not come back: " << cluster.run().dump(1);
  const auto stale = cluster.figure("stale_refused");
  EXPECT_TRUE(stale > 0 || !refused_as_stale);
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
  cut_cluster rig(40, 40);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  std::map<std::string, std::uint64_t> connections;
  for (const auto& [name, proxy] : rig.proxies)
    connections[name] = proxy->connections();
  rig.cut();
  std::this_thread::sleep_for(milliseconds(ttl_ms / 2));
  EXPECT_LT(cluster.run().at("tasks").at("done"), 40) << "the run was over before the cut ended";
  rig.mend();
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_granted"), 40U);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
  EXPECT_EQ(cluster.received(), cluster.committed()) << "a call was requested again";
  for (const auto& [name, proxy] : rig.proxies)
    EXPECT_EQ(proxy->connections(), connections[name]) << name;
}

// The connections stand when the cut ends: what was said meanwhile arrives late, and is refused.
TEST(F8_Cut, ShortOfTwoLeases_IsRegrantedAndRefusedAsStale) {
  expect_regrant_after(ttl_ms * 7 / 4, 75, true);
}

TEST(F8_Cut, TwoLeases_IsRegranted) {
  expect_regrant_after(2 * ttl_ms, 75, false);
}

TEST(F8_Cut, FiveLeases_IsRegrantedAndComesBack) {
  expect_regrant_after(5 * ttl_ms, 110, false);
}

// The same lease over any number of broken connections.
TEST(F8_Cut, ConnectionsReset_GoOnWithTheSameLeases) {
  cut_cluster rig(40, 40);
  fault_cluster& cluster = rig.cluster;
  ASSERT_TRUE(rig.all_work());
  for (int i = 0; i < 5; ++i) {
    for (auto& [name, proxy] : rig.proxies)
      proxy->close_all();
    std::this_thread::sleep_for(milliseconds(400));
  }
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
  EXPECT_EQ(cluster.received(), cluster.committed()) << "a call was requested again";
  for (const auto& [name, proxy] : rig.proxies)
    EXPECT_GT(proxy->connections(), 3U) << name;
}

} // namespace tenbit::testing

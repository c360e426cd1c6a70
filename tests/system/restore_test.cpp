// The drill: ops/backup under load, the coordinator lost, ops/restore elsewhere, and on from there.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.hpp"
#include "storage/store.hpp"
#include "tests/system/cluster_processes.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string scripts = TENBIT_SOURCE_DIR "/ops";
const std::vector<std::pair<std::string, std::string>> peers = {
    {"w1", "solver"}, {"w2", "solver"}, {"o1", "oracle"}, {"o2", "oracle"}, {"g1", "grader"}};

store_totals totals_that_are_there(const std::string& dir) {
  EXPECT_TRUE(store::open_for_reading(dir)) << dir;
  return totals_of(dir);
}

// Runs a script of ops/; its exit code.
int ops(const std::string& command, const std::string& log) {
  const int status = std::system(
      fmt::format("TENBIT={} {}/{} >>{} 2>&1", TENBIT_BINARY_DIR "/tenbit", scripts, command, log)
          .c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with("."))
      out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

struct drill {
  cluster_processes cluster{faults_experiment(250, 4), {"--latency-ms", "30"}};
  std::string log = cluster.path("ops.log");
  std::string backup;

  std::uint64_t calls() const { // committed so far
    const json now = cluster.status();
    if (!now.is_object() || now.at("runs").empty())
      return 0;
    return now.at("runs").at(0).at("calls").get<std::uint64_t>();
  }

  // Until the coordinator and all peers are dead, some way after the backup.
  void run_back_up_and_lose() {
    cluster.start_coordinator({"--lease-ttl", "10"});
    for (const auto& [name, roles] : peers)
      cluster.start_worker(name, roles, {"--slots", "8"});
    ASSERT_TRUE(cluster.wait_until([&] { return calls() >= 100; }, 60));
    ASSERT_EQ(ops(fmt::format("backup --dir {} --to {}", cluster.path("cluster"),
                              cluster.path("backups")),
                  log),
              0)
        << read_file(log);
    ASSERT_EQ(names_in(cluster.path("backups")).size(), 1U);
    backup = names_in(cluster.path("backups")).front();
    const std::uint64_t then = totals_that_are_there(backup + "/runs/faults").calls;
    ASSERT_TRUE(cluster.wait_until([&] { return calls() >= then + 50; }, 60));
    const std::uint64_t seq =
        store::open_for_reading(backup + "/runs/faults").value()->commit_seq();
    ASSERT_TRUE(cluster.wait_until([&] { return receipt_of("w1") > seq; }, 60));
    cluster.kill_coordinator();
    for (const auto& [name, roles] : peers)
      cluster.kill(name);
  }
  // The last commit that this peer was told to be durable; 0: of none.
  std::uint64_t receipt_of(const std::string& peer) const {
    std::istringstream fields(read_file(cluster.path("state-" + peer + "/receipts")));
    std::string run, incarnation;
    std::uint64_t seq = 0;
    fields >> run >> incarnation >> seq;
    return seq;
  }
  // The first peer that comes knows better.
  void expect_refused(const std::string& name) {
    process coordinator(coordinator_arguments(name));
    cluster.start_worker("w1", "solver");
    const auto ended = coordinator.wait();
    cluster.kill("w1");
    EXPECT_EQ(ended.exit_code, cli::exit_refused) << ended.err;
    EXPECT_NE(ended.err.find("w1 was told that commit"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("--accept-rollback"), std::string::npos) << ended.err;
  }
  int restore(const std::string& name) const {
    return ops(fmt::format("restore {} {}", backup, cluster.path(name)), log);
  }
  std::vector<std::string> coordinator_arguments(const std::string& name) const {
    return {"coordinator", "--dir", cluster.path(name), "--listen", cluster.address(),
            "--lease-ttl", "10",    "--quiet"};
  }
  // A coordinator of this folder and the peers with the state they had, to the end; how many calls
  // that took.
  std::uint64_t go_on(const std::string& name, const std::vector<std::string>& extra = {}) {
    const std::uint64_t before = cluster.sim().settled("tenbit_sim_received_total");
    auto arguments = coordinator_arguments(name);
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    process coordinator(arguments);
    for (const auto& [peer, roles] : peers)
      cluster.start_worker(peer, roles);
    const bool over = cluster.wait_until(
        [&] {
          const auto said =
              tenbit({"ctl", "--socket", cluster.path(name + "/ctl.sock"), "--json", "status"});
          const json now = json::parse(said.out, nullptr, false);
          return now.is_object() && !now.at("runs").empty() &&
                 now.at("runs").at(0).at("phase") == "finished";
        },
        90);
    EXPECT_TRUE(over);
    for (const auto& [peer, roles] : peers)
      cluster.kill(peer);
    coordinator.send(SIGTERM);
    const auto ended = coordinator.wait();
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return cluster.sim().settled("tenbit_sim_received_total") - before;
  }
  std::string store_in(const std::string& name) const {
    return cluster.path(name + "/runs/faults");
  }
  std::uint64_t bits_given() const { // by both oracles; a record of a ledger is 72 bytes
    return (fs::file_size(cluster.path("state-o1/ledger")) +
            fs::file_size(cluster.path("state-o2/ledger"))) /
           72;
  }
  void expect_same_end(const std::string& name, const std::string& reference) const {
    const auto exported = tenbit({"export", "--store", store_in(name)});
    EXPECT_TRUE(exported.out == reference) << "the canonical export differs";
    const auto verified = tenbit({"verify", "--store", store_in(name)});
    EXPECT_EQ(verified.exit_code, 0) << verified.out;
    EXPECT_GE(bits_given(), totals_that_are_there(store_in(name)).bits);
  }
};

} // namespace

TEST(Ops_Backup, RestoredElsewhere_RunsOnlyTheLostSuffix) {
  drill rig;
  rig.run_back_up_and_lose();
  ASSERT_FALSE(HasFatalFailure());
  const store_totals lost = totals_that_are_there(rig.cluster.store());
  const store_totals kept = totals_that_are_there(rig.backup + "/runs/faults");
  ASSERT_LT(kept.calls, lost.calls);

  ASSERT_EQ(rig.restore("elsewhere"), 0) << read_file(rig.log);
  EXPECT_EQ(rig.restore("elsewhere"), 2) << "a folder that is there was written into";
  ASSERT_EQ(rig.restore("stale"), 0) << read_file(rig.log);
  write_file(rig.backup + "/keys/peers", read_file(rig.backup + "/keys/peers") + "#\n");
  EXPECT_EQ(rig.restore("changed"), 1) << "a backup that was changed was taken";
  EXPECT_FALSE(fs::exists(rig.cluster.path("changed")));

  rig.expect_refused("elsewhere");
  const std::uint64_t again = rig.go_on("elsewhere", {"--accept-rollback"});
  const std::string reference = rig.cluster.reference();
  rig.expect_same_end("elsewhere", reference);
  const std::uint64_t all = totals_that_are_there(rig.store_in("elsewhere")).calls;
  EXPECT_EQ(again, all - kept.calls) << "what the backup had was asked for again";

  // An old copy under what the lost coordinator had promised: refused, until an operator says so.
  for (const char* witness : {"/anchor", "/receipt"})
    fs::copy_file(rig.cluster.store() + witness, rig.store_in("stale") + witness,
                  fs::copy_options::overwrite_existing);
  const auto refused = tenbit(rig.coordinator_arguments("stale"));
  EXPECT_EQ(refused.exit_code, cli::exit_refused) << refused.err;
  EXPECT_NE(refused.err.find("--accept-rollback"), std::string::npos) << refused.err;
  EXPECT_EQ(rig.go_on("stale", {"--accept-rollback"}), all - kept.calls);
  rig.expect_same_end("stale", reference);
  std::printf("calls: %llu in the backup, %llu when lost, %llu asked again, %llu in all\n",
              static_cast<unsigned long long>(kept.calls),
              static_cast<unsigned long long>(lost.calls), static_cast<unsigned long long>(again),
              static_cast<unsigned long long>(all));
}

} // namespace tenbit::testing

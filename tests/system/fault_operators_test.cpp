// Clocks that jump, a second coordinator, and operators who use every verb under load.
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "base/random.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// -- F7 ------------------------------------------------------------------------------------------

// Debian's libfaketime; empty when it is not installed.
std::string faketime_library() {
  for (const char* place : {"/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
                            "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"})
    if (fs::exists(place))
      return place;
  return {};
}

} // namespace

// The wall clock is data: of files that are written, pages that are shown, and the incarnation,
// which is raised over the stored one anyway. Leases, delays, rates and timeouts never see it.
TEST(F7_WallClock, Sources_ReadItOnlyAsData) {
  const std::set<std::string> as_data = {
      "base/unix_time.hpp",        // the clock itself
      "control/http_status.cpp",   // age of the snapshot that is shown
      "control/control.cpp",       // time of an audit line
      "storage/store_open.cpp",    // incarnation
      "storage/summary_check.cpp", // when a store was signed
      "cli/run_store.cpp",         // when a store was made
      "cli/cluster_host.cpp",      // incarnation
      "cli/cluster_health.cpp",    // time of the snapshot
      "workers/party_actors.cpp",  // time of an event in the journal
      "endpoints/call_loop.cpp",   // Retry-After as a date
  };
  std::set<std::string> found;
  for (const char* folder :
       {"actors", "base", "benchmarks", "cli", "codec", "config", "control", "coordinator",
        "endpoints", "link", "protocols", "report", "simulator", "storage", "workers"})
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(TENBIT_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp")
        continue;
      const std::string text = read_file(entry.path().string());
      for (const char* clock :
           {"system_clock", "base/unix_time.hpp", "CLOCK_REALTIME", "gettimeofday", "time(nullptr)",
            "time(NULL)", "high_resolution_clock"})
        if (text.find(clock) != std::string::npos)
          found.insert(fs::relative(entry.path(), TENBIT_SOURCE_DIR).string());
    }
  for (const std::string& file : found)
    EXPECT_TRUE(as_data.contains(file)) << file << " reads the wall clock";
  for (const std::string& file : as_data)
    EXPECT_TRUE(found.contains(file)) << file << " does not: take it off the list";
}

TEST(F7_WallClock, HourForthAndBack_LeasesAndRatesGoOn) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "libfaketime cannot be loaded before a sanitizer";
#endif
  const std::string library = faketime_library();
  if (library.empty())
    GTEST_SKIP() << "the Debian package faketime is not installed";
  fault_cluster cluster(faults_experiment(240), 60);
  const std::string clock = cluster.path("clock");
  write_file(clock, "+0\n");
  const std::map<std::string, std::string> env = {{"LD_PRELOAD", library},
                                                  {"FAKETIME_TIMESTAMP_FILE", clock},
                                                  {"FAKETIME_NO_CACHE", "1"},
                                                  {"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
  cluster.start_coordinator({"--lease-ttl", "10"}, env);
  for (const auto& [name, role] : std::map<std::string, std::string>{
           {"w1", "solver"}, {"w2", "solver"}, {"o1", "oracle"}, {"g1", "grader"}})
    cluster.start_worker(name, role, {"--slots", "3"}, env);
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.received_now() > 40; }, 30));
  // Until the coordinator shows the other time, and for some calls after that.
  const auto jump = [&](int seconds) {
    write_file(clock, fmt::format("{:+}\n", seconds));
    EXPECT_TRUE(cluster.wait_until(
        [&] {
          const std::int64_t shown = cluster.status().value("unix_ms", std::int64_t{0}) / 1000;
          return std::abs(shown - std::time(nullptr) - seconds) < 600;
        },
        20))
        << "the coordinator does not see the clock jump by " << seconds;
    const auto was = cluster.received_now();
    EXPECT_TRUE(cluster.wait_until([&] { return cluster.received_now() > was + 40; }, 20))
        << "nothing goes on";
  };
  jump(3600);
  jump(-3600);
  const json now = cluster.run();
  EXPECT_GE(now.at("per_second_1m").get<double>(), 0.0);
  EXPECT_LT(now.at("per_second_1m").get<double>(), 1000.0);
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
}

// -- F21 -----------------------------------------------------------------------------------------

TEST(F21_SecondCoordinator, SameFolderOrPort_IsRefusedByName) {
  fault_cluster cluster(cheap_experiment(6), 2);
  cluster.start_coordinator(plain);
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.status().is_object(); }, 20));
  const ended folder =
      tenbit({"coordinator", "--dir", cluster.path("cluster"), "--listen", "tcp://127.0.0.1:0"});
  EXPECT_EQ(folder.exit_code, 4) << folder.err;
  EXPECT_NE(folder.err.find("LOCK"), std::string::npos) << folder.err;
  const ended port =
      tenbit({"coordinator", "--dir", cluster.path("another"), "--listen", cluster.address()});
  EXPECT_EQ(port.exit_code, 1) << port.err;
  EXPECT_NE(port.err.find(cluster.address()), std::string::npos) << port.err;
  EXPECT_NE(port.err.find("in use"), std::string::npos) << port.err;
  EXPECT_TRUE(cluster.status().is_object()) << "the first one is not disturbed";
  std::printf("F21: %s     %s", folder.err.c_str(), port.err.c_str());
}

namespace {

// As cp -r does, without the control socket.
void copy_folder(const std::string& from, const std::string& to) {
  fs::create_directories(to);
  fs::permissions(to, fs::perms::owner_all);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path there = fs::path(to) / fs::relative(entry.path(), from);
    if (entry.is_directory())
      fs::create_directories(there);
    else if (entry.is_regular_file())
      fs::copy_file(entry.path(), there);
    if (!entry.is_socket())
      fs::permissions(there, entry.status().permissions());
  }
}

} // namespace

// The folder is copied, the copy is started elsewhere and goes on; then the old one wakes.
TEST(F21_SecondCoordinator, OldOneAfterARestoreElsewhere_IsRefusedByWorkerAndOracle) {
  fault_cluster cluster(faults_experiment(30), 10);
  cluster.start_coordinator(plain);
  cluster.start_worker("w1", "solver", {"--slots", "2"});
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.received_now() > 30; }, 30));
  const auto old = cluster.status().at("incarnation").get<std::uint64_t>();
  cluster.coordinator().send(SIGSTOP); // for the others it is gone
  // As a backup would be restored: its stores are where the folder is.
  copy_folder(cluster.path("cluster"), cluster.path("restored"));
  std::string control = read_file(cluster.path("restored/control.json"));
  const std::string was = cluster.path("cluster"), is = cluster.path("restored");
  for (auto at = control.find(was); at != std::string::npos; at = control.find(was, at + is.size()))
    control.replace(at, was.size(), is);
  write_file(cluster.path("restored/control.json"), control);
  while (static_cast<std::uint64_t>(std::time(nullptr)) <= old)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  process restored(
      {"coordinator", "--dir", is, "--listen", "tcp://127.0.0.1:0", "--lease-ttl", "2"});
  const auto ask = [&] {
    const auto said = tenbit({"ctl", "--socket", is + "/ctl.sock", "--json", "status"});
    return said.exit_code == 0 ? json::parse(said.out) : json();
  };
  ASSERT_TRUE(cluster.wait_until(
      [&] {
        const json now = ask();
        return now.is_object() && !now.at("runs").empty();
      },
      20));
  EXPECT_GT(ask().at("incarnation").get<std::uint64_t>(), old);
  const std::string there = ask().at("address").get<std::string>();
  for (const auto& [name, role] :
       std::map<std::string, std::string>{{"w1", "solver"}, {"o1", "oracle"}, {"g1", "grader"}}) {
    cluster.kill(name);
    cluster.start_worker(name, role, {"--coordinator", there});
  }
  ASSERT_TRUE(cluster.wait_until(
      [&] {
        const json now = ask();
        return now.is_object() && now.at("runs").at(0).at("phase") == "finished";
      },
      60));
  const auto result = tenbit({"export", "--store", is + "/runs/faults"});
  EXPECT_TRUE(result.out == tenbit({"export", "--store", cluster.path("reference")}).out);
  cluster.coordinator().send(SIGCONT);
  for (const char* name : {"w1", "o1"}) {
    cluster.kill(name);
    cluster.start_worker(name, "");
    EXPECT_TRUE(cluster.wait_until([&] { return !cluster.worker(name).running(); }, 20)) << name;
    const ended refused = cluster.worker(name).wait();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.err.find("old copy of its folder"), std::string::npos) << refused.err;
  }
}

// -- F24 -----------------------------------------------------------------------------------------

namespace {

// One operator with a seed; what was changed is kept to be found in the audit log.
class operator_at_random {
public:
  operator_at_random(fault_cluster& cluster, std::uint64_t seed)
      : cluster_(cluster), random_(seed) {}

  void step() {
    const std::string task = std::to_string(random_.below(tasks));
    const std::string worker = random_.below(2) == 0 ? "w1" : "w2";
    switch (random_.below(13)) {
    case 0:
      return order({"run", "pause", "faults"});
    case 1:
      return order({"run", "pause", "faults", "--now"});
    case 2:
    case 3:
      return order({"run", "resume", "faults"});
    case 4:
      return order({"run", "limit", "faults", std::to_string(1 + random_.below(6))});
    case 5:
      return order({"run", "priority", "faults", std::to_string(random_.below(9))});
    case 6:
      return order({"worker", "drain", worker});
    case 7:
      return order({"worker", "undrain", worker});
    case 8:
      return order({"task", "quarantine", "faults", task}, true);
    case 9:
      return order({"task", "requeue", "faults", task});
    case 10:
      return order({"worker", "kick", worker});
    case 11:
      return terminate_worker(worker);
    default:
      return terminate_coordinator();
    }
  }
  // may_fail: there may be nothing to do (a task that is done).
  void order(std::vector<std::string> verb, bool may_fail = false) {
    const std::string why = fmt::format("reason {}", ++orders_);
    reasons_[why] = fmt::format("{}", fmt::join(verb, " "));
    verb.insert(verb.end(), {"--reason", why});
    const json answer = cluster_.ctl(verb);
    EXPECT_TRUE(may_fail || !answer.is_null()) << reasons_[why];
    expect_audited(why);
  }
  void expect_audited(const std::string& why) const {
    std::istringstream lines(read_file(cluster_.path("cluster/audit.jsonl")));
    bool found = false;
    for (std::string line; std::getline(lines, line);)
      found = found || line.find("\"" + why + "\"") != std::string::npos;
    EXPECT_TRUE(found) << reasons_.at(why) << " is not in the audit log";
  }
  void terminate_worker(const std::string& name) {
    cluster_.worker(name).send(SIGTERM);
    EXPECT_TRUE(cluster_.wait_until([&] { return !cluster_.worker(name).running(); }, 15));
    const ended end = cluster_.worker(name).wait();
    EXPECT_EQ(end.exit_code, 0) << end.err;
    cluster_.start_worker(name, "solver", {"--slots", "4"});
    ++worker_ends_;
    expect_back(name);
  }
  void terminate_coordinator() {
    if (random_.below(2) == 0)
      cluster_.coordinator().send(SIGTERM);
    else
      order({"stop"});
    EXPECT_TRUE(cluster_.wait_until([&] { return !cluster_.coordinator().running(); }, 15));
    const ended end = cluster_.coordinator().wait();
    EXPECT_EQ(end.exit_code, 0) << end.err;
    cluster_.start_coordinator(plain);
    EXPECT_TRUE(cluster_.wait_until([&] { return cluster_.status().is_object(); }, 15));
    ++coordinator_ends_;
    for (const char* name : {"w1", "w2"})
      expect_back(name);
  }
  void expect_back(const std::string& name) {
    EXPECT_TRUE(
        cluster_.wait_until([&] { return cluster_.peer(name).value("connected", false); }, 20))
        << name;
  }

  static constexpr std::uint64_t tasks = 220;
  int orders_ = 0, worker_ends_ = 0, coordinator_ends_ = 0;

private:
  fault_cluster& cluster_;
  random_stream random_;
  std::map<std::string, std::string> reasons_;
};

} // namespace

TEST(F24_Operators, EveryVerbAtRandomUnderLoad_SameExport) {
  fault_cluster cluster(faults_experiment(operator_at_random::tasks), 40);
  cluster.start_coordinator(plain);
  for (const auto& [name, role] : std::map<std::string, std::string>{{"w1", "solver"},
                                                                     {"w2", "solver"},
                                                                     {"o1", "oracle"},
                                                                     {"o2", "oracle"},
                                                                     {"g1", "grader"}})
    cluster.start_worker(name, role, {"--slots", "4"});
  operator_at_random person(cluster, 24);
  person.expect_back("w1");
  person.expect_back("w2");
  person.order({"run", "limit", "faults", "3"});
  int steps = 0; // as long as there is work for what comes after them
  for (; steps < 40 && cluster.run().at("tasks").at("done") < 100; ++steps) {
    person.step();
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  }
  EXPECT_GE(steps, 15);
  person.terminate_worker("w1");
  person.terminate_coordinator();
  ASSERT_EQ(cluster.run().at("phase"), "running") << "it was over too early for this test";
  // Everything as it was before the operator came.
  for (std::uint64_t task = 0; task < operator_at_random::tasks; ++task) {
    const json shown = cluster.ctl({"task", "show", "faults", std::to_string(task)});
    if (shown.is_object() && shown.at("state") == "quarantined")
      person.order({"task", "release", "faults", std::to_string(task)});
  }
  for (const char* worker : {"w1", "w2"})
    person.order({"worker", "undrain", worker});
  person.order({"run", "limit", "faults", "0"});
  person.order({"run", "resume", "faults"});
  std::printf("F24: %d orders, %d workers and %d coordinators ended in between\n", person.orders_,
              person.worker_ends_, person.coordinator_ends_);
  cluster.expect_same_end(90);
}

TEST(F24_Operators, CancelTwice_HandsBackOnceAndKeepsWhatIsDone) {
  constexpr int problems = 300;
  fault_cluster cluster(faults_experiment(problems), 30);
  cluster.start_coordinator(plain);
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.received_now() > 60; }, 30));
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(cluster.ctl({"run", "cancel", "faults", "--reason", "wrong prompt"}).is_object());
  ASSERT_TRUE(cluster.wait_done(60)) << cluster.run().dump(1);
  const json run = cluster.run();
  EXPECT_EQ(run.at("tasks").at("leased"), 0);
  EXPECT_EQ(run.at("stop_reason"), "cancelled: wrong prompt");
  const auto tasks = run.at("tasks");
  EXPECT_EQ(tasks.at("pending"), 0);
  EXPECT_GT(tasks.at("cancelled"), 0);
  EXPECT_EQ(tasks.at("done").get<int>() + tasks.at("cancelled").get<int>(), problems);
  const std::string file = cluster.path("so-far.jsonl");
  EXPECT_TRUE(cluster.ctl({"export", "faults", file}).is_object());
  EXPECT_TRUE(read_file(file) == cluster.exported());
  EXPECT_EQ(cluster.verified().exit_code, 0);
  EXPECT_TRUE(cluster.ctl({"run", "cancel", "faults", "--reason", "wrong prompt"}).is_object())
      << "a third time, when it is over";
  // It is still known as what it is to another life of the coordinator.
  cluster.kill_coordinator();
  cluster.start_coordinator(plain);
  ASSERT_TRUE(cluster.wait_done(30)) << cluster.run().dump(1);
  EXPECT_EQ(cluster.run().at("tasks"), tasks);
  EXPECT_EQ(cluster.run().at("stop_reason"), "cancelled: wrong prompt");
  // Started again, it ends as if nothing had been.
  EXPECT_TRUE(cluster.ctl({"run", "submit", cluster.file()}).is_object());
  EXPECT_TRUE(cluster.wait_until(
      [&] {
        const json now = cluster.run();
        return now.contains("tasks") && now.at("tasks").at("done") == problems;
      },
      60));
  cluster.expect_same_end(60);
}

} // namespace tenbit::testing

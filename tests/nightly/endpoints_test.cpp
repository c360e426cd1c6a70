// F17 and F18: replicas that become slow or small, and all of them down for half a minute.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <csignal>
#include <deque>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "storage/store.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

// Errors counted against tasks, all together.
std::uint64_t errors_of_tasks(const std::string& dir) {
  const auto opened = store::open_for_reading(dir);
  EXPECT_TRUE(opened) << opened.error().message;
  std::uint64_t out = 0;
  if (opened) {
    const auto scanned = (*opened)->for_each_state(
        [&](problem_index, const task_state& state) { out += state.errors; });
    EXPECT_TRUE(scanned);
  }
  return out;
}

} // namespace

// -- F17 -----------------------------------------------------------------------------------------

namespace {

constexpr int replica_slots = 8;
constexpr double latency_ms = 300;

std::string one_model(int problems, const std::vector<std::string>& urls) {
  std::string list;
  for (const std::string& url : urls)
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", url);
  return fmt::format("name = \"faults\"\nseed = 3\n[benchmark]\nkind = \"arith\"\ncount = {}\n"
                     "level = 1\nseed = 5\n[models.small]\nkind = \"sim\"\nmodel = \"small\"\n"
                     "replicas = [{}]\nconcurrency = {}\n[[arms]]\nname = \"direct\"\n"
                     "method = \"direct\"\nsolver = \"small\"\n[[arms]]\nname = \"again\"\n"
                     "method = \"resample\"\nsolver = \"small\"\nsamples = 5\n",
                     problems, list, replica_slots * static_cast<int>(urls.size()));
}

struct replica_shape {
  double slowness = 1;
  int slots = replica_slots;
};

struct throughput {
  double whole = 0;  // calls per second, first to last
  double steady = 0; // between the first tenth and the last quarter
  double amplification = 0;
  std::string exported;
};

throughput measured(int problems, const std::array<replica_shape, 4>& shapes) {
  std::vector<std::unique_ptr<sim_process>> sims;
  std::vector<std::string> urls;
  for (const replica_shape& shape : shapes) {
    sims.push_back(std::make_unique<sim_process>(std::vector<std::string>{
        "--latency-ms", fmt::format("{}", latency_ms * shape.slowness), "--latency-spread", "0.1",
        "--slots", std::to_string(shape.slots)}));
    urls.push_back(sims.back()->url());
  }
  const auto asked = [&] {
    std::uint64_t out = 0;
    for (const auto& sim : sims)
      out += sim->now("tenbit_sim_received_total");
    return out;
  };
  cluster_processes cluster(one_model(problems, urls));
  cluster.start_coordinator();
  cluster.start_worker("g1", "grader");
  cluster.start_worker("w1", "solver", {"--slots", "64"});
  const std::uint64_t calls = static_cast<std::uint64_t>(problems) * 6;
  EXPECT_TRUE(cluster.wait_until([&] { return asked() > 0; }, 30));
  const auto begun = steady_clock::now();
  EXPECT_TRUE(cluster.wait_until([&] { return asked() >= calls / 10; }, 120));
  const std::uint64_t first = asked();
  const auto from = steady_clock::now();
  EXPECT_TRUE(cluster.wait_until([&] { return asked() >= calls * 3 / 4; }, 240));
  throughput out;
  out.steady = static_cast<double>(asked() - first) / seconds_since(from);
  const json now = cluster.status();
  for (const json& peer : now.at("workers"))
    for (const json& replica : peer.at("replicas"))
      std::printf("F17: replica limit %s, in flight %s, answered %s, p50 %s ms, breaker %s\n",
                  replica.at("limit").dump().c_str(), replica.at("in_flight").dump().c_str(),
                  replica.at("answered").dump().c_str(), replica.at("total_p50_ms").dump().c_str(),
                  replica.at("breaker").dump().c_str());
  EXPECT_TRUE(cluster.wait_done(120)) << cluster.status().dump(1);
  const double took = seconds_since(begun);
  const auto opened = store::open_for_reading(cluster.store());
  EXPECT_TRUE(opened);
  const auto committed = static_cast<double>((*opened)->totals().calls);
  EXPECT_EQ(committed, static_cast<double>(calls));
  out.whole = committed / took;
  out.amplification = static_cast<double>(asked()) / committed;
  out.exported = cluster.exported();
  EXPECT_EQ(cluster.verified().exit_code, 0);
  return out;
}

} // namespace

// Four replicas, where the plan of the tests names eight. The ideal is what the same four give
// when they are well, times the share of their capacity that is left.
TEST(F17_BrownOut, OneSlowAndOneHalved_KeepsFourFifthsOfTheIdeal) {
  constexpr int problems = 400;
  const throughput well = measured(problems, {});
  const throughput ill =
      measured(problems, {replica_shape{10, replica_slots}, replica_shape{1, replica_slots / 2},
                          replica_shape{}, replica_shape{}});
  const double left = (0.1 + 0.5 + 1 + 1) / 4;
  std::printf("F17: well %.1f calls/s (steady %.1f); ill %.1f (steady %.1f); ideal %.1f (steady "
              "%.1f); ratio %.2f (steady %.2f); amplification %.3f\n",
              well.whole, well.steady, ill.whole, ill.steady, left * well.whole, left * well.steady,
              ill.whole / (left * well.whole), ill.steady / (left * well.steady),
              ill.amplification);
  EXPECT_GE(ill.whole, 0.8 * left * well.whole);
  EXPECT_GE(ill.steady, 0.8 * left * well.steady);
  EXPECT_LE(ill.amplification, 1.1);
  EXPECT_EQ(ill.exported, well.exported);
}

// -- F18 -----------------------------------------------------------------------------------------

namespace {

// Takes the place of a server that died: every connection is reset at once, and counted.
class dead_endpoint {
public:
  explicit dead_endpoint(int port) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 256), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~dead_endpoint() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }
  dead_endpoint(const dead_endpoint&) = delete;
  dead_endpoint& operator=(const dead_endpoint&) = delete;
  [[nodiscard]] std::uint64_t attempts() const { return attempts_; }

private:
  void serve() {
    while (!stop_) {
      pollfd waits{listener_, POLLIN, 0};
      if (::poll(&waits, 1, 50) <= 0)
        continue;
      const int one = ::accept(listener_, nullptr, nullptr);
      if (one < 0)
        continue;
      const linger at_once{1, 0};
      ::setsockopt(one, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(one);
      ++attempts_;
    }
  }

  int listener_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> attempts_ = 0;
  std::thread thread_;
};

// The only endpoint of the experiment, on a port that outlives it.
struct endpoint_with_a_port {
  void start() {
    server = std::make_unique<process>(std::vector<std::string>{
        "sim", "--port", std::to_string(port), "--latency-ms", "200", "--slots", "64"});
  }
  void kill() {
    server->send(SIGKILL);
    (void)server->wait();
  }
  int port = free_port();
  std::unique_ptr<process> server;
};

double calls_per_second(const fault_cluster& cluster, int seconds) {
  const auto before = cluster.figure("calls");
  const auto start = steady_clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  return static_cast<double>(cluster.figure("calls") - before) / seconds_since(start);
}

struct outage {
  double probes_per_second = 0; // of all processes together, once the breakers are open
  std::uint64_t attempts = 0;
  std::set<std::string> reasons; // why pending tasks wait
  std::string last_seen;         // of the peers
};

outage half_a_minute_down(fault_cluster& cluster, endpoint_with_a_port& endpoint) {
  outage out;
  endpoint.kill();
  const dead_endpoint dead(endpoint.port);
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const std::uint64_t opened = dead.attempts();
  const auto start = steady_clock::now();
  while (seconds_since(start) < 25) {
    const json run = cluster.run();
    out.reasons.insert(run.value("waiting_for", std::string()));
    std::this_thread::sleep_for(milliseconds(500));
  }
  const json last = cluster.status();
  for (const json& peer : last.at("workers")) {
    out.last_seen += fmt::format("{} {}/{} slots", peer.at("name").dump(), peer.at("leased").dump(),
                                 peer.at("slots").dump());
    for (const json& replica : peer.at("replicas"))
      out.last_seen += fmt::format(" {} {} failed {} retried {}", replica.at("model").dump(),
                                   replica.at("breaker").dump(), replica.at("failed").dump(),
                                   replica.at("retried").dump());
    out.last_seen += "; ";
  }
  out.last_seen += last.at("runs").at(0).at("tasks").dump();
  out.attempts = dead.attempts();
  out.probes_per_second = static_cast<double>(out.attempts - opened) / seconds_since(start);
  return out;
}

void expect_nobody_charged(const fault_cluster& cluster) {
  const json tasks = cluster.run().at("tasks");
  EXPECT_EQ(tasks.at("failed"), 0) << tasks.dump();
  EXPECT_EQ(tasks.at("quarantined"), 0) << tasks.dump();
  EXPECT_EQ(errors_of_tasks(cluster.store()), 0U) << "an attempt was counted against a task";
}

} // namespace

// Half a minute, where the plan of the tests names half an hour: the breakers' longest pause
// between probes is a minute either way.
TEST(F18_Outage, AllEndpointsDownThenBack_NobodyIsChargedAndTheRateReturns) {
  endpoint_with_a_port endpoint;
  fault_cluster cluster(faults_experiment(400, 4), 2);
  std::string text = read_file(cluster.file());
  const std::string own = fmt::format("http://127.0.0.1:{}", endpoint.port);
  for (auto at = text.find(cluster.sim().url()); at != std::string::npos;
       at = text.find(cluster.sim().url()))
    text.replace(at, cluster.sim().url().size(), own);
  write_file(cluster.file(), text);
  endpoint.start();
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.figure("calls") > 200; }, 60));
  const double before = calls_per_second(cluster, 8);
  const outage down = half_a_minute_down(cluster, endpoint);
  expect_nobody_charged(cluster);
  endpoint.start();
  const auto back = steady_clock::now();
  double full_after = -1, rate = 0;
  while (full_after < 0 && seconds_since(back) < 70) {
    rate = calls_per_second(cluster, 5);
    if (rate >= 0.9 * before)
      full_after = seconds_since(back);
  }
  std::string reasons;
  for (const std::string& one : down.reasons)
    reasons += (reasons.empty() ? "" : " | ") + one;
  std::printf("F18: %.1f calls/s before; down: %llu attempts, then %.2f probes/s of all processes; "
              "reasons: %s; full rate (%.1f) %.1f s after the return\nF18: at the end of it: %s\n",
              before, static_cast<unsigned long long>(down.attempts), down.probes_per_second,
              reasons.c_str(), rate, full_after, down.last_seen.c_str());
  EXPECT_LT(down.probes_per_second, 1.0);
  EXPECT_NE(reasons.find("endpoints are out"), std::string::npos);
  EXPECT_GE(full_after, 0) << "not at the full rate after 70 s";
  EXPECT_LE(full_after, 60);
  cluster.expect_same_end(240);
  expect_nobody_charged(cluster);
}

} // namespace tenbit::testing

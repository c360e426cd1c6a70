// F17 and F18: replicas that become slow or small, and all of them down for half a minute.
#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/random.hpp"
#include "storage/store.hpp"
#include "tests/system/fault_cluster.hpp"
#include "tests/system/odd_server.hpp"

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

constexpr std::uint64_t replica_slots = 8;
constexpr double latency_ms = 500;

std::string one_model(std::uint64_t problems, const std::vector<std::string>& urls) {
  std::string list;
  for (const std::string& url : urls)
    list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", url);
  return fmt::format("name = \"faults\"\nseed = 3\n[benchmark]\nkind = \"arith\"\ncount = {}\n"
                     "level = 1\nseed = 5\n[models.small]\nkind = \"sim\"\nmodel = \"small\"\n"
                     "replicas = [{}]\nconcurrency = {}\n[[arms]]\nname = \"direct\"\n"
                     "method = \"direct\"\nsolver = \"small\"\n[[arms]]\nname = \"again\"\n"
                     "method = \"resample\"\nsolver = \"small\"\nsamples = 5\n",
                     problems, list, replica_slots * urls.size());
}

// A replica that can become slow and small while it serves: so many calls at once, each for so
// long; the others wait. What it answers is the simulator's.
class frail_replica {
public:
  explicit frail_replica(const std::string& simulator)
      : server_(simulator, [this](const std::string&) -> std::optional<std::string> {
          serve_one();
          return std::nullopt;
        }) {}
  void become(double slowness, std::uint64_t slots) {
    const std::lock_guard lock(mutex_);
    slowness_ = slowness;
    slots_ = slots;
  }
  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::uint64_t received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }

private:
  void serve_one() {
    std::unique_lock lock(mutex_);
    ++received_;
    freed_.wait(lock, [this] { return busy_ < slots_; });
    ++busy_;
    const double took = latency_ms * slowness_ * (0.9 + 0.2 * random_.unit());
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(took));
    lock.lock();
    --busy_;
    freed_.notify_one();
  }

  mutable std::mutex mutex_;
  std::condition_variable freed_;
  double slowness_ = 1;
  std::uint64_t slots_ = replica_slots, busy_ = 0;
  std::uint64_t received_ = 0;
  random_stream random_{17};
  odd_server server_; // last: its threads use the others
};

// What the solver said of a replica, from the brown-out on.
struct seen_replica {
  std::uint64_t limit_least = replica_slots, limit_last = 0;
  double in_flight = 0; // of all looks together
  int looks = 0;
  std::string breaker;
};

struct brown_out {
  sim_process sim{{"--latency-ms", "0", "--slots", "256"}};
  std::vector<std::unique_ptr<frail_replica>> replicas;
  std::unique_ptr<cluster_processes> cluster;
  std::map<std::string, seen_replica> seen; // by URL

  [[nodiscard]] std::uint64_t asked() const {
    std::uint64_t out = 0;
    for (const auto& one : replicas)
      out += one->received();
    return out;
  }
  void look() {
    const json now = cluster->status();
    if (!now.is_object())
      return;
    for (const json& peer : now.at("workers"))
      for (const json& replica : peer.at("replicas")) {
        seen_replica& one = seen[replica.at("url").get<std::string>()];
        one.limit_last = replica.at("limit").get<std::uint64_t>();
        one.limit_least = std::min(one.limit_least, one.limit_last);
        one.in_flight += replica.at("in_flight").get<double>();
        ++one.looks;
        one.breaker = replica.at("breaker").get<std::string>();
      }
  }
  // The status names a replica by more than its origin.
  [[nodiscard]] seen_replica seen_at(std::size_t i) const {
    for (const auto& [url, one] : seen)
      if (url.starts_with(replicas[i]->url()))
        return one;
    ADD_FAILURE() << "the status has no replica " << replicas[i]->url();
    return {};
  }
  // Calls a second until so many were asked.
  double rate_until(std::uint64_t calls, bool looking) {
    const std::uint64_t first = asked();
    const auto from = steady_clock::now();
    EXPECT_TRUE(cluster->wait_until(
        [&] {
          if (looking)
            look();
          return asked() >= calls;
        },
        240));
    return static_cast<double>(asked() - first) / seconds_since(from);
  }
};

} // namespace

// The ideal is what the same eight give while they are well, times the share of their capacity that
// is left.
TEST(F17_BrownOut, OneOfEightSlowAndOneHalved_LimitFallsAndFourFifthsOfTheIdealStay) {
  constexpr std::uint64_t problems = 1000, calls = problems * 6;
  constexpr std::size_t count = 8;
  brown_out rig;
  std::vector<std::string> urls;
  for (std::size_t i = 0; i < count; ++i) {
    rig.replicas.push_back(std::make_unique<frail_replica>(rig.sim.url()));
    urls.push_back(rig.replicas.back()->url());
  }
  rig.cluster = std::make_unique<cluster_processes>(one_model(problems, urls));
  cluster_processes& cluster = *rig.cluster;
  cluster.start_coordinator();
  cluster.start_worker("g1", "grader");
  cluster.start_worker("w1", "solver", {"--slots", std::to_string(count * replica_slots)});
  (void)rig.rate_until(calls / 20, false);
  const double well = rig.rate_until(calls / 4, false);
  rig.replicas[0]->become(10, replica_slots);
  rig.replicas[1]->become(1, replica_slots / 2);
  constexpr double left = (0.1 + 0.5 + 6) / count;
  const double ideal = well * left;
  const double ill = rig.rate_until(calls * 9 / 10, true);
  ASSERT_TRUE(cluster.wait_done(120)) << cluster.status().dump(1);
  const auto opened = store::open_for_reading(cluster.store());
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->totals().calls, calls);
  const double amplification = static_cast<double>(rig.asked()) / static_cast<double>(calls);
  std::printf("F17: well %.1f calls/s; ill %.1f, ideal %.1f, ratio %.2f; amplification %.3f\n",
              well, ill, ideal, ill / ideal, amplification);
  for (std::size_t i = 0; i < count; ++i) {
    const seen_replica one = rig.seen_at(i);
    const double in_flight = one.in_flight / std::max(1, one.looks);
    std::printf("F17: replica %zu: limit %llu at least, %llu at last; %.1f in flight; %s\n", i,
                static_cast<unsigned long long>(one.limit_least),
                static_cast<unsigned long long>(one.limit_last), in_flight, one.breaker.c_str());
    EXPECT_EQ(one.breaker, "closed") << "slow is not dead";
    if (i == 0) {
      EXPECT_LT(one.limit_least, replica_slots) << "the limit of the slow one did not fall";
    } else if (i > 1) { // the halved one is late by what the limiter just lets pass
      EXPECT_EQ(one.limit_least, replica_slots) << "a well one was cut";
      EXPECT_GT(in_flight, 0.9 * replica_slots) << "a well one was not filled";
    }
  }
  EXPECT_GE(ill, 0.8 * ideal);
  EXPECT_LE(amplification, 1.1);
  EXPECT_TRUE(cluster.exported() == cluster.reference()) << "the canonical export differs";
  EXPECT_EQ(cluster.verified().exit_code, 0);
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

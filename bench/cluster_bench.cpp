// A cluster of processes with very many tasks: how soon a coordinator with a million pending tasks
// grants the first, what a pending task costs in memory, and whether throughput and memory stay
// flat over a long run against a simulator that answers at once.
//
//   cluster_bench [pending] [run]      default 1000000 200000
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <thread>
#include <unistd.h>

#include "base/expected.hpp"
#include "base/hash.hpp"
#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

using clock = std::chrono::steady_clock;
using nlohmann::json;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

struct set_up {
  temporary_folder folder;
  std::string address = "tcp://127.0.0.1:17711";
  std::string cluster = folder.path("cluster");

  explicit set_up(std::uint64_t tasks) {
    write_file(
        folder.path("e.toml"),
        fmt::format("name = \"bench\"\nseed = 1\n[benchmark]\nkind = \"arith\"\ncount = {}\n"
                    "level = 1\nseed = 1\n[models.small]\nkind = \"sim\"\nmodel = \"small\"\n"
                    "concurrency = 128\n[sim]\nlatency_ms = 0\nslots = 1024\n[[arms]]\n"
                    "name = \"direct\"\nmethod = \"direct\"\nsolver = \"small\"\n",
                    tasks));
    (void)tenbit({"keys", "init", "--dir", cluster + "/keys"});
    for (const char* name : {"w1", "g1"})
      (void)tenbit({"keys", "enroll", name, "--dir", cluster + "/keys", "--roles",
                    name[0] == 'w' ? "solver" : "grader", "--out", folder.path(name)});
  }
  std::vector<std::string> coordinator(bool first) const {
    std::vector<std::string> out = {"coordinator", "--dir", cluster,
                                    "--listen",    address, "--quiet"};
    if (first)
      out.push_back(folder.path("e.toml"));
    return out;
  }
  std::vector<std::string> worker(const char* name) const {
    return {"worker",
            "--key",
            folder.path(name),
            "--coordinator",
            address,
            "--state",
            folder.path(std::string("state-") + name),
            "--quiet"};
  }
  json status() const {
    const auto said = tenbit({"ctl", "--socket", cluster + "/ctl.sock", "--json", "status"});
    return said.exit_code == 0 ? json::parse(said.out, nullptr, false) : json();
  }
  json run_line() const {
    const json now = status();
    return now.is_object() && !now.at("runs").empty() ? now.at("runs").at(0) : json();
  }
  // Waits until a run is there; its line.
  json wait_for_run() const {
    for (;;) {
      if (json line = run_line(); line.is_object())
        return line;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
};

double rss_mb(const set_up& bench) {
  return bench.status().at("rss_bytes").get<double>() / 1e6;
}

// CPU seconds of a process so far.
double cpu_s(const process& p) {
  std::ifstream in(fmt::format("/proc/{}/stat", p.pid()));
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i)
    rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Memory of a coordinator with so many pending tasks and no worker, after a restart.
double resting_rss_mb(std::uint64_t tasks, double* first_grant_s) {
  set_up bench(tasks);
  {
    process first(bench.coordinator(true));
    (void)bench.wait_for_run();
    (void)tenbit({"ctl", "--socket", bench.cluster + "/ctl.sock", "stop"});
    (void)first.wait();
  }
  double rss = 0;
  {
    process resting(bench.coordinator(false));
    (void)bench.wait_for_run();
    std::this_thread::sleep_for(std::chrono::seconds(2));
    rss = rss_mb(bench);
    (void)tenbit({"ctl", "--socket", bench.cluster + "/ctl.sock", "stop"});
    (void)resting.wait();
  }
  if (first_grant_s == nullptr)
    return rss;
  const auto start = clock::now();
  process coordinator(bench.coordinator(false));
  process worker(bench.worker("w1"));
  for (;;) {
    const json line = bench.run_line();
    if (line.is_object() && line.at("leases_granted").get<std::uint64_t>() > 0)
      break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  *first_grant_s = seconds_since(start);
  return rss;
}

// How fast this machine is just now: CPU time of a fixed piece of work, in microseconds. It is
// not the same from one moment to the next where the host has other guests.
double machine_us() {
  static const std::string block(1U << 20, 'x');
  const auto cpu_us = [] {
    timespec t{};
    (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
  };
  const double before = cpu_us();
  const hash256 done = hash_bytes(block);
  TENBIT_ASSERT(done != hash256{});
  return cpu_us() - before;
}

struct figures {
  double coordinator = 0, worker = 0, grader = 0; // seconds of CPU
  double commits = 0;
};

struct part {
  double rate = 0, machine = 0; // tasks a second; machine_us meanwhile
};

// A new store with so many parts of `step` tasks, from its first task on. Some more tasks follow,
// so that no part holds the end, when slots run empty.
std::vector<part> measure(std::uint64_t step, std::size_t parts) {
  const std::uint64_t tasks = step * parts;
  set_up bench(tasks + tasks / 50 + 2000);
  process coordinator(bench.coordinator(true));
  (void)bench.wait_for_run();
  process grader(bench.worker("g1"));
  process worker(bench.worker("w1"));
  const auto now = [&] {
    const json status = bench.status();
    return figures{cpu_s(coordinator), cpu_s(worker), cpu_s(grader),
                   status.at("commit_groups").get<double>()};
  };
  std::vector<part> out;
  figures last = now();
  std::uint64_t before = 0;
  auto at = clock::now();
  double machine = 0;
  for (int looks = 1; out.size() < parts; ++looks) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    machine += machine_us();
    const auto done = bench.run_line().at("tasks").at("done").get<std::uint64_t>();
    if (done < step * (out.size() + 1))
      continue;
    const auto ended = static_cast<double>(done - before);
    const part one{ended / seconds_since(at), std::exchange(machine, 0) / std::exchange(looks, 0)};
    const figures here = now();
    const auto us = [&](double figures::*of) { return (here.*of - last.*of) * 1e6 / ended; };
    fmt::print("{:9} {:9.0f} {:11.0f} {:7.0f} {:7.0f} {:7.0f} {:7.0f} {:8.0f}\n", done, one.rate,
               us(&figures::coordinator), us(&figures::worker), us(&figures::grader),
               ended / (here.commits - last.commits), rss_mb(bench), one.machine);
    std::fflush(stdout);
    out.push_back(one);
    last = here;
    before = done;
    at = clock::now();
  }
  return out;
}

double mean_rate(std::span<const part> parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [](double sum, const part& one) { return sum + one.rate; }) /
         static_cast<double>(parts.size());
}

// The same in pieces of the fixed work.
double mean_work(std::span<const part> parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [](double sum, const part& one) { return sum + one.rate * one.machine; }) /
         static_cast<double>(parts.size());
}

// Whether a long run gets slower, beside whether the machine does: the end of the run against a
// fresh store right after it, both without their first part, in which everything starts.
void long_run(std::uint64_t tasks) {
  fmt::print(
      "\n{} problems, one worker, simulator at zero latency [simulated]\n"
      "CPU in us a task: coordinator, worker with the simulator, grader; tasks a commit; CPU "
      "in us\nof a fixed piece of work (the machine)\n"
      "{:>9} {:>9} {:>11} {:>7} {:>7} {:>7} {:>7} {:>8}\n",
      tasks, "done", "tasks/s", "coordinator", "worker", "grader", "commit", "RSS MB", "machine");
  const auto all = measure(tasks / 10, 10);
  const std::span parts(all);
  const auto [slowest, fastest] = std::minmax_element(
      all.begin(), all.end(), [](const part& a, const part& b) { return a.rate < b.rate; });
  fmt::print("second half / first half: {:.2f}; slowest tenth / fastest tenth: {:.2f}\n"
             "a fresh store, right after:\n",
             mean_rate(parts.subspan(5)) / mean_rate(parts.first(5)),
             slowest->rate / fastest->rate);
  const auto fresh = measure(tasks / 10, 4);
  const auto later = std::span(fresh).last(3);
  fmt::print(
      "last three tenths / three of the fresh store: {:.2f}; {:.2f}, were the machine even\n",
      mean_rate(parts.last(3)) / mean_rate(later), mean_work(parts.last(3)) / mean_work(later));
}

} // namespace
} // namespace tenbit::testing

int main(int argc, char** argv) {
  const std::uint64_t pending = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t run = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  double first_grant_s = 0;
  const double small = tenbit::testing::resting_rss_mb(1000, nullptr);
  const double large = tenbit::testing::resting_rss_mb(pending, nullptr);
  (void)tenbit::testing::resting_rss_mb(pending, &first_grant_s);
  fmt::print("{} pending tasks: first grant {:.2f} s after the start (limit 5), {:.0f} bytes of "
             "memory each (limit 100; {:.0f} MB against {:.0f} MB with 1000)\n",
             pending, first_grant_s, (large - small) * 1e6 / static_cast<double>(pending), large,
             small);
  std::fflush(stdout);
  tenbit::testing::long_run(run);
  return 0;
}

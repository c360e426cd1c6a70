// What tenbit costs: calls per second and CPU per call of a whole run with its journal on, each as
// a ratio to a bare libcurl loop that does the same requests in the same minute; and memory per
// task in flight.
//
//   run_bench [--calls N]     needs nothing; starts `tenbit sim` beside itself
#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

#include "bench/bare_loop.hpp"
#include "cli/run_session.hpp"
#include "protocols/program.hpp"
#include "tests/system/process.hpp"

namespace tenbit::bench {
namespace {

using testing::sim_process;
using testing::temporary_folder;

std::string experiment_text(const std::string& url, std::uint64_t problems, unsigned in_flight) {
  return fmt::format("name = \"bench\"\n[benchmark]\nkind = \"arith\"\ncount = {}\nlevel = 2\n"
                     "[models.small]\nkind = \"sim\"\nreplicas = [\"{}\"]\nconcurrency = {}\n"
                     "[[arms]]\nname = \"direct\"\nmethod = \"direct\"\nsolver = \"small\"\n",
                     problems, url, in_flight);
}

experiment make_experiment(const std::string& url, std::uint64_t problems, unsigned in_flight) {
  auto exp = parse_experiment(experiment_text(url, problems, in_flight), "bench.toml", {});
  if (!exp) {
    for (const auto& problem : exp.error())
      fmt::print(stderr, "{}\n", problem.text());
    std::exit(2);
  }
  return std::move(*exp);
}

// The very requests that a run makes.
std::vector<std::string> request_bodies(const experiment& exp, const benchmark& items) {
  const auto shared = std::make_shared<const experiment>(exp);
  std::vector<std::string> out;
  for (const problem& item : items.problems) {
    auto running = start_program({shared, arm_index{0}, trial_index{0}, item});
    const auto effects = running->take();
    std::string body = identify(exp, std::get<generate_request>(effects.front().what)).canonical;
    body.insert(body.size() - 1, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    out.push_back(std::move(body));
  }
  return out;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t pages = 0;
  in >> pages >> pages;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1U << 20);
}

struct run_result {
  double calls_per_s = 0;
  double cpu_us_per_call = 0;
};

struct moment {
  run_clock::time_point at;
  double cpu = 0;
  std::uint64_t calls = 0;
  static moment take(const cli::run_session& session) {
    return {run_clock::now(), cpu_seconds(), session.status().calls};
  }
};

// Between the first and the last tenth, so that neither start-up nor the tail counts.
run_result measure_run(experiment exp, benchmark items) {
  temporary_folder folder;
  const std::uint64_t calls = items.problems.size();
  auto session =
      cli::run_session::start(std::move(exp), std::move(items), {folder.path("store"), 0, false});
  if (!session) {
    fmt::print(stderr, "{}\n", session.error().message);
    std::exit(1);
  }
  std::optional<moment> from, to;
  while (!(*session)->wait(std::chrono::milliseconds(5))) {
    const auto now = moment::take(**session);
    if (!from && now.calls >= calls / 10)
      from = now;
    if (!to && now.calls >= calls - calls / 10)
      to = now;
  }
  if (!to)
    to = moment::take(**session);
  if (!from) {
    fmt::print(stderr, "too few calls to measure: use --calls\n");
    std::exit(1);
  }
  const std::chrono::duration<double> span = to->at - from->at;
  const auto made = static_cast<double>(to->calls - from->calls);
  return {made / span.count(), 1e6 * (to->cpu - from->cpu) / made};
}

void compare(const char* title, unsigned in_flight, std::uint64_t calls, double ideal,
             const std::vector<std::string>& sim_arguments) {
  const sim_process sim(sim_arguments);
  const auto exp = make_experiment(sim.url(), calls, in_flight);
  auto items = load_benchmark(exp.benchmark);
  const auto bodies = request_bodies(exp, *items);
  const std::string url = sim.url() + "/v1/chat/completions";
  const auto before = run_bare_loop(url, bodies, in_flight, calls);
  const auto run = measure_run(exp, std::move(*items));
  const auto after = run_bare_loop(url, bodies, in_flight, calls);
  const double bare = std::max(before.calls_per_s, after.calls_per_s);
  const double bare_cpu = (before.cpu_us_per_call + after.cpu_us_per_call) / 2;
  fmt::print("{} ({} in flight, {} calls)\n", title, in_flight, calls);
  fmt::print("  bare loop   {:8.0f} calls/s  {:6.1f} us CPU per call  (errors {})\n", bare,
             bare_cpu, before.errors + after.errors);
  fmt::print("  tenbit run  {:8.0f} calls/s  {:6.1f} us CPU per call\n", run.calls_per_s,
             run.cpu_us_per_call);
  fmt::print("  ratio to the bare loop: {:.3f} of its calls/s, {:.2f} x its CPU per call\n",
             run.calls_per_s / bare, run.cpu_us_per_call / bare_cpu);
  std::fflush(stdout);
  if (ideal > 0)
    fmt::print("  of the ideal {:.0f}/s: bare {:.3f}, tenbit {:.3f}\n", ideal, bare / ideal,
               run.calls_per_s / ideal);
}

// All tasks of a run wait for a slow server: what the process grew by, per task.
void memory_per_task(std::uint64_t tasks) {
  const sim_process sim({"--latency-ms", "4000", "--slots", "8192"});
  auto exp = make_experiment(sim.url(), 2 * tasks, 1024);
  auto items = load_benchmark(exp.benchmark);
  temporary_folder folder;
  const double loaded = resident_mib();
  auto session =
      cli::run_session::start(std::move(exp), std::move(*items),
                              {folder.path("store"), static_cast<std::uint32_t>(tasks), false});
  const double started = resident_mib();
  while ((*session)->status().tasks.leased < tasks) // well before the first reply
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const double full = resident_mib();
  fmt::print("memory: loaded {:.0f} MiB, started {:.0f} MiB, {} tasks in flight (1024 on the wire) "
             "{:.0f} MiB: {:.1f} KiB per task\n",
             loaded, started, tasks, full, 1024 * (full - started) / static_cast<double>(tasks));
}

} // namespace
} // namespace tenbit::bench

int main(int argc, char** argv) {
  using namespace tenbit::bench;
  CLI::App app("Measures tenbit run against a bare libcurl loop.");
  std::uint64_t calls = 30'000;
  std::uint64_t tasks = 20'000;
  app.add_option("--calls", calls, "Calls per measurement");
  app.add_option("--tasks", tasks, "Tasks in flight for the memory measurement");
  CLI11_PARSE(app, argc, argv);
  const std::vector<std::string> slow = {"--latency-ms", "100", "--latency-spread", "0",
                                         "--slots",      "8192"};
  const std::vector<std::string> instant = {"--latency-ms", "0", "--slots", "8192"};
  memory_per_task(tasks); // first: what the others free stays with the process
  compare("(a) latency 100 ms", 512, calls, 5120, slow);
  compare("(b) latency 0", 512, calls, 0, instant);
  return 0;
}

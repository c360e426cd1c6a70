#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/cluster_host.hpp"
#include "cli/command.hpp"
#include "cli/signals.hpp"

namespace tenbit::cli {
namespace {

struct coordinator_arguments {
  host_options host;
  std::vector<std::string> submit;
  std::vector<std::string> overrides;
  double lease_ttl_s = std::chrono::duration<double>(limits::lease_ttl).count();
  std::vector<double> disk_marks; // empty: the defaults
  std::string operators, viewers; // GROUP=PATH; empty: no such socket
  bool until_done = false;
  bool quiet = false;
};

// One line about everything, when it changed.
void show(const cluster_status& now, std::string& last) {
  std::uint64_t done = 0, all = 0, leased = 0;
  for (const run_line& run : now.runs) {
    done += run.status.tasks.done;
    leased += run.status.tasks.leased;
    all += run.status.tasks.all();
  }
  std::size_t connected = 0;
  for (const peer_line& peer : now.peers)
    connected += peer.connected ? 1 : 0;
  const std::string waits = now.runs.empty() || now.runs.front().waiting_for.empty()
                                ? std::string()
                                : "; " + now.runs.front().waiting_for;
  std::string line = fmt::format("{} of {} problems done, {} in work, {} peers{}", done, all,
                                 leased, connected, waits);
  if (line != last)
    fmt::print(stderr, "{}\n", line);
  last = std::move(line);
}

bool all_over(const cluster_status& now, const std::set<std::string>& submitted) {
  std::size_t there = 0; // the snapshot may be older than the submission
  for (const run_line& run : now.runs) {
    if (run.status.phase == run_phase::running || run.status.phase == run_phase::stopping)
      return false;
    there += submitted.count(run.name);
  }
  return !now.runs.empty() && there == submitted.size();
}

// Of what was submitted with it, or else of all.
int ended_as(const cluster_status& now, const std::set<std::string>& submitted) {
  for (const run_line& run : now.runs) {
    if (!submitted.empty() && !submitted.contains(run.name))
      continue;
    if (run.status.tasks.pending + run.status.tasks.leased + run.status.tasks.cancelled > 0)
      return exit_unfinished;
    if (run.status.tasks.failed + run.status.tasks.quarantined > 0)
      return exit_incomplete;
  }
  return exit_ok;
}

int submit_all(cluster_host& host, const coordinator_arguments& args,
               std::set<std::string>& names) {
  for (const std::string& file : args.submit) {
    control::request r;
    r.verb = "run submit";
    r.args["file"] = {std::filesystem::absolute(file).string()};
    if (!args.overrides.empty())
      r.args["set"] = args.overrides;
    const control::reply answer = host.handle(r);
    if (!answer.ok) {
      fmt::print(stderr, "tenbit: {}\n", printable(answer.error));
      return exit_usage;
    }
    names.insert(nlohmann::json::parse(answer.result).at("run").get<std::string>());
  }
  return exit_ok;
}

int watch(cluster_host& host, const coordinator_arguments& args,
          const std::set<std::string>& submitted) {
  std::string last;
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto now = host.status();
    if (const auto why = host.broken()) {
      const int code = complain("coordinator", why->message, why->exit_code);
      std::fflush(nullptr);
      ::_exit(code); // the stores must not be touched again by this process
    }
    if (!args.quiet)
      show(*now, last);
    if (args.until_done && all_over(*now, submitted))
      return ended_as(*now, submitted);
    if (stop_signals() > 0 || host.stop_wanted()) {
      fmt::print(stderr, "Stopping: closing the stores. Workers keep what they have in work and go "
                         "on when the coordinator is started again.\n");
      return exit_ok;
    }
  }
}

int read_sockets(coordinator_arguments& args) {
  using control::right;
  for (const auto& [option, given, gives] :
       {std::tuple("--operators", &args.operators, right::operate),
        std::tuple("--viewers", &args.viewers, right::view)}) {
    if (given->empty())
      continue;
    auto socket = control::parse_group_socket(gives, *given);
    if (!socket) {
      fmt::print(stderr, "tenbit: {}: {}\n", option, printable(socket.error()));
      return exit_usage;
    }
    args.host.sockets.push_back(std::move(*socket));
  }
  return exit_ok;
}

int read_options(coordinator_arguments& args) {
  args.host.lease_ttl =
      std::chrono::milliseconds(static_cast<std::int64_t>(args.lease_ttl_s * 1e3));
  if (args.host.lease_ttl < limits::lease_ttl_min || args.host.lease_ttl > limits::lease_ttl_max) {
    fmt::print(stderr, "tenbit: --lease-ttl {}: write seconds from {} to {}\n", args.lease_ttl_s,
               limits::lease_ttl_min.count(), limits::lease_ttl_max.count());
    return exit_usage;
  }
  if (!args.disk_marks.empty())
    args.host.disk = {args.disk_marks[0], args.disk_marks[1], args.disk_marks[2]};
  if (!args.host.disk.valid()) {
    fmt::print(stderr,
               "tenbit: --disk-marks {}: write three percentages from 100 to 0, none above the one "
               "before it; 0 turns one off\n",
               fmt::join(args.disk_marks, ","));
    return exit_usage;
  }
  return read_sockets(args);
}

int run(coordinator_arguments& args) {
  ::umask(077);
  if (const int bad = read_options(args); bad != exit_ok)
    return bad;
  catch_stop_signals();
  auto host = cluster_host::start(args.host);
  if (!host) {
    fmt::print(stderr, "tenbit: {}\n", printable(host.error().message));
    return host.error().exit_code;
  }
  fmt::print(stderr, "Coordinator of {} at {}{}\n", args.host.dir, (*host)->address(),
             (*host)->http_port() < 0
                 ? std::string()
                 : fmt::format(", status at http://127.0.0.1:{}/metrics", (*host)->http_port()));
  std::set<std::string> submitted;
  if (const int bad = submit_all(**host, args, submitted); bad != exit_ok)
    return bad;
  const int code = watch(**host, args, submitted);
  host->reset();
  return code;
}

const command_registration coordinator_command(
    20, "coordinator", "Coordinate experiments over many workers.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<coordinator_arguments>();
      command.add_option("experiments", args->submit,
                         "Experiment files to start or go on with (others: tenbit ctl run submit)");
      command.add_option("--dir", args->host.dir, "Its folder: stores, keys, control socket")
          ->capture_default_str();
      command
          .add_option("--listen", args->host.listen,
                      "Where workers connect; port 0 takes a free one")
          ->capture_default_str();
      command.add_option("--http", args->host.http_port,
                         "Port on 127.0.0.1 for /metrics, /status and /healthz; 0 takes a free one "
                         "(default: none)");
      command
          .add_option("--lease-ttl", args->lease_ttl_s,
                      "Seconds without progress after which a task is given to another worker")
          ->capture_default_str();
      command
          .add_option("--disk-marks", args->disk_marks,
                      "Percent of free space at which to warn, to give out no task, and to take no "
                      "results from workers; 0: never [20,10,5]")
          ->delimiter(',')
          ->expected(3)
          ->type_name("WARN,GRANTS,RESULTS");
      command.add_option("--set", args->overrides, "Override a key of the experiments")
          ->expected(1)
          ->take_all();
      command
          .add_option("--operators", args->operators,
                      "Group and socket of those who may steer: pause, drain, limit, requeue")
          ->type_name("GROUP=PATH");
      command.add_option("--viewers", args->viewers, "Group and socket of those who may only look")
          ->type_name("GROUP=PATH");
      command.add_flag("--until-done", args->until_done, "End when all runs are over");
      command.add_flag("--quiet", args->quiet, "No progress lines");
      command.add_flag("--accept-rollback", args->host.accept_rollback,
                       "Go on although a store lost rows that were durable (they run again)");
      command.footer(
          "Examples:\n"
          "  tenbit coordinator examples/default.toml --until-done\n"
          "  tenbit keys enroll gpu1 --dir cluster/keys --roles solver   (then: tenbit worker)\n"
          "  tenbit ctl run list; tenbit top\n\n"
          "Exit codes with --until-done: 0 all done, 3 stopped with work left, 5 some failed.");
      return [args] { return run(*args); };
    });

} // namespace
} // namespace tenbit::cli

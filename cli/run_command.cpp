#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/finish.hpp"
#include "cli/progress.hpp"
#include "cli/run_session.hpp"
#include "cli/signals.hpp"

namespace tenbit::cli {
namespace {

struct run_arguments {
  std::string file;
  std::string store_dir;
  std::vector<std::string> overrides;
  std::uint32_t slots = 0;
  bool json = false;
  bool quiet = false;
  bool accept_rollback = false;
};

std::string go_on_command(const run_arguments& args, const std::string& dir) {
  std::string out = fmt::format("{} run {} --store {}", ::program_invocation_name, args.file, dir);
  for (const std::string& override : args.overrides)
    out += fmt::format(" --set '{}'", override);
  return out;
}

progress_style style_of(const run_arguments& args) {
  if (args.json)
    return progress_style::json;
  if (args.quiet)
    return progress_style::quiet;
  return ::isatty(STDERR_FILENO) != 0 ? progress_style::bar : progress_style::lines;
}

void watch(run_session& session, progress& shown) {
  bool told = false;
  auto next = run_clock::now();
  auto silent_since = next;
  for (;;) {
    const bool over = session.wait(std::chrono::milliseconds(100));
    if (stop_signals() > 0 && !told) {
      told = true;
      shown.clear();
      fmt::print(stderr, "\nStopping: finishing the calls on the wire and saving. "
                         "Ctrl-C again stops at once (what is committed stays).\n");
      session.stop("interrupted");
    }
    const auto now = run_clock::now();
    if (over || now >= next) {
      const auto models = session.models();
      shown.show(now, session.status(), models);
      next = now + limits::progress_period;
      // An outage is waited for; a model that never answered is more likely a wrong URL.
      const std::string silent = silent_model(models);
      silent_since = silent.empty() ? now : silent_since;
      if (!told && now - silent_since > limits::silent_model_patience) {
        told = true;
        session.stop(silent);
      }
    }
    if (over)
      return;
  }
}

int conclude(const run_status& status, const run_arguments& args, const std::string& dir) {
  if (status.phase == run_phase::broken && status.damaged)
    return complain("run", damaged_store(status.failure), exit_refused);
  if (status.phase == run_phase::broken) {
    fmt::print(stderr,
               "tenbit: the journal could not go on: {}\nEverything committed before is safe. When "
               "the cause is mended, go on with:\n  {}\n",
               status.failure, go_on_command(args, dir));
    return exit_failed;
  }
  if (const int shown = finish_run(dir, args.json); shown != exit_ok)
    return shown;
  const std::uint64_t left = status.tasks.pending + status.tasks.leased;
  if (left > 0) {
    fmt::print(stderr, "Stopped with {} of {} problems left: {}. Go on with:\n  {}\n", left,
               status.tasks_all, printable(status.stop_reason), go_on_command(args, dir));
    return exit_unfinished;
  }
  if (status.tasks.failed > 0) {
    fmt::print(stderr,
               "{} of {} problems failed, the last with: {}\nThey are not counted as wrong. Try "
               "them again with:\n  {}\n",
               status.tasks.failed, status.tasks_all, one_line(status.last_failure, 300),
               go_on_command(args, dir));
    return exit_incomplete;
  }
  return exit_ok;
}

int run(const run_arguments& args) {
  auto exp = load_experiment(args.file, args.overrides);
  if (!exp) {
    for (const config_problem& problem : exp.error())
      fmt::print(stderr, "{}\n", printable(problem.text()));
    return exit_usage;
  }
  auto items = load_benchmark(exp->benchmark);
  if (!items) {
    fmt::print(stderr, "tenbit: {}\n", printable(items.error()));
    return exit_usage;
  }
  const std::string dir =
      args.store_dir.empty() ? fmt::format("runs/{}", exp->name) : args.store_dir;
  const bool simulated = exp->simulated();
  const auto name = one_line(exp->name, limits::shown_name_chars_max);
  const auto arms = exp->arms.size();
  const auto problems = items->problems.size();
  catch_stop_signals();
  auto session = run_session::start(std::move(*exp), std::move(*items),
                                    {dir, args.slots, args.accept_rollback});
  if (!session) {
    fmt::print(stderr, "tenbit: {}\n", printable(session.error().message));
    return session.error().exit_code;
  }
  if (!args.quiet)
    fmt::print(stderr, "{} {}: {} problems, {} arms, store {}{}\n",
               (*session)->resumed() ? "Going on with" : "Running", name, problems, arms, dir,
               simulated ? "  [simulated models]" : "");
  progress shown(style_of(args), args.json ? stdout : stderr, simulated);
  watch(**session, shown);
  shown.clear();
  const run_status status = (*session)->status();
  if (status.phase == run_phase::broken)
    ::_exit(conclude(status, args, dir)); // the store must not be touched again by this process
  session->reset();
  return conclude(status, args, dir);
}

const command_registration run_command(
    10, "run", "Run an experiment, or go on with one that was stopped.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<run_arguments>();
      command.add_option("experiment", args->file, "The experiment file (TOML)")->required();
      command.add_option("--store", args->store_dir,
                         "Where calls, bits and outcomes are kept (default: runs/<name>)");
      command.add_option("--set", args->overrides, "Override a key: --set benchmark.count=20")
          ->expected(1)
          ->take_all();
      command.add_option("--slots", args->slots,
                         "Problems worked on at once (default: from the "
                         "models' concurrency)");
      command.add_flag("--json", args->json, "Progress and result as JSON lines on stdout");
      command.add_flag("--quiet", args->quiet, "No progress");
      command.add_flag("--accept-rollback", args->accept_rollback,
                       "Go on although the store lost rows that were durable (they run again)");
      command.footer(
          "Examples:\n"
          "  tenbit run examples/default.toml\n"
          "  tenbit run examples/default.toml --set benchmark.count=20 --store /tmp/try\n"
          "  tenbit run my.toml --json > progress.jsonl\n\n"
          "Ctrl-C finishes what is on the wire, saves, and prints the command that goes "
          "on.");
      return [args] { return run(*args); };
    });

} // namespace
} // namespace tenbit::cli

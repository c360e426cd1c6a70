// tenbit top: the state of a coordinator, drawn anew each second.
#include <fmt/format.h>
#include <memory>
#include <string>
#include <thread>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/top_screen.hpp"
#include "config/limits.hpp"
#include "control/control.hpp"
#include "control/status_json.hpp"
#include "control/text_table.hpp"

namespace tenbit::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto answer_patience = 3s; // a screen that cannot be left is worse than a missed second

struct top_arguments {
  std::string socket = "cluster/ctl.sock";
  bool once = false;
  bool json = false;
};

expected<std::string, std::string> ask_status(const std::string& socket) {
  auto answer = control::ask(socket, {.verb = "status", .args = {}, .reason = {}, .who = {}},
                             answer_patience);
  if (!answer)
    return fail(std::move(answer.error()));
  if (!answer->ok)
    return fail(std::move(answer->error));
  return std::move(answer->result);
}

int show_plain(const top_arguments& given, const std::string& json) {
  if (given.json) {
    fmt::print("{}\n", json);
  } else {
    const auto status = control::parse_status(json);
    if (!status)
      return complain("top", status.error());
    if (given.once)
      for (const auto& line : control::top_view(*status, {}))
        fmt::print("{}\n", line);
    else
      fmt::print("{}\n", control::top_line(*status));
  }
  return std::fflush(stdout) == 0 ? exit_ok : complain("top", "cannot write the status");
}

// One line a second, until the coordinator is gone or nobody reads.
int run_plain(const top_arguments& given) {
  for (;;) {
    const auto json = ask_status(given.socket);
    if (!json)
      return complain("top", json.error());
    if (const int code = show_plain(given, *json); code != exit_ok || given.once)
      return code;
    std::this_thread::sleep_for(limits::cluster_status_period);
  }
}

// The last snapshot stays on the screen while the coordinator does not answer.
int run_screen(const top_arguments& given, top_screen& screen, std::string json) {
  std::string problem;
  for (;;) {
    const auto status = control::parse_status(json);
    if (!status)
      problem = status.error();
    std::vector<std::string> lines;
    const auto size = screen.size();
    if (!problem.empty())
      lines.push_back(
          control::fit("NOT ANSWERING: " + one_line(problem, size.columns), size.columns));
    if (status) {
      const auto view = control::top_view(
          *status, {size.columns, size.rows > lines.size() + 1 ? size.rows - lines.size() : 1});
      lines.insert(lines.end(), view.begin(), view.end());
    }
    screen.draw(lines);
    switch (screen.wait(limits::cluster_status_period)) {
    case top_screen::event::quit:
      return exit_ok;
    case top_screen::event::resized:
      continue;
    case top_screen::event::tick:
      break;
    }
    auto next = ask_status(given.socket);
    problem = next ? std::string() : next.error();
    if (next)
      json = std::move(*next);
  }
}

int run_top(const top_arguments& given) {
  if (given.once || given.json)
    return run_plain(given);
  auto first = ask_status(given.socket);
  if (!first)
    return complain("top", first.error());
  const auto screen = top_screen::open();
  return screen ? run_screen(given, *screen, std::move(*first)) : run_plain(given);
}

const command_registration top_command(
    31, "top", "Watch a running coordinator: runs, workers, endpoints, health.",
    [](CLI::App& command) {
      auto given = std::make_shared<top_arguments>();
      command.add_option("--socket", given->socket, "Control socket of the coordinator")
          ->envname("TENBIT_SOCKET")
          ->capture_default_str();
      command.add_flag("--once", given->once, "Show it once and end");
      command.add_flag("--json", given->json, "One JSON object a second");
      command.footer("Drawn anew each second; q or Ctrl-C ends. Plain lines when the output is no "
                     "terminal.\n\nExamples:\n"
                     "  tenbit top\n"
                     "  tenbit top --once\n"
                     "  tenbit top --json | jq '.runs[] | {name, eta_s}'");
      return [given] { return run_top(*given); };
    });

} // namespace
} // namespace tenbit::cli

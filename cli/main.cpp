#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"

namespace tenbit::cli {
namespace {

struct registered {
  int order;
  const char* name;
  const char* help;
  command_setup setup;
};

std::vector<registered>& registry() {
  static std::vector<registered> commands;
  return commands;
}

// One line that says which command did not understand, and where its help is.
std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  std::string command = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return command + ": " + printable(error.what()) + "; see " + command + " --help\n";
}

int main_program(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // a closed pipe or socket is an error value, not the end of a run
  CLI::App app("tenbit runs compression experiments between language models and proves every bit "
               "it counts.",
               "tenbit");
  app.set_version_flag("--version", "tenbit 0.1.0");
  app.require_subcommand(1);
  app.failure_message(usage_error);
  app.footer(
      "Start here:\n  tenbit run examples/default.toml\n  tenbit COMMAND --help\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage or experiment file, 3 stopped with work "
      "left,\n4 store refused, 5 some problems failed, 6 verify or decode found a difference.");
  std::sort(registry().begin(), registry().end(),
            [](const registered& a, const registered& b) { return a.order < b.order; });
  int result = exit_ok;
  for (auto& entry : registry()) {
    CLI::App* command = app.add_subcommand(entry.name, entry.help);
    auto action = entry.setup(*command);
    command->callback([action = std::move(action), &result] { result = action(); });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  return result;
}

} // namespace

int complain(std::string_view command, std::string_view message, int code) {
  fmt::print(stderr, "tenbit {}: {}\n", command, printable(message));
  return code;
}

std::string damaged_store(const std::string& failure) {
  return fmt::format("what was committed does not hold any more: {}\nStopped, so that nothing is "
                     "built on it. 'tenbit verify --store' lists all damage; go on from a copy.",
                     failure);
}

command_registration::command_registration(int order, const char* name, const char* help,
                                           command_setup setup) {
  registry().push_back({order, name, help, std::move(setup)});
}

} // namespace tenbit::cli

int main(int argc, char** argv) {
  try {
    return tenbit::cli::main_program(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tenbit: internal error: %s\n", error.what());
    return tenbit::cli::exit_failed;
  }
}

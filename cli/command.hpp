// A subcommand registers itself: a file cli/<name>_command.cpp with one static
// command_registration.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace tenbit::cli {

// Exit codes, the same for all commands; README.md lists them.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,     // the operation failed (a message says what and how to go on)
  exit_usage = 2,      // wrong command line or experiment file
  exit_unfinished = 3, // stopped in good order with work left: Ctrl-C or budget
  exit_refused = 4,    // store locked, corrupt, rolled back, or of another experiment
  exit_incomplete = 5, // finished, but some problems failed
  exit_mismatch = 6,   // verify or decode found a difference
};

// "tenbit COMMAND: MESSAGE" on standard error, made safe for a terminal; returns the code.
int complain(std::string_view command, std::string_view message, int code = exit_failed);

// What a run or coordinator says when something committed does not hold any more.
[[nodiscard]] std::string damaged_store(const std::string& failure);

// Adds options to `command` and returns what runs when it is chosen; the result is an exit code.
using command_setup = std::function<std::function<int()>(CLI::App& command)>;

struct command_registration {
  // order: position in --help. Help text is one sentence; add examples with command.footer().
  command_registration(int order, const char* name, const char* help, command_setup setup);
};

} // namespace tenbit::cli

// tenbit ctl: what an operator asks of a coordinator, over its socket.
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "control/render.hpp"
#include "control/status_json.hpp"
#include "control/verbs.hpp"

namespace tenbit::cli {
namespace {

namespace fs = std::filesystem;

struct ctl_arguments {
  std::string socket = "cluster/ctl.sock";
  bool json = false;
  control::request request;
  std::map<std::string, bool> flags;     // those that stand in for "true"
  std::string noun;                      // "run" of "run list"
  const control::verb* chosen = nullptr; // null: what was typed is none
};

std::size_t terminal_columns() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
    return size.ws_col;
  return 0; // not a terminal: nothing is cut
}

// Paths mean what they mean here, wherever the coordinator runs.
status<std::string> make_absolute(const control::verb_arg& arg, std::string& value) {
  std::error_code error;
  const auto full = fs::absolute(value, error);
  if (error)
    return fail(fmt::format("cannot make {} absolute: {}", value, error.message()));
  value = full.lexically_normal().string();
  if (arg.name == "file" && !fs::is_regular_file(value, error))
    return fail(fmt::format("there is no file {}", value));
  return {};
}

status<std::string> complete(ctl_arguments& given, const std::vector<std::string>& extras) {
  auto& request = given.request;
  if (given.chosen == nullptr) { // what was typed names no verb: the check says which are near
    request.verb = given.noun + (given.noun.empty() || extras.empty() ? "" : " ") +
                   (extras.empty() ? "" : extras.front());
    return control::check_request(request);
  }
  if (!extras.empty()) // a misspelt --dry-run must not be passed over
    return fail(fmt::format("\"{}\" was not expected; see tenbit ctl {} --help", extras.front(),
                            given.chosen->name));
  request.verb = given.chosen->name;
  for (const auto& arg : given.chosen->args) {
    const std::string name(arg.name);
    if (arg.kind == control::arg_kind::flag && given.flags[name])
      request.args[name] = {"true"};
    if (arg.kind == control::arg_kind::path && request.args.contains(name))
      for (auto& value : request.args[name])
        if (auto made = make_absolute(arg, value); !made)
          return made;
  }
  return control::check_request(request);
}

// What of a list a person wants to see; --json has everything.
std::string brief(const std::string& verb, const std::string& result) {
  static const std::map<std::string, std::vector<const char*>> columns = {
      {"run list",
       {"name", "phase", "priority", "paused", "tasks", "tasks_all", "per_second_1m", "eta_s",
        "ledger_difference", "waiting_for", "stop_reason"}},
      {"endpoint list",
       {"worker", "model", "url", "breaker", "in_flight", "limit", "queued", "answered", "retried",
        "failed", "first_byte_p99_ms", "total_p50_ms", "total_p99_ms"}}};
  static const std::vector<const char*> of_tasks = {"done", "leased", "pending", "failed",
                                                    "quarantined"};
  const auto wanted = columns.find(verb);
  auto rows = nlohmann::ordered_json::parse(result, nullptr, false);
  if (wanted == columns.end() || !rows.is_array())
    return result;
  auto out = nlohmann::ordered_json::array();
  for (const auto& row : rows) {
    nlohmann::ordered_json shown;
    for (const char* name : wanted->second) {
      if (!row.contains(name))
        continue;
      if (row.at(name).is_object())
        for (const char* part : of_tasks)
          shown[part] = row.at(name).value(part, 0);
      else
        shown[name] = row.at(name);
    }
    out.push_back(std::move(shown));
  }
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string human(const ctl_arguments& given, const control::reply& answer) {
  if (given.chosen->name == "status")
    if (const auto status = control::parse_status(answer.result)) {
      std::string out;
      for (const auto& line : control::top_view(*status, {terminal_columns(), 0}))
        out += line + "\n";
      return out;
    }
  return control::render_result(brief(std::string(given.chosen->name), answer.result),
                                terminal_columns());
}

int run_ctl(ctl_arguments& given, const std::vector<std::string>& extras) {
  if (auto ready = complete(given, extras); !ready)
    return complain("ctl", ready.error(), exit_usage);
  const auto answer = control::ask(given.socket, given.request);
  if (!answer)
    return complain("ctl", answer.error(), exit_failed);
  if (!answer->ok)
    return complain("ctl", answer->error, exit_failed);
  if (!answer->error.empty()) // it was done, and yet
    fmt::print(stderr, "tenbit ctl: {}\n", printable(answer->error));
  if (given.json)
    fmt::print("{}\n", answer->result);
  else
    fmt::print("{}{}", given.request.dry_run ? "dry run, nothing was changed\n" : "",
               human(given, *answer));
  if (std::fflush(stdout) != 0)
    return complain("ctl", "cannot write the result", exit_failed);
  return exit_ok;
}

// What must be given stands in its place; the rest are options.
void add_argument(CLI::App& command, const control::verb_arg& arg,
                  const std::shared_ptr<ctl_arguments>& given) {
  const std::string name(arg.name), help(arg.help);
  if (arg.kind == control::arg_kind::flag) {
    command.add_flag("--" + name, given->flags[name], help);
    return;
  }
  if (arg.many) {
    command
        .add_option_function<std::vector<std::string>>(
            "--" + name, [given, name](const auto& values) { given->request.args[name] = values; },
            help)
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
    return;
  }
  std::string shown = "--" + name;
  if (arg.required) {
    shown = name;
    for (char& c : shown)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  command
      .add_option_function<std::string>(
          shown, [given, name](const std::string& value) { given->request.args[name] = {value}; },
          help)
      ->required(arg.required);
}

// Each verb has its own subcommand, and only the chosen one parses into the request.
void add_verbs(CLI::App& command, const std::shared_ptr<ctl_arguments>& given) {
  const std::map<std::string, const char*> nouns = {{"run", "Experiments of the coordinator."},
                                                    {"worker", "Processes that do the tasks."},
                                                    {"endpoint", "Replicas that models answer at."},
                                                    {"task", "One problem of a run."}};
  std::map<std::string, CLI::App*> parents;
  for (const auto& verb : control::verbs()) {
    const std::string name(verb.name);
    const auto space = name.find(' ');
    CLI::App* parent = &command;
    if (space != std::string::npos) {
      auto& at = parents[name.substr(0, space)];
      if (at == nullptr) {
        at = command.add_subcommand(name.substr(0, space), nouns.at(name.substr(0, space)));
        at->fallthrough();
        at->footer("");
        at->callback([given, noun = at->get_name()] { given->noun = noun; });
      }
      parent = at;
    }
    auto* added = parent->add_subcommand(space == std::string::npos ? name : name.substr(space + 1),
                                         std::string(verb.help));
    added->fallthrough(); // --json and the like may stand behind the verb
    for (const auto& arg : verb.args)
      add_argument(*added, arg, given);
    added->footer(fmt::format("Also: --json, --socket PATH{}{}\nRight: {}, because {}.",
                              verb.changes ? ", --dry-run" : "",
                              verb.needs_reason ? ", and --reason TEXT, which it needs"
                              : verb.changes    ? ", --reason TEXT"
                                                : "",
                              to_string(verb.needs.least), verb.needs.why));
    const auto* chosen = &verb;
    added->callback([given, chosen] { given->chosen = chosen; });
  }
}

const command_registration ctl_command(
    30, "ctl", "Control a running coordinator: runs, workers, endpoints, tasks.",
    [](CLI::App& command) {
      auto given = std::make_shared<ctl_arguments>();
      command.add_option("--socket", given->socket, "Control socket of the coordinator")
          ->envname("TENBIT_SOCKET")
          ->capture_default_str();
      command.add_flag("--json", given->json, "Print the result as it is");
      command.add_flag("--dry-run", given->request.dry_run, "Say what would be done");
      command.add_option("--reason", given->request.reason,
                         "Why, for the audit log; some verbs need it");
      command.allow_extras();
      add_verbs(command, given);
      command.footer("Examples:\n"
                     "  tenbit ctl run submit examples/default.toml --priority 5\n"
                     "  tenbit ctl run list\n"
                     "  tenbit ctl worker drain gpu-07 --reason \"fan is broken\"\n"
                     "  tenbit ctl endpoint limit http://gpu-07:8000/v1 64\n"
                     "  tenbit ctl task show default 17 --json\n"
                     "  tenbit ctl run cancel default --reason \"wrong prompt\" --dry-run");
      return [given, &command] { return run_ctl(*given, command.remaining(true)); };
    });

} // namespace
} // namespace tenbit::cli

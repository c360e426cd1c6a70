#include "control/verbs.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"

namespace tenbit::control {
namespace {

constexpr verb_arg arg_run{"run", arg_kind::text, true, false, "Name of the run"};
constexpr verb_arg arg_problem{"problem", arg_kind::number, true, false, "Its index from 0"};
constexpr verb_arg arg_worker{"worker", arg_kind::text, true, false, "Name of its key"};
constexpr verb_arg arg_of_worker{"worker", arg_kind::text, false, false,
                                 "Only as this worker calls it; otherwise all workers"};
constexpr verb_arg arg_url{"url", arg_kind::text, true, false, "URL of the replica"};
constexpr bool change = true, look = false, reason_wanted = true, no_reason = false;

constexpr need shows{right::view, "it changes nothing"};
constexpr need steers{right::operate, "it can be undone, and no work is lost"};
constexpr need reads_all{right::operate, "it reads a whole store, beside those who work with it"};
constexpr need copies{right::operate, "it writes into the coordinator's own folder alone"};
constexpr need any_file{right::admin, "it reads or writes any file as the coordinator's user"};
constexpr need costs{right::admin, "work that was paid for may be lost, or paid for again"};
constexpr need drops{right::admin, "it takes a problem out of the run"};
constexpr need ends{right::admin, "it ends the work of everybody"};

std::vector<verb> run_verbs() {
  return {
      {"run submit",
       {{"file", arg_kind::path, true, false, "Experiment file (TOML)"},
        {"store", arg_kind::path, false, false, "Folder of the run"},
        {"priority", arg_kind::integer, false, false, "Higher first; 0 unless given"},
        {"set", arg_kind::text, false, true, "key=value over the file; may be repeated"}},
       change,
       no_reason,
       lane::changes,
       any_file,
       "Start an experiment, or go on with it."},
      {"run list", {}, look, no_reason, lane::looks, shows, "List the runs."},
      {"run pause",
       {arg_run, {"now", arg_kind::flag, false, false, "Hand back what is in work, too"}},
       change,
       no_reason,
       lane::changes,
       steers,
       "Give out no new tasks of a run."},
      {"run resume",
       {arg_run},
       change,
       no_reason,
       lane::changes,
       steers,
       "Give out its tasks again."},
      {"run cancel",
       {arg_run},
       change,
       reason_wanted,
       lane::changes,
       costs,
       "Hand back what is in work and end the run; submit goes on with it."},
      {"run limit",
       {arg_run, {"leases", arg_kind::number, true, false, "Tasks at once; 0: no limit"}},
       change,
       no_reason,
       lane::changes,
       steers,
       "Bound how many of its tasks are in work at once."},
      {"run priority",
       {arg_run, {"priority", arg_kind::integer, true, false, "Higher first"}},
       change,
       no_reason,
       lane::changes,
       steers,
       "Change which run is served first."},
  };
}

std::vector<verb> peer_verbs() {
  const verb_arg limit{"concurrency", arg_kind::number, true, false, "Calls at once"};
  const std::vector<verb_arg> replica = {arg_of_worker, arg_url};
  return {
      {"worker list", {}, look, no_reason, lane::looks, shows, "List the workers."},
      {"worker drain",
       {arg_worker},
       change,
       reason_wanted,
       lane::changes,
       steers,
       "Give a worker no new tasks; it finishes what it has."},
      {"worker undrain",
       {arg_worker},
       change,
       no_reason,
       lane::changes,
       steers,
       "Give it tasks again."},
      {"worker kick",
       {arg_worker},
       change,
       reason_wanted,
       lane::changes,
       costs,
       "Take what it holds at once and end its connection; drain it first to keep it out."},
      {"endpoint list", {}, look, no_reason, lane::looks, shows, "List the endpoints by replica."},
      {"endpoint pause", replica, change, no_reason, lane::changes, steers,
       "Start no new calls to it."},
      {"endpoint resume", replica, change, no_reason, lane::changes, steers, "Call it again."},
      {"endpoint limit",
       {arg_of_worker, arg_url, limit},
       change,
       no_reason,
       lane::changes,
       steers,
       "Bound the calls to it at once."},
  };
}

std::vector<verb> task_verbs() {
  const std::vector<verb_arg> task = {arg_run, arg_problem};
  return {
      {"task show", task, look, no_reason, lane::looks, shows, "Show the state of a task."},
      {"task requeue", task, change, reason_wanted, lane::changes, steers,
       "Make a failed, cancelled or quarantined task pending again."},
      {"task release", task, change, reason_wanted, lane::changes, steers,
       "The same, and forget how often it failed."},
      {"task quarantine", task, change, reason_wanted, lane::changes, drops,
       "Give it out no more."},
      {"checkpoint",
       {{"run", arg_kind::text, false, false, "Name of the run; otherwise all"}},
       change,
       no_reason,
       lane::slow,
       copies,
       "Make an openable copy of the store beside it."},
      {"verify", {arg_run}, look, no_reason, lane::slow, reads_all, "Check the store of a run."},
      {"export",
       {arg_run,
        {"out", arg_kind::path, true, false,
         "File, as the coordinator sees it; whole or not at all"}},
       change,
       no_reason,
       lane::slow,
       any_file,
       "Write the canonical results of a run so far, as tenbit export does."},
      {"status", {}, look, no_reason, lane::looks, shows, "Show everything at once."},
      {"stop",
       {},
       change,
       no_reason,
       lane::changes,
       ends,
       "End the coordinator in good order; tasks in work wait for its restart."},
  };
}

std::string list_of(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names)
    out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

// The nearest verb, then those that share a word with what was typed, at most four.
std::string unknown_verb(std::string_view typed) {
  std::vector<std::string_view> names, near;
  for (const auto& one : verbs())
    names.push_back(one.name);
  if (const auto best = nearest(typed, names); !best.empty())
    near.push_back(best);
  // A noun alone, or nothing: what may follow it.
  std::vector<std::string_view> second_words;
  for (const auto name : names)
    if (!typed.empty() && name.starts_with(std::string(typed) + " "))
      second_words.push_back(name.substr(typed.size() + 1));
  if (!second_words.empty())
    return fmt::format("\"{}\" needs a verb: {}", typed, list_of(second_words));
  if (typed.empty())
    return "say what to do: " + list_of(names);
  const auto noun = typed.substr(0, typed.find(' '));
  const auto second = typed.find(' ') == std::string_view::npos ? std::string_view{}
                                                                : typed.substr(typed.find(' ') + 1);
  for (const auto name : names) {
    const auto has = [&](std::string_view word) {
      return !word.empty() && (name == word || name.starts_with(std::string(word) + " ") ||
                               name.ends_with(" " + std::string(word)));
    };
    if ((has(noun) || has(second)) && std::find(near.begin(), near.end(), name) == near.end())
      near.push_back(name);
  }
  near.resize(std::min<std::size_t>(near.size(), 4));
  return fmt::format("there is no verb \"{}\"; {}{}", one_line(typed, limits::shown_name_chars_max),
                     near.empty() ? "verbs are: " : "did you mean: ",
                     near.empty() ? list_of(names) : list_of(near));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// What is wrong with a text of any kind; empty: nothing.
std::string text_problem(std::string_view text) {
  if (text.size() > limits::config_text_bytes_max)
    return fmt::format("is longer than {} bytes", limits::config_text_bytes_max);
  if (!valid_utf8(text))
    return "is not valid UTF-8";
  if (has_control(text))
    return "holds a control character; it must be one line of text";
  return {};
}

template <class Number> bool is_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string value_problem(const verb_arg& arg, std::string_view value) {
  if (auto problem = text_problem(value); !problem.empty())
    return problem;
  switch (arg.kind) {
  case arg_kind::text:
    return value.empty() ? "is empty" : "";
  case arg_kind::path:
    return value.starts_with('/') ? "" : "is not an absolute path";
  case arg_kind::number:
    return is_number<std::uint32_t>(value) ? "" : "is not a number from 0 to 4294967295";
  case arg_kind::integer:
    return is_number<std::int32_t>(value) ? "" : "is not a whole number";
  case arg_kind::flag:
    return value == "true" || value == "false" ? "" : "is neither true nor false";
  }
  TENBIT_ASSERT(false);
}

std::string usage(const verb& of) {
  std::string out(of.name);
  for (const auto& arg : of.args)
    out += (arg.required ? " " : " [") + std::string(arg.name) + (arg.many ? "…" : "") +
           (arg.required ? "" : "]");
  return out;
}

status<std::string> check_arg(const verb& of, const std::string& name,
                              const std::vector<std::string>& values) {
  const auto known = std::find_if(of.args.begin(), of.args.end(),
                                  [&](const verb_arg& arg) { return arg.name == name; });
  if (known == of.args.end())
    return fail(fmt::format("\"{}\" takes no \"{}\"{}; usage: {}", of.name,
                            one_line(name, limits::shown_name_chars_max),
                            name == "reason" ? " (it stands beside the arguments)" : "",
                            usage(of)));
  if (values.size() > (known->many ? limits::overrides_max : 1))
    return fail(fmt::format("\"{}\" takes at most {} \"{}\", not {}", of.name,
                            known->many ? limits::overrides_max : 1, name, values.size()));
  for (const auto& value : values)
    if (auto problem = value_problem(*known, value); !problem.empty())
      return fail(fmt::format("{} \"{}\" {}", name, one_line(value, limits::shown_name_chars_max),
                              problem));
  return {};
}

} // namespace

const std::vector<verb>& verbs() {
  static const std::vector<verb> table = [] {
    std::vector<verb> all = run_verbs();
    for (auto& part : {peer_verbs(), task_verbs()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return table;
}

const verb* find_verb(std::string_view name) {
  const auto& all = verbs();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const verb& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string_view to_string(right which) {
  switch (which) {
  case right::view:
    return "view";
  case right::operate:
    return "operate";
  case right::admin:
    return "admin";
  }
  TENBIT_ASSERT(false);
}

bool changes_something(const std::string& verb) {
  const auto* found = find_verb(verb);
  return found != nullptr && found->changes;
}

status<std::string> check_request(const request& r) {
  const verb* of = find_verb(r.verb);
  if (of == nullptr)
    return fail(unknown_verb(r.verb));
  for (const auto& [name, values] : r.args)
    if (auto checked = check_arg(*of, name, values); !checked)
      return checked;
  for (const auto& arg : of->args) {
    const auto given = r.args.find(std::string(arg.name));
    if (arg.required && (given == r.args.end() || given->second.empty()))
      return fail(fmt::format("\"{}\" needs \"{}\"; usage: {}", of->name, arg.name, usage(*of)));
  }
  if (auto problem = text_problem(r.reason); !problem.empty())
    return fail("the reason " + problem);
  if (of->needs_reason && trim(r.reason).empty())
    return fail(
        fmt::format("\"{}\" needs a reason for the audit log; add --reason TEXT", of->name));
  return {};
}

} // namespace tenbit::control

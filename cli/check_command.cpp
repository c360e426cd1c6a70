#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "benchmarks/benchmark.hpp"
#include "cli/command.hpp"
#include "config/estimate.hpp"
#include "config/limits.hpp"

namespace tenbit::cli {
namespace {

struct check_arguments {
  std::string file;
  std::vector<std::string> overrides;
  bool json = false;
};

// All that check knows of a right experiment.
struct checked {
  experiment exp;
  std::size_t problems = 0;
  double problem_tokens = 0; // mean, at four bytes a token
  call_estimate calls;
  bool priced = false;
  double money = 0; // in all
};

std::string shown(std::string_view text) {
  return one_line(text, limits::shown_name_chars_max);
}

checked measure(experiment exp, const benchmark& items) {
  checked out;
  out.problems = items.problems.size();
  double bytes = 0;
  for (const problem& item : items.problems)
    bytes += static_cast<double>(item.question.size());
  out.problem_tokens = bytes / 4 / std::max<double>(1, static_cast<double>(items.problems.size()));
  out.calls = estimate_calls(exp);
  out.priced = std::any_of(exp.models.begin(), exp.models.end(), [](const model_spec& model) {
    return model.price_input > 0 || model.price_output > 0;
  });
  out.money = estimate_money(exp, out.calls, out.problem_tokens) *
              static_cast<double>(out.problems) * exp.trials;
  out.exp = std::move(exp);
  return out;
}

std::uint64_t calls_in_all(const checked& c) {
  return c.calls.calls * c.problems * c.exp.trials;
}

std::string served_by(const model_spec& model) {
  if (model.replicas.empty())
    return "embedded simulator";
  std::string out;
  for (const std::string& url : model.replicas)
    out += (out.empty() ? "" : ", ") + shown(url);
  return out;
}

// Rows of cells in columns as wide as their widest cell; the last is not padded.
void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths.resize(std::max(widths.size(), row.size()), 0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += i + 1 == row.size() ? fmt::format(" {}", row[i])
                                  : fmt::format(" {:<{}} ", row[i], widths[i]);
    fmt::print("{}\n", line);
  }
}

void print_models(const experiment& e) {
  fmt::print("\nModels\n");
  std::vector<std::vector<std::string>> rows;
  for (const model_spec& model : e.models)
    rows.push_back({model.alias, std::string(to_string(model.kind)), shown(model.model),
                    fmt::format("{} in flight", model.concurrency), served_by(model)});
  print_table(rows);
  for (const model_spec& model : e.models)
    if (!model.api_key_env.empty() && std::getenv(model.api_key_env.c_str()) == nullptr)
      fmt::print("  note: {} needs the environment variable {}, which is not set here\n",
                 model.alias, model.api_key_env);
}

void print_arms(const checked& c) {
  fmt::print("\nArms\n");
  std::vector<std::vector<std::string>> rows{
      {"arm", "method", "solver", "answerer", "calls a problem"}};
  for (std::size_t i = 0; i < c.exp.arms.size(); ++i) {
    const arm_spec& arm = c.exp.arms[i];
    const arm_estimate& estimate = c.calls.arms[i];
    std::string calls = fmt::format("{} = {}", estimate.calls, estimate.formula);
    if (estimate.shared > 0)
      calls += fmt::format(" ({} shared with arms above)", estimate.shared);
    std::string answerer = arm.answerer.empty() ? "-" : arm.answerer;
    if (arm.method == method_kind::qa)
      answerer += fmt::format(", {}", to_string(arm.reference));
    rows.push_back({shown(arm.name), std::string(to_string(arm.method)), arm.solver,
                    std::move(answerer), std::move(calls)});
  }
  print_table(rows);
}

void print_budget(const checked& c) {
  const experiment& e = c.exp;
  if (c.priced)
    fmt::print("  about {:.2f} {} at the given prices, if a solution takes 250 tokens, a list of "
               "questions 300\n  and a problem {:.0f}\n",
               c.money, shown(e.currency), c.problem_tokens);
  if (e.budget.calls && *e.budget.calls < calls_in_all(c))
    fmt::print("  note: the budget of {} calls may stop the run before its end\n", *e.budget.calls);
  if (e.budget.money && *e.budget.money < c.money)
    fmt::print("  note: the budget of {:.2f} {} may stop the run before its end\n", *e.budget.money,
               shown(e.currency));
}

void print_summary(const checked& c) {
  const experiment& e = c.exp;
  fmt::print("{}: right. Profile {}, seed {}, {} trial{}{}\n", shown(e.name), to_string(e.profile),
             e.seed, e.trials, e.trials == 1 ? "" : "s", e.simulated() ? ", simulated models" : "");
  fmt::print("\nBenchmark\n  {}, {} problems from number {}", to_string(e.benchmark.kind),
             c.problems, e.benchmark.first);
  switch (e.benchmark.kind) {
  case benchmark_kind::arith:
    fmt::print(", level {}, seed {}\n", e.benchmark.level, e.benchmark.seed);
    break;
  case benchmark_kind::gsm8k:
    fmt::print(", from {}\n", printable(e.benchmark.file));
    break;
  }
  print_models(e);
  print_arms(c);
  fmt::print("\nWork\n  {} tasks (one for each problem), at most {} calls for each problem and "
             "trial{}\n  {} calls in all = {} problems x {} trial{} x {} calls, without retries\n",
             c.problems, c.calls.calls,
             e.switches.fresh_calls ? "; nothing is shared between arms (switches.fresh_calls)"
                                    : ", each paid once though arms share it",
             calls_in_all(c), c.problems, e.trials, e.trials == 1 ? "" : "s", c.calls.calls);
  print_budget(c);
  fmt::print("\nRun it: tenbit run {}\n", printable(e.source_path));
}

void print_json(const checked& c) {
  const experiment& e = c.exp;
  auto models = nlohmann::json::array();
  for (const model_spec& model : e.models)
    models.push_back({{"alias", model.alias},
                      {"kind", to_string(model.kind)},
                      {"model", model.model},
                      {"replicas", model.replicas},
                      {"concurrency", model.concurrency}});
  auto arms = nlohmann::json::array();
  for (std::size_t i = 0; i < e.arms.size(); ++i)
    arms.push_back({{"name", e.arms[i].name},
                    {"method", to_string(e.arms[i].method)},
                    {"solver", e.arms[i].solver},
                    {"answerer", e.arms[i].answerer},
                    {"calls", c.calls.arms[i].calls},
                    {"shared", c.calls.arms[i].shared},
                    {"formula", c.calls.arms[i].formula}});
  nlohmann::json out = {{"ok", true},
                        {"name", e.name},
                        {"profile", to_string(e.profile)},
                        {"simulated", e.simulated()},
                        {"benchmark", to_string(e.benchmark.kind)},
                        {"problems", c.problems},
                        {"trials", e.trials},
                        {"models", std::move(models)},
                        {"arms", std::move(arms)},
                        {"calls_per_problem_and_trial", c.calls.calls},
                        {"calls_max", calls_in_all(c)},
                        {"identity", e.identity_hash().hex()}};
  if (c.priced)
    out["money_estimate"] = {{"amount", c.money}, {"currency", e.currency}};
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

int refuse(const check_arguments& args, const std::vector<config_problem>& problems) {
  if (args.json) {
    auto list = nlohmann::json::array();
    for (const config_problem& p : problems)
      list.push_back({{"file", p.file},
                      {"line", p.line},
                      {"field", p.field},
                      {"message", p.message},
                      {"mend", p.mend}});
    const nlohmann::json out = {{"ok", false}, {"problems", std::move(list)}};
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return exit_usage;
  }
  for (const config_problem& problem : problems)
    fmt::print(stderr, "{}\n", printable(problem.text()));
  fmt::print(stderr, "tenbit: {} problem{} in {}\n", problems.size(),
             problems.size() == 1 ? "" : "s", printable(args.file));
  return exit_usage;
}

int check(const check_arguments& args) {
  auto exp = load_experiment(args.file, args.overrides);
  if (!exp)
    return refuse(args, exp.error());
  const auto items = load_benchmark(exp->benchmark);
  if (!items)
    return refuse(args, {{args.file, 0, "benchmark", items.error(), ""}});
  const checked result = measure(std::move(*exp), *items);
  if (args.json)
    print_json(result);
  else
    print_summary(result);
  return exit_ok;
}

const command_registration check_command(
    20, "check", "Check an experiment file and say what running it takes; no model is called.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<check_arguments>();
      command.add_option("experiment", args->file, "The experiment file (TOML)")->required();
      command.add_option("--set", args->overrides, "Override a key: --set benchmark.count=20")
          ->expected(1)
          ->take_all();
      command.add_flag("--json", args->json, "The summary or the problems as JSON on stdout");
      command.footer(
          "Examples:\n"
          "  tenbit check examples/default.toml\n"
          "  tenbit check my.toml --set arms.0.questions=5 --set models.small.concurrency=8\n"
          "  tenbit check my.toml --json\n\n"
          "Exit code 2 when the file or its dataset has problems; all are shown at once.");
      return [args] { return check(*args); };
    });

} // namespace
} // namespace tenbit::cli

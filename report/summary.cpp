#include "report/summary.hpp"

#include <fmt/format.h>
#include <utility>

#include "report/accumulate.hpp"
#include "report/store_scan.hpp"

namespace tenbit::report {

namespace {

void count(task_counts& counts, task_status status) {
  ++counts.total;
  switch (status) {
  case task_status::pending:
    ++counts.pending;
    return;
  case task_status::done:
    ++counts.done;
    return;
  case task_status::failed:
    ++counts.failed;
    return;
  case task_status::quarantined:
    ++counts.quarantined;
    return;
  case task_status::cancelled:
    ++counts.cancelled;
    return;
  }
  assertion_failed("task_status", __FILE__, __LINE__);
}

std::vector<std::string> names_of(const protocol_switches& s) {
  const std::pair<const char*, bool> all[] = {
      {"unset_sampling", s.unset_sampling},
      {"hide_draft_from_solver", s.hide_draft_from_solver},
      {"hide_draft_from_answerer", s.hide_draft_from_answerer},
      {"pad_questions", s.pad_questions},
      {"unknown_answers", s.unknown_answers},
      {"loose_question_regex", s.loose_question_regex},
      {"fresh_calls", s.fresh_calls},
      {"authors_grading", s.authors_grading},
      {"failed_is_wrong", s.failed_is_wrong},
  };
  std::vector<std::string> names;
  for (const auto& [name, on] : all)
    if (on)
      names.emplace_back(name);
  return names;
}

} // namespace

expected<experiment, report_failure> experiment_of(const store& source, const std::string& dir) {
  auto parsed = parse_experiment(source.manifest().experiment_toml, dir + " (manifest)", {},
                                 file_check::skipped);
  if (parsed)
    return std::move(*parsed);
  const std::string first = parsed.error().empty() ? "no reason given" : parsed.error()[0].text();
  return fail(report_failure{
      report_error::refused,
      fmt::format("{}: the experiment in the manifest cannot be read: {}", dir, first)});
}

expected<run_summary, report_failure> summarize(const store& source, const experiment& exp,
                                                const summary_options& options) {
  run_summary result;
  const store_manifest& manifest = source.manifest();
  result.name = manifest.name;
  result.identity = manifest.identity.hex();
  result.profile = exp.profile;
  result.switches = names_of(exp.switches);
  result.simulated = manifest.simulated || exp.simulated();
  result.failed_is_wrong = exp.switches.failed_is_wrong;
  result.by_trial = options.by_trial;
  result.currency = exp.currency;
  result.trials = exp.trials;

  run_accumulator counts(exp, options.by_trial);
  const auto scanned = for_each_task(
      source, exp, [&](problem_index, const task_state& state, const task_view& view) {
        count(result.tasks, state.status);
        counts.add(view);
        return true;
      });
  if (!scanned)
    return fail(scanned.error());
  counts.finish(result);
  return result;
}

} // namespace tenbit::report

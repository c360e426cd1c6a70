#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "report/render.hpp"

namespace tenbit::report {

namespace {

constexpr const char* absent = "n/a";

// Never "-0.0": a difference that rounds to nothing has no sign.
std::string decimals(double value, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (text.find_first_not_of("-0.") == std::string::npos && text.front() == '-')
    text.erase(0, 1);
  return text;
}

std::string percent(double share) {
  return decimals(100 * share, 1);
}

std::string percent_ci(const interval& ci) {
  return fmt::format("[{}, {}]", percent(ci.low), percent(ci.high));
}

std::string probability(double p) {
  return p < 0.0001 ? "<0.0001" : decimals(p, 4);
}

std::string small_number(double value) {
  return value > 0 && value < 0.001 ? fmt::format("{:.2e}", value) : decimals(value, 4);
}

template <class Value, class Format>
std::string or_absent(const std::optional<Value>& value, Format format) {
  return value ? format(*value) : std::string(absent);
}

std::string shown(std::string_view name) {
  return one_line(name, limits::shown_name_chars_max);
}

std::string row_name(const arm_summary& arm) {
  return arm.trial ? fmt::format("{} trial {}", shown(arm.name), *arm.trial) : shown(arm.name);
}

report_section accuracy_section(const run_summary& run) {
  report_section s;
  s.title = "Accuracy";
  s.cells.columns = {{"arm", align::left}, {"n"},      {"failed"}, {"right %"}, {"95 %"},
                     {"draft %"},          {"gained"}, {"lost"},   {"net"},     {"recovery %"}};
  for (const arm_summary& arm : run.arms) {
    std::vector<std::string> row = {row_name(arm), std::to_string(arm.n),
                                    std::to_string(arm.failed)};
    row.push_back(or_absent(arm.accuracy, [](const share_ci& a) { return percent(a.value); }));
    row.push_back(or_absent(arm.accuracy, [](const share_ci& a) { return percent_ci(a.ci); }));
    const auto& d = arm.drafts;
    row.push_back(or_absent(d, [](const draft_summary& v) {
      return percent(static_cast<double>(v.right) / static_cast<double>(v.n));
    }));
    row.push_back(or_absent(d, [](const draft_summary& v) { return std::to_string(v.gained); }));
    row.push_back(or_absent(d, [](const draft_summary& v) { return std::to_string(v.lost); }));
    row.push_back(or_absent(d, [](const draft_summary& v) { return std::to_string(v.net()); }));
    row.push_back(d ? or_absent(d->recovery(), percent) : absent);
    s.cells.rows.push_back(std::move(row));
  }
  s.legend = {
      run.failed_is_wrong
          ? "n: answers graded and failed ones; failed ones are counted as wrong (failed_is_wrong)."
          : "n: answers graded. failed: could not be finished; never counted as wrong.",
      "95 %: Wilson interval; with several trials its n is what the trials are worth as "
      "independent problems.",
      "draft %: first answers of the same run that were right. gained: draft wrong, answer right. "
      "lost: draft right, answer wrong. net: gained - lost. recovery %: gained / wrong drafts."};
  return s;
}

std::vector<std::string> comparison_row(const arm_summary& arm) {
  std::vector<std::string> row = {row_name(arm)};
  const auto& gap = arm.gap.estimate;
  const bool closed = gap && gap->closed;
  row.push_back(closed ? percent(*gap->closed) : absent);
  row.push_back(closed ? percent_ci(gap->closed_ci) : absent);
  row.push_back(gap && gap->problems > 0 ? percent(gap->gap) : absent);
  row.push_back(gap && gap->problems > 0 ? percent_ci(gap->gap_ci) : absent);
  const auto& r = arm.resample;
  row.push_back(or_absent(r, [](const resample_summary& v) { return std::to_string(v.better); }));
  row.push_back(or_absent(r, [](const resample_summary& v) { return std::to_string(v.worse); }));
  row.push_back(or_absent(r, [](const resample_summary& v) { return probability(v.p.exact); }));
  row.push_back(or_absent(r, [](const resample_summary& v) { return probability(v.p.mid); }));
  return row;
}

report_section comparison_section(const run_summary& run) {
  report_section s;
  s.title = "Compared on the same problems";
  s.cells.columns = {{"arm", align::left}, {"closed %"}, {"95 %"},    {"gap"},  {"95 %"},
                     {"better"},           {"worse"},    {"p exact"}, {"p mid"}};
  s.legend = {"closed %: (arm - solver) / (answerer - solver), from the direct arms of both. gap: "
              "answerer - solver in points. Intervals: paired bootstrap over problems.",
              "better, worse: problems where the arm beats or is beaten by the resample arm of the "
              "same solver. p: McNemar's test of these, two-sided."};
  for (const arm_summary& arm : run.arms) {
    if (arm.spec.method == method_kind::direct)
      continue;
    s.cells.rows.push_back(comparison_row(arm));
    const bool counted = arm.gap.estimate && arm.gap.estimate->problems > 0;
    if (!arm.gap.why_not.empty() && (counted || !arm.spec.answerer.empty()))
      s.legend.push_back(fmt::format("{}: closed is n/a: {}.", row_name(arm),
                                     one_line(arm.gap.why_not, text_columns_max)));
  }
  return s;
}

std::string percent_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? absent : percent(static_cast<double>(part) / static_cast<double>(whole));
}

report_section bits_section(const run_summary& run) {
  report_section s;
  s.title = "Bits per answer";
  s.cells.columns = {{"arm", align::left}, {"bits"},   {"min"},     {"max"},
                     {"head B"},           {"asked"},  {"ideal"},   {"dflt %"},
                     {"again %"},          {"compat"}, {"of UTF-8"}};
  for (const arm_summary& arm : run.arms) {
    std::vector<std::string> row = {row_name(arm)};
    if (!arm.bits) {
      row.resize(s.cells.columns.size(), absent);
      s.cells.rows.push_back(std::move(row));
      continue;
    }
    const bits_summary& b = *arm.bits;
    row.insert(row.end(), {decimals(b.payload.mean, 2), std::to_string(b.payload.min),
                           std::to_string(b.payload.max), decimals(b.header_bytes.mean, 1),
                           decimals(b.questions, 2)});
    row.push_back(or_absent(b.ideal_bits, [](double v) { return decimals(v, 2); }));
    row.push_back(percent_of(b.by_default, b.answered));
    row.push_back(percent_of(b.asked_again, b.answered));
    row.push_back(or_absent(b.ratio_compat, small_number));
    row.push_back(or_absent(b.ratio_utf8, small_number));
    s.cells.rows.push_back(std::move(row));
  }
  s.legend = {
      "bits, min, max: what crossed from the strong model, mean and ends, without the container. "
      "head B: bytes of the .tbit file beside it. asked: questions, mean.",
      "ideal: bits if each answer cost -log2 of its P (ideal, not coded); n/a unless every answer "
      "has P(yes). dflt %: answers that could not be parsed and became the default. again %: "
      "answers asked for twice.",
      "compat: bits / (tokens of the strong model's own answer x 16.61); tokens are an estimate of "
      "cl100k. of UTF-8: bits / bits of that answer's text. Both are ratios of means."};
  return s;
}

report_section trials_section(const run_summary& run) {
  report_section s;
  s.title = "Trials";
  s.cells.columns = {{"arm", align::left}, {"trials"}, {"mean %"}, {"sd"}};
  for (const arm_summary& arm : run.arms) {
    const bool any = !arm.trials.accuracy.empty();
    s.cells.rows.push_back({row_name(arm), std::to_string(arm.trials.accuracy.size()),
                            any ? percent(arm.trials.spread.mean) : absent,
                            any ? percent(arm.trials.spread.sd) : absent});
  }
  s.legend = {"mean, sd: of the accuracies of single trials; population standard deviation, in "
              "points."};
  return s;
}

std::string seconds(std::uint64_t us) {
  return decimals(static_cast<double>(us) / 1e6, 3);
}

report_section totals_section(const run_summary& run) {
  report_section s;
  s.title = "Run totals";
  s.cells.columns = {{"model", align::left},
                     {"calls"},
                     {"retries"},
                     {"prompt tok"},
                     {"reply tok"},
                     {fmt::format("cost {}", one_line(run.currency, 8))},
                     {"p50 s"},
                     {"p99 s"}};
  model_summary all;
  for (const model_summary& m : run.models) {
    s.cells.rows.push_back({shown(m.alias), std::to_string(m.calls),
                            std::to_string(m.attempts - m.calls), std::to_string(m.prompt_tokens),
                            std::to_string(m.completion_tokens), decimals(m.cost, 4),
                            seconds(m.latency_p50_us), seconds(m.latency_p99_us)});
    all.calls += m.calls;
    all.attempts += m.attempts;
    all.prompt_tokens += m.prompt_tokens;
    all.completion_tokens += m.completion_tokens;
    all.estimated_calls += m.estimated_calls;
    all.cost += m.cost;
  }
  s.cells.rows.push_back({"all", std::to_string(all.calls),
                          std::to_string(all.attempts - all.calls),
                          std::to_string(all.prompt_tokens), std::to_string(all.completion_tokens),
                          decimals(all.cost, 4), "", ""});
  s.legend = {"By model, not by arm: arms share calls. p50, p99: from submit to reply."};
  if (all.estimated_calls > 0)
    s.legend.push_back(fmt::format("{} calls came without a token count; theirs are estimates.",
                                   all.estimated_calls));
  s.legend.push_back(fmt::format("Calls paid twice: {}.", run.paid_twice));
  return s;
}

std::string reply_class_name(std::size_t i) {
  return i < reply_tokens_limits.size() ? fmt::format("<= {}", reply_tokens_limits[i])
                                        : fmt::format("> {}", reply_tokens_limits.back());
}

bool any_retried(const run_summary& run) {
  for (const model_summary& m : run.models)
    for (const reply_class_summary& c : m.by_length)
      if (c.retried > 0)
        return true;
  return false;
}

bool any_abandoned(const run_summary& run) {
  return std::ranges::any_of(run.abandoned, [](const auto& group) { return group.abandoned > 0; });
}

report_section retried_section(const run_summary& run) {
  report_section s;
  s.title = "Retried calls";
  s.cells.columns = {{"model", align::left}, {"reply tok"}, {"calls"}, {"retried"}, {"%"}};
  for (const model_summary& m : run.models) {
    for (std::size_t i = 0; i < reply_classes; ++i) {
      const reply_class_summary& c = m.by_length[i];
      if (c.calls > 0)
        s.cells.rows.push_back({shown(m.alias), reply_class_name(i), std::to_string(c.calls),
                                std::to_string(c.retried), percent_of(c.retried, c.calls)});
    }
  }
  s.legend = {"retried: calls answered after more than one attempt. Where longer replies are "
              "retried more, calls given up were likely to be long, too."};
  return s;
}

report_section abandoned_section(const run_summary& run) {
  report_section s;
  s.title = "Abandoned calls";
  s.cells.columns = {{"models of the arm", align::left}, {"ends"}, {"abandoned"}, {"%"}};
  for (const abandoned_summary& group : run.abandoned) {
    std::vector<std::string> names;
    for (const std::string& model : group.models)
      names.push_back(shown(model));
    s.cells.rows.push_back({fmt::format("{}", fmt::join(names, ", ")), std::to_string(group.ends),
                            std::to_string(group.abandoned),
                            percent_of(group.abandoned, group.ends)});
  }
  s.legend = {"ends: of an arm in a trial, by an outcome or by a call that was given up "
              "(abandoned), also where a later try went well. The journal has the arm, not the "
              "call: of several models any may be meant, and a call that arms share ends each."};
  return s;
}

std::string tasks_line(const task_counts& t) {
  return fmt::format("tasks: {} of {} done, {} failed, {} quarantined, {} cancelled, {} pending",
                     t.done, t.total, t.failed, t.quarantined, t.cancelled, t.pending);
}

} // namespace

report_layout lay_out(const run_summary& run) {
  report_layout layout;
  layout.title = shown(run.name);
  if (run.simulated)
    layout.banners.emplace_back(
        "simulated: no language model answered; the numbers say nothing about real models.");
  if (!run.tasks.finished())
    layout.banners.push_back(
        fmt::format("unfinished: {} of {} tasks are done; numbers will change.", run.tasks.done,
                    run.tasks.total));
  if (run.paid_twice > 0)
    layout.banners.push_back(
        fmt::format("fault: {} calls were paid twice; run tenbit verify.", run.paid_twice));
  layout.facts.push_back(fmt::format("profile: {}", to_string(run.profile)));
  if (!run.switches.empty())
    layout.facts.push_back(fmt::format("switches on: {}", fmt::join(run.switches, ", ")));
  layout.facts.push_back(fmt::format("identity: {}", run.identity.substr(0, 16)));
  layout.facts.push_back(tasks_line(run.tasks));
  layout.sections.push_back(accuracy_section(run));
  report_section compared = comparison_section(run);
  if (!compared.cells.rows.empty())
    layout.sections.push_back(std::move(compared));
  layout.sections.push_back(bits_section(run));
  if (run.trials > 1 && !run.by_trial)
    layout.sections.push_back(trials_section(run));
  layout.sections.push_back(totals_section(run));
  if (any_retried(run))
    layout.sections.push_back(retried_section(run));
  if (any_abandoned(run))
    layout.sections.push_back(abandoned_section(run));
  return layout;
}

std::string render_text(const run_summary& run) {
  const report_layout layout = lay_out(run);
  std::string out = layout.title + '\n';
  for (const std::string& banner : layout.banners)
    out += wrap(banner, "*** ");
  for (const std::string& fact : layout.facts)
    out += wrap(fact, "");
  for (const report_section& s : layout.sections) {
    out += fmt::format("\n{}\n", s.title);
    out += as_text(s.cells);
    for (const std::string& line : s.legend)
      out += wrap(line, "  ");
  }
  return out;
}

std::string render_markdown(const run_summary& run) {
  const report_layout layout = lay_out(run);
  std::string out = fmt::format("# {}\n\n", escape_markdown(layout.title));
  for (const std::string& banner : layout.banners)
    out += fmt::format("**{}**\n\n", escape_markdown(banner));
  for (const std::string& fact : layout.facts)
    out += fmt::format("- {}\n", escape_markdown(fact));
  for (const report_section& s : layout.sections) {
    out += fmt::format("\n## {}\n\n{}\n", s.title, as_markdown(s.cells));
    for (const std::string& line : s.legend)
      out += fmt::format("- {}\n", escape_markdown(line));
  }
  return out;
}

} // namespace tenbit::report

#include <nlohmann/json.hpp>

#include "report/render.hpp"

namespace tenbit::report {

namespace {

using json = nlohmann::ordered_json;

json of(const interval& ci) {
  return json::array({ci.low, ci.high});
}
json of(const spread& s) {
  return {{"mean", s.mean}, {"min", s.min}, {"max", s.max}};
}
json of(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json of(const draft_summary& d) {
  return {{"n", d.n},       {"right", d.right}, {"gained", d.gained},
          {"lost", d.lost}, {"net", d.net()},   {"recovery", of(d.recovery())}};
}

json of(const gap_summary& g) {
  if (!g.estimate || g.estimate->problems == 0)
    return {{"closed", nullptr}, {"why_not", g.why_not}};
  const gap_estimate& e = *g.estimate;
  json out = {{"problems", e.problems}, {"gap", e.gap}, {"gap_ci95", of(e.gap_ci)}};
  out["closed"] = of(e.closed);
  if (e.closed)
    out["closed_ci95"] = of(e.closed_ci);
  else
    out["why_not"] = g.why_not;
  return out;
}

json of(const resample_summary& r) {
  return {{"against", r.against},
          {"better", r.better},
          {"worse", r.worse},
          {"mcnemar_exact", r.p.exact},
          {"mcnemar_mid", r.p.mid}};
}

json of(const bits_summary& b) {
  return {{"payload_bits", of(b.payload)},
          {"header_bytes", of(b.header_bytes)},
          {"questions_mean", b.questions},
          {"answers", b.answered},
          {"answers_default", b.by_default},
          {"answers_asked_again", b.asked_again},
          {"ideal_bits_mean_not_coded", of(b.ideal_bits)},
          {"compared", b.compared},
          {"ratio_compat_estimated_tokens", of(b.ratio_compat)},
          {"ratio_utf8", of(b.ratio_utf8)}};
}

json of(const arm_summary& a) {
  json out = {{"name", a.name}};
  if (a.trial)
    out["trial"] = *a.trial;
  out["method"] = to_string(a.spec.method);
  out["solver"] = a.spec.solver;
  out["questioner"] = a.spec.questioner;
  out["answerer"] = a.spec.answerer;
  if (a.spec.method == method_kind::qa)
    out["reference"] = to_string(a.spec.reference);
  out["n"] = a.n;
  out["right"] = a.right;
  out["problems"] = a.problems;
  out["failed"] = a.failed;
  out["accuracy"] = a.accuracy ? json(a.accuracy->value) : json();
  out["accuracy_ci95"] = a.accuracy ? of(a.accuracy->ci) : json();
  out["drafts"] = a.drafts ? of(*a.drafts) : json();
  out["gap_closed"] = of(a.gap);
  out["resample"] = a.resample ? of(*a.resample) : json();
  out["bits"] = a.bits ? of(*a.bits) : json();
  out["trials"] = {{"accuracy", a.trials.accuracy},
                   {"mean", a.trials.spread.mean},
                   {"sd_population", a.trials.spread.sd}};
  return out;
}

json share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? json() : json(static_cast<double>(part) / static_cast<double>(whole));
}

json lengths_of(const model_summary& m) {
  json out = json::array();
  for (std::size_t i = 0; i < reply_classes; ++i) {
    const reply_class_summary& c = m.by_length[i];
    const json tokens_max =
        i < reply_tokens_limits.size() ? json(reply_tokens_limits[i]) : json(); // null: no limit
    out.push_back({{"completion_tokens_max", tokens_max},
                   {"calls", c.calls},
                   {"retried", c.retried},
                   {"retried_share", share(c.retried, c.calls)}});
  }
  return out;
}

json of(const abandoned_summary& a) {
  return {{"models", a.models},
          {"arm_ends", a.ends},
          {"abandoned", a.abandoned},
          {"abandoned_share", share(a.abandoned, a.ends)}};
}

json of(const model_summary& m) {
  return {{"alias", m.alias},
          {"calls", m.calls},
          {"attempts", m.attempts},
          {"prompt_tokens", m.prompt_tokens},
          {"completion_tokens", m.completion_tokens},
          {"calls_with_estimated_tokens", m.estimated_calls},
          {"cost", m.cost},
          {"latency_p50_us", m.latency_p50_us},
          {"latency_p99_us", m.latency_p99_us},
          {"by_reply_length", lengths_of(m)}};
}

} // namespace

std::string render_json(const run_summary& run, json_layout wanted) {
  json out = {{"format", "tenbit-report"}, {"version", 1}};
  out["experiment"] = {
      {"name", run.name},         {"identity", run.identity}, {"profile", to_string(run.profile)},
      {"switches", run.switches}, {"trials", run.trials},     {"currency", run.currency}};
  out["simulated"] = run.simulated;
  out["failed_counted_as_wrong"] = run.failed_is_wrong;
  out["by_trial"] = run.by_trial;
  const task_counts& t = run.tasks;
  out["tasks"] = {{"total", t.total},         {"done", t.done},
                  {"failed", t.failed},       {"quarantined", t.quarantined},
                  {"cancelled", t.cancelled}, {"pending", t.pending},
                  {"finished", t.finished()}};
  out["arms"] = json::array();
  for (const arm_summary& arm : run.arms)
    out["arms"].push_back(of(arm));
  out["models"] = json::array();
  for (const model_summary& model : run.models)
    out["models"].push_back(of(model));
  out["abandoned"] = json::array();
  for (const abandoned_summary& group : run.abandoned)
    out["abandoned"].push_back(of(group));
  out["paid_twice"] = run.paid_twice;
  // ASCII only: no control or bidirectional character reaches a terminal.
  return out.dump(wanted == json_layout::indented ? 2 : -1, ' ', true,
                  json::error_handler_t::replace) +
         '\n';
}

} // namespace tenbit::report

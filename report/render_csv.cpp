#include <charconv>
#include <fmt/format.h>

#include "report/render.hpp"

namespace tenbit::report {

namespace {

bool is_number(std::string_view text) {
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  if (text.find_first_not_of("0123456789+-.eE") != std::string_view::npos)
    return false; // "-inf" is none to a spreadsheet
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string number(double value) {
  return fmt::format("{:.6g}", value);
}
std::string number(std::uint64_t value) {
  return std::to_string(value);
}
std::string number(std::int64_t value) {
  return std::to_string(value);
}

using row = std::vector<std::pair<const char*, std::string>>;

// Cells that are undefined stay empty; the columns are always the same.
template <class Value> void put(row& r, const char* name, const std::optional<Value>& value) {
  r.emplace_back(name, value ? number(*value) : std::string());
}

template <class Group, class Member>
void put_of(row& r, const char* name, const Group* group, Member member) {
  r.emplace_back(name, group ? number(member(*group)) : std::string());
}

void put_arm(row& r, const run_summary& run, const arm_summary& arm) {
  r.emplace_back("experiment", run.name);
  r.emplace_back("identity", run.identity);
  r.emplace_back("profile", to_string(run.profile));
  r.emplace_back("simulated", run.simulated ? "simulated" : "no");
  r.emplace_back("tasks_done", number(run.tasks.done));
  r.emplace_back("tasks_total", number(run.tasks.total));
  r.emplace_back("arm", arm.name);
  r.emplace_back("trial", arm.trial ? std::to_string(*arm.trial) : "all");
  r.emplace_back("method", to_string(arm.spec.method));
  r.emplace_back("solver", arm.spec.solver);
  r.emplace_back("questioner", arm.spec.questioner);
  r.emplace_back("answerer", arm.spec.answerer);
  r.emplace_back("reference", arm.spec.method == method_kind::qa ? to_string(arm.spec.reference)
                                                                 : std::string_view());
}

void put_accuracy(row& r, const run_summary& run, const arm_summary& arm) {
  r.emplace_back("n", number(arm.n));
  r.emplace_back("failed", number(arm.failed));
  r.emplace_back("failed_counted", run.failed_is_wrong ? "as wrong" : "no");
  const share_ci* a = arm.accuracy ? &*arm.accuracy : nullptr;
  put_of(r, "accuracy", a, [](const share_ci& v) { return v.value; });
  put_of(r, "accuracy_low", a, [](const share_ci& v) { return v.ci.low; });
  put_of(r, "accuracy_high", a, [](const share_ci& v) { return v.ci.high; });
  const draft_summary* d = arm.drafts ? &*arm.drafts : nullptr;
  put_of(r, "drafts", d, [](const draft_summary& v) { return v.n; });
  put_of(r, "draft_accuracy", d, [](const draft_summary& v) {
    return static_cast<double>(v.right) / static_cast<double>(v.n);
  });
  put_of(r, "gained", d, [](const draft_summary& v) { return v.gained; });
  put_of(r, "lost", d, [](const draft_summary& v) { return v.lost; });
  put_of(r, "net", d, [](const draft_summary& v) { return v.net(); });
  put(r, "recovery", d ? d->recovery() : std::nullopt);
  const bool any = !arm.trials.accuracy.empty();
  r.emplace_back("trial_mean", any ? number(arm.trials.spread.mean) : std::string());
  r.emplace_back("trial_sd", any ? number(arm.trials.spread.sd) : std::string());
}

void put_comparison(row& r, const arm_summary& arm) {
  const auto& e = arm.gap.estimate;
  const gap_estimate* gap = e && e->problems > 0 ? &*e : nullptr;
  const gap_estimate* closed = gap != nullptr && gap->closed ? gap : nullptr;
  put_of(r, "gap", gap, [](const gap_estimate& v) { return v.gap; });
  put_of(r, "gap_low", gap, [](const gap_estimate& v) { return v.gap_ci.low; });
  put_of(r, "gap_high", gap, [](const gap_estimate& v) { return v.gap_ci.high; });
  put_of(r, "gap_closed", closed, [](const gap_estimate& v) { return v.closed.value_or(0); });
  put_of(r, "gap_closed_low", closed, [](const gap_estimate& v) { return v.closed_ci.low; });
  put_of(r, "gap_closed_high", closed, [](const gap_estimate& v) { return v.closed_ci.high; });
  r.emplace_back("gap_note", arm.gap.why_not);
  const resample_summary* s = arm.resample ? &*arm.resample : nullptr;
  r.emplace_back("resample_arm", s ? s->against : std::string());
  put_of(r, "better", s, [](const resample_summary& v) { return v.better; });
  put_of(r, "worse", s, [](const resample_summary& v) { return v.worse; });
  put_of(r, "mcnemar_exact", s, [](const resample_summary& v) { return v.p.exact; });
  put_of(r, "mcnemar_mid", s, [](const resample_summary& v) { return v.p.mid; });
}

void put_bits(row& r, const bits_summary* b) {
  put_of(r, "bits_mean", b, [](const bits_summary& v) { return v.payload.mean; });
  put_of(r, "bits_min", b, [](const bits_summary& v) { return v.payload.min; });
  put_of(r, "bits_max", b, [](const bits_summary& v) { return v.payload.max; });
  put_of(r, "header_bytes_mean", b, [](const bits_summary& v) { return v.header_bytes.mean; });
  put_of(r, "questions_mean", b, [](const bits_summary& v) { return v.questions; });
  put_of(r, "answers", b, [](const bits_summary& v) { return v.answered; });
  put_of(r, "answers_default", b, [](const bits_summary& v) { return v.by_default; });
  put_of(r, "answers_asked_again", b, [](const bits_summary& v) { return v.asked_again; });
  put(r, "ideal_bits_mean", b ? b->ideal_bits : std::nullopt);
  put(r, "ratio_compat", b ? b->ratio_compat : std::nullopt);
  put(r, "ratio_utf8", b ? b->ratio_utf8 : std::nullopt);
}

} // namespace

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  const bool formula =
      !cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos;
  if (formula && !is_number(cell))
    cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"\r\n") == std::string::npos)
    return cell;
  std::string quoted = "\"";
  for (char c : cell) {
    if (c == '"')
      quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string render_csv(const run_summary& run) {
  std::string out;
  const auto append = [&out](const row& r, bool names) {
    for (std::size_t i = 0; i < r.size(); ++i)
      out += (i == 0 ? "" : ",") +
             csv_cell(names ? std::string_view(r[i].first) : std::string_view(r[i].second));
    out += "\r\n";
  };
  for (const arm_summary& arm : run.arms) {
    row r;
    put_arm(r, run, arm);
    put_accuracy(r, run, arm);
    put_comparison(r, arm);
    put_bits(r, arm.bits ? &*arm.bits : nullptr);
    if (out.empty())
      append(r, true);
    append(r, false);
  }
  return out;
}

} // namespace tenbit::report

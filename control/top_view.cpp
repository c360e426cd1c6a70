// The view of `tenbit top`.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/render.hpp"
#include "control/status_json.hpp"
#include "control/text_table.hpp"
#include "control/top_tables.hpp"
#include "coordinator/disk_level.hpp"

namespace tenbit::control {
namespace {

using lines = std::vector<std::string>;

// A line that is too long goes on in a second one, from where it has a gap or a space.
void add_wrapped(lines& to, const std::string& line, std::size_t columns) {
  std::size_t end = std::string::npos;
  if (columns > 0 && display_width(line) > columns)
    for (const std::string_view gap : {"  ", " "}) {
      for (auto at = line.find(gap);
           at != std::string::npos && display_width(line.substr(0, at)) <= columns;
           at = line.find(gap, at + 1))
        end = at;
      if (end != std::string::npos)
        break;
    }
  to.push_back(line.substr(0, end));
  if (end != std::string::npos)
    to.push_back("  " + std::string(trim(line.substr(end))));
}

struct totals {
  plan_counts tasks;
  std::uint64_t all = 0, ledger_difference = 0;
  double per_second_1m = 0, per_second_15m = 0, per_second_1h = 0;
  double eta = -1, eta_low = -1, eta_high = -1; // of the run that ends last
  bool eta_known = true;                        // of every run with work left
  double oldest_pending = 0, oldest_lease = 0;
  std::map<std::string, double> cost; // by currency
  std::string waiting;
};

totals sum(const cluster_status& s) {
  totals out;
  for (const auto& run : s.runs) {
    const auto& tasks = run.status.tasks;
    out.tasks.pending += tasks.pending;
    out.tasks.leased += tasks.leased;
    out.tasks.done += tasks.done;
    out.tasks.failed += tasks.failed;
    out.tasks.quarantined += tasks.quarantined;
    out.tasks.cancelled += tasks.cancelled;
    out.all += run.status.tasks_all;
    out.ledger_difference += run.ledger_difference;
    out.per_second_1m += run.per_second_1m;
    out.per_second_15m += run.per_second_15m;
    out.per_second_1h += run.per_second_1h;
    out.eta = std::max(out.eta, run.eta_s);
    out.eta_low = std::max(out.eta_low, run.eta_low_s);
    out.eta_high = std::max(out.eta_high, run.eta_high_s);
    out.eta_known = out.eta_known && (run.eta_s >= 0 || tasks.pending + tasks.leased == 0);
    out.oldest_pending = std::max(out.oldest_pending, run.oldest_pending_s);
    out.oldest_lease = std::max(out.oldest_lease, run.oldest_lease_s);
    if (run.status.money > 0)
      out.cost[run.currency] += run.status.money;
    if (!run.waiting_for.empty() && tasks.pending > 0)
      out.waiting += (out.waiting.empty() ? "" : "; ") + name_text(run.name) + ": " +
                     one_line(run.waiting_for, limits::error_text_chars_max);
  }
  return out;
}

std::string eta_text(double middle, double low, double high) {
  if (middle < 0)
    return "–";
  if (low < 0 || high < 0)
    return duration_text(middle);
  return fmt::format("{} ({} … {})", duration_text(middle), duration_text(low),
                     duration_text(high));
}

std::string cost_text(const std::map<std::string, double>& cost) {
  std::string out;
  for (const auto& [currency, money] : cost)
    out += fmt::format("{}{:.2f} {}", out.empty() ? "" : " + ", money, name_text(currency));
  return out.empty() ? "0" : out;
}

double percent(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 100 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

std::string state_text(const plan_counts& tasks) {
  std::string out = fmt::format("{} pending, {} leased, {} done, {} failed", tasks.pending,
                                tasks.leased, tasks.done, tasks.failed);
  if (tasks.quarantined > 0)
    out += fmt::format(", {} quarantined", tasks.quarantined);
  if (tasks.cancelled > 0)
    out += fmt::format(", {} cancelled", tasks.cancelled);
  return out;
}

lines headline(const cluster_status& s, const totals& all) {
  lines out = {
      fmt::format("tenbit at {}  up {}  life {}", name_text(s.address), duration_text(s.uptime_s),
                  s.incarnation),
      fmt::format("done {}/{} ({:.1f}%)  per s {:.2f} 1m, {:.2f} 15m, {:.2f} 1h  ETA {}",
                  all.tasks.done, all.all, percent(all.tasks.done, all.all), all.per_second_1m,
                  all.per_second_15m, all.per_second_1h,
                  all.eta_known ? eta_text(all.eta, all.eta_low, all.eta_high) : "–"),
      fmt::format("tasks {}  oldest pending {}, lease {}", state_text(all.tasks),
                  duration_text(all.oldest_pending), duration_text(all.oldest_lease)),
      fmt::format("cost {}  ledger difference {}{}", cost_text(all.cost), all.ledger_difference,
                  all.ledger_difference == 0 ? "" : "  !! bits do not add up: run verify")};
  if (!all.waiting.empty())
    out.push_back("waiting " + all.waiting);
  if (s.runs.empty())
    out.emplace_back("no run is here: tenbit ctl run submit FILE starts one");
  return out;
}

// What the link refused, where it did.
std::string refusals_text(const cluster_status& s) {
  std::string out;
  for (const auto& [what, count] : {std::pair("refused keys", s.refused_keys),
                                    {"failed handshakes", s.failed_handshakes},
                                    {"bad frames", s.bad_frames},
                                    {"forbidden", s.forbidden},
                                    {"over quota", s.over_quota},
                                    {"dropped", s.dropped_sends}})
    if (count > 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : "  ", what, count);
  return out.empty() ? "nothing was refused" : out;
}

// The stores that are open: the slowest, the largest and the oldest of each figure.
std::string stores_text(const cluster_status& s) {
  store_health worst;
  double copy_s = -1;
  for (const auto& run : s.runs) {
    if (run.status.phase != run_phase::running && run.status.phase != run_phase::stopping)
      continue;
    worst.sync_p99_ms = std::max(worst.sync_p99_ms, run.store.sync_p99_ms);
    worst.log_bytes += run.store.log_bytes;
    worst.write_stalls += run.store.write_stalls;
    worst.background_errors += run.store.background_errors;
    worst.anchor_lag_s = std::max(worst.anchor_lag_s, run.store.anchor_lag_s);
    copy_s = std::max(copy_s, run.checkpoint_age_s);
  }
  if (copy_s < 0)
    return "no store is open";
  auto out = fmt::format("fsync p99 {:.1f} ms  log {}  copy {} ago", worst.sync_p99_ms,
                         bytes_text(worst.log_bytes), duration_text(copy_s));
  if (worst.anchor_lag_s > 5)
    out += fmt::format("  anchor {} behind", duration_text(worst.anchor_lag_s));
  if (worst.write_stalls > 0)
    out += fmt::format("  stalls {}", worst.write_stalls);
  if (worst.background_errors > 0)
    out += fmt::format("  !! background errors {}", worst.background_errors);
  return out;
}

lines health(const cluster_status& s) {
  const bool disk_well = s.disk.empty() || s.disk == to_string(disk_level::ample);
  return {fmt::format("commit p50 {:.1f} ms, p99 {:.1f} ms  queue {}  tick gap {:.1f} s",
                      s.commit_p50_ms, s.commit_p99_ms, s.commit_queue_items, s.tick_gap_max_s),
          fmt::format("stores {}", stores_text(s)),
          fmt::format("memory {}  files {}  disk free {} ({:.0f}%){}", bytes_text(s.rss_bytes),
                      s.open_files, bytes_text(s.disk_free_bytes),
                      percent(s.disk_free_bytes, s.disk_all_bytes),
                      disk_well ? "" : "  !! " + name_text(s.disk)),
          fmt::format("link {}", refusals_text(s))};
}

// Takes rows from the longest table until all fit; a title and one row are left of each.
void trim_tables(const std::vector<lines*>& tables, std::size_t rows) {
  std::vector<std::size_t> keep;
  std::size_t all = 0;
  for (const auto* table : tables) {
    keep.push_back(table->size());
    all += table->size();
  }
  while (all > rows) {
    const auto longest = std::max_element(keep.begin(), keep.end());
    if (*longest <= 2)
      break;
    --*longest;
    --all;
  }
  for (std::size_t i = 0; i < tables.size(); ++i) {
    auto& table = *tables[i];
    if (keep[i] == table.size())
      continue;
    const auto left_out = table.size() - keep[i] + 1; // the last kept row says so
    table.resize(keep[i]);
    table.back() = fmt::format("… {} more", left_out);
  }
}

} // namespace

std::vector<std::string> top_view(const cluster_status& s, screen size) {
  lines out, end;
  for (const auto& line : headline(s, sum(s)))
    add_wrapped(out, line, size.columns);
  for (const auto& line : health(s))
    add_wrapped(end, line, size.columns);
  std::vector<lines> tables = {run_table(s, size.columns), worker_table(s, size.columns),
                               lease_table(s, size.columns), endpoint_table(s, size.columns)};
  std::erase_if(tables, [](const lines& table) { return table.empty(); });
  std::vector<lines*> parts;
  auto all = out.size() + end.size();
  for (lines& table : tables) {
    parts.push_back(&table);
    all += table.size();
  }
  const bool airy = size.rows == 0 || all + tables.size() + 1 <= size.rows; // a blank line each
  if (!airy) {
    const auto fixed = out.size() + end.size();
    trim_tables(parts, size.rows > fixed ? size.rows - fixed : 0);
  }
  parts.push_back(&end);
  for (auto* part : parts) {
    if (airy)
      out.emplace_back();
    out.insert(out.end(), part->begin(), part->end());
  }
  if (size.rows > 0 && out.size() > size.rows)
    out.resize(size.rows);
  for (auto& line : out)
    line = fit(line, size.columns);
  return out;
}

std::string top_line(const cluster_status& s) {
  const auto all = sum(s);
  const auto lost = std::count_if(s.peers.begin(), s.peers.end(),
                                  [](const peer_line& p) { return !p.connected; });
  auto out = fmt::format("{}/{} done, {} leased, {} failed, {:.2f}/s, ETA {}, {} workers, cost {}",
                         all.tasks.done, all.all, all.tasks.leased, all.tasks.failed,
                         all.per_second_1m, all.eta_known ? duration_text(all.eta) : "–",
                         s.peers.size() - static_cast<std::size_t>(lost), cost_text(all.cost));
  if (lost > 0)
    out += fmt::format(", {} lost", lost);
  if (all.tasks.quarantined > 0)
    out += fmt::format(", {} quarantined", all.tasks.quarantined);
  if (all.ledger_difference != 0)
    out += fmt::format(", LEDGER DIFFERENCE {}", all.ledger_difference);
  if (!all.waiting.empty())
    out += ", waiting: " + all.waiting;
  return out;
}

} // namespace tenbit::control

// What cluster_core says of itself: rates, the time that is left, and why pending tasks wait.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "coordinator/cluster_core.hpp"

namespace tenbit {
namespace {

double seconds(run_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

// The p-th of some values, 0 <= p <= 1; 0 when there are none.
double quantile(std::vector<double> values, double p) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1) + 0.5)];
}

// A model of the run that no peer can call, as far as those say that have it; empty: none.
std::string model_out(const experiment& exp, const std::vector<fleet_peer>& peers) {
  std::map<std::string, bool> callable;
  for (const fleet_peer& peer : peers)
    if (peer.connection)
      for (const replica_report& replica : peer.replicas)
        callable[replica.model] = callable[replica.model] || replica.breaker == "closed";
  for (const auto& [model, up] : callable)
    if (!up && exp.find_model(model) != nullptr)
      return model;
  return {};
}

// No throughput ends a run before its last task is done: a pending one takes its usual time, else
// the last one that was granted the rest of it.
double least_left_s(const plan& tasks, run_clock::time_point now) {
  const auto usual = tasks.usual_time();
  const auto granted = tasks.youngest_lease();
  if (!usual || !granted)
    return 0;
  return tasks.counts().pending > 0 ? seconds(*usual)
                                    : std::max(0.0, seconds(*usual - (now - *granted)));
}

using granted_at = std::pair<run_clock::time_point, problem_index>;

// What is shown of one lease of a run.
lease_line line_of_lease(const run_core& run, const granted_at& which, const party_directory& names,
                         run_clock::time_point now) {
  lease_line out;
  out.run = run.what().name;
  out.worker = names.name(run.tasks().find(which.second)->holder);
  out.problem = which.second.value;
  out.age_s = seconds(now - which.first);
  if (const auto slow = run.tasks().slow_time(); slow && slow->count() > 0)
    out.times_p99 = out.age_s / seconds(*slow);
  if (const lease_progress* said = run.said_of(which.second)) {
    out.phase = to_string(said->phase);
    out.calls = said->calls_in_flight;
    out.events = said->events;
    out.bytes = said->bytes;
    out.tokens = said->tokens;
    out.silent_s = static_cast<double>(said->silent_ms) / 1000;
  }
  return out;
}

// The oldest live leases of a run; how many straggle of all. Looks at each, once a second.
std::vector<granted_at> oldest_of(const run_core& run, run_clock::time_point now,
                                  std::uint64_t& stragglers) {
  const auto slow = run.tasks().slow_time();
  std::vector<granted_at> out;
  for (const auto& [task, held] : run.tasks().leases()) {
    if (held.expired || held.holder == peer_id{})
      continue;
    out.emplace_back(held.granted, task);
    if (!slow || slow->count() == 0 ||
        seconds(now - held.granted) <= limits::straggler_times * seconds(*slow))
      continue;
    const lease_progress* said = run.said_of(task);
    const bool silent = said != nullptr && std::chrono::milliseconds(said->silent_ms) >=
                                               std::chrono::milliseconds(limits::straggler_silence);
    stragglers += silent ? 1 : 0;
  }
  const auto most = std::min(out.size(), limits::oldest_leases_shown);
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(most), out.end());
  out.resize(most);
  return out;
}

void keep_oldest(std::vector<lease_line>& leases) {
  std::stable_sort(leases.begin(), leases.end(),
                   [](const lease_line& a, const lease_line& b) { return a.age_s > b.age_s; });
  leases.resize(std::min(leases.size(), limits::oldest_leases_shown));
}

} // namespace

// Why no worker at all takes a task; empty: one does.
std::string cluster_core::no_worker() const {
  std::size_t connected = 0, draining = 0, deaf = 0, without_models = 0;
  for (const fleet_peer& peer : fleet_.all()) {
    if (!peer.roles.solver || !peer.connection)
      continue;
    ++connected;
    if (!peer.draining.empty())
      ++draining;
    else if (peer.deaf_since != epoch{})
      ++deaf;
    else if (peer.slots == 0)
      ++without_models;
  }
  if (connected == 0)
    return "no worker is connected";
  if (draining == connected)
    return "every worker is draining";
  if (draining + deaf == connected)
    return "no worker hears what it is granted (see the lines of the workers)";
  if (draining + deaf + without_models == connected)
    return "no worker has a model that can be called (endpoints are out or paused)";
  return {};
}

std::string cluster_core::why_pending(const run_core& run) const {
  const run_entry& entry = runs_.at(run.id());
  const plan_counts& counts = run.tasks().counts();
  if (counts.pending == 0 || run.status().phase != run_phase::running)
    return {};
  if (closing_)
    return "the coordinator is stopping";
  if (disk_ == disk_level::no_grants)
    return "the disk of the stores is nearly full: no task is given out; free some space";
  if (disk_ == disk_level::no_appends)
    return "the disk of the stores is full but for its reserve: nothing is taken from workers; "
           "free some space";
  if (entry.paused)
    return "the run is paused";
  if (entry.lease_limit > 0 && counts.leased >= entry.lease_limit)
    return fmt::format("the limit of {} leases is reached", entry.lease_limit);
  if (std::string why = no_worker(); !why.empty())
    return why;
  if (const std::string why = all_refused(run.id(), &role_set::solver); !why.empty())
    return "no worker can work on it; " + why;
  if (run.tasks().delayed() > 0 && run.tasks().delayed() == counts.pending)
    return "they failed and wait to be tried again";
  for (const fleet_peer& peer : fleet_.all())
    if (peer.takes_tasks(run.id()) && leased(peer.id) < peer.slots)
      return run.tasks().suspects() > 0 ? "suspects wait for a worker without one"
                                        : "they are being handed out";
  for (const auto& [role, name] :
       {std::pair(&role_set::oracle, "oracle"), {&role_set::grader, "grader"}})
    if (const std::string why = all_refused(run.id(), role); !why.empty())
      return fmt::format("no free slot: no {} can work on it; {}", name, why);
  if (const std::string model = model_out(run.what(), fleet_.all()); !model.empty())
    return fmt::format("no free slot: tasks in work wait for the model {} (its endpoints are out "
                       "or paused)",
                       model);
  return "no free slot";
}

// Throughput, and the time that is left by it.
void cluster_core::add_rates(const run_entry& entry, run_clock::time_point now, run_line& out) {
  const plan_counts& counts = entry.core->tasks().counts();
  const auto rate = [&](run_clock::duration window) {
    const auto from = std::find_if(entry.samples.begin(), entry.samples.end(),
                                   [&](const auto& s) { return now - s.at <= window; });
    if (from == entry.samples.end() || now <= from->at)
      return 0.0;
    return static_cast<double>(counts.done - from->done) / seconds(now - from->at);
  };
  out.per_second_1m = rate(std::chrono::minutes(1));
  out.per_second_15m = rate(std::chrono::minutes(15));
  out.per_second_1h = rate(std::chrono::hours(1));
  // The band comes from the throughput of the last quarter of an hour, ten seconds at a time.
  std::vector<double> rates;
  for (std::size_t i = 10; i < entry.samples.size(); i += 10) {
    const rate_sample &a = entry.samples[i - 10], &b = entry.samples[i];
    if (now - a.at <= std::chrono::minutes(15) && b.at > a.at)
      rates.push_back(static_cast<double>(b.done - a.done) / seconds(b.at - a.at));
  }
  const auto left = static_cast<double>(counts.pending + counts.leased);
  const double middle = rates.size() >= 3 ? quantile(rates, 0.5) : out.per_second_1m;
  if (left > 0 && middle > 0 && !out.status.tasks.cancelled) {
    const double slow = rates.size() >= 3 ? quantile(rates, 0.1) : middle / 2;
    const double fast = rates.size() >= 3 ? quantile(rates, 0.9) : middle * 2;
    const double least = least_left_s(entry.core->tasks(), now);
    out.eta_s = std::max(left / middle, least);
    out.eta_low_s = std::max(left / std::max(fast, middle), least);
    out.eta_high_s = slow > 0 ? std::max(left / slow, least) : -1;
  }
}

// Bits of the store that no oracle's own ledger accounts for; there must be none. Not known (0)
// until every oracle of earlier lives said hello.
std::uint64_t cluster_core::unaccounted_bits(const run_core& run) const {
  std::uint64_t given = 0;
  for (const fleet_peer& peer : fleet_.all()) {
    if (!peer.roles.oracle)
      continue;
    if (peer.boot == 0)
      return 0;
    const auto place = peer.ledger.find(run.id());
    given += place == peer.ledger.end() ? 0 : place->second;
  }
  const std::uint64_t stored = run.status().bits_before + run.status().bits;
  return rules_.one_process || stored <= given ? 0 : stored - given;
}

std::vector<oracle_record> cluster_core::oracles() const {
  std::vector<oracle_record> out;
  for (const fleet_peer& peer : fleet_.all()) {
    auto bits = peer.bits;
    const bool there = peer.roles.oracle && !peer.left && !peer.given_up;
    if (there)
      for (const auto& [id, entry] : runs_)
        bits.try_emplace(id, 0);
    if (there && bits.empty())
      bits.try_emplace({}, 0);
    for (const auto& [run, count] : bits)
      out.push_back({peer.name, run, count, there});
  }
  return out;
}

run_line cluster_core::line_of(const run_entry& entry, run_clock::time_point now) const {
  run_line out;
  const run_core& run = *entry.core;
  out.name = run.what().name;
  out.id = run.id();
  out.status = run.status();
  out.currency = run.what().currency;
  out.priority = entry.priority;
  out.paused = entry.paused;
  out.simulated = run.what().simulated();
  out.lease_limit = entry.lease_limit;
  out.budget_used = run.budget_used();
  out.leases_granted = out.status.leases_granted;
  out.leases_expired = out.status.leases_expired;
  out.leases_lost = out.status.leases_lost;
  out.stale_refused = out.status.stale_refused;
  out.duplicates = out.status.duplicates;
  out.suspects = run.tasks().suspects();
  out.waiting_for = why_pending(run);
  const plan_counts& counts = run.status().tasks;
  add_rates(entry, now, out);
  out.ledger_difference = unaccounted_bits(run);
  if (counts.pending > 0)
    out.oldest_pending_s = seconds(now - std::max(entry.added, entry.last_done));
  if (const auto oldest = run.tasks().oldest_lease())
    out.oldest_lease_s = seconds(now - *oldest);
  return out;
}

cluster_status cluster_core::snapshot(run_clock::time_point now) const {
  cluster_status out;
  out.incarnation = rules_.incarnation;
  out.uptime_s = last_tick_ ? seconds(now - started_) : 0;
  out.tick_gap_max_s = seconds(std::max(tick_gap_max_, tick_gap_before_));
  out.endpoint_orders = orders_.rules();
  for (const experiment_id id : by_priority_) {
    const auto place = runs_.find(id);
    if (place == runs_.end())
      continue;
    const run_core& run = *place->second.core;
    out.runs.push_back(line_of(place->second, now));
    for (const granted_at& lease : oldest_of(run, now, out.runs.back().stragglers))
      out.oldest_leases.push_back(line_of_lease(run, lease, *this, now));
    keep_oldest(out.oldest_leases);
  }
  for (const fleet_peer& peer : fleet_.all()) {
    peer_line line;
    line.name = peer.name;
    line.roles = peer.roles;
    line.build = peer.build;
    line.connected = peer.connection.has_value();
    line.slots = peer.slots;
    line.leased = leased(peer.id);
    line.heartbeat_age_s = peer.boot == 0 ? -1 : seconds(now - peer.heard);
    line.restarts = peer.restarts;
    line.tasks_done = peer.tasks_done;
    line.tasks_failed = peer.tasks_failed;
    line.draining = peer.draining;
    if (peer.draining.empty() && peer.deaf_since != epoch{})
      line.draining = "heard, but does not hear: its grants expired and it never named one; the "
                      "link to it is cut one way";
    line.refused = refusals_of(peer);
    line.replicas = peer.replicas;
    out.peers.push_back(std::move(line));
  }
  return out;
}

} // namespace tenbit

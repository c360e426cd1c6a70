#include "control/top_tables.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/render.hpp"
#include "control/status_json.hpp"
#include "control/text_table.hpp"

namespace tenbit::control {
namespace {

using side = text_table::side;
constexpr std::size_t whole = limits::error_text_chars_max; // of a column: not cut
constexpr std::size_t host_and_port = 21;                   // 255.255.255.255:65535
constexpr std::size_t scheme_from = 100; // columns of a terminal that shows schemes of URLs

// Of a lease_phase, as a person would say it.
std::string waits_for(const std::string& phase) {
  static const std::map<std::string, std::string> words = {
      {"receiving", "rest of reply"}, {"sent", "first byte"},    {"queued", "free replica"},
      {"asking", "oracle"},           {"committing", "journal"}, {"grading", "grader"}};
  const auto place = words.find(phase);
  return place != words.end() ? place->second : phase.empty() ? "–" : name_text(phase);
}

std::string without_scheme(std::string_view url) {
  const auto end = url.find("://");
  return std::string(end == std::string_view::npos ? url : url.substr(end + 3));
}

// The scheme goes first, then the path, then the end of the host: a fleet's hosts differ in their
// first names, and what listens there in its port.
std::string fit_url(std::string_view url, std::size_t columns) {
  if (display_width(url) <= columns)
    return std::string(url);
  const auto rest = without_scheme(url);
  const auto host = rest.substr(0, rest.find('/'));
  if (display_width(host) < columns)
    return fit(rest, columns);
  const auto port = host.substr(std::min(host.rfind(':'), host.size()));
  const auto width = display_width(port);
  return width + 1 < columns
             ? fit(host.substr(0, host.size() - port.size()), columns - width) + port
             : fit(host, columns);
}

std::string run_state(const run_line& run) {
  std::string out = run.paused ? std::string("paused") : std::string(to_string(run.status.phase));
  return run.simulated ? out + " [simulated]" : out;
}

// One replica as all workers see it together: sums, and the worst of times and breakers.
struct endpoint_sum {
  std::string model, url;
  std::size_t workers = 0, not_closed = 0;
  std::string breaker;
  std::uint64_t in_flight = 0, limit = 0, queued = 0, answered = 0, failed = 0;
  double first_byte_p99_ms = 0, p50_ms = 0, p99_ms = 0;
  attempt_failures errors;

  void add(const replica_report& r) {
    ++workers;
    if (r.breaker != "closed") {
      ++not_closed;
      breaker = r.breaker;
    }
    in_flight += r.in_flight;
    limit += r.limit;
    queued += r.queued;
    answered += r.answered;
    failed += r.failed;
    errors.throttled += r.errors.throttled;
    errors.transient += r.errors.transient;
    errors.endpoint_invalid += r.errors.endpoint_invalid;
    errors.request_invalid += r.errors.request_invalid;
    errors.auth += r.errors.auth;
    first_byte_p99_ms = std::max(first_byte_p99_ms, r.first_byte_p99_ms);
    p50_ms = std::max(p50_ms, r.total_p50_ms);
    p99_ms = std::max(p99_ms, r.total_p99_ms);
  }
  // Failed attempts by class, the ones a person must mend first; empty: none.
  [[nodiscard]] std::string errors_text() const {
    std::string out;
    for (const auto& [name, count] : {std::pair("auth", errors.auth),
                                      {"request", errors.request_invalid},
                                      {"reply", errors.endpoint_invalid},
                                      {"throttled", errors.throttled},
                                      {"transient", errors.transient}})
      if (count > 0)
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, name);
    return out;
  }
  [[nodiscard]] std::string breaker_text() const {
    if (not_closed == 0)
      return "closed";
    return workers == 1 ? name_text(breaker)
                        : fmt::format("{} {}/{}", name_text(breaker), not_closed, workers);
  }
};

} // namespace

std::string name_text(std::string_view text) {
  return one_line(text, limits::shown_name_chars_max);
}

std::vector<std::string> run_table(const cluster_status& s, std::size_t columns) {
  text_table table({{"run", side::left, 0, 12, &fit_middle},
                    {"state", side::left, 0, whole},
                    {"prio", side::right, 6},
                    {"done/all", side::right},
                    {"leased", side::right, 1},
                    {"failed", side::right},
                    {"held", side::right, 2},
                    {"/s 15m", side::right, 3},
                    {"ETA", side::right},
                    {"bits", side::right, 5},
                    {"budget", side::right, 4},
                    {"note", side::left, 0, 20}});
  auto runs = s.runs;
  std::stable_sort(runs.begin(), runs.end(), [](const run_line& a, const run_line& b) {
    const auto over = [](const run_line& r) { return r.status.phase == run_phase::finished; };
    return over(a) < over(b);
  });
  for (const auto& run : runs) {
    const auto& status = run.status;
    const auto& note = !status.failure.empty()       ? status.failure
                       : !status.stop_reason.empty() ? status.stop_reason
                       : !run.waiting_for.empty()    ? run.waiting_for
                                                     : status.last_failure;
    table.add({name_text(run.name), run_state(run), std::to_string(run.priority),
               fmt::format("{}/{}", status.tasks.done, status.tasks_all),
               std::to_string(status.tasks.leased), std::to_string(status.tasks.failed),
               std::to_string(status.tasks.quarantined + status.tasks.cancelled),
               fmt::format("{:.2f}", run.per_second_15m), duration_text(run.eta_s),
               std::to_string(status.bits), fmt::format("{:.0f}%", 100 * run.budget_used),
               one_line(note, limits::error_text_chars_max)});
  }
  return table.lines(columns);
}

std::vector<std::string> worker_table(const cluster_status& s, std::size_t columns) {
  text_table table({{"worker", side::left, 0, 12, &fit_middle},
                    {"roles", side::left, 0, whole},
                    {"state", side::left, 0, whole},
                    {"slots", side::right, 2},
                    {"leased", side::right},
                    {"heartbeat", side::right, 1},
                    {"done", side::right, 4},
                    {"failed", side::right, 3},
                    {"boots", side::right, 5},
                    {"reason", side::left, 0, 20}});
  auto peers = s.peers;
  std::stable_sort(peers.begin(), peers.end(), [](const peer_line& a, const peer_line& b) {
    const auto rank = [](const peer_line& p) {
      return !p.connected ? 0 : p.draining.empty() ? 2 : 1;
    };
    return rank(a) < rank(b);
  });
  for (const auto& peer : peers) {
    std::string roles;
    for (const auto& [has, name] : {std::pair(peer.roles.solver, "solver"),
                                    {peer.roles.oracle, "oracle"},
                                    {peer.roles.grader, "grader"}})
      if (has)
        roles += (roles.empty() ? "" : ",") + std::string(name);
    table.add({name_text(peer.name), roles,
               !peer.connected         ? "lost"
               : peer.draining.empty() ? "ok"
                                       : "draining",
               std::to_string(peer.slots), std::to_string(peer.leased),
               duration_text(peer.heartbeat_age_s), std::to_string(peer.tasks_done),
               std::to_string(peer.tasks_failed), std::to_string(peer.restarts),
               one_line(peer.draining.empty() ? peer.refused : peer.draining,
                        limits::error_text_chars_max)});
  }
  return table.lines(columns);
}

std::vector<std::string> lease_table(const cluster_status& s, std::size_t columns) {
  text_table table({{"slow lease", side::left, 0, 12, &fit_middle},
                    {"problem", side::right},
                    {"worker", side::left, 0, 12, &fit_middle},
                    {"age", side::right},
                    {"x p99", side::right, 2},
                    {"waits for", side::left, 0, whole},
                    {"silent", side::right, 1},
                    {"calls", side::right, 4},
                    {"events", side::right, 6},
                    {"bytes", side::right, 3},
                    {"tokens", side::right, 5}});
  bool any = false;
  for (const lease_line& lease : s.oldest_leases) {
    const bool silent =
        lease.silent_s >= std::chrono::duration<double>(limits::straggler_silence).count();
    if (lease.times_p99 <= 1 && !silent)
      continue;
    any = true;
    table.add({name_text(lease.run), std::to_string(lease.problem), name_text(lease.worker),
               duration_text(lease.age_s),
               lease.times_p99 > 0 ? fmt::format("{:.1f}", lease.times_p99) : "–",
               waits_for(lease.phase), duration_text(lease.silent_s), std::to_string(lease.calls),
               std::to_string(lease.events), bytes_text(lease.bytes),
               std::to_string(lease.tokens)});
  }
  return any ? table.lines(columns) : std::vector<std::string>();
}

std::vector<std::string> endpoint_table(const cluster_status& s, std::size_t columns) {
  std::map<std::pair<std::string, std::string>, endpoint_sum> sums;
  for (const auto& peer : s.peers)
    for (const auto& replica : peer.replicas) {
      auto& into = sums[{replica.model, replica.url}];
      into.model = replica.model;
      into.url = replica.url;
      into.add(replica);
    }
  std::vector<endpoint_sum> all;
  for (auto& [key, one] : sums)
    all.push_back(std::move(one));
  std::stable_sort(all.begin(), all.end(), [](const endpoint_sum& a, const endpoint_sum& b) {
    return (a.not_closed > 0) > (b.not_closed > 0);
  });
  text_table table({{"model", side::left, 0, 8, &fit_middle},
                    {"endpoint", side::left, 0, host_and_port, &fit_url},
                    {"breaker", side::left, 0, 16},
                    {"calls/limit", side::right},
                    {"queued", side::right, 3},
                    {"first p99", side::right, 5},
                    {"p50 s", side::right, 4},
                    {"p99 s", side::right, 1},
                    {"answered", side::right, 6},
                    {"given up", side::right, 2},
                    {"failed attempts", side::left, 0, 15}});
  for (const auto& one : all) {
    const auto url = one_line(one.url, limits::error_text_chars_max);
    table.add({name_text(one.model),
               columns > 0 && columns < scheme_from ? without_scheme(url) : url, one.breaker_text(),
               fmt::format("{}/{}", one.in_flight, one.limit), std::to_string(one.queued),
               fmt::format("{:.2f}", one.first_byte_p99_ms / 1000),
               fmt::format("{:.2f}", one.p50_ms / 1000), fmt::format("{:.2f}", one.p99_ms / 1000),
               std::to_string(one.answered), std::to_string(one.failed), one.errors_text()});
  }
  return table.lines(columns);
}

} // namespace tenbit::control

// The snapshot in Prometheus' text format. Every metric is named here, with its unit.
#include <cmath>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/http_status.hpp"
#include "control/status_json.hpp"
#include "coordinator/disk_level.hpp"

namespace tenbit::control {
namespace {

using labels = std::vector<prometheus::ClientMetric::Label>;
using kind = prometheus::MetricType;

// Texts come from peers and files; the serializer escapes quotes, backslashes and line ends.
prometheus::ClientMetric::Label label(const char* name, std::string_view value) {
  return {name, one_line(value, limits::label_chars_max)};
}

// Families in the order of their first sample. A second sample of the same labels would make the
// scraper refuse everything, so a peer that reports a replica twice costs that sample alone.
class family_set {
public:
  struct family {
    prometheus::MetricFamily what;
    std::set<labels> seen;
  };
  family& open(kind type, const char* name, const char* help) {
    for (auto& one : all_)
      if (one.what.name == name)
        return one;
    all_.push_back({{name, help, type, {}}, {}});
    return all_.back();
  }
  void counter(const char* name, const char* help, labels of, double value) {
    if (auto* sample = add(kind::Counter, name, help, std::move(of)))
      sample->counter.value = value;
  }
  void counter(const char* name, const char* help, labels of, std::uint64_t value) {
    counter(name, help, std::move(of), static_cast<double>(value));
  }
  void gauge(const char* name, const char* help, labels of, double value) {
    if (auto* sample = add(kind::Gauge, name, help, std::move(of)))
      sample->gauge.value = value;
  }
  void gauge(const char* name, const char* help, labels of, std::uint64_t value) {
    gauge(name, help, std::move(of), static_cast<double>(value));
  }
  void flag(const char* name, const char* help, labels of, bool value) {
    gauge(name, help, std::move(of), value ? 1.0 : 0.0);
  }
  void histogram(const char* name, const char* help, labels of, const bits_histogram& value) {
    auto* sample = add(kind::Histogram, name, help, std::move(of));
    if (sample == nullptr)
      return;
    auto& out = sample->histogram; // its buckets hold those below, too
    out.sample_sum = static_cast<double>(value.bits);
    for (std::size_t i = 0; i < value.problems.size(); ++i) {
      out.sample_count += value.problems[i];
      out.bucket.push_back({out.sample_count, i < value.bounds.size()
                                                  ? static_cast<double>(value.bounds[i])
                                                  : std::numeric_limits<double>::infinity()});
    }
  }
  [[nodiscard]] std::string text() {
    gauge("tenbit_duplicate_samples", "Samples left out because their labels came twice.", {},
          duplicates_);
    std::vector<prometheus::MetricFamily> out;
    for (auto& one : all_)
      out.push_back(std::move(one.what));
    return prometheus::TextSerializer().Serialize(out);
  }

private:
  // Null: labels that came already.
  prometheus::ClientMetric* add(kind type, const char* name, const char* help, labels of) {
    auto& into = open(type, name, help);
    if (!into.seen.insert(of).second) {
      ++duplicates_;
      return nullptr;
    }
    auto& sample = into.what.metric.emplace_back();
    sample.label = std::move(of);
    return &sample;
  }

  std::vector<family> all_;
  std::uint64_t duplicates_ = 0;
};

void add_tasks(family_set& out, const run_line& run) {
  const auto& tasks = run.status.tasks;
  for (const auto& [state, count] : {std::pair("pending", tasks.pending),
                                     {"leased", tasks.leased},
                                     {"done", tasks.done},
                                     {"failed", tasks.failed},
                                     {"quarantined", tasks.quarantined},
                                     {"cancelled", tasks.cancelled}})
    out.gauge("tenbit_problems", "Problems of a run by state.",
              {label("run", run.name), label("state", state)}, count);
  const labels of = {label("run", run.name)};
  out.counter("tenbit_results_total", "Problems with an outcome.", of, tasks.done);
  for (const auto& [window, rate] :
       {std::pair("1m", run.per_second_1m), {"15m", run.per_second_15m}, {"1h", run.per_second_1h}})
    out.gauge("tenbit_results_per_second", "Problems done a second, over a window.",
              {label("run", run.name), label("window", window)}, rate);
  for (const auto& [band, eta] :
       {std::pair("low", run.eta_low_s), {"middle", run.eta_s}, {"high", run.eta_high_s}})
    if (eta >= 0)
      out.gauge("tenbit_eta_seconds", "Time left, with its band; not there while unknown.",
                {label("run", run.name), label("band", band)}, eta);
  out.gauge("tenbit_oldest_pending_seconds", "Age of the oldest pending problem.", of,
            run.oldest_pending_s);
  out.gauge("tenbit_oldest_lease_seconds", "Age of the oldest lease.", of, run.oldest_lease_s);
  out.gauge("tenbit_stragglers",
            "Leases three times as old as 99 of 100 problems took, and silent for a minute.", of,
            run.stragglers);
}

void add_run(family_set& out, const run_line& run) {
  add_tasks(out, run);
  const labels of = {label("run", run.name)};
  for (const auto phase :
       {run_phase::running, run_phase::stopping, run_phase::finished, run_phase::broken})
    out.flag("tenbit_run_state", "1 for the phase a run is in.",
             {label("run", run.name), label("state", to_string(phase))}, run.status.phase == phase);
  out.flag("tenbit_run_paused", "1 while an operator pauses the run.", of, run.paused);
  out.flag("tenbit_run_simulated", "1 when a simulator answers.", of, run.simulated);
  out.gauge("tenbit_run_priority", "Higher is served first.", of, double{1} * run.priority);
  out.gauge("tenbit_run_lease_limit", "Leases at once an operator allows; 0: no limit.", of,
            std::uint64_t{run.lease_limit});
  out.counter("tenbit_calls_total", "Calls committed.", of, run.status.calls);
  for (const auto& [way, count] : {std::pair("prompt", run.status.prompt_tokens),
                                   {"completion", run.status.completion_tokens}})
    out.counter("tenbit_tokens_total", "Tokens of committed calls.",
                {label("run", run.name), label("class", way)}, count);
  out.counter("tenbit_bits_total", "Answer bits in the ledger.", of, run.status.bits);
  out.histogram("tenbit_bits_per_problem",
                "Answer bits in the ledger of each problem done since the coordinator began.", of,
                run.status.bits_per_problem);
  out.gauge("tenbit_ledger_difference", "Bits in the ledger beyond or short of those delivered.",
            of, run.ledger_difference);
  out.counter("tenbit_cost_total", "Money spent on committed calls.",
              {label("run", run.name), label("currency", run.currency)}, run.status.money);
  out.gauge("tenbit_budget_used_ratio", "Of the budget's nearest limit.", of, run.budget_used);
  out.counter("tenbit_leases_granted_total", "Leases given out.", of, run.leases_granted);
  for (const auto& [cause, count] :
       {std::pair("deadline", run.leases_expired), {"worker_lost", run.leases_lost}})
    out.counter("tenbit_lease_expired_total", "Leases that ended without a release.",
                {label("run", run.name), label("cause", cause)}, count);
  out.counter("tenbit_stale_results_total", "Messages refused because their lease was over.", of,
              run.stale_refused);
  out.counter("tenbit_duplicate_acks_total", "Messages that came again and were answered again.",
              of, run.duplicates);
  out.gauge("tenbit_suspects", "Problems that were in work when a worker died.", of, run.suspects);
}

// Of a store that is open: a run that is over has none.
void add_store(family_set& out, const run_line& run) {
  if (run.status.phase != run_phase::running && run.status.phase != run_phase::stopping)
    return;
  const labels of = {label("run", run.name)};
  const store_health& store = run.store;
  out.gauge("tenbit_sync_p50_seconds", "Median time of a commit's write and fsync.", of,
            store.sync_p50_ms / 1000);
  out.gauge("tenbit_sync_p99_seconds", "99th percentile of the same.", of,
            store.sync_p99_ms / 1000);
  out.gauge("tenbit_commit_group_p50_items", "Commits that share one fsync, median.", of,
            store.group_p50_items);
  out.gauge("tenbit_commit_group_p99_items", "99th percentile of the same.", of,
            store.group_p99_items);
  out.gauge("tenbit_log_bytes", "Write-ahead log that the next opening replays.", of,
            store.log_bytes);
  out.gauge("tenbit_compaction_pending_bytes", "Estimate of what is to be compacted.", of,
            store.compaction_pending_bytes);
  out.counter("tenbit_write_stalls_total", "Times that writes were slowed or stopped.", of,
              store.write_stalls);
  out.counter("tenbit_background_errors_total", "Flushes and compactions that failed.", of,
              store.background_errors);
  out.gauge("tenbit_anchor_lag_seconds", "Age of an anchor that is behind the store.", of,
            store.anchor_lag_s);
  out.gauge("tenbit_checkpoint_age_seconds",
            "Since the last copy of the store; without one, since it was opened.", of,
            run.checkpoint_age_s);
}

// What a replica did since its worker began.
void add_replica_counts(family_set& out, const labels& of, const replica_report& replica) {
  out.counter("tenbit_answers_total", "Calls answered.", of, replica.answered);
  out.counter("tenbit_retries_total", "Attempts made again.", of, replica.retried);
  out.counter("tenbit_calls_given_up_total", "Calls given up.", of, replica.failed);
  const auto with = [&of](const char* name, std::string_view value) {
    auto more = of;
    more.push_back(label(name, value));
    return more;
  };
  std::uint64_t failed = 0;
  for (const auto& [cause, count] : {std::pair("throttled", replica.errors.throttled),
                                     {"transient", replica.errors.transient},
                                     {"endpoint_invalid", replica.errors.endpoint_invalid},
                                     {"request_invalid", replica.errors.request_invalid},
                                     {"auth", replica.errors.auth}}) {
    out.counter("tenbit_errors_total", "Attempts that failed, by class.", with("class", cause),
                count);
    failed += count;
  }
  if (replica.answered > 0)
    out.gauge("tenbit_call_amplification_ratio", "Attempts for each answer.", of,
              static_cast<double>(replica.answered + failed) /
                  static_cast<double>(replica.answered));
  out.counter("tenbit_endpoint_tokens_total", "Tokens of answered calls.", with("class", "prompt"),
              replica.prompt_tokens);
  out.counter("tenbit_endpoint_tokens_total", "Tokens of answered calls.",
              with("class", "completion"), replica.completion_tokens);
  out.counter("tenbit_generation_seconds_total",
              "Time from the first to the last byte of answered calls.", of,
              static_cast<double>(replica.generation_ms) / 1000);
}

void add_replica_times(family_set& out, const labels& of, const replica_report& replica) {
  const auto seconds = [](double ms) { return ms / 1000; };
  out.gauge("tenbit_first_byte_p50_seconds", "Median time to the first byte, of minutes.", of,
            seconds(replica.first_byte_p50_ms));
  out.gauge("tenbit_first_byte_p90_seconds", "90th percentile of the same.", of,
            seconds(replica.first_byte_p90_ms));
  out.gauge("tenbit_first_byte_p99_seconds", "99th percentile of the same.", of,
            seconds(replica.first_byte_p99_ms));
  out.gauge("tenbit_call_p50_seconds", "Median time of a call, of minutes.", of,
            seconds(replica.total_p50_ms));
  out.gauge("tenbit_call_p90_seconds", "90th percentile of a call's time.", of,
            seconds(replica.total_p90_ms));
  out.gauge("tenbit_call_p99_seconds", "99th percentile of a call's time.", of,
            seconds(replica.total_p99_ms));
}

void add_replica(family_set& out, const peer_line& peer, const replica_report& replica) {
  const labels of = {label("worker", peer.name), label("endpoint", replica.url),
                     label("model", replica.model)};
  out.gauge("tenbit_calls_inflight", "Calls on the wire.", of, std::uint64_t{replica.in_flight});
  out.gauge("tenbit_calls_queued", "Calls that wait for the limit.", of,
            std::uint64_t{replica.queued});
  out.gauge("tenbit_calls_limit", "Calls at once the limiter allows.", of,
            std::uint64_t{replica.limit});
  auto state = of;
  state.push_back(label("state", replica.breaker));
  out.gauge("tenbit_breaker_state", "1 for the state a breaker is in.", state, 1.0);
  out.gauge("tenbit_retry_budget_ratio", "Left of what bounds the retries of a replica.", of,
            static_cast<double>(replica.retry_tokens) / limits::retry_budget);
  add_replica_counts(out, of, replica);
  add_replica_times(out, of, replica);
}

void add_peer(family_set& out, const peer_line& peer) {
  const labels of = {label("worker", peer.name)};
  out.flag("tenbit_worker_connected", "1 while a worker has a session.", of, peer.connected);
  out.gauge("tenbit_slots", "Tasks a worker takes at once.", of, std::uint64_t{peer.slots});
  out.gauge("tenbit_leases", "Tasks a worker holds.", of, std::uint64_t{peer.leased});
  out.gauge("tenbit_heartbeat_age_seconds", "Since a worker's last heartbeat.", of,
            peer.heartbeat_age_s);
  out.flag("tenbit_worker_draining", "1 while a worker gets no new task.", of,
           !peer.draining.empty());
  out.counter("tenbit_worker_restarts_total", "New boots of a worker's key.", of, peer.restarts);
  for (const auto& [state, count] :
       {std::pair("done", peer.tasks_done), {"failed", peer.tasks_failed}})
    out.counter("tenbit_worker_tasks_total", "Tasks that ended on a worker.",
                {label("worker", peer.name), label("state", state)}, count);
  for (const auto& replica : peer.replicas)
    add_replica(out, peer, replica);
}

void add_health(family_set& out, const cluster_status& s) {
  out.gauge("tenbit_snapshot_timestamp_seconds", "When this was true, since 1970.", {},
            static_cast<double>(s.unix_ms) / 1000);
  out.gauge("tenbit_uptime_seconds", "Since the coordinator began.", {}, s.uptime_s);
  out.gauge("tenbit_incarnation", "Lives of the coordinator.", {}, s.incarnation);
  out.gauge("tenbit_tick_gap_max_seconds", "Longest pause of its loop in the last minute.", {},
            s.tick_gap_max_s);
  out.gauge("tenbit_resident_memory_bytes", "Memory of the coordinator.", {}, s.rss_bytes);
  out.gauge("tenbit_open_files", "Its open descriptors.", {}, s.open_files);
  out.counter("tenbit_commit_groups_total", "Synced groups of the journal.", {}, s.commit_groups);
  out.counter("tenbit_commit_items_total", "Commits in those groups.", {}, s.commit_items);
  out.gauge("tenbit_commit_p50_seconds", "Median time from queue to durable.", {},
            s.commit_p50_ms / 1000);
  out.gauge("tenbit_commit_p99_seconds", "99th percentile of the same.", {},
            s.commit_p99_ms / 1000);
  out.gauge("tenbit_commit_queue_items", "Commits that wait.", {}, s.commit_queue_items);
  out.gauge("tenbit_commit_queue_bytes", "Bytes that wait.", {}, s.commit_queue_bytes);
  out.gauge("tenbit_disk_free_bytes", "Free where the stores are.", {}, s.disk_free_bytes);
  out.gauge("tenbit_disk_size_bytes", "Size of that file system.", {}, s.disk_all_bytes);
  for (const auto level :
       {disk_level::ample, disk_level::low, disk_level::no_grants, disk_level::no_appends})
    out.flag("tenbit_disk_state", "1 for what the free space allows.",
             {label("state", to_string(level))}, s.disk == to_string(level));
  for (const auto& [what, count] : {std::pair("refused_key", s.refused_keys),
                                    {"failed_handshake", s.failed_handshakes},
                                    {"bad_frame", s.bad_frames},
                                    {"forbidden", s.forbidden},
                                    {"over_quota", s.over_quota},
                                    {"dropped_send", s.dropped_sends}})
    out.counter("tenbit_link_refusals_total", "What the link refused, by class.",
                {label("class", what)}, count);
}

} // namespace

std::string to_prometheus(const cluster_status& s) {
  family_set out;
  add_health(out, s);
  for (const auto& run : s.runs) {
    add_run(out, run);
    add_store(out, run);
  }
  for (const auto& peer : s.peers)
    add_peer(out, peer);
  return out.text();
}

} // namespace tenbit::control

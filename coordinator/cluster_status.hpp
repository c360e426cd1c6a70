// What a cluster says of itself: one snapshot a second, from which `tenbit top`, `tenbit ctl`,
// /metrics and the pages read. Values; reading them never touches the coordinator or a store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/session.hpp"
#include "coordinator/endpoint_orders.hpp"
#include "coordinator/status.hpp"

namespace tenbit {

struct run_line {
  std::string name;
  experiment_id id;
  run_status status; // phase, tasks by state, calls, bits, tokens, money, reasons
  std::string currency;
  int priority = 0; // higher first
  bool paused = false;
  bool simulated = false;
  std::uint32_t lease_limit = 0; // of an operator; 0: none
  double budget_used = 0;        // of the budget's nearest limit, 0..1; 0 without a budget
  double per_second_1m = 0, per_second_15m = 0, per_second_1h = 0; // tasks done
  double eta_s = -1, eta_low_s = -1, eta_high_s = -1;              // -1: not known
  double oldest_pending_s = 0, oldest_lease_s = 0;
  std::uint64_t leases_granted = 0, leases_expired = 0, leases_lost = 0;
  std::uint64_t stale_refused = 0; // messages of a lease that is over
  std::uint64_t duplicates = 0;    // copies that were answered again
  // Bits of the store that no oracle's own ledger accounts for; must be 0.
  std::uint64_t ledger_difference = 0;
  std::uint64_t suspects = 0; // tasks that were in work when a worker died
  // Leases that are limits::straggler_times as old as 99 of 100 problems took, and silent.
  std::uint64_t stragglers = 0;
  std::string waiting_for; // why pending tasks do not run; empty: they do
  // While its store is open; 0 when the run is over.
  store_health store;
  double checkpoint_age_s = 0; // of its last copy; without one, since it was opened
};
struct peer_line {
  std::string name;
  role_set roles;
  std::string build;
  bool connected = false;
  std::uint32_t slots = 0, leased = 0;
  double heartbeat_age_s = 0;
  std::uint64_t restarts = 0; // other boots of the same key
  std::uint64_t tasks_done = 0, tasks_failed = 0;
  std::string draining; // why it gets no new task; empty: it does
  std::string refused;  // experiments it cannot work on, and why; empty: none
  std::vector<replica_report> replicas;
};
struct cluster_status {
  std::uint64_t unix_ms = 0;
  double uptime_s = 0;
  std::uint64_t incarnation = 0;
  std::string address; // where peers connect
  std::vector<run_line> runs;
  std::vector<peer_line> peers;
  std::vector<lease_line> oldest_leases;      // of all runs, the oldest first
  std::vector<endpoint_rule> endpoint_orders; // of operators
  // health
  double tick_gap_max_s = 0; // of the last minute
  std::uint64_t rss_bytes = 0, open_files = 0;
  std::uint64_t commit_groups = 0, commit_items = 0;
  double commit_p50_ms = 0, commit_p99_ms = 0; // from queue to durable
  std::uint64_t commit_queue_items = 0, commit_queue_bytes = 0;
  std::uint64_t disk_free_bytes = 0, disk_all_bytes = 0;
  std::string disk; // what that allows: to_string(disk_level)
  // security, see link/gateway.hpp
  std::uint64_t refused_keys = 0, failed_handshakes = 0, bad_frames = 0, forbidden = 0,
                over_quota = 0, dropped_sends = 0;
};

class cluster_board {
public:
  void publish(std::shared_ptr<const cluster_status> now) {
    const std::lock_guard lock(mutex_);
    now_ = std::move(now);
  }
  // Never null.
  [[nodiscard]] std::shared_ptr<const cluster_status> read() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const cluster_status> now_ = std::make_shared<const cluster_status>();
};

} // namespace tenbit

#include "tests/control/support.hpp"

namespace tenbit::control_test {
namespace {

run_line full_run() {
  run_line run;
  run.name = "gsm8k";
  run.id = experiment_id{0xfedcba9876543210U};
  run.status.phase = run_phase::stopping;
  run.status.tasks = {
      .pending = 11, .leased = 12, .done = 13, .failed = 14, .quarantined = 15, .cancelled = 16};
  run.status.tasks_all = 81;
  run.status.tasks_done_before = 3;
  run.status.calls = 1001;
  run.status.bits = 1002;
  run.status.bits_relayed = 1003;
  run.status.prompt_tokens = 1004;
  run.status.completion_tokens = 1005;
  run.status.bits_per_problem = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 1006};
  run.status.money = 12.5;
  run.status.stop_reason = "budget of calls is used";
  run.status.failure = "no";
  run.status.last_failure = "HTTP 500";
  run.currency = "USD";
  run.priority = -7;
  run.paused = true;
  run.simulated = true;
  run.lease_limit = 17;
  run.budget_used = 0.75;
  run.per_second_1m = 1.25;
  run.per_second_15m = 2.5;
  run.per_second_1h = 3.75;
  run.eta_s = 3661;
  run.eta_low_s = 3000;
  run.eta_high_s = 4000;
  run.oldest_pending_s = 61;
  run.oldest_lease_s = 62;
  run.leases_granted = 21;
  run.leases_expired = 22;
  run.leases_lost = 23;
  run.stale_refused = 24;
  run.duplicates = 25;
  run.ledger_difference = 26;
  run.suspects = 27;
  run.stragglers = 28;
  run.waiting_for = "no free slot";
  run.store = {.sync_p50_ms = 5,
               .sync_p99_ms = 250,
               .group_p50_items = 71,
               .group_p99_items = 72,
               .log_bytes = 73,
               .compaction_pending_bytes = 74,
               .write_stalls = 75,
               .background_errors = 76,
               .anchor_lag_s = 1.5};
  run.checkpoint_age_s = 77;
  return run;
}

} // namespace

cluster_status full_snapshot() {
  cluster_status s;
  s.unix_ms = 1'700'000'000'123;
  s.uptime_s = 4000.5;
  s.incarnation = 4;
  s.address = "tcp://10.0.0.1:7000";
  s.runs = {full_run()};
  s.oldest_leases = {{.run = "gsm8k",
                      .worker = "gpu-07",
                      .problem = 1318,
                      .age_s = 900,
                      .times_p99 = 3.5,
                      .phase = "receiving",
                      .calls = 81,
                      .events = 82,
                      .bytes = 83,
                      .tokens = 84,
                      .silent_s = 61.5}};
  peer_line peer;
  peer.name = "gpu-07";
  peer.roles = {.solver = true, .oracle = false, .grader = true};
  peer.build = "tenbit 0.1.0";
  peer.connected = true;
  peer.slots = 31;
  peer.leased = 12;
  peer.heartbeat_age_s = 1.5;
  peer.restarts = 32;
  peer.tasks_done = 33;
  peer.tasks_failed = 34;
  peer.draining = "fan is broken";
  peer.refused = "mmlu: its key is not set";
  peer.replicas = {{.model = "small",
                    .url = "http://gpu-07:8000/v1",
                    .breaker = "half-open",
                    .in_flight = 41,
                    .queued = 42,
                    .limit = 43,
                    .retry_tokens = 250,
                    .answered = 44,
                    .retried = 45,
                    .failed = 46,
                    .errors = {.throttled = 81,
                               .transient = 82,
                               .endpoint_invalid = 83,
                               .request_invalid = 84,
                               .auth = 85},
                    .prompt_tokens = 86,
                    .completion_tokens = 87,
                    .generation_ms = 88'000,
                    .first_byte_p50_ms = 47,
                    .first_byte_p90_ms = 470,
                    .first_byte_p99_ms = 4700,
                    .total_p50_ms = 4800,
                    .total_p90_ms = 24000,
                    .total_p99_ms = 49000}};
  s.peers = {peer};
  s.endpoint_orders = {
      {.worker = "gpu-07", .url = "http://gpu-07:8000/v1", .paused = true, .limit = 48}};
  s.tick_gap_max_s = 0.25;
  s.rss_bytes = 51;
  s.open_files = 52;
  s.commit_groups = 53;
  s.commit_items = 54;
  s.commit_p50_ms = 4;
  s.commit_p99_ms = 12;
  s.commit_queue_items = 55;
  s.commit_queue_bytes = 56;
  s.disk_free_bytes = 57;
  s.disk_all_bytes = 114;
  s.disk = "low";
  s.refused_keys = 61;
  s.failed_handshakes = 62;
  s.bad_frames = 63;
  s.forbidden = 64;
  s.over_quota = 65;
  s.dropped_sends = 66;
  return s;
}

} // namespace tenbit::control_test

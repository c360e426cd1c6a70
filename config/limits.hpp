// Every bound of the program, in one place, with the reason for its size.
//
// A queue, message, retry, file or loop that has no limit here is a bug. Units are last in the
// name.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tenbit::limits {

using namespace std::chrono_literals;

// -- experiment files and datasets ---------------------------------------------------------------
inline constexpr std::size_t experiment_file_bytes_max = 1U << 20; // a person wrote it
inline constexpr std::size_t arms_max = 256; // fits the u16 arm number with room
inline constexpr std::size_t models_max = 64;
inline constexpr std::size_t replicas_max = 256;
inline constexpr std::size_t config_text_bytes_max =
    4096; // one text of the file: a path, a URL, a name
inline constexpr std::size_t config_key_parts_max = 8;  // a.b.c: toml++ recurses per part
inline constexpr std::size_t config_problems_max = 100; // shown at once; the rest is counted
inline constexpr std::size_t overrides_max = 256;
inline constexpr std::uint32_t samples_max = 1000;           // further samples of a resample arm
inline constexpr std::uint32_t reply_tokens_max = 1'000'000; // sampling.max_tokens
inline constexpr std::uint64_t usage_tokens_max = 100'000'000; // of one call, as its server says
inline constexpr double price_max = 1e6;                     // money per million tokens
inline constexpr double sim_latency_ms_max = 600'000;
inline constexpr double sim_spread_max = 5;
inline constexpr double sim_tokens_per_second_max = 1e6;
inline constexpr std::uint32_t trials_max = 1000;
inline constexpr std::uint32_t questions_max = 1000;
inline constexpr std::uint64_t problems_max = 10'000'000;
inline constexpr std::size_t dataset_line_bytes_max = 1U << 20;
inline constexpr std::size_t problem_text_bytes_max = 256U << 10;
inline constexpr std::size_t answer_digits_max = 400; // no answer of a benchmark is longer
inline constexpr std::size_t answer_gap_bytes_max =
    8; // spaces between a minus and what stands before

// -- calls ---------------------------------------------------------------------------------------
inline constexpr std::size_t prompt_bytes_max = 4U << 20;
inline constexpr std::size_t reply_bytes_max = 16U << 20; // raw bytes of one HTTP reply, all chunks
inline constexpr std::size_t reply_text_bytes_max = 4U << 20;
inline constexpr int json_depth_max = 32;
inline constexpr std::uint32_t concurrency_max =
    8192; // per model, all replicas; fds and 24 kB a handle
inline constexpr std::uint32_t limiter_start = 64; // slow start from here, per replica
inline constexpr std::uint32_t limiter_round_calls_min =
    50;                                        // completions before the limit moves again
inline constexpr auto limiter_round_max = 10s; // or this long, when completions are rare
// First bytes against their long average: from here on the limit does not grow, or is cut.
inline constexpr double limiter_hold_ratio = 1.5;
inline constexpr double limiter_cut_ratio = 2;
inline constexpr double limiter_queue_cut_min = 0.25; // of the limit: less would drown in the noise
inline constexpr double limiter_queue_cut_max = 0.5;
inline constexpr double limiter_regrowth = 0.25; // a round, up to where the limit was cut
inline constexpr std::uint32_t limiter_first_bytes_min = 10; // seen before anything is judged
// Whether fewer calls in flight would do: how often that is tried, and how it is measured.
inline constexpr auto limiter_probe_period = 600s;
inline constexpr auto limiter_probe_slice = 10s;
inline constexpr std::uint32_t limiter_probe_slices_min = 6; // a window is this long, or longer
inline constexpr std::uint32_t limiter_probe_slices_max = 30; // until it has so many calls
inline constexpr std::uint32_t limiter_probe_calls_min = 200;
inline constexpr double limiter_probe_loss_max = 0.03; // of the tokens a second, for a tenth less
inline constexpr std::uint32_t call_attempts_max = 4;
inline constexpr std::uint32_t invalid_replies_max = 2; // a broken reply is asked for once more
inline constexpr std::size_t error_body_bytes_max = 64U << 10; // kept of a reply that is no success
inline constexpr std::size_t error_text_chars_max = 200;       // of a server's message, when shown
inline constexpr std::size_t kept_buffer_bytes_max = 256U
                                                     << 10; // larger ones are freed between calls
inline constexpr auto retry_delay_base = 500ms; // full jitter U(0, min(max, base * 2^n))
inline constexpr auto retry_delay_max = 60s;
inline constexpr auto retry_after_max = 600s; // a server that asks for more is treated as down
inline constexpr int retry_budget = 500;      // tokens per replica
inline constexpr int retry_cost = 5;
inline constexpr int retry_cost_timeout = 10;
inline constexpr auto connect_timeout = 5s;
inline constexpr auto first_byte_timeout = 600s; // queue-aware: servers queue without answering
inline constexpr auto stall_timeout = 120s;      // between two bytes of a stream
inline constexpr auto call_timeout = 1800s;
inline constexpr int breaker_failures_in_row = 10;
inline constexpr int breaker_window_calls_min = 20;
inline constexpr auto breaker_window = 30s;
inline constexpr auto breaker_probe_min = 5s;
inline constexpr auto breaker_probe_max = 60s;
inline constexpr auto snapshot_period = 200ms; // of the client's figures
inline constexpr auto quantile_window = 300s;  // times shown are of one to two of these
inline constexpr auto deadline_check_max = 1s; // how late a timeout may be noticed
inline constexpr int socket_events_max = 256;  // taken from epoll at once

// -- journal -------------------------------------------------------------------------------------
inline constexpr std::size_t commit_group_items_max = 256;
inline constexpr std::size_t commit_group_bytes_max = 1U << 20;
inline constexpr std::size_t event_bytes_max = 24U << 20; // reply text + request + framing
inline constexpr std::uint32_t events_per_task_max = 1'000'000;
inline constexpr std::size_t states_kept_max =
    65'536; // rows of tasks in work, about 100 bytes each
inline constexpr auto anchor_period = 1s;
inline constexpr std::size_t create_batch_bytes_max = 4U << 20; // problems of one write at creation
inline constexpr int reader_open_attempts_max = 50; // beside a writer that deletes files meanwhile
inline constexpr int reader_open_unmoved_max = 2;   // looks at a store in which nothing moves
inline constexpr auto reader_open_delay = 10ms;
inline constexpr std::size_t verify_findings_max = 1000; // then one line says that there are more
inline constexpr int signing_tries_max = 3; // of a run that ended, by the coordinator
inline constexpr auto signing_retry_delay = 60s;
inline constexpr std::size_t summary_bytes_max = 4096;   // the signed summary of a store
inline constexpr std::uint64_t spot_check_stride = 100;   // of so many tasks one is looked at
inline constexpr std::uint64_t spot_check_tasks_min = 50; // of a store that has them
inline constexpr std::size_t spot_check_tasks_at_once = 20; // once a second
inline constexpr auto spot_check_time_at_once = 20ms;       // then the next second
inline constexpr std::size_t rocks_log_lines_max = 64;
inline constexpr std::size_t rocks_log_chars_max = 400;

// -- tasks ---------------------------------------------------------------------------------------
inline constexpr std::uint32_t task_errors_max = 3; // a task's own errors before quarantine
inline constexpr auto task_retry_delay = 2s;        // before a task that failed is tried again
inline constexpr std::uint32_t failures_in_row_max =
    20;                                            // with nothing done: the set-up is wrong, stop
inline constexpr auto silent_model_patience = 15s; // a model that never answered, its breakers open
inline constexpr std::size_t tasks_in_flight_max = 65'536;
inline constexpr auto actor_request_timeout = 60s; // between actors of one process

// -- leases --------------------------------------------------------------------------------------
inline constexpr auto lease_ttl = 30s;    // without progress: given to another
inline constexpr auto lease_ttl_min = 1s; // --lease-ttl: tests; operators stay at 10 s and more
inline constexpr auto lease_ttl_max = 300s;
inline constexpr auto heartbeat_period = 5s;        // at most a third of the time to live
inline constexpr auto outage_retry_delay_max = 60s; // doubling from task_retry_delay
inline constexpr auto model_out_patience = 10s; // a probe has failed; others get the tasks
inline constexpr std::uint32_t crashes_max = 3; // of a task's workers, on two of them: quarantine
inline constexpr std::uint32_t crashes_one_worker_max = 6; // the same, when there is only one
inline constexpr std::size_t worker_failures_max =
    5; // distinct problems without a success: drained
inline constexpr auto worker_failures_window = 600s;
inline constexpr int grant_tries_max = 8; // tasks looked at that wait for their commits
inline constexpr std::size_t grants_per_step_max = 256; // the other events have their turn between
inline constexpr std::size_t peers_max = 4096;
inline constexpr std::size_t oldest_leases_shown = 16; // of all runs, in the status
inline constexpr std::uint64_t slow_of_tasks_min = 100; // done, before one is called slow
inline constexpr double straggler_times = 3;            // of what 99 of 100 tasks took
inline constexpr auto straggler_silence = 60s;          // no byte and no step for so long
inline constexpr std::size_t runs_max = 256; // of one coordinator, queued ones included

// -- links between processes ---------------------------------------------------------------------
inline constexpr std::size_t frame_bytes_max = 48U << 20; // a grant with its journal; one event
inline constexpr std::size_t frame_items_max = 65'536;    // of one array in a frame
inline constexpr std::size_t frame_note_bytes_max = 4096; // text for people: cut when it is sent
inline constexpr std::size_t peer_name_chars_max = 64;
inline constexpr auto receipts_period = 500ms; // a peer looks for new ones to write
inline constexpr std::size_t store_lives_kept = 1024; // openings that receipts are held against
inline constexpr std::size_t receipts_max = 64; // experiments whose last receipt a peer keeps
inline constexpr std::size_t outbox_bytes_max = 4U << 20;   // unacknowledged appends of one peer
inline constexpr std::size_t commit_queue_items_max = 8192; // then peers are not read
inline constexpr std::size_t commit_queue_bytes_max = 64U << 20;
inline constexpr std::size_t link_queue_bytes_max = 128U << 20; // to be sent on one connection
inline constexpr std::uint32_t frames_per_second_max = 50'000;  // of one peer, over ten seconds
inline constexpr std::size_t frame_bytes_per_second_max = 256U << 20;
inline constexpr std::uint32_t bad_frames_max = 16; // of one connection, then it is dropped
inline constexpr auto link_quota_window = 10s;      // over which both are averaged
inline constexpr int link_high_water = 128; // messages in libzmq, each way: of any size, so few
inline constexpr std::size_t link_round_frames_max = 256; // read before all else has its turn
inline constexpr std::size_t connections_per_key_max = 4; // then its oldest is dropped
inline constexpr auto link_silence_max = 45s;             // a connection silent for so long is gone
inline constexpr auto link_probe_patience = 5s;           // the self-test at start, each probe
inline constexpr auto gateway_linger = 1s;                // at the end, for what is queued
inline constexpr std::size_t key_file_bytes_max = 4096;
inline constexpr std::size_t allow_list_bytes_max = 4U << 20;
inline constexpr int link_backlog = 4096;
inline constexpr auto handshake_timeout = 10s;
inline constexpr auto link_probe_period = 5s; // ZMTP heartbeats: dead sockets, not dead programs
inline constexpr auto link_probe_timeout = 15s;
inline constexpr auto reconnect_min = 200ms;
inline constexpr auto reconnect_max = 10s;
inline constexpr auto uplink_linger = 2s;
inline constexpr auto allow_list_period = 1s; // how soon a revoked key is out
inline constexpr auto welcome_timeout = 10s;  // then hello is said again
inline constexpr auto party_patience = 60s; // an oracle or grader that does not answer its process
inline constexpr auto experiment_idle_max = 600s; // then a peer lets its client and parties go
inline constexpr auto resend_period = 30s;    // of what has no reply, without a reconnect

// -- control -------------------------------------------------------------------------------------
inline constexpr std::size_t control_line_bytes_max = 1U << 20;
inline constexpr auto control_timeout = 30s;
inline constexpr std::size_t control_clients_max = 64; // of each socket
// Tries without the right: written to the audit log at most so often a minute, and so much of each,
// or someone who may only look could fill the disk.
inline constexpr std::size_t control_denied_lines_max = 20;
inline constexpr auto control_denied_window = 60s;
inline constexpr std::size_t control_denied_chars_max = 400;
inline constexpr std::size_t http_clients_max = 1024;
inline constexpr std::size_t http_header_bytes_max = 16U << 10;
inline constexpr auto http_timeout = 10s;
inline constexpr auto cluster_status_period = 1s;
inline constexpr double disk_step_percent = 1; // of free space, before a level counts as left
inline constexpr std::size_t commit_times_kept = 512; // of the last groups, for what is shown
inline constexpr std::size_t control_reply_bytes_max = 64U << 20; // the status of peers_max peers
inline constexpr std::size_t endpoint_orders_max = 4096; // replicas with an order, by worker
inline constexpr std::size_t control_lane_items_max = 16; // requests that wait for one long one
inline constexpr auto cluster_status_stale = 15s;         // then /healthz says that it hangs
inline constexpr std::size_t http_failures_max = 10;      // wrong tokens in http_failures_window
inline constexpr auto http_failures_window = 60s;
inline constexpr std::size_t label_chars_max = 256; // of a text that becomes a metric's label

// -- simulator -----------------------------------------------------------------------------------
inline constexpr std::size_t sim_connections_max = 16'384; // two clients at concurrency_max
inline constexpr std::size_t sim_header_bytes_max = 16U << 10;
inline constexpr std::size_t sim_body_bytes_max = 16U << 20; // a prompt with every byte escaped
inline constexpr std::size_t sim_body_kept_bytes = 1U << 20; // a larger buffer is given back
inline constexpr std::size_t sim_distinct_max = 1U << 24;    // requests told apart: 512 MB at most
inline constexpr std::size_t sim_huge_bytes = 64U << 20;     // a huge reply ends here
inline constexpr std::size_t sim_recorded_bytes_max = 1U << 30;
inline constexpr std::size_t sim_recorded_rows_max = 1U << 20;
inline constexpr auto sim_request_timeout = 30s; // from the first byte of a request to its last
inline constexpr auto sim_idle_timeout = 300s;   // between requests of a connection
inline constexpr auto sim_drain_timeout = 5s;    // a closing connection, for the client to read
inline constexpr auto sim_write_timeout = 120s;  // a client that does not read
inline constexpr auto sim_slow_pause = 50ms;     // the slow fault: between two of sim_slow_parts
inline constexpr std::size_t sim_slow_parts = 40;

// -- what is shown -------------------------------------------------------------------------------
inline constexpr std::size_t shown_name_chars_max = 64;
inline constexpr auto progress_period = 1s;
inline constexpr auto status_gap = 10ms;     // at least, between two publications of it
inline constexpr auto status_period = 200ms; // the coordinator publishes its status

} // namespace tenbit::limits

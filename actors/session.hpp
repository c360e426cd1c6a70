// What a peer and the coordinator say about themselves, and the two sets of messages that cross
// between processes. Values; actors/wire.hpp gives their bytes.
//
// A peer is one process with one key: a worker (solver), an oracle, a grader, or any mix. It opens
// one connection, says `hello`, and is answered with `welcome` or `refused`. Nothing else is
// listened to before. A second hello (a reconnect, or a restart of either side) brings both sides
// to one view of who holds what: leases the coordinator does not know are revoked, grants the peer
// does not know are sent again, and the peer sends again what has no reply.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/endpoint_order.hpp"
#include "actors/messages.hpp"

namespace tenbit {

// What a key may do. An operator works over the control socket, never over the wire.
struct role_set {
  bool solver = false, oracle = false, grader = false;
  [[nodiscard]] bool any() const { return solver || oracle || grader; }
  // True when every role of `other` is here.
  [[nodiscard]] bool covers(role_set other) const {
    return (solver || !other.solver) && (oracle || !other.oracle) && (grader || !other.grader);
  }
  friend bool operator==(const role_set&, const role_set&) = default;
};
[[nodiscard]] std::string to_string(role_set roles); // "solver,oracle"
// "solver,oracle" and back; empty when a name is unknown or nothing is named.
[[nodiscard]] std::optional<role_set> parse_roles(std::string_view text);

struct held_lease {
  task_id task;
  epoch lease;
  friend bool operator==(const held_lease&, const held_lease&) = default;
};

// -- peer → coordinator --------------------------------------------------------------------------

// How many bits this oracle's own ledger holds for an experiment: fewer than it has given before
// means that its ledger is an older copy, and it is refused.
struct ledger_count {
  experiment_id experiment;
  std::uint64_t bits = 0;
  friend bool operator==(const ledger_count&, const ledger_count&) = default;
};
// What of an experiment was durable when the coordinator said so. A peer keeps it, over restarts
// too, and shows it in every hello: a coordinator whose store has less was started from an older
// copy. seal: tells coordinators with the same keys that one of them made it; peers cannot.
struct receipt {
  experiment_id experiment;
  std::uint64_t incarnation = 0, commit_seq = 0; // of its store
  hash256 seal;
  friend bool operator==(const receipt&, const receipt&) = default;
};
struct hello {
  std::string build;                  // of the program, e.g. "tenbit 0.1.0"
  std::uint64_t boot = 0;             // random, one per process: another one means it restarted
  std::uint64_t incarnation_seen = 0; // the highest of any coordinator; a lower one is an old copy
  role_set roles;                     // as asked for; the key must allow them
  std::uint32_t slots = 0;            // solver: tasks at once
  std::vector<held_lease> leases;     // in work, or with something that has no reply yet
  std::vector<ledger_count> ledgers;  // oracle
  std::vector<receipt> receipts = {}; // the last one of each experiment
};
// What a lease waits for; of several things the first of these.
enum class lease_phase : std::uint8_t {
  receiving,  // the rest of a reply
  sent,       // the first byte of one
  queued,     // a replica that takes its call
  asking,     // the sender
  committing, // the journal
  grading,    // the grader
};
[[nodiscard]] std::string_view to_string(lease_phase phase);
// What a lease did since it began. Made by the thread that does the work, so that a hung one stops
// renewing its leases.
struct lease_progress {
  task_id task;
  epoch lease;
  std::uint32_t calls_in_flight = 0;
  std::uint32_t events = 0; // committed so far
  lease_phase phase = lease_phase::committing;
  std::uint64_t bytes = 0;     // of replies, on the wire too
  std::uint64_t tokens = 0;    // that its answered calls completed
  std::uint32_t silent_ms = 0; // since a byte came or a step was done
};
// INTERNAL to a process: the leases of one of its workers.
struct progress_report {
  std::vector<lease_progress> leases;
};
// INTERNAL to a process: an oracle or a grader of it that was asked for progress; its thread turns.
struct party_lives {};
// Attempts of calls that failed, by class (call_error); since the process began.
struct attempt_failures {
  std::uint64_t throttled = 0, transient = 0, endpoint_invalid = 0, request_invalid = 0, auth = 0;
  friend bool operator==(const attempt_failures&, const attempt_failures&) = default;
};
// One replica as this peer sees it. Counts are since the process began, times those of the last
// minutes (limits::quantile_window).
struct replica_report {
  std::string model; // alias
  std::string url;
  std::string breaker; // "closed", "open", "half-open", "stopped", "paused"
  std::uint32_t in_flight = 0, queued = 0, limit = 0;
  std::uint32_t retry_tokens = 0;                      // left of limits::retry_budget
  std::uint64_t answered = 0, retried = 0, failed = 0; // failed: calls that were given up
  attempt_failures errors;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0; // of answered calls
  std::uint64_t generation_ms = 0;                        // of the same, from first to last byte
  double first_byte_p50_ms = 0, first_byte_p90_ms = 0, first_byte_p99_ms = 0;
  double total_p50_ms = 0, total_p90_ms = 0, total_p99_ms = 0;
};
struct heartbeat {
  std::uint64_t boot = 0;
  std::uint64_t number = 0; // from 1
  std::uint32_t slots = 0;  // 0 while no model of it can be called
  std::vector<lease_progress> leases;
  std::vector<replica_report> replicas;
};
// It ends in good order: its leases are free at once and nobody is charged.
struct goodbye {
  std::string reason;
};
// It cannot work on this experiment in any of its roles (a key is missing, a model cannot be
// served) and gives back what it has of it; its other experiments go on. Until its next hello.
struct experiment_refused {
  experiment_id experiment;
  std::string reason; // for people
};

// -- coordinator → peer --------------------------------------------------------------------------

struct welcome {
  std::uint64_t incarnation = 0;
  std::uint32_t lease_ttl_ms = 0; // a lease without progress for so long is given to another
  std::uint32_t heartbeat_ms = 0; // to be sent this often
  std::string name;               // the peer's, by its key
};
// The peer may not take part. It shows the reason and ends, or tries again later.
struct refused {
  std::string reason;
  bool for_good = false;
};
// A message came over a connection that said no hello.
struct hello_wanted {};
// An experiment, before the first message of it on this connection.
struct experiment_text {
  experiment_id experiment;
  std::string toml; // to_toml(...)
};
struct heartbeat_ack {
  std::uint64_t number = 0;
  std::vector<receipt> receipts = {}; // of the experiments that the peer was told of
};
// Finish in good order: release everything as interrupted, say goodbye, end.
struct leave_order {
  std::string reason;
};
// INTERNAL name of `appended` when it goes to an oracle.
struct oracle_appended {
  appended what;
};

using from_peer = std::variant<hello, heartbeat, goodbye, experiment_refused,              // any
                               append_request, ask_message, text_request, arm_finished,    // solver
                               task_released,                                              // solver
                               oracle_append, oracle_failed, oracle_text_reply, forgotten, // oracle
                               graded>;                                                    // grader
using to_peer = std::variant<welcome, refused, hello_wanted, experiment_text, heartbeat_ack,
                             leave_order,                                           // any
                             grant, appended, bits_reply, text_reply, arm_closed,   // solver
                             release_ack, revoke, hand_back,                        // solver
                             oracle_ask, oracle_text, oracle_appended, forget_task, // oracle
                             grade_request,                                         // grader
                             endpoint_order>;                                       // any

// The role a message belongs to; empty: any. A peer whose key has not the role may neither send it
// nor be sent it: gold and the strong model's text reach no solver.
[[nodiscard]] role_set role_of(const from_peer& message);
[[nodiscard]] role_set role_of(const to_peer& message);

} // namespace tenbit

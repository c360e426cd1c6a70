// What the parties of a run say to each other. Values; every message has one sender and one
// receiver.
//
// In one process they are passed as they are; between processes they become msgpack arrays. A
// `ticket` is made by whoever waits for the reply and comes back in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "actors/call.hpp"
#include "actors/event.hpp"
#include "actors/ids.hpp"
#include "benchmarks/gold.hpp"
#include "benchmarks/problem.hpp"

namespace tenbit {

using journal_slice = std::shared_ptr<const std::vector<event>>;

// -- coordinator → worker ------------------------------------------------------------------------

// A task to work on. `journal` holds the receiver's calls alone: no bits, no gold, nothing of the
// sender.
struct grant {
  task_id task;
  epoch lease;
  std::shared_ptr<const problem> item;
  journal_slice journal;                // never null
  std::unordered_set<arm_trial> closed; // arms that have an outcome already
};
// The events of an append are durable. To the oracle too, whose appends belong to no lease: epoch
// 0.
struct appended {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
};
// Why an ask has no answers.
struct ask_failure {
  call_error kind = call_error::transient;
  std::string message;
};
// The answers to an ask: committed bits, or a failure.
struct bits_reply {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
  std::vector<answer> values; // one per question when there is no failure
  bool failed = false;
  ask_failure failure;
};
// The text of the sender that a text-crossing arm asked for, committed and counted; or a failure.
struct text_reply {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
  std::string text;
  bool failed = false;
  ask_failure failure;
};
// The outcome of this arm is durable.
struct arm_closed {
  task_id task;
  epoch lease;
  arm_trial where;
};
// The end of the lease is durable: nothing of it need be kept.
struct release_ack {
  task_id task;
  epoch lease;
};
// Stop at once: the lease is not this worker's any more, and nothing of it is accepted.
struct revoke {
  task_id task;
  epoch lease;
  std::string reason; // for the log
};
// Start nothing new for this task; commit what is on the wire, then release it as interrupted.
struct hand_back {
  task_id task;
  epoch lease;
};

// -- worker → coordinator ------------------------------------------------------------------------

struct append_request {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
  std::vector<event> events; // calls and failures of the receiver
};
struct ask_message {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
  arm_trial where;
  std::vector<std::string> questions;
  std::string draft; // what the sender may see
};
// A direct arm of the sender's model: its whole text is asked for, and crosses counted.
struct text_request {
  task_id task;
  epoch lease;
  std::uint64_t ticket = 0;
  arm_trial where;
  generate_request request;
};
// An arm's program ended: to be graded and committed.
struct arm_finished {
  task_id task;
  epoch lease;
  arm_trial where;
  std::optional<call_id> draft_call;
  std::string draft_text;
  call_id answer_call;
  std::string answer_text;
  std::uint32_t questions = 0;
  std::uint64_t payload_bits = 0;
  std::string bitstream; // .tbit bytes
};
// How a worker's work on a task ended.
enum class release_kind : std::uint8_t {
  done,        // every arm has an outcome
  interrupted, // some arms were left open because it was told to stop: charged to nobody
  outage,      // arms failed because endpoints did not answer or throttled: charged to nobody
  own_fault,   // some endpoint answered, and what it said was unusable: charged to the task
  refused,     // an endpoint refused the request or the key: trying again changes nothing
  diverged,    // the journal holds something else than the program wants: for a person to look at
};
[[nodiscard]] std::string_view to_string(release_kind k);
// The worker has nothing more to do for this task.
struct task_released {
  task_id task;
  epoch lease;
  release_kind how = release_kind::done;
  std::uint32_t failed_arms = 0; // with a failure event each
};

// -- coordinator ↔ oracle ------------------------------------------------------------------------

struct oracle_ask {
  task_id task;
  std::uint64_t ticket = 0; // the coordinator's
  std::shared_ptr<const problem> item;
  arm_trial where;
  std::vector<std::string> questions;
  std::string draft;
  std::vector<std::uint32_t> wanted; // indices of the questions that have no bit yet
  gold reference;                    // sealed; set when the arm's reference is gold
  journal_slice prior; // the sender's committed calls; null after the first ask of a lease
};
// A text of the sender's model that will cross whole.
struct oracle_text {
  task_id task;
  std::uint64_t ticket = 0; // the coordinator's
  generate_request request;
  journal_slice prior; // as in oracle_ask
};
struct oracle_text_reply {
  task_id task;
  std::uint64_t ask = 0; // ticket of the oracle_text
  std::string text;
};
// Events of the sender, to be committed before anything that follows from them.
struct oracle_append {
  task_id task;
  std::uint64_t ticket = 0; // the oracle's; comes back in `appended`
  std::uint64_t ask = 0;    // ticket of the oracle_ask
  std::vector<event> events;
};
struct oracle_failed {
  task_id task;
  std::uint64_t ask = 0;
  ask_failure failure;
};
// The lease of the task ended.
struct forget_task {
  task_id task;
};
// Nothing of the task is on the wire or uncommitted any more.
struct forgotten {
  task_id task;
};

// -- coordinator ↔ grader ------------------------------------------------------------------------

struct grade_request {
  arm_finished finished;
  gold reference; // sealed
};
struct graded {
  task_id task;
  outcome_event result;
};

// -- endpoints → worker, oracle ------------------------------------------------------------------

struct call_done {
  task_id task;
  epoch lease; // 0 for an oracle
  call_id call;
  call_result result;
};

} // namespace tenbit

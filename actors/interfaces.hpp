// Every typed actor interface of a run, a sentence per handler. The states behind them are pure
// cores.
//
// Nothing is asked with an infinite wait: all messages are one-way, replies carry the asker's
// ticket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/caf_compat.hpp"
#include "actors/messages.hpp"
#include "actors/session.hpp"

namespace tenbit {

// -- worker --------------------------------------------------------------------------------------

// No new calls; what is on the wire is finished and committed, then every task is released.
struct drain_order {};
// Say how each lease does (a worker: `progress_report`) or that there is nothing that hangs (the
// others: `party_lives`), from the thread that does the work.
struct progress_wanted {};

using worker_actor = caf::typed_actor<
    // Start working on a task.
    caf::reacts_to<grant>,
    // Events are durable: what they record may be used.
    caf::reacts_to<appended>,
    // The committed answers to an ask, or why there are none.
    caf::reacts_to<bits_reply>,
    // The text of a direct arm of the sender's model.
    caf::reacts_to<text_reply>,
    // An arm's outcome is durable.
    caf::reacts_to<arm_closed>,
    // The lease is another's, or must be given back.
    caf::reacts_to<revoke>, caf::reacts_to<hand_back>,
    // A call of the receiver came back. From the endpoint client's thread.
    caf::reacts_to<call_done>,
    // Finish in good order.
    caf::reacts_to<drain_order>, caf::reacts_to<progress_wanted>>;

// -- oracle --------------------------------------------------------------------------------------

using oracle_actor = caf::typed_actor<
    // Questions that have no bit in the ledger yet.
    caf::reacts_to<oracle_ask>,
    // A text that will cross whole.
    caf::reacts_to<oracle_text>,
    // Events of the sender are durable.
    caf::reacts_to<appended>,
    // A call of the sender came back. From the endpoint client's thread.
    caf::reacts_to<call_done>,
    // A lease ended.
    caf::reacts_to<forget_task>, caf::reacts_to<progress_wanted>>;

// -- grader --------------------------------------------------------------------------------------

using grader_actor = caf::typed_actor<
    // Grade an arm; answers with `graded`.
    caf::reacts_to<grade_request>, caf::reacts_to<progress_wanted>>;

// -- coordinator ---------------------------------------------------------------------------------

// Where the parties of one process send what they have to say: the coordinator itself, or the link
// to it.
using upstream_actor = caf::typed_actor<
    // Commit events of the receiver, then say so.
    caf::reacts_to<append_request>,
    // Relay questions to the oracle; only committed bits go back.
    caf::reacts_to<ask_message>,
    // Relay a text that crosses whole.
    caf::reacts_to<text_request>, caf::reacts_to<oracle_text_reply>,
    // An arm's program ended: grade and commit.
    caf::reacts_to<arm_finished>,
    // A worker is through with a task.
    caf::reacts_to<task_released>,
    // Commit events of the sender, then say so; bits go into the ledger.
    caf::reacts_to<oracle_append>, caf::reacts_to<oracle_failed>,
    // The oracle has nothing left of a task.
    caf::reacts_to<forgotten>,
    // A graded outcome, to be committed.
    caf::reacts_to<graded>,
    // How the leases of a worker do; that an oracle or grader does.
    caf::reacts_to<progress_report>, caf::reacts_to<party_lives>>;

// Stop granting, hand everything back, close the stores. `reason` is shown.
struct stop_order {
  std::string reason;
};
// INTERNAL: the journal of a run made these commits durable, in this order.
struct committed {
  experiment_id run;
  std::vector<std::uint64_t> tickets;
};
// INTERNAL: this commit contradicts what the store has; nothing of it was written.
struct commit_diverged {
  experiment_id run;
  std::uint64_t ticket = 0;
  std::string message;
};
// INTERNAL: the journal cannot go on; nothing after the last `committed` is durable.
struct journal_failed {
  experiment_id run;
  std::string message;
  bool damaged = false; // what was committed before does not hold any more
};
// INTERNAL: the store is flushed and closed.
struct journal_closed {
  experiment_id run;
  std::string failure; // empty: clean
};
// INTERNAL: time to look for delayed tasks and publish the status.
struct tick {};

using coordinator_actor =
    upstream_actor::extend<caf::reacts_to<stop_order>, caf::reacts_to<committed>,
                           caf::reacts_to<commit_diverged>, caf::reacts_to<journal_failed>,
                           caf::reacts_to<journal_closed>, caf::reacts_to<tick>>;

} // namespace tenbit

// Passed by value inside the process, never serialised.
#define TENBIT_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)
TENBIT_LOCAL_MESSAGE(tenbit::grant)
TENBIT_LOCAL_MESSAGE(tenbit::appended)
TENBIT_LOCAL_MESSAGE(tenbit::bits_reply)
TENBIT_LOCAL_MESSAGE(tenbit::arm_closed)
TENBIT_LOCAL_MESSAGE(tenbit::text_reply)
TENBIT_LOCAL_MESSAGE(tenbit::text_request)
TENBIT_LOCAL_MESSAGE(tenbit::oracle_text)
TENBIT_LOCAL_MESSAGE(tenbit::oracle_text_reply)
TENBIT_LOCAL_MESSAGE(tenbit::call_done)
TENBIT_LOCAL_MESSAGE(tenbit::drain_order)
TENBIT_LOCAL_MESSAGE(tenbit::oracle_ask)
TENBIT_LOCAL_MESSAGE(tenbit::forget_task)
TENBIT_LOCAL_MESSAGE(tenbit::forgotten)
TENBIT_LOCAL_MESSAGE(tenbit::grade_request)
TENBIT_LOCAL_MESSAGE(tenbit::revoke)
TENBIT_LOCAL_MESSAGE(tenbit::hand_back)
TENBIT_LOCAL_MESSAGE(tenbit::progress_wanted)
TENBIT_LOCAL_MESSAGE(tenbit::progress_report)
TENBIT_LOCAL_MESSAGE(tenbit::party_lives)
TENBIT_LOCAL_MESSAGE(tenbit::commit_diverged)
TENBIT_LOCAL_MESSAGE(tenbit::append_request)
TENBIT_LOCAL_MESSAGE(tenbit::ask_message)
TENBIT_LOCAL_MESSAGE(tenbit::arm_finished)
TENBIT_LOCAL_MESSAGE(tenbit::task_released)
TENBIT_LOCAL_MESSAGE(tenbit::oracle_append)
TENBIT_LOCAL_MESSAGE(tenbit::oracle_failed)
TENBIT_LOCAL_MESSAGE(tenbit::graded)
TENBIT_LOCAL_MESSAGE(tenbit::stop_order)
TENBIT_LOCAL_MESSAGE(tenbit::committed)
TENBIT_LOCAL_MESSAGE(tenbit::journal_failed)
TENBIT_LOCAL_MESSAGE(tenbit::journal_closed)
TENBIT_LOCAL_MESSAGE(tenbit::tick)

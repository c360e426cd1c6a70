// The one writer of a store: gathers what waits into one synced batch and says so after the fsync.
//
// Detached (a thread of its own), because a commit blocks for the time of an fsync; while it does,
// the next group forms in the mailbox. A failed commit is final: nothing is written after it. A
// commit that contradicts the store is left out and reported; the others of its group go on.
//
// What a store has of earlier lives is looked at meanwhile (storage/spot_check.hpp): damage is a
// failure like that of a commit, so that nothing is built on it.
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "coordinator/run_core.hpp"
#include "coordinator/status.hpp"
#include "storage/store.hpp"

namespace tenbit {

// INTERNAL: everything that was in the mailbox before this is in the group.
struct flush_order {};

using journal_actor = caf::typed_actor<
    // To be committed with its group; the coordinator gets its ticket in `committed`.
    caf::reacts_to<commit_command>,
    // Commit what waits, close the store, answer with `journal_closed`.
    caf::reacts_to<close_journal>,
    // Keep the anchor fresh while nothing is committed.
    caf::reacts_to<tick>, caf::reacts_to<flush_order>>;

// The store outlives the actor. The board, which may be null, is told how the store does.
[[nodiscard]] journal_actor spawn_journal(caf::actor_system& system, store& target,
                                          experiment_id run, coordinator_actor coordinator,
                                          std::shared_ptr<status_board> board);

} // namespace tenbit

TENBIT_LOCAL_MESSAGE(tenbit::commit_command)
TENBIT_LOCAL_MESSAGE(tenbit::close_journal)
TENBIT_LOCAL_MESSAGE(tenbit::flush_order)

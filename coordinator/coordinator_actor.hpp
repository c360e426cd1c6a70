// The coordinator as an actor: messages in, run_core decides, messages out. Nothing is decided
// here.
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "coordinator/run_core.hpp"
#include "coordinator/status.hpp"
#include "storage/store.hpp"

namespace tenbit {

// Spawns the coordinator and its journal actor. store and board outlive the actor system; the core
// is loaded.
[[nodiscard]] coordinator_actor spawn_coordinator(caf::actor_system& system,
                                                  std::unique_ptr<run_core> core, store& target,
                                                  std::shared_ptr<status_board> board);

} // namespace tenbit

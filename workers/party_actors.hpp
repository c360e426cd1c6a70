// Worker, oracle and grader as actors: messages in, the pure cores decide, messages and calls out.
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"

namespace tenbit {

// The client outlives the actor system. Announces itself to the coordinator with its slots.
[[nodiscard]] worker_actor spawn_worker(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp, client& calls,
                                        coordinator_actor coordinator, std::uint32_t slots);
[[nodiscard]] oracle_actor spawn_oracle(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp, client& calls,
                                        coordinator_actor coordinator);
[[nodiscard]] grader_actor spawn_grader(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp,
                                        coordinator_actor coordinator);

} // namespace tenbit

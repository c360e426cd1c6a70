// Worker, oracle and grader as actors: messages in, the pure cores decide, messages and calls out.
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"

namespace tenbit {

// The client outlives the actor system. coordinator: itself, or the link to it.
[[nodiscard]] worker_actor spawn_worker(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp, client& calls,
                                        upstream_actor coordinator);
[[nodiscard]] oracle_actor spawn_oracle(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp, client& calls,
                                        upstream_actor coordinator);
[[nodiscard]] grader_actor spawn_grader(caf::actor_system& system,
                                        std::shared_ptr<const experiment> exp,
                                        upstream_actor coordinator);

} // namespace tenbit

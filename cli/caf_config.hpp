// How CAF is set up in every process of tenbit.
#pragma once

#include "actors/caf_compat.hpp"

namespace tenbit::cli {

// CAF reads no files, takes no arguments, and does not poll when idle.
struct actor_config : caf::actor_system_config {
  actor_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1}); // waking a second one costs more than it does
    set("logger.verbosity", caf::atom("quiet"));
  }
};

} // namespace tenbit::cli

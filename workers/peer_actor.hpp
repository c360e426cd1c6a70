// A peer process as an actor: the link's messages go to the parties of their experiment, and what
// those say goes to the link. Nothing is decided here but which experiment a message is of.
//
// Owns one client and one worker, oracle and grader per experiment, as far as its roles go, made
// when the experiment's text comes and ended when there was nothing to do for it for a while. One
// that cannot be made is refused, and the others go on. Detached (a thread of its own), because an
// oracle's ledger is synced here before a bit leaves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"
#include "workers/link_core.hpp"
#include "workers/oracle_ledger.hpp"

namespace tenbit {

// From the link's thread.
struct link_up {};
struct link_down {
  std::string reason;
};
struct link_message {
  std::shared_ptr<to_peer> what;
};
// Finish in good order. From the process's main thread.
struct leave_request {
  std::string reason;
};
// INTERNAL: what waits is synced to the oracle's ledger and sent.
struct ledger_flush {};

using peer_actor =
    upstream_actor::extend<caf::reacts_to<link_up>, caf::reacts_to<link_down>,
                           caf::reacts_to<link_message>, caf::reacts_to<leave_request>,
                           caf::reacts_to<ledger_flush>, caf::reacts_to<tick>>;

struct peer_options {
  link_rules rules;
  bool slots_auto = false; // from the concurrency of the models
  // Points the experiment's models to this node's replicas; what it returns lives as long as the
  // experiment. Fails when this node cannot work on it.
  std::function<expected<std::shared_ptr<void>, std::string>(experiment&)> prepare;
  std::function<std::uint32_t(const experiment&)> slots_of;
  std::function<bool(const from_peer&)> send; // to the link
  std::function<void(std::string reason, bool in_order)> on_over;
  std::function<void(const std::string&)> on_note;              // one line for the log
  std::function<void(std::uint64_t)> on_incarnation;            // a higher one was seen: to be kept
  std::function<void(const std::vector<receipt>&)> on_receipts; // likewise later ones; may be empty
  std::shared_ptr<oracle_ledger> ledger;                        // for the oracle role
};

[[nodiscard]] peer_actor spawn_peer(caf::actor_system& system, peer_options options);

} // namespace tenbit

TENBIT_LOCAL_MESSAGE(tenbit::link_up)
TENBIT_LOCAL_MESSAGE(tenbit::link_down)
TENBIT_LOCAL_MESSAGE(tenbit::link_message)
TENBIT_LOCAL_MESSAGE(tenbit::leave_request)
TENBIT_LOCAL_MESSAGE(tenbit::ledger_flush)

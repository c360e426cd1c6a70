// The coordinator as an actor: messages in, cluster_core decides, messages out. Nothing is decided
// here.
//
// Peers are reached through ports: in one process the actors themselves, else a link. Each run has
// a store and a journal actor of its own.
#pragma once

#include <functional>
#include <memory>

#include "actors/interfaces.hpp"
#include "coordinator/cluster_core.hpp"
#include "storage/store.hpp"

namespace tenbit {

// Where commands to peers go. Called on the coordinator's thread; must not block.
struct peer_port {
  std::function<void(connection_id, to_peer)> send;
  std::function<void(connection_id, const std::string& reason)> drop;
  // True: take nothing from peers until false, because commits pile up. May be empty.
  std::function<void(bool)> hold;
};

// A message of a peer of another process, its rights checked.
struct remote_frame {
  connection_id from;
  std::string key;
  role_set rights;
  from_peer message;
};
struct remote_gone {
  connection_id from;
};
// A run that was loaded; the store outlives the actor.
struct run_start {
  std::shared_ptr<std::unique_ptr<run_core>> core;
  store* target = nullptr;
  std::shared_ptr<status_board> board; // of this run; may be null
  int priority = 0;
};
// Runs on the coordinator's thread with the core: the control verbs. Must be short.
struct core_call {
  std::function<void(cluster_core&, run_clock::time_point)> what;
};

using coordinator_root =
    coordinator_actor::extend<caf::reacts_to<remote_frame>, caf::reacts_to<remote_gone>,
                              caf::reacts_to<run_start>, caf::reacts_to<core_call>>;

// Runs come by run_start. on_status: each limits::cluster_status_period, with the snapshot; may be
// empty.
[[nodiscard]] coordinator_root
spawn_coordinator(caf::actor_system& system, std::shared_ptr<cluster_core> core, peer_port port,
                  std::function<void(cluster_status)> on_status = {});

} // namespace tenbit

TENBIT_LOCAL_MESSAGE(tenbit::remote_frame)
TENBIT_LOCAL_MESSAGE(tenbit::remote_gone)
TENBIT_LOCAL_MESSAGE(tenbit::run_start)
TENBIT_LOCAL_MESSAGE(tenbit::core_call)

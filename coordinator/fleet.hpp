// The peers of a coordinator: who they are, what they may do, how they are.
//
// Pure. A peer is numbered by the name of its key, for the life of the process; its connection and
// its boot id change.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/session.hpp"
#include "coordinator/plan.hpp"

namespace tenbit {

struct fleet_peer {
  peer_id id;
  std::string name;
  role_set roles; // that it took up
  std::string build;
  std::optional<connection_id> connection; // after its hello, until it is gone
  std::uint64_t boot = 0;                  // 0: not seen in this life of the coordinator
  std::uint64_t boot_before = 0;           // that leases of the last life are of; 0: not known
  bool expected = false;                   // an oracle of the last life, not seen in this one yet
  bool left = false;                       // said goodbye
  bool given_up = false;                   // silent for so long that its work went to others
  std::uint32_t slots = 0;
  std::uint64_t heartbeat = 0; // highest number
  run_clock::time_point heard; // last heartbeat or hello
  std::string draining;        // why it gets no new task; empty: it does
  // The first grant that expired without this peer ever having named it: it is heard and does not
  // hear, so that it gets no more until it shows that it does. 0: it hears.
  epoch deaf_since;
  bool welcome_heard = false; // it has said more than hello since the last one
  std::set<experiment_id> knows;
  std::map<experiment_id, std::string> refused; // since its hello, and why: it gets nothing of them
  std::map<std::string, run_clock::time_point> out_since; // models it cannot call, by alias
  run_clock::time_point relieved;                        // last asked for its tasks because of that
  std::map<problem_index, run_clock::time_point> failed; // since its last success
  std::uint64_t tasks_done = 0, tasks_failed = 0, restarts = 0;
  std::vector<replica_report> replicas;
  std::vector<receipt> receipts;                 // of its hello: for runs that come later
  std::map<experiment_id, std::uint64_t> bits;   // oracle: that reached our ledger from it
  std::map<experiment_id, std::uint64_t> ledger; // oracle: in its own, as far as we know

  [[nodiscard]] bool takes_tasks() const {
    return roles.solver && connection && draining.empty() && deaf_since == epoch{} && slots > 0;
  }
  [[nodiscard]] bool takes_tasks(experiment_id run) const {
    return takes_tasks() && !refused.contains(run);
  }
};

class fleet {
public:
  // The peer of this name, made when it is new.
  [[nodiscard]] fleet_peer& by_name(const std::string& name);
  [[nodiscard]] fleet_peer* find(peer_id id);
  [[nodiscard]] fleet_peer* by_connection(connection_id from);
  void connect(fleet_peer& peer, connection_id to);
  void disconnect(fleet_peer& peer);

  // A task has the same oracle as long as the same ones are there (rendezvous hashing). One that
  // is expected back is waited for (empty): it may have calls of the task on the wire. So are all
  // of the last life, which say in their hello what they have. One that refused the run is none of
  // its.
  [[nodiscard]] std::optional<peer_id> oracle_of(experiment_id run, std::uint64_t task) const;
  [[nodiscard]] std::optional<peer_id> next_grader(experiment_id run);
  [[nodiscard]] std::size_t solvers(experiment_id run) const; // connected, not draining, not deaf

  [[nodiscard]] std::vector<fleet_peer>& all() { return peers_; }
  [[nodiscard]] const std::vector<fleet_peer>& all() const { return peers_; }

private:
  std::vector<fleet_peer> peers_; // by id - 1
  std::map<std::string, peer_id> names_;
  std::unordered_map<connection_id, peer_id> connections_;
  std::size_t grader_turn_ = 0;
};

} // namespace tenbit

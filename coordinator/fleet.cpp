#include "coordinator/fleet.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tenbit {

fleet_peer& fleet::by_name(const std::string& name) {
  const auto [place, fresh] =
      names_.try_emplace(name, peer_id{static_cast<std::uint32_t>(peers_.size() + 1)});
  if (fresh) {
    fleet_peer peer;
    peer.id = place->second;
    peer.name = name;
    peers_.push_back(std::move(peer));
  }
  return peers_[place->second.value - 1];
}

fleet_peer* fleet::find(peer_id id) {
  return id.value == 0 || id.value > peers_.size() ? nullptr : &peers_[id.value - 1];
}

fleet_peer* fleet::by_connection(connection_id from) {
  const auto place = connections_.find(from);
  return place == connections_.end() ? nullptr : find(place->second);
}

void fleet::connect(fleet_peer& peer, connection_id to) {
  disconnect(peer);
  peer.connection = to;
  connections_[to] = peer.id;
}

void fleet::disconnect(fleet_peer& peer) {
  if (peer.connection)
    connections_.erase(*peer.connection);
  peer.connection.reset();
  peer.knows.clear();
}

std::optional<peer_id> fleet::oracle_of(experiment_id run, std::uint64_t task) const {
  const fleet_peer* best = nullptr;
  std::uint64_t best_weight = 0;
  for (const fleet_peer& peer : peers_) {
    if (peer.expected && !peer.given_up)
      return std::nullopt;
    if (!peer.roles.oracle || peer.given_up || peer.left || !peer.draining.empty() ||
        peer.refused.contains(run))
      continue;
    const std::uint64_t weight = hash_bytes(fmt::format("{} {}", peer.name, task)).prefix();
    if (best == nullptr || weight > best_weight) {
      best = &peer;
      best_weight = weight;
    }
  }
  return best != nullptr && best->connection ? std::optional(best->id) : std::nullopt;
}

std::optional<peer_id> fleet::next_grader(experiment_id run) {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    const fleet_peer& peer = peers_[(grader_turn_ + i) % peers_.size()];
    if (peer.roles.grader && peer.connection && peer.draining.empty() &&
        !peer.refused.contains(run)) {
      grader_turn_ = peer.id.value; // the one after it is next
      return peer.id;
    }
  }
  return std::nullopt;
}

std::size_t fleet::solvers(experiment_id run) const {
  const auto counts = [&](const fleet_peer& peer) {
    return peer.roles.solver && peer.connection && peer.draining.empty() &&
           peer.deaf_since == epoch{} && !peer.refused.contains(run);
  };
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), counts));
}

} // namespace tenbit

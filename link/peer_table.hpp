// The connections of a gateway: who they are by their key, and what is still to be sent to them.
//
// Owned by the gateway's thread; no lock, no socket. A routing id is unique among the connections
// libzmq has, but says nothing about who is there: that is the key. An entry that was refused
// stays until it is silent, so that what it still sends is known for what it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/session.hpp"

namespace tenbit::link {

struct peer_entry {
  using time = std::chrono::steady_clock::time_point;
  connection_id id;
  std::string routing_id;
  std::string key; // public, Z85
  std::string name;
  role_set rights;
  int fd = -1; // -1 once its socket is gone
  time heard{};
  std::uint32_t strikes = 0;
  bool refused = false;                  // nothing of it is taken any more
  std::string farewell;                  // an encoded `refused`, still to be sent
  std::deque<std::string> sending;       // taken from the outbox, not yet given to libzmq
  std::optional<std::string> end_reason; // once `sending` is empty
  std::optional<time> socket_gone;       // what it sent before may still wait to be read
};

class peer_table {
public:
  // nullptr when there is none.
  [[nodiscard]] peer_entry* by_routing(std::string_view routing_id);
  [[nodiscard]] peer_entry* by_id(connection_id id);
  // Routing id and id must be new.
  peer_entry& add(peer_entry entry);
  void remove(connection_id id);

  // The oldest connection of this key when it has limits::connections_per_key_max of them.
  [[nodiscard]] peer_entry* one_too_many(const std::string& key);
  // Stable while nothing is added or removed.
  [[nodiscard]] std::vector<connection_id> ids() const;
  void socket_ended(int fd, peer_entry::time now);
  void all_heard(peer_entry::time now);
  [[nodiscard]] std::uint64_t open_connections() const;

private:
  std::unordered_map<connection_id, std::unique_ptr<peer_entry>> entries_;
  std::unordered_map<std::string, peer_entry*> by_routing_;
};

} // namespace tenbit::link

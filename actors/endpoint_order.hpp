// What an operator wants of one replica: the value that crosses from the coordinator to a peer and
// goes into the peer's clients. Each action says where the replica is to be, so a copy changes
// nothing and the latest one counts.
#pragma once

#include <cstdint>
#include <string>

namespace tenbit {

enum class endpoint_action : std::uint8_t { pause, resume, limit };

struct endpoint_order {
  std::string url; // as replica_snapshot shows it
  endpoint_action action = endpoint_action::pause;
  std::uint32_t concurrency = 0; // of limit: calls at once, at most; 0: no bound
  friend bool operator==(const endpoint_order&, const endpoint_order&) = default;
};

} // namespace tenbit

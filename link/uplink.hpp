// A peer's side of the network: one DEALER with CURVE to the coordinator, one thread.
//
// Reconnects by itself with jitter (limits::reconnect_*). on_up is called after every handshake,
// on_down after every loss, on_message for every decoded message; all on the uplink's thread,
// short. Attempts that fail call on_down too, once for each new reason in a row. After a `refused`
// the connection is closed, once on_message had it, and tried again like any other loss: a caller
// that was refused for good ends. What was queued when a connection was lost is dropped: the caller
// sends again what has no reply after the next welcome. A frame that cannot be decoded closes the
// connection. send may be called from any thread; it reports false when the queue is over
// limits::link_queue_bytes_max or the connection is down (nothing was kept).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/session.hpp"
#include "base/expected.hpp"
#include "link/keys.hpp"

namespace tenbit::link {

struct uplink_options {
  std::string address; // "tcp://host:7711"
  key_file key;        // with server_key
};
struct uplink_events {
  std::function<void()> on_up;
  std::function<void(std::string reason)> on_down;
  std::function<void(to_peer)> on_message;
};

class uplink {
public:
  [[nodiscard]] static expected<std::unique_ptr<uplink>, std::string>
  start(const uplink_options& options, uplink_events events);
  virtual ~uplink() = default; // joins; what is queued is sent for limits::uplink_linger at most

  [[nodiscard]] virtual bool send(const from_peer& message) = 0;
  [[nodiscard]] virtual bool up() const = 0;
};

} // namespace tenbit::link

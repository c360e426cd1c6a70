// The coordinator's side of the network: one ROUTER with CURVE, one thread, every peer on it.
//
// start() refuses to bind until its ZAP handler runs and a connection with a random key was really
// refused. Who a peer is comes from the key it proved (metadata of the payload frame), never from a
// routing id. Frames are decoded here within limits; what a key's roles may not say, what is too
// large, too often or no message at all never gets further: it is counted by peer, and a peer that
// keeps on is dropped. Sends are queued per connection up to limits::link_queue_bytes_max; a peer
// that does not read loses its connection (it will say hello again), never the coordinator's
// memory. Delivery is not promised: both sides keep what has no reply and send it again after a
// hello.
//
// The callbacks run on the gateway's thread, must be short and must not call start or the
// destructor. send, drop, hold_intake and stats may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "actors/session.hpp"
#include "base/expected.hpp"

namespace tenbit::link {

struct gateway_options {
  std::string address;  // "tcp://0.0.0.0:7711"; port 0 or * takes a free one
  std::string keys_dir; // server.key and peers, see keys.hpp
};
// A message of a peer, its rights checked.
struct peer_frame {
  connection_id from;
  std::string key_name; // of the allow-list
  role_set rights;      // of the key
  from_peer message;
};
struct gateway_events {
  std::function<void(peer_frame)> on_frame;
  // The connection is gone: it ended, did not read, broke the rules, was dropped, or its key was
  // revoked. Once for every connection that sent something.
  std::function<void(connection_id, std::string reason)> on_gone;
};
struct gateway_stats {
  std::uint64_t connections = 0; // now
  std::uint64_t frames_in = 0, frames_out = 0, bytes_in = 0, bytes_out = 0;
  std::uint64_t refused_keys = 0; // ZAP said no
  std::uint64_t failed_handshakes = 0;
  std::uint64_t bad_frames = 0; // no message, or another version
  std::uint64_t forbidden = 0;  // a message its role may not send
  std::uint64_t over_quota = 0;
  std::uint64_t dropped_sends = 0;                  // to connections that are gone
  std::uint64_t queued_bytes = 0;                   // to be sent, now
  std::map<std::string, std::uint64_t> bad_by_peer; // key name → bad, forbidden or over quota
};

class gateway {
public:
  [[nodiscard]] static expected<std::unique_ptr<gateway>, std::string>
  start(const gateway_options& options, gateway_events events);
  virtual ~gateway() = default; // joins the thread; what is queued is sent for a second at most

  // The message's role must be among the connection's rights (asserted: a programmer error else).
  // One over limits::frame_bytes_max is logged and not sent.
  virtual void send(connection_id to, const to_peer& message) = 0;
  // After what is queued for it; it is told `refused` then, and on_gone is called as ever.
  virtual void drop(connection_id to, const std::string& reason) = 0;
  // True: read nothing from the peers until false; TCP and high-water marks push back.
  virtual void hold_intake(bool hold) = 0;
  [[nodiscard]] virtual gateway_stats stats() const = 0;
  [[nodiscard]] virtual std::string address() const = 0; // with the port that was bound
};

} // namespace tenbit::link

#include <cstdint>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/wire.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"
#include "link/gateway_loop.hpp"

namespace tenbit::link {

void gateway_loop::take_in(time now) {
  all_read_ = false;
  for (std::size_t i = 0; i < limits::link_round_frames_max && !held_ && !stopping_; ++i)
    if (!read_one(now)) {
      all_read_ = true;
      return;
    }
}

bool gateway_loop::read_one(time now) {
  frame routing;
  if (!router_.receive(routing))
    return false;
  frame body;
  TENBIT_ASSERT(routing.more() && router_.receive(body)); // parts of one message come together
  bool more = body.more();
  const bool one_part = !more;
  while (more) {
    frame extra;
    TENBIT_ASSERT(router_.receive(extra));
    more = extra.more();
  }
  count([&](gateway_stats& s) {
    ++s.frames_in;
    s.bytes_in += body.bytes().size();
  });
  // Of the payload: libzmq 4.3.4 does not say it on the routing id's frame.
  const std::string key = body.property("User-Id");
  if (key.empty()) {
    count([](gateway_stats& s) { ++s.bad_frames; });
    spdlog::error("gateway frame_without_key dropped");
    return true;
  }
  judge(connection_of(routing, key, body.source_fd(), now), body.bytes(), one_part, now);
  return true;
}

peer_entry& gateway_loop::connection_of(frame& routing, const std::string& key, int fd, time now) {
  if (peer_entry* known = peers_.by_routing(routing.bytes())) {
    if (known->key == key)
      return *known;
    // The one before is gone, and another key came under its routing id.
    forget(*known, "its connection ended");
  }
  // All that ended before this connection began: after it, a descriptor seen to end is its own.
  read_monitor(now);
  if (peer_entry* oldest = peers_.one_too_many(key)) {
    if (!oldest->refused)
      refuse(*oldest, "the same key has newer connections", false);
    forget(*oldest, "the same key has newer connections");
  }
  const allowed_peer* allowed = keys_.list().find(key);
  peer_entry fresh;
  fresh.id = connection_id{++connections_made_};
  fresh.routing_id = std::string(routing.bytes());
  fresh.key = key;
  fresh.name = allowed != nullptr ? allowed->name : "revoked";
  fresh.rights = allowed != nullptr ? allowed->roles : role_set{};
  fresh.fd = fd;
  fresh.heard = now;
  peer_entry& kept = peers_.add(std::move(fresh));
  outbox_.open(kept.id, kept.rights);
  return kept;
}

void gateway_loop::judge(peer_entry& peer, std::string_view bytes, bool one_part, time now) {
  peer.heard = now;
  if (!peer.refused && keys_.list().find(peer.key) == nullptr)
    refuse(peer, "the key was revoked; ask the operator for a new one", true);
  if (peer.refused) {
    count_bad(peer, &gateway_stats::forbidden);
    if (!say_farewell(peer))
      forget(peer, "its connection ended");
    return;
  }
  if (!rates_[peer.key].add(now, bytes.size())) {
    strike(peer, &gateway_stats::over_quota, "it sends more than its share");
    return;
  }
  if (!one_part) {
    strike(peer, &gateway_stats::bad_frames, "a message of more than one part");
    return;
  }
  deliver(peer, bytes);
}

void gateway_loop::deliver(peer_entry& peer, std::string_view bytes) {
  auto message = wire::decode_from_peer(bytes);
  if (!message && message.error().other_version) {
    count_bad(peer, &gateway_stats::bad_frames);
    refuse(peer,
           fmt::format("this coordinator speaks version {} of the protocol: {}; use the same "
                       "release on both sides",
                       wire::version,
                       one_line(message.error().message, limits::error_text_chars_max)),
           true);
    return;
  }
  if (!message) {
    strike(peer, &gateway_stats::bad_frames, message.error().message);
    return;
  }
  if (!peer.rights.covers(role_of(*message))) {
    strike(peer, &gateway_stats::forbidden, "a message that its role may not send");
    return;
  }
  events_.on_frame({peer.id, peer.name, peer.rights, std::move(*message)});
}

void gateway_loop::count_bad(const peer_entry& peer, std::uint64_t gateway_stats::*kind) {
  count([&](gateway_stats& s) {
    ++(s.*kind);
    ++s.bad_by_peer[peer.name];
  });
}

void gateway_loop::strike(peer_entry& peer, std::uint64_t gateway_stats::*kind,
                          const std::string& what) {
  count_bad(peer, kind);
  const std::string shown = one_line(what, limits::error_text_chars_max);
  ++peer.strikes;
  spdlog::warn("gateway frame_refused peer={} connection={} strikes={} error=\"{}\"", peer.name,
               peer.id.value, peer.strikes, shown);
  if (peer.strikes >= limits::bad_frames_max)
    refuse(peer, fmt::format("{} frames were refused, the last: {}", peer.strikes, shown), false);
}

} // namespace tenbit::link

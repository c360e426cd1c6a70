#include <spdlog/spdlog.h>

#include "actors/wire.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"
#include "link/gateway_loop.hpp"

namespace tenbit::link {

void gateway_loop::send_out() {
  for (const connection_id id : outbox_.take_changed()) {
    peer_entry* peer = peers_.by_id(id);
    if (peer == nullptr || peer->refused)
      continue;
    outbox::news news = outbox_.take(id);
    if (news.overflowed) {
      refuse(*peer, "it did not read what was sent to it", false);
      continue;
    }
    for (std::string& bytes : news.frames)
      peer->sending.push_back(std::move(bytes));
    peer->end_reason = news.end_reason;
    sending_.insert(id);
  }
  progress_ = false;
  for (const connection_id id : std::set<connection_id>(sending_))
    if (peer_entry* peer = peers_.by_id(id); peer != nullptr && !peer->refused)
      send_queue(*peer);
    else
      sending_.erase(id);
}

void gateway_loop::send_queue(peer_entry& peer) {
  while (!peer.sending.empty()) {
    const std::string& bytes = peer.sending.front();
    const send_result result = send_to(peer.routing_id, bytes);
    if (result == send_result::full)
      return;
    if (result == send_result::gone) {
      forget(peer, "its connection ended");
      return;
    }
    progress_ = true;
    outbox_.sent(peer.id, bytes.size());
    peer.sending.pop_front();
  }
  sending_.erase(peer.id);
  if (peer.end_reason)
    refuse(peer, std::string(*peer.end_reason), false);
}

send_result gateway_loop::send_to(const std::string& routing_id, std::string_view bytes) {
  if (const send_result named = router_.send(routing_id, true); named != send_result::sent)
    return named;
  // After the name libzmq takes the payload whatever the queue, and drops it if the peer went.
  TENBIT_ASSERT(router_.send(bytes, false) == send_result::sent);
  count([&](gateway_stats& s) {
    ++s.frames_out;
    s.bytes_out += bytes.size();
  });
  return send_result::sent;
}

void gateway_loop::drop_unsent(peer_entry& peer) {
  const std::uint64_t unsent = peer.sending.size() + outbox_.close(peer.id);
  count([unsent](gateway_stats& s) { s.dropped_sends += unsent; });
  peer.sending.clear();
  sending_.erase(peer.id);
}

void gateway_loop::refuse(peer_entry& peer, const std::string& reason, bool for_good) {
  TENBIT_ASSERT(!peer.refused);
  drop_unsent(peer);
  peer.refused = true;
  peer.farewell = wire::encode(to_peer{refused{reason, for_good}});
  ignore(say_farewell(peer), "one that is gone is forgotten soon");
  spdlog::warn("gateway connection_dropped peer={} connection={} reason=\"{}\"", peer.name,
               peer.id.value, one_line(reason, limits::error_text_chars_max));
  events_.on_gone(peer.id, reason);
}

void gateway_loop::forget(peer_entry& peer, const std::string& reason) {
  const connection_id id = peer.id;
  const bool told = peer.refused;
  drop_unsent(peer);
  if (!told)
    spdlog::info("gateway connection_gone peer={} connection={} reason=\"{}\"", peer.name, id.value,
                 reason);
  peers_.remove(id);
  if (!told)
    events_.on_gone(id, reason);
}

bool gateway_loop::say_farewell(peer_entry& peer) {
  if (peer.farewell.empty())
    return true;
  const send_result result = send_to(peer.routing_id, peer.farewell);
  if (result == send_result::sent)
    peer.farewell.clear();
  return result != send_result::gone;
}

} // namespace tenbit::link

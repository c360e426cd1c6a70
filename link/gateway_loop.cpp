#include "link/gateway_loop.hpp"

#include <algorithm>
#include <spdlog/spdlog.h>

#include "config/limits.hpp"

namespace tenbit::link {
namespace {

using std::chrono::milliseconds;
constexpr auto look_after_period = milliseconds(100);
// Between the end of a socket and the last look for what came over it: libzmq says the one before
// it hands on the other.
constexpr auto last_frames_delay = milliseconds(100);
constexpr auto refusal_log_period = std::chrono::seconds(1);
constexpr auto retry_soon = milliseconds(1);
constexpr auto retry_later = milliseconds(10);

} // namespace

void gateway_loop::run() {
  while (!stopping_)
    turn(std::chrono::steady_clock::now());
  finish();
}

milliseconds gateway_loop::patience() const {
  if (!all_read_ && !held_)
    return milliseconds(0);
  if (sending_.empty())
    return look_after_period;
  return progress_ ? retry_soon : retry_later;
}

void gateway_loop::turn(time now) {
  zmq_pollitem_t items[] = {poll_in(waker_), poll_in(zap_.input()), poll_in(monitor_),
                            poll_in(router_)};
  const bool held = held_;
  poll(items, held ? 3 : 4, patience());
  waker_.clear();
  if (was_held_ && !held)
    peers_.all_heard(now); // nobody could be heard
  was_held_ = held;
  answer_zap(now);
  if (!held)
    take_in(now);
  send_out();
  read_monitor(now);
  if (now - looked_after_ >= look_after_period) {
    looked_after_ = now;
    look_after(now);
  }
}

void gateway_loop::answer_zap(time now) {
  zap_.serve(keys_.list(), [&](const std::string& key, const std::string& from) {
    count([](gateway_stats& s) { ++s.refused_keys; });
    ++unlogged_refusals_;
    if (now - logged_refusal_ < refusal_log_period)
      return; // a flood must not fill the log
    logged_refusal_ = now;
    spdlog::warn("gateway key_refused key=\"{}\" address=\"{}\" count={}", key, from,
                 std::exchange(unlogged_refusals_, 0));
  });
}

void gateway_loop::read_monitor(time now) {
  while (const auto event = monitor_.next()) {
    if (event->kind == ZMQ_EVENT_DISCONNECTED)
      peers_.socket_ended(event->value, now);
    else if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL ||
             event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
      count([](gateway_stats& s) { ++s.failed_handshakes; });
  }
}

void gateway_loop::look_after(time now) {
  reread_keys(now);
  for (const connection_id id : peers_.ids()) {
    peer_entry& peer = *peers_.by_id(id);
    const bool read = all_read_ && !held_;
    if (peer.socket_gone && read && now - *peer.socket_gone >= last_frames_delay)
      forget(peer, "its connection ended");
    else if (!held_ && now - peer.heard >= limits::link_silence_max)
      forget(peer, "nothing was heard of it");
  }
  const std::uint64_t open = peers_.open_connections();
  count([open](gateway_stats& s) { s.connections = open; });
}

void gateway_loop::reread_keys(time now) {
  const auto changed = keys_.refresh(now);
  if (!changed) {
    spdlog::error("gateway allow_list_unreadable error=\"{}\"", changed.error());
    return;
  }
  if (!*changed)
    return;
  spdlog::info("gateway allow_list_read keys={}", keys_.list().by_key.size());
  std::erase_if(rates_, [&](const auto& row) { return keys_.list().find(row.first) == nullptr; });
  for (const connection_id id : peers_.ids()) {
    peer_entry& peer = *peers_.by_id(id);
    const allowed_peer* allowed = keys_.list().find(peer.key);
    if (peer.refused)
      continue;
    if (allowed == nullptr)
      refuse(peer, "the key was revoked; ask the operator for a new one", true);
    else if (allowed->name != peer.name || !(allowed->roles == peer.rights))
      refuse(peer, "name or roles of the key were changed; connect again", false);
  }
}

// What is queued is sent, then what libzmq holds, both within limits::gateway_linger.
void gateway_loop::finish() {
  const time deadline = std::chrono::steady_clock::now() + limits::gateway_linger;
  send_out();
  while (!sending_.empty() && std::chrono::steady_clock::now() < deadline) {
    zmq_pollitem_t item = poll_in(monitor_);
    poll(&item, 1, retry_soon);
    read_monitor(std::chrono::steady_clock::now());
    send_out();
  }
  const auto left =
      std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
  router_.set(ZMQ_LINGER, std::max(left, milliseconds(0)));
  monitor_ = {};
  router_.close(); // before the other: no handshake may outlive the check of keys
  zap_.close();
}

void gateway_loop::stop() {
  stopping_ = true;
  wake();
}

void gateway_loop::hold(bool on) {
  if (held_.exchange(on) != on)
    wake();
}

void gateway_loop::count(const std::function<void(gateway_stats&)>& change) {
  const std::lock_guard lock(figures_mutex_);
  change(figures_);
}

gateway_stats gateway_loop::figures() const {
  gateway_stats copy = [this] {
    const std::lock_guard lock(figures_mutex_);
    return figures_;
  }();
  copy.queued_bytes = outbox_.queued_bytes();
  return copy;
}

} // namespace tenbit::link

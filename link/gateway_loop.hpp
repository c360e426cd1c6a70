// The gateway's thread: reads, judges, sends, and sees to keys and connections.
//
// Internal to link/; made by gateway::start, which runs it on one thread. Everything is that
// thread's own but the outbox, the figures, and the two flags, which say so. Nothing here waits but
// the poll at the top of a turn.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "actors/session.hpp"
#include "base/expected.hpp"
#include "link/gateway.hpp"
#include "link/key_watch.hpp"
#include "link/outbox.hpp"
#include "link/peer_table.hpp"
#include "link/rate_window.hpp"
#include "link/socket.hpp"
#include "link/zap.hpp"

namespace tenbit::link {

class gateway_loop {
public:
  using time = std::chrono::steady_clock::time_point;

  // Keys, sockets, self-test, bind; on the caller's thread, before run.
  [[nodiscard]] static expected<std::unique_ptr<gateway_loop>, std::string>
  open(const gateway_options& options, gateway_events events);
  gateway_loop(const gateway_loop&) = delete;
  gateway_loop& operator=(const gateway_loop&) = delete;
  ~gateway_loop() = default;

  void run(); // until stop()

  // From any thread.
  void stop();
  void hold(bool on);
  void wake() { waker_.wake(); }
  [[nodiscard]] outbox& queue() { return outbox_; }
  void count(const std::function<void(gateway_stats&)>& change);
  [[nodiscard]] gateway_stats figures() const;
  [[nodiscard]] const std::string& address() const { return address_; }

private:
  gateway_loop(gateway_events events, key_watch keys);
  [[nodiscard]] status<std::string> open_sockets(const gateway_options& options);
  [[nodiscard]] status<std::string> prove_and_bind(const gateway_options& options,
                                                   const std::string& server_key);

  // gateway_loop.cpp
  void turn(time now);
  [[nodiscard]] std::chrono::milliseconds patience() const;
  void look_after(time now);
  void read_monitor(time now);
  void answer_zap(time now);
  void reread_keys(time now);
  void finish();

  // gateway_intake.cpp
  void take_in(time now);
  [[nodiscard]] bool read_one(time now);
  void judge(peer_entry& peer, std::string_view bytes, bool one_part, time now);
  [[nodiscard]] peer_entry& connection_of(frame& routing, const std::string& key, int fd, time now);
  void deliver(peer_entry& peer, std::string_view bytes);
  void strike(peer_entry& peer, std::uint64_t gateway_stats::*kind, const std::string& what);
  void count_bad(const peer_entry& peer, std::uint64_t gateway_stats::*kind);

  // gateway_outgoing.cpp
  void send_out();
  void send_queue(peer_entry& peer);
  void drop_unsent(peer_entry& peer);
  // Says `refused` once, tells on_gone, and takes nothing of it any more.
  void refuse(peer_entry& peer, const std::string& reason, bool for_good);
  // There is nobody any more: tells on_gone unless it was refused before.
  void forget(peer_entry& peer, const std::string& reason);
  [[nodiscard]] bool say_farewell(peer_entry& peer);
  [[nodiscard]] send_result send_to(const std::string& routing_id, std::string_view bytes);

  gateway_events events_;
  key_watch keys_;
  outbox outbox_;
  waker waker_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> held_ = false;
  mutable std::mutex figures_mutex_;
  gateway_stats figures_;
  std::string address_;

  context context_{2}; // I/O threads: one busy with handshakes leaves the other
  zap_handler zap_;
  socket router_;
  monitor monitor_;

  peer_table peers_;
  std::map<std::string, rate_window> rates_; // by key
  std::set<connection_id> sending_;          // have something that libzmq did not take yet
  std::uint64_t connections_made_ = 0;
  bool was_held_ = false;
  bool all_read_ = true; // the last turn read all there was
  bool progress_ = true; // the last turn sent something
  time looked_after_{};
  time logged_refusal_{};
  std::uint64_t unlogged_refusals_ = 0;
};

} // namespace tenbit::link

// The uplink's thread: connects, sends, receives, and connects again.
//
// Internal to link/; made by uplink::start, which runs it on one thread. Every connection is a
// fresh socket: libzmq would keep what was queued over a reconnect, and what was meant for the
// connection before must not be sent on the next one.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "actors/session.hpp"
#include "base/expected.hpp"
#include "base/random.hpp"
#include "link/socket.hpp"
#include "link/uplink.hpp"

namespace tenbit::link {

class uplink_loop {
public:
  using time = std::chrono::steady_clock::time_point;

  [[nodiscard]] static expected<std::unique_ptr<uplink_loop>, std::string>
  open(const uplink_options& options, uplink_events events);
  uplink_loop(const uplink_loop&) = delete;
  uplink_loop& operator=(const uplink_loop&) = delete;
  ~uplink_loop() = default;

  void run(); // until stop()

  // From any thread.
  void stop();
  [[nodiscard]] bool push(std::string bytes);
  [[nodiscard]] bool up() const { return up_; }

private:
  enum class stage { waiting, connecting, up };

  uplink_loop(const uplink_options& options, uplink_events events);
  [[nodiscard]] status<std::string> open_connection(time now);
  void turn(time now);
  [[nodiscard]] std::chrono::milliseconds patience(time now) const;
  void read_monitor(time now);
  void came_up();
  // Closes the connection, tells on_down, and connects again after a delay.
  void lose(const std::string& reason, time now);
  void receive(time now);
  [[nodiscard]] bool receive_one(time now); // false: nothing more, or no connection any more
  void send_out();
  void finish();

  uplink_options options_;
  uplink_events events_;
  waker waker_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> up_ = false;
  std::mutex queue_mutex_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0; // with `sending_`

  context context_{1};
  socket socket_;
  monitor monitor_;
  stage stage_ = stage::waiting;
  time next_try_{};
  time give_up_{}; // of a connection attempt
  std::deque<std::string> sending_;
  std::uint32_t losses_ = 0; // in a row
  std::uint64_t attempts_ = 0;
  std::string told_; // the reason on_down was called with last, since the connection was up
  random_stream jitter_;
};

} // namespace tenbit::link

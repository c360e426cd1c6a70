// A TCP proxy that breaks a link on purpose: held in one or both directions, slowed, or closed.
//
// Held means what a cut network means to both ends: nothing arrives, nothing is lost, connections
// stay and new ones say nothing; what waits is delivered when the hold ends. Real sockets on
// 127.0.0.1, one thread of its own; the setters may be called from any thread. A port that cannot
// be had fails the test.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/random.hpp"

struct pollfd;

namespace tenbit::testing {

class tcp_proxy {
public:
  // target: tcp://127.0.0.1:port, connected to for each connection that comes in. The seed is of
  // the delays.
  tcp_proxy(const std::string& target, std::uint64_t seed);
  ~tcp_proxy();
  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  // tcp://127.0.0.1:port, to be connected to.
  [[nodiscard]] std::string address() const;

  // "in" is towards the target, "out" back from it.
  void hold(bool in, bool out);
  // Each piece that passes comes later by a random part of this; order is kept.
  void delay(std::chrono::milliseconds at_most) { delay_ms_ = at_most.count(); }
  // Resets every connection there is; new ones are welcome.
  void close_all() { close_wanted_ = true; }

  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  [[nodiscard]] std::uint64_t bytes_in() const { return bytes_[0]; }
  [[nodiscard]] std::uint64_t bytes_out() const { return bytes_[1]; }

private:
  using clock = std::chrono::steady_clock;
  struct piece {
    clock::time_point due;
    std::string bytes;
    std::size_t sent = 0;
  };
  // One direction of a connection: read from one socket, written to the other.
  struct lane {
    int from = -1, to = -1;
    bool ended = false; // its reader saw the end
    std::deque<piece> waiting;
  };
  struct pair {
    int client = -1, server = -1;
    lane lanes[2]; // in, out
    bool over = false;
  };

  void serve();
  void accept_one();
  void end(pair& one, bool broken);
  [[nodiscard]] std::vector<pollfd> wanted(clock::time_point now) const;
  void read_lane(pair& one, int direction, clock::time_point now);
  void write_lane(pair& one, int direction, clock::time_point now);

  int listener_ = -1;
  int port_ = 0, target_port_ = 0;
  random_stream random_;
  std::atomic<bool> held_[2] = {false, false};
  std::atomic<bool> stop_ = false, close_wanted_ = false;
  std::atomic<std::int64_t> delay_ms_ = 0;
  std::atomic<std::uint64_t> connections_ = 0, bytes_[2] = {0, 0};
  std::list<pair> pairs_; // of the thread
  std::thread thread_;
};

} // namespace tenbit::testing

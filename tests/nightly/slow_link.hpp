// A poor network between a worker and the coordinator: every byte comes late, few come a second,
// and connections break.
//
// Real sockets on 127.0.0.1, one thread of its own, from its making to its end. What is on the way
// is bounded, so that a sender feels a full link. A port that cannot be had fails the test.
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

struct link_quality {
  std::chrono::milliseconds delay{0}; // of every byte, each way
  std::uint64_t bytes_per_second = 0; // of a connection, each way; 0: no limit
  double resets_per_second = 0;       // chance of a connection to be reset in a second
  double half_open_per_second = 0;    // to be forgotten: open, and nothing passes any more
};

class slow_link {
public:
  // target: tcp://127.0.0.1:port, connected to for each connection that comes in.
  slow_link(const std::string& target, link_quality quality, std::uint64_t seed);
  ~slow_link();
  slow_link(const slow_link&) = delete;
  slow_link& operator=(const slow_link&) = delete;

  [[nodiscard]] std::string address() const; // tcp://127.0.0.1:port, to be connected to
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  [[nodiscard]] std::uint64_t resets() const { return resets_; }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; } // delivered, both ways

private:
  using clock = std::chrono::steady_clock;
  struct piece {
    clock::time_point due;
    std::string bytes;
    std::size_t sent = 0;
  };
  struct lane {
    int from = -1, to = -1;
    bool ended = false; // its sender closed it
    clock::time_point busy_until{};
    std::deque<piece> on_the_way;
  };
  struct pair {
    lane lanes[2];
    bool forgotten = false, over = false;
  };

  void serve();
  void accept_one();
  void spoil(clock::time_point now);
  void pass(pair& one, lane& way, clock::time_point now);
  void take(lane& way, clock::time_point now) const;
  static void end(pair& one);
  [[nodiscard]] std::vector<pollfd> wanted() const;

  int listener_ = -1, port_ = 0, target_port_ = 0;
  link_quality quality_;
  random_stream random_;
  clock::time_point spoiled_at_{};
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> connections_ = 0, resets_ = 0, forgotten_ = 0, bytes_ = 0;
  std::list<pair> pairs_; // of the thread
  std::thread thread_;
};

} // namespace tenbit::testing

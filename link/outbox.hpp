// What is to be sent, by connection: the one thing the gateway's callers and its thread share.
//
// Owned by the gateway; every function from any thread. A connection's queue holds at most
// limits::link_queue_bytes_max, counting what its thread has taken and not yet given to libzmq;
// at more it is emptied and marked, and the thread ends the connection.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/session.hpp"

namespace tenbit::link {

class outbox {
public:
  enum class push_result { queued, gone };

  void open(connection_id id, role_set rights);
  // Forgets what is queued: says how many messages that was.
  [[nodiscard]] std::uint64_t close(connection_id id);

  // `needed` must be among the rights of the connection (asserted).
  [[nodiscard]] push_result push(connection_id to, role_set needed, std::string bytes);
  // Nothing is taken for it from now on. False when there is no such connection.
  [[nodiscard]] bool end_after_queue(connection_id to, const std::string& reason);

  // Of the gateway's thread: which connections have something new, and what.
  struct news {
    std::deque<std::string> frames;
    bool overflowed = false;
    std::optional<std::string> end_reason; // once all is sent
  };
  [[nodiscard]] std::vector<connection_id> take_changed();
  [[nodiscard]] news take(connection_id id);
  void sent(connection_id id, std::size_t bytes); // given to libzmq
  [[nodiscard]] std::uint64_t queued_bytes() const;

private:
  struct entry {
    role_set rights;
    std::deque<std::string> frames;
    std::size_t bytes = 0;
    std::uint64_t lost = 0;
    bool changed = false;
    bool overflowed = false;
    std::optional<std::string> end_reason;
  };
  void mark(connection_id id, entry& e);

  mutable std::mutex mutex_;
  std::unordered_map<connection_id, entry> entries_;
  std::vector<connection_id> changed_;
  std::uint64_t queued_bytes_ = 0;
};

} // namespace tenbit::link

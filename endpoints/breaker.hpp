// Whether a replica is worth calling: closed (yes), open (no), half-open (one probe), stopped
// (never again).
//
// Opens at limits::breaker_failures_in_row failures in a row, or when at least half of at least
// limits::breaker_window_calls_min calls of the last limits::breaker_window failed, or when the
// server says that it is not ready. Then one probe is let through after probe_min, 2 * probe_min, …
// up to limits::breaker_probe_max, until one succeeds. A refused key stops it for good.
//
// Two steps: ask() and, when the call is really made, started(); then done() exactly once.
// Pure: `now` is an argument. Owned by replica_pool; not thread-safe. Never fails.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "config/limits.hpp"
#include "endpoints/limiter.hpp"

namespace tenbit {

enum class breaker_state : std::uint8_t { closed, open, half_open, stopped };
[[nodiscard]] std::string_view to_string(breaker_state state);

// What a finished call says about its replica.
enum class verdict : std::uint8_t { good, bad, none };

class breaker {
public:
  enum class permission : std::uint8_t { refused, allowed, probe };

  explicit breaker(std::chrono::milliseconds probe_min = limits::breaker_probe_min);

  [[nodiscard]] permission ask(time_point now) const;
  void started(permission granted);
  void done(permission granted, verdict what, time_point now);
  // The server itself says that it cannot serve now (it loads its model).
  void trip(time_point now);
  void stop();

  [[nodiscard]] breaker_state state() const { return state_; }
  // When the next probe is due; meaningful while open.
  [[nodiscard]] time_point probe_at() const { return probe_at_; }

private:
  struct bucket {
    std::int64_t second = -1;
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
  };
  static constexpr std::size_t bucket_count = limits::breaker_window / std::chrono::seconds(1);

  void open(time_point now);
  void close();
  void count(bool failed, time_point now);
  [[nodiscard]] bool too_many_failed(time_point now) const;

  std::chrono::milliseconds probe_min_;
  std::chrono::milliseconds probe_delay_;
  breaker_state state_ = breaker_state::closed;
  time_point probe_at_{};
  int failures_in_row_ = 0;
  std::array<bucket, bucket_count> window_{};
};

} // namespace tenbit

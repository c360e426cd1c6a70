// The wall clock, for what is shown or kept as data. No decision rests on it: it may jump.
#pragma once

#include <chrono>
#include <cstdint>

namespace tenbit {

// Since 1970-01-01 00:00 UTC; 0 before it. Thread-safe.
template <class Unit> [[nodiscard]] std::uint64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return now.count() < 0
             ? 0
             : static_cast<std::uint64_t>(std::chrono::duration_cast<Unit>(now).count());
}
[[nodiscard]] inline std::uint64_t unix_ms() {
  return unix_time<std::chrono::milliseconds>();
}
[[nodiscard]] inline std::uint64_t unix_seconds() {
  return unix_time<std::chrono::seconds>();
}

} // namespace tenbit

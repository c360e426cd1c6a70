// How much one key sent in the last limits::link_quota_window: frames and bytes.
//
// Pure: now is an argument and never goes back. Owned by the gateway's thread.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "config/limits.hpp"

namespace tenbit::link {

class rate_window {
public:
  using time = std::chrono::steady_clock::time_point;

  // Counts a frame; false when the window holds more than the limits per second allow on average.
  [[nodiscard]] bool add(time now, std::size_t bytes) {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    slot& current = slots_[static_cast<std::size_t>(second.count()) % slots_.size()];
    if (current.second != second.count())
      current = {second.count(), 0, 0};
    ++current.frames;
    current.bytes += bytes;
    std::uint64_t frames = 0;
    std::uint64_t total = 0;
    for (const slot& s : slots_) {
      const bool recent = s.second > second.count() - window_seconds;
      frames += recent ? s.frames : 0;
      total += recent ? s.bytes : 0;
    }
    return frames <= std::uint64_t{limits::frames_per_second_max} * window_seconds &&
           total <= std::uint64_t{limits::frame_bytes_per_second_max} * window_seconds;
  }

private:
  static constexpr std::int64_t window_seconds =
      std::chrono::duration_cast<std::chrono::seconds>(limits::link_quota_window).count();
  struct slot {
    std::int64_t second = -window_seconds;
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
  };
  std::array<slot, static_cast<std::size_t>(window_seconds)> slots_{};
};

} // namespace tenbit::link

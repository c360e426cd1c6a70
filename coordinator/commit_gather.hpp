// Whether a group of commits waits for others before it is synced. Pure; owned by the journal.
//
// Each sync costs CPU whatever the group holds. Where groups were large of late more is on its way:
// a group that is smaller than those waits once, for no longer than a commit takes. A run that
// commits little never waits.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace tenbit {

class commit_gather {
public:
  using ms = std::chrono::duration<double, std::milli>;
  static constexpr double large_items = 16; // smaller groups are waited with for nobody
  static constexpr double small_part = 0.8; // of the large ones of late
  static constexpr ms wait_max{10};

  // For how long a group of so many items waits; zero: not at all.
  [[nodiscard]] ms wait(std::size_t items) const {
    return large_ < large_items || static_cast<double>(items) >= small_part * large_
               ? ms::zero()
               : std::min(usual_, wait_max);
  }
  void committed(std::size_t items, ms took) {
    const auto now = static_cast<double>(items);
    large_ = std::max(now, large_ + (now - large_) / fading_groups);
    usual_ += (took - usual_) / 2;
  }

private:
  static constexpr double fading_groups = 128;
  double large_ = 0; // items of the large groups of late
  ms usual_{0};      // time of the last ones
};

} // namespace tenbit

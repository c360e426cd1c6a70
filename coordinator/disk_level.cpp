#include "coordinator/disk_level.hpp"

#include <algorithm>

#include "config/limits.hpp"

namespace tenbit {
namespace {

disk_level level_at(double percent, const disk_marks& marks) {
  if (percent < marks.appends)
    return disk_level::no_appends;
  if (percent < marks.grants)
    return disk_level::no_grants;
  return percent < marks.warn ? disk_level::low : disk_level::ample;
}

} // namespace

bool disk_marks::valid() const {
  double above = 100;
  for (const double mark : {warn, grants, appends}) {
    if (!(mark >= 0 && mark <= above))
      return false;
    above = mark > 0 ? mark : above;
  }
  return true;
}

disk_level level_of(std::uint64_t free_bytes, std::uint64_t all_bytes, const disk_marks& marks,
                    disk_level before) {
  if (all_bytes == 0)
    return before;
  const double percent = 100 * static_cast<double>(free_bytes) / static_cast<double>(all_bytes);
  const disk_level now = level_at(percent, marks);
  if (now >= before)
    return now;
  // Better than before: only what is so with some space to spare.
  return std::min(before, level_at(percent - limits::disk_step_percent, marks));
}

} // namespace tenbit

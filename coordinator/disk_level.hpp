// What the free space of the disk with the stores allows: a store whose disk fills up to the last
// byte cannot even compact what it has.
//
// Pure; never fails. One figure decides, and a level is left for a better one only with
// limits::disk_step_percent to spare, so that grants do not come and go with every commit.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit {

enum class disk_level : std::uint8_t {
  ample,
  low,        // people are warned
  no_grants,  // and no task is given out; what is in work goes on
  no_appends, // and what workers have done is not taken; they keep it and say it again
};
// Here, so that what only shows it links nothing of the coordinator.
[[nodiscard]] inline std::string_view to_string(disk_level level) {
  switch (level) {
  case disk_level::ample:
    return "ample";
  case disk_level::low:
    return "low";
  case disk_level::no_grants:
    return "no_grants";
  case disk_level::no_appends:
    return "no_appends";
  }
  assertion_failed("disk_level", __FILE__, __LINE__);
}

// Percent of the disk that is free; 0: never.
struct disk_marks {
  double warn = 20, grants = 10, appends = 5;
  // 100 >= warn >= grants >= appends >= 0, where they are not 0.
  [[nodiscard]] bool valid() const;
};

// all_bytes 0: the disk could not be asked, and the level stays what it was.
[[nodiscard]] disk_level level_of(std::uint64_t free_bytes, std::uint64_t all_bytes,
                                  const disk_marks& marks, disk_level before);

} // namespace tenbit

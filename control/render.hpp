// What `tenbit ctl` and `tenbit top` print: pure text from a snapshot or a result.
//
// Thread-safe, never fails. Everything that came from outside (names, URLs, messages of models and
// workers) is made harmless for a terminal and cut; no line is wider than asked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/cluster_status.hpp"

namespace tenbit::control {

struct screen {
  std::size_t columns = 0, rows = 0; // 0: no bound
};

// The whole view: headline, runs, workers, endpoints, health. When rows are few, each table says
// how many more there are; what needs a person comes first in it.
[[nodiscard]] std::vector<std::string> top_view(const cluster_status& s, screen size);
// One line for a log: done of all, rate, time left, what is wrong.
[[nodiscard]] std::string top_line(const cluster_status& s);

// A result of any verb: an array of objects as a table, an object as a list with its arrays as
// tables, anything else as it is. "null" is "done".
[[nodiscard]] std::string render_result(std::string_view json, std::size_t columns);

// "45 s", "12:30", "3:02:10", "2 d 03:00"; "–" when it is not known (negative).
[[nodiscard]] std::string duration_text(double seconds);
[[nodiscard]] std::string bytes_text(std::uint64_t bytes); // "1.5 GiB"

} // namespace tenbit::control

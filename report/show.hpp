// One problem's transcript: what was asked, answered and decided, for people or as JSON.
//
// It is the owner's view of a finished or running task, so gold is shown; nothing from here goes to
// a model. Model text is hostile: every piece of it passes printable() on its way to a terminal.
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "report/failure.hpp"
#include "report/task_view.hpp"
#include "storage/store.hpp"

namespace tenbit::report {

struct show_options {
  std::optional<arm_index> arm; // only this one
  bool full = false;            // uncut texts, and every call with its request
  bool colour = false;          // ANSI colours; the caller has looked at the terminal
};

// What a transcript is made of. Views: all of it outlives the rendering.
struct transcript {
  const experiment& exp;
  const problem_row& problem; // with gold
  problem_index index;
  const task_state& state;
  const task_view& view;
  // Events of the journal by the peer they came from; those of nobody else are not counted.
  const std::map<std::string, std::uint64_t>& by;
  bool simulated = false;
};

[[nodiscard]] std::string show_text(const transcript& t, const show_options& options);
[[nodiscard]] std::string show_json(const transcript& t, const show_options& options);

// The problem that was named: an index, or an id. `unknown` with the range when there is none.
[[nodiscard]] expected<problem_index, report_failure> find_problem(const store& source,
                                                                   std::string_view name);
// The arm of that name. `unknown` with the nearest name when there is none.
[[nodiscard]] expected<arm_index, report_failure> find_arm(const experiment& exp,
                                                           std::string_view name);

// The whole command but its options: reads the problem and renders it.
[[nodiscard]] expected<std::string, report_failure> show(const store& source, const experiment& exp,
                                                         problem_index problem, bool json,
                                                         const show_options& options);

// Hexadecimal of the payload in a .tbit, or why it cannot be read.
struct payload_text {
  std::string hex;
  std::string error;
};
[[nodiscard]] payload_text payload_of(const outcome_event& end);

// The first 8 hexadecimal digits: enough to find a call in one task.
[[nodiscard]] std::string short_id(const call_id& id);

} // namespace tenbit::report

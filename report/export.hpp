// The canonical export: what a run found, byte for byte the same for equal results.
//
// JSON Lines, grammar in README.md. Tasks in order; of a task first its line, its calls by call id,
// then by arm and trial the bits by index and the end. Left out is what differs between runs of
// equal results: times, attempts, replicas, the order of completion, messages of failures, failures
// that a later outcome superseded. Streams: one task in memory at a time. The export holds prompts
// and so, where an arm's reference is gold, gold.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "report/failure.hpp"
#include "report/task_view.hpp"
#include "storage/store.hpp"

namespace tenbit::report {

inline constexpr int export_format_version = 1;

// Takes a line with its newline; false stops the export early (its reason is the caller's).
using line_sink = std::function<bool(std::string_view)>;

// Fails where the store does.
[[nodiscard]] status<report_failure> export_lines(const store& source, const experiment& exp,
                                                  const line_sink& sink);

// The lines of one task, without the header.
[[nodiscard]] std::string export_task(problem_index task, std::string_view problem_id,
                                      task_status state, const task_view& view,
                                      const experiment& exp);

// Writes DIR/<arm>/<problem index>-<trial>.tbit for every outcome that has a bitstream; returns how
// many.
[[nodiscard]] expected<std::uint64_t, report_failure>
export_bitstreams(const store& source, const experiment& exp, const std::string& dir);

// Folder names of the arms, in order: [a-z0-9._-] only, never beginning with a dot, each different.
[[nodiscard]] std::vector<std::string> folder_names(const experiment& exp);

} // namespace tenbit::report

// A run's summary as text for a terminal, Markdown, CSV or JSON. README.md has the schema of the
// last two.
//
// Pure functions. Names come from files people wrote: every one is made safe for its format. A
// simulated run is labelled in each of them, and the profile stands in each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/summary.hpp"
#include "report/table.hpp"

namespace tenbit::report {

// What text and Markdown show: the same tables with the same legends.
struct report_section {
  std::string title;
  table cells;
  std::vector<std::string> legend; // one sentence or two for each column that needs it
};
struct report_layout {
  std::string title;
  std::vector<std::string> banners; // must not be overlooked: simulated, unfinished, faults
  std::vector<std::string> facts;   // profile, switches, tasks
  std::vector<report_section> sections;
};
[[nodiscard]] report_layout lay_out(const run_summary& run);

[[nodiscard]] std::string render_text(const run_summary& run);
[[nodiscard]] std::string render_markdown(const run_summary& run);
[[nodiscard]] std::string render_csv(const run_summary& run);
enum class json_layout { indented, one_line };
[[nodiscard]] std::string render_json(const run_summary& run,
                                      json_layout wanted = json_layout::indented);

// A CSV cell (RFC 4180), quoted where it must be. Text that a spreadsheet would run as a formula,
// and that is no number, gets a leading apostrophe.
[[nodiscard]] std::string csv_cell(std::string_view text);

} // namespace tenbit::report

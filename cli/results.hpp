// What the reading commands (report, export, show) share: opening a store and saying what went
// wrong.
//
// Inline and small; used by their command files only, one thread.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "config/experiment.hpp"
#include "report/export.hpp"
#include "report/failure.hpp"
#include "report/output_file.hpp"
#include "report/summary.hpp"
#include "storage/store.hpp"

namespace tenbit::cli {

struct opened_results {
  std::unique_ptr<store> source;
  experiment exp;
};

// For reading, beside a live writer or not.
inline expected<opened_results, report::report_failure> open_results(const std::string& dir) {
  auto source = store::open_for_reading(dir);
  if (!source)
    return fail(report::from_store(source.error()));
  auto exp = report::experiment_of(**source, dir);
  if (!exp)
    return fail(exp.error());
  return opened_results{std::move(*source), std::move(*exp)};
}

// The canonical export as a file, whole or not at all; an empty path: standard output.
inline status<report::report_failure> write_export(const opened_results& results,
                                                   const std::string& path) {
  report::output_file file(path);
  const auto lines = report::export_lines(*results.source, results.exp, [&](std::string_view line) {
    file.write(line);
    return !file.failed();
  });
  if (!lines)
    return lines;
  if (const auto written = file.finish(); !written)
    return fail(report::report_failure{report::report_error::io, written.error()});
  return {};
}

// One line on standard error; the exit code that goes with it.
inline int explain(const char* command, const report::report_failure& failure) {
  const std::string line = one_line(failure.message, failure.message.size());
  std::fprintf(stderr, "tenbit %s: %s\n", command, line.c_str());
  switch (failure.kind) {
  case report::report_error::refused:
    return exit_refused;
  case report::report_error::io:
    return exit_failed;
  case report::report_error::unknown:
    return exit_failed;
  }
  assertion_failed("report_error", __FILE__, __LINE__);
}

// To standard output; a full disk or closed pipe is a failure, not silence.
inline int print(const char* command, std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written)
    return exit_ok;
  std::fprintf(stderr, "tenbit %s: standard output cannot be written: %s\n", command,
               std::strerror(errno));
  return exit_failed;
}

} // namespace tenbit::cli

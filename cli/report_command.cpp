// tenbit report: the tables of a run.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/results.hpp"
#include "report/render.hpp"

namespace tenbit::cli {
namespace {

struct report_arguments {
  std::string dir;
  std::string format = "text";
  std::string by;
};

std::string rendered(const report::run_summary& run, const std::string& format) {
  if (format == "json")
    return report::render_json(run);
  if (format == "csv")
    return report::render_csv(run);
  return format == "markdown" ? report::render_markdown(run) : report::render_text(run);
}

int run_report(const report_arguments& given) {
  const auto opened = open_results(given.dir);
  if (!opened)
    return explain("report", opened.error());
  report::summary_options options;
  options.by_trial = given.by == "trial";
  const auto run = report::summarize(*opened->source, opened->exp, options);
  if (!run)
    return explain("report", run.error());
  return print("report", rendered(*run, given.format));
}

const command_registration
    report_command(50, "report", "Show accuracy, bits and costs of a run, finished or not.",
                   [](CLI::App& command) {
                     auto given = std::make_shared<report_arguments>();
                     command.add_option("--store", given->dir, "Folder of the run")->required();
                     command.add_option("--format", given->format, "text, json, csv or markdown")
                         ->check(CLI::IsMember({"text", "json", "csv", "markdown"}))
                         ->capture_default_str();
                     command.add_option("--by", given->by, "trial: one row for each arm and trial")
                         ->check(CLI::IsMember({"trial"}));
                     command.footer(
                         "Examples:\n"
                         "  tenbit report --store runs/default\n"
                         "  tenbit report --store runs/default --format csv > default.csv\n"
                         "  tenbit report --store runs/default --by trial");
                     return [given] { return run_report(*given); };
                   });

} // namespace
} // namespace tenbit::cli

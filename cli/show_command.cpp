// tenbit show: one problem's transcript.
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/results.hpp"
#include "report/show.hpp"

namespace tenbit::cli {
namespace {

struct show_arguments {
  std::string dir;
  std::string problem;
  std::string arm;
  bool json = false;
  bool full = false;
};

// https://no-color.org: any value but the empty one turns colour off.
bool colour_wanted() {
  const char* no_colour = std::getenv("NO_COLOR");
  return (no_colour == nullptr || *no_colour == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

int run_show(const show_arguments& given) {
  const auto opened = open_results(given.dir);
  if (!opened)
    return explain("show", opened.error());
  report::show_options options;
  options.full = given.full;
  options.colour = colour_wanted();
  if (!given.arm.empty()) {
    const auto arm = report::find_arm(opened->exp, given.arm);
    if (!arm)
      return explain("show", arm.error());
    options.arm = *arm;
  }
  const auto problem = report::find_problem(*opened->source, given.problem);
  if (!problem)
    return explain("show", problem.error());
  const auto text = report::show(*opened->source, opened->exp, *problem, given.json, options);
  if (!text)
    return explain("show", text.error());
  return print("show", *text);
}

const command_registration show_command(
    52, "show", "Show what every arm asked, was answered and wrote about one problem.",
    [](CLI::App& command) {
      auto given = std::make_shared<show_arguments>();
      command.add_option("PROBLEM", given->problem, "Its index from 0, or its id")->required();
      command.add_option("--store", given->dir, "Folder of the run")->required();
      command.add_option("--arm", given->arm, "Only this arm");
      command.add_flag("--json", given->json, "As JSON");
      command.add_flag("--full", given->full, "Uncut texts, and every call with its request");
      command.footer("Examples:\n"
                     "  tenbit show --store runs/default 0\n"
                     "  tenbit show --store runs/default gsm8k/17 --arm qa\n"
                     "  tenbit show --store runs/default 0 --json | jq .arms");
      return [given] { return run_show(*given); };
    });

} // namespace
} // namespace tenbit::cli

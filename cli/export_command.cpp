// tenbit export: the canonical results as JSON Lines, and the bitstreams as files.
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/results.hpp"

namespace tenbit::cli {
namespace {

struct export_arguments {
  std::string dir;
  std::string out;
  std::string bitstreams;
};

int run_export(const export_arguments& given) {
  const auto opened = open_results(given.dir);
  if (!opened)
    return explain("export", opened.error());
  if (!given.bitstreams.empty()) {
    const auto count = report::export_bitstreams(*opened->source, opened->exp, given.bitstreams);
    if (!count)
      return explain("export", count.error());
    std::fprintf(stderr, "%s: %llu bitstreams\n", one_line(given.bitstreams, 200).c_str(),
                 static_cast<unsigned long long>(*count));
    if (given.out.empty()) // only the bitstreams were asked for
      return exit_ok;
  }
  const auto written = write_export(*opened, given.out);
  return written ? exit_ok : explain("export", written.error());
}

const command_registration export_command(
    51, "export", "Write the results in a canonical form: equal results give equal bytes.",
    [](CLI::App& command) {
      auto given = std::make_shared<export_arguments>();
      command.add_option("--store", given->dir, "Folder of the run")->required();
      command.add_option("--out", given->out,
                         "File to write whole or not at all (default: standard output)");
      command.add_option("--bitstreams", given->bitstreams,
                         "Folder for .tbit files, ARM/PROBLEM-TRIAL.tbit; alone, nothing else is "
                         "written");
      command.footer("Examples:\n"
                     "  tenbit export --store runs/default --out default.jsonl\n"
                     "  tenbit export --store runs/default | sha256sum\n"
                     "  tenbit export --store runs/default --bitstreams bits/\n\n"
                     "The lines hold prompts, and so gold where an arm's reference is gold.");
      return [given] { return run_export(*given); };
    });

} // namespace
} // namespace tenbit::cli

#include "cli/finish.hpp"

#include <filesystem>

#include "cli/results.hpp"
#include "report/export.hpp"
#include "report/render.hpp"

namespace tenbit::cli {

int finish_run(const std::string& store_dir, bool json) {
  const auto opened = open_results(store_dir);
  if (!opened)
    return explain("run", opened.error());
  const auto files = (std::filesystem::path(store_dir) / "bitstreams").string();
  if (const auto written = report::export_bitstreams(*opened->source, opened->exp, files); !written)
    return explain("run", written.error());
  const auto summary = report::summarize(*opened->source, opened->exp, {});
  if (!summary)
    return explain("run", summary.error());
  return print("run", json ? report::render_json(*summary, report::json_layout::one_line)
                           : report::render_text(*summary));
}

} // namespace tenbit::cli

// libFuzzer: any bytes give an experiment or problems; an experiment survives being written and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/estimate.hpp"
#include "config/experiment.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A first line "#!key=value" is an override.
  std::vector<std::string> overrides;
  if (text.starts_with("#!"))
    overrides.emplace_back(text.substr(2, text.find('\n') - 2));
  const auto read =
      tenbit::parse_experiment(text, "/fuzz/e.toml", overrides, tenbit::file_check::skipped);
  if (!read) {
    if (read.error().empty())
      std::abort();
    for (const auto& problem : read.error())
      if (problem.message.empty() || problem.text().empty())
        std::abort();
    return 0;
  }
  const auto again = tenbit::parse_experiment(tenbit::to_toml(*read), "/fuzz/e.toml", {},
                                              tenbit::file_check::skipped);
  if (!again || !(*again == *read) || again->identity() != read->identity())
    std::abort();
  if (tenbit::estimate_calls(*read).arms.size() != read->arms.size())
    std::abort();
  return 0;
}

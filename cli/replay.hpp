// Verification above the store's own: do the journal's outcomes follow from its calls and bits?
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "endpoints/client.hpp"
#include "storage/store.hpp"

namespace tenbit::cli {

// Replays every outcome's program from the journal alone: the same answer, payload, .tbit bytes and
// verdict must come out. One line per finding. `files_dir`: .tbit files to compare, when the folder
// is there.
[[nodiscard]] expected<std::vector<std::string>, store_failure>
replay_journal(const store& source, std::shared_ptr<const experiment> exp,
               const std::string& files_dir, const std::function<void(std::uint64_t)>& progress);

struct decode_counts {
  std::string arm;
  std::uint64_t decoded = 0, matched = 0, failed = 0;
};

// Decodes every outcome through the endpoints, from problem and .tbit alone, `threads` at a time.
[[nodiscard]] expected<std::vector<decode_counts>, store_failure>
decode_all(const store& source, const experiment& exp, client& calls, unsigned threads,
           const std::function<void(std::uint64_t)>& progress);

} // namespace tenbit::cli

// What a coordinator keeps of a run that is over, so that its next start need not open the store:
// the line of the status, and the seal of the store it was true for.
//
//   DIR/runs/NAME.ended   {"seal": store::seal, "runs": [the line as /status has it]}
//
// Written after the store was closed, only of a run with nothing left to do. Whoever opens the
// store for writing afterwards breaks the seal, and the run is opened as any other. So the file
// may be lost or old without harm. One thread at a time.
#pragma once

#include <optional>
#include <string>

#include "base/expected.hpp"
#include "coordinator/cluster_status.hpp"

namespace tenbit::cli {

// Everything was done or is held for a person, and the books balance: another start of the
// coordinator would not change it. Failed problems are tried again at a start.
[[nodiscard]] bool is_settled(const run_line& run);

// Of a store that is closed. Durable on return.
[[nodiscard]] status<std::string> write_ended(const std::string& dir, const std::string& store_dir,
                                              const run_line& run);
// Empty: there is none, it cannot be read, or the store was written to since.
[[nodiscard]] std::optional<run_line> read_ended(const std::string& dir, const std::string& name,
                                                 const std::string& store_dir);
void remove_ended(const std::string& dir, const std::string& name);

} // namespace tenbit::cli

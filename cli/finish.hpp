// What follows a run: the .tbit files beside the store and the table. Reads the store, nothing
// else.
#pragma once

#include <string>

namespace tenbit::cli {

// Writes DIR/bitstreams and prints the report (text, or one JSON line). Returns an exit code.
[[nodiscard]] int finish_run(const std::string& store_dir, bool json);

} // namespace tenbit::cli

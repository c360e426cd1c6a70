// SIGINT and SIGTERM of a process that ends in good order: the first asks, the second ends at once.
#pragma once

namespace tenbit::cli {

void catch_stop_signals();
// How many came.
[[nodiscard]] int stop_signals();

} // namespace tenbit::cli

// The tables of `tenbit top`: runs, workers, slow leases, endpoints; what needs a person comes
// first in each.
//
// Pure, thread-safe, never fail. 80 columns show what is needed to act: names, states, host and
// port of an endpoint, and why something does not go on; the other figures want a wider terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/cluster_status.hpp"

namespace tenbit::control {

// Titles, then rows; no line is wider than `columns` (0: no bound).
[[nodiscard]] std::vector<std::string> run_table(const cluster_status& s, std::size_t columns);
[[nodiscard]] std::vector<std::string> worker_table(const cluster_status& s, std::size_t columns);
// Leases that are slow or silent; empty, without a title, when there is none.
[[nodiscard]] std::vector<std::string> lease_table(const cluster_status& s, std::size_t columns);
[[nodiscard]] std::vector<std::string> endpoint_table(const cluster_status& s, std::size_t columns);

// A name from outside, harmless and short.
[[nodiscard]] std::string name_text(std::string_view text);

} // namespace tenbit::control

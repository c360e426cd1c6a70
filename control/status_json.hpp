// The cluster's snapshot as JSON and back, and its parts as lists.
//
// One list of fields serves both directions, so what is written can be read. Pure, thread-safe.
// Names come from peers and files: bytes that are no UTF-8 become U+FFFD, numbers that are not
// finite become -1. Ids are 16 hexadecimal digits (a JSON number loses bits beyond 2^53).
#pragma once

#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "coordinator/cluster_status.hpp"

namespace tenbit::control {

// to_json(cluster_status) is declared in http_status.hpp; these are its parts, for the handlers of
// `run list`, `worker list` and `endpoint list`: arrays of objects.
[[nodiscard]] std::string runs_json(const cluster_status& s);
[[nodiscard]] std::string workers_json(const cluster_status& s);
// One object per replica and worker.
[[nodiscard]] std::string endpoints_json(const cluster_status& s);

// Members that are not there keep their defaults: an older or newer coordinator can be shown.
[[nodiscard]] expected<cluster_status, std::string> parse_status(std::string_view json);

[[nodiscard]] std::string_view to_string(run_phase phase);

} // namespace tenbit::control

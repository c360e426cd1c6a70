// What the endpoint client of this process shows of its replicas, as the next heartbeat says it.
//
// Pure; never fails.
#pragma once

#include <string>

#include "actors/session.hpp"
#include "endpoints/client.hpp"

namespace tenbit {

[[nodiscard]] replica_report report_of(const std::string& model, const replica_snapshot& replica);

} // namespace tenbit

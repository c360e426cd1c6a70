// Endpoints for commands that call models outside a run: decode, verify --replay.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"

namespace tenbit::cli {

struct model_calls {
  std::shared_ptr<void> simulator; // when one was started
  std::unique_ptr<client> calls;
};

// Points the models of exp to `endpoints` ("URL" for all, or "alias=URL"), sets the key variable,
// starts the embedded simulator where a simulated model has no endpoint, and starts a client.
// Error: one line.
[[nodiscard]] expected<model_calls, std::string>
connect_models(experiment& exp, const std::vector<std::string>& endpoints,
               const std::string& api_key_env);

} // namespace tenbit::cli

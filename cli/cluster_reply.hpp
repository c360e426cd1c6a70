// INTERNAL to the control verbs: arguments out of a checked request, and replies. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "control/control.hpp"

namespace tenbit::cli {

[[nodiscard]] control::reply done(const nlohmann::json& result);
[[nodiscard]] control::reply refusal(std::string why);
[[nodiscard]] control::reply no_answer(); // of the coordinator's thread
[[nodiscard]] control::reply no_run(const std::string& name);

// check_request has seen to it that what is required is there and well formed.
[[nodiscard]] std::string text(const control::request& r, const char* name);
[[nodiscard]] std::int64_t number(const control::request& r, const char* name);

} // namespace tenbit::cli

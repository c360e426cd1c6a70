// The JSON lines of the control socket and of its audit log.
//
//   request  {"verb": text, "args"?: {name: text or [text…]}, "dry_run"?: bool, "reason"?: text}
//   reply    {"ok": bool, "error"?: text, "result"?: any JSON}
//
// Pure, thread-safe; never throws. Lines come from outside: depth, types, UTF-8 and unknown members
// are checked before anything is made of them.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "control/control.hpp"

namespace tenbit::control {

// On one line; ill-formed UTF-8 is replaced.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);

// No line end in any of these.
[[nodiscard]] std::string to_line(const request& r);
[[nodiscard]] expected<request, std::string> parse_request(std::string_view line);
// A result that is no JSON makes a reply that says so.
[[nodiscard]] std::string to_line(const reply& r);
[[nodiscard]] expected<reply, std::string> parse_reply(std::string_view line);

// What the audit log keeps. `entry` ties an outcome to its request.
[[nodiscard]] std::string audit_request(const std::string& entry, std::uint64_t unix_ms,
                                        const request& r);
[[nodiscard]] std::string audit_outcome(const std::string& entry, std::uint64_t unix_ms,
                                        const reply& r);
// A request without the right it needs. unsaid: how many before it were not written down.
[[nodiscard]] std::string audit_denied(std::uint64_t unix_ms, const request& r, right needs,
                                       std::uint64_t unsaid);

// Whether brackets outside of texts are nested at most so deep. For any bytes.
[[nodiscard]] bool depth_within(std::string_view json, int most);

} // namespace tenbit::control

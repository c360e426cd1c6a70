// The URL a replica is called at, and the form of it that may be shown.
//
// Pure functions, thread-safe, never throw.
#pragma once

#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit {

// {replica}/v1/chat/completions; a replica that already ends in /v1 is not given a second one.
// Fails when the replica is not an http or https URL with a host, or holds blanks or control
// characters.
[[nodiscard]] expected<std::string, std::string> chat_url(std::string_view replica);

// The URL without user, password and query: safe for messages and logs.
[[nodiscard]] std::string shown_url(std::string_view url);

// The text with every occurrence of the secret replaced; unchanged when the secret is empty.
[[nodiscard]] std::string without_secret(std::string text, std::string_view secret);

} // namespace tenbit

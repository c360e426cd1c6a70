// What an HTTP status, an error object or a libcurl code means: the class of the failure, what it
// says about the replica, and the server's own words.
//
// Pure functions, thread-safe. The tables are the ones of endpoints/README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/call.hpp"
#include "endpoints/replica_pool.hpp"

namespace tenbit {

class json_reader;

// One failed attempt, before it is known whether it is tried again.
struct attempt_failure {
  call_error kind = call_error::transient;
  attempt_end end = attempt_end::failed;
  std::string what; // one line without the URL
  bool timeout = false;
};

// What a server says in an error body or an error object, in any of the shapes that are in use:
// {"error":{"message","type","code"}}, {"error":"…"}, {"message":…}, {"detail":…}, or text.
struct server_words {
  std::string message; // one line, at most limits::error_text_chars_max
  std::string type;    // one line; empty: not given
  std::optional<std::int64_t> code;
};
// The body must be followed by 64 readable bytes.
[[nodiscard]] server_words read_server_words(json_reader& json, std::string_view padded_body);

// A reply with a status other than 200.
[[nodiscard]] attempt_failure http_failure(int status, bool has_retry_after,
                                           const server_words& words);
// An error object inside a 200 reply or stream.
[[nodiscard]] attempt_failure object_failure(const server_words& words);
// A transfer that libcurl gave up (CURLcode), with its message.
[[nodiscard]] attempt_failure transport_failure(int curl_code, std::string_view text);

} // namespace tenbit

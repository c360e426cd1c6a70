// One request to a model and what came back: the contract between programs, endpoints and the
// journal.
//
// Values only. Model text in a reply is valid UTF-8 and within limits::reply_text_bytes_max: the
// endpoint client refuses everything else before it gets here.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/ids.hpp"
#include "base/expected.hpp"

namespace tenbit {

enum class chat_role : std::uint8_t { system, user, assistant };

struct chat_message {
  chat_role role = chat_role::user;
  std::string content;
  friend bool operator==(const chat_message&, const chat_message&) = default;
};

// Sampling settings of one call, explicit. An absent value is not sent.
struct call_settings {
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<std::uint32_t> seed;
  std::uint32_t max_tokens = 2048;
  bool yes_no = false; // a one-bit answer: ask for the logprobs of its first token
  friend bool operator==(const call_settings&, const call_settings&) = default;
};

// What a program asks for: text of `model` (an alias), the k-th independent sample.
struct generate_request {
  std::string model;
  std::vector<chat_message> messages;
  call_settings settings;
  std::uint32_t k = 0;
};

// The request as JSON, byte for byte the same for equal arguments: an OpenAI-compatible chat
// completion body without transport fields ("stream"). The client sends it as it is with those
// added before the last brace. Throws nothing; invalid UTF-8 in messages is repaired.
[[nodiscard]] std::string canonical_request(std::string_view model_name,
                                            std::span<const chat_message> messages,
                                            const call_settings& settings);

// The identity of a call: revision of the weights, the canonical request and the sample index k.
[[nodiscard]] call_id identify(std::string_view revision, std::string_view canonical,
                               std::uint32_t k);

struct token_usage {
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
  bool reported = false; // false: the server said nothing; both are estimates from bytes
};

// Where the time of a call went, microseconds.
struct call_timing {
  std::uint64_t queued_us = 0;     // in our limiter, all attempts
  std::uint64_t first_byte_us = 0; // of the attempt that succeeded
  std::uint64_t total_us = 0;      // from submit to reply
};

struct call_reply {
  std::string text;
  std::string finish_reason; // "stop", "length", …; "length" means the text was cut
  std::string served_model;  // as the server names it
  token_usage usage;
  std::optional<double> p_yes; // P(yes) / (P(yes) + P(no)) of the first answer token, when given
  call_timing timing;
  std::uint32_t attempts = 1;
  std::uint32_t replica = 0; // index into model_spec::replicas
};

// Classes of failure (infrastructure is never a wrong answer). What to do: retry here, try later,
// or never.
enum class call_error : std::uint8_t {
  throttled,        // 429, 503 with Retry-After: retried, then the task waits
  transient,        // reset, 5xx, refused, timeout, stall: retried, then the task waits
  endpoint_invalid, // bad JSON or UTF-8, wrong shape, wrong model, too large: retried once
  request_invalid,  // 400, 404, 413, 422: never retried
  auth,             // 401, 403: never retried, the replica is stopped
  cancelled,        // we are shutting down
  diverged,         // the journal holds something else: for a person, never tried again
};
[[nodiscard]] std::string_view to_string(call_error kind);

struct call_failure {
  call_error kind = call_error::transient;
  std::string message; // one line for people, names the URL; no secrets
  std::uint32_t attempts = 0;
};

using call_result = expected<call_reply, call_failure>;

} // namespace tenbit

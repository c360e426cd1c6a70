// The bytes of replies: HTTP heads, chat completions as JSON or as server-sent events, errors.
//
// Pure functions that append to a string the caller keeps, so that a reply is one buffer and one
// write. Shapes: OpenAI chat completions API; server-sent events of the WHATWG HTML standard; RFC
// 9112 chunks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit::sim {

struct chat_reply {
  std::uint64_t id = 0;
  std::string_view model;
  std::string_view text; // any bytes; what is no valid UTF-8 goes out as it is
  bool cut = false;      // finish_reason "length" instead of "stop"
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  bool logprobs = false;
  std::uint32_t top_logprobs = 0;
  std::optional<double> p_yes; // of the first token
  std::optional<double> p_no;
};

// How a reply leaves the connection.
struct http_form {
  bool keep_alive = true;
  bool http_1_0 = false; // no chunks: a stream ends with the connection
};

void append_json_string(std::string& out, std::string_view text);

// Head and body of a reply whose length is known. `extra` is whole header lines or empty.
void append_response(std::string& out, int status, std::string_view content_type,
                     std::string_view extra, std::string_view body, const http_form& form);
// The head of a stream.
void append_stream_head(std::string& out, const http_form& form);
// One chunk; bare text under HTTP/1.0.
void append_chunk(std::string& out, std::string_view data, const http_form& form);
void append_last_chunk(std::string& out, const http_form& form);

[[nodiscard]] std::string error_body(int status, std::string_view message);
[[nodiscard]] std::string completion_body(const chat_reply& reply);

// The events of a stream: role, pieces of at least `piece_bytes`, the end, usage if wanted, [DONE].
// One string per event.
struct stream_shape {
  std::size_t piece_bytes = 64;
  bool include_usage = false;
};
[[nodiscard]] std::vector<std::string> stream_events(const chat_reply& reply,
                                                     const stream_shape& shape);

} // namespace tenbit::sim

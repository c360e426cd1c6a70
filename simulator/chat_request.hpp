// A chat completion request, read from its JSON body.
//
// chat_request_reader owns the JSON parser and reuses it; one reader, one thread. The body is
// hostile: any bytes up to limits::sim_body_bytes_max, nesting bounded. Errors are one line, as a
// server would word them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.hpp"

namespace tenbit::sim {

struct chat_request {
  std::string model;
  std::string prompt; // contents of all messages, joined with newlines
  double temperature = 1.0;
  std::uint64_t seed = 0;
  std::uint32_t max_tokens = 0; // 0: no limit given
  bool stream = false;
  bool include_usage = false; // stream_options
  bool logprobs = false;
  std::uint32_t top_logprobs = 0;
  std::uint64_t hash = 0; // of the body without stream and stream_options
};

class chat_request_reader {
public:
  chat_request_reader();
  ~chat_request_reader();

  // Fills `out`, whose strings are reused. `body` may get more capacity (the parser reads in
  // blocks).
  [[nodiscard]] status<std::string> read(std::string& body, chat_request& out);

private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

} // namespace tenbit::sim

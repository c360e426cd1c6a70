// Replies in the shapes that servers send, and a short way to parse them in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "endpoints/json_reader.hpp"
#include "endpoints/reply_parser.hpp"

namespace tenbit::testing {

inline std::string chat_body(std::string_view content_json, std::string_view more = "") {
  return R"({"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":)" +
         std::string(content_json) + "}" + std::string(more) +
         R"(}],"model":"m","usage":{"completion_tokens":5,"prompt_tokens":7,"total_tokens":12}})";
}

inline std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return R"(data: {"choices":[{"finish_reason":)" + std::string(finish) + R"(,"index":0,"delta":)" +
         std::string(delta) + R"(}],"model":"m"})" + "\n\n";
}

inline std::string usage_chunk(int completion = 5) {
  return R"(data: {"choices":[],"model":"m","usage":{"completion_tokens":)" +
         std::to_string(completion) + R"(,"prompt_tokens":7}})" + "\n\n";
}

inline const std::string done_mark = "data: [DONE]\n\n";

// A whole stream of "Hello world".
inline std::string hello_stream() {
  return chunk(R"({"role":"assistant","content":null})") + chunk(R"({"content":"Hello"})") +
         chunk(R"({"content":" world"})") + chunk("{}", R"("stop")") + usage_chunk() + done_mark;
}

using parsed = expected<call_reply, attempt_failure>;

inline parsed parse_pieces(const std::vector<std::string>& pieces, reply_parser::form form,
                           std::string_view model = "m") {
  json_reader json;
  reply_parser parser;
  parser.begin(model, form);
  for (const auto& piece : pieces)
    if (!parser.feed(json, piece))
      break;
  return parser.finish(json, 400);
}

inline parsed parse_body(const std::string& body, std::string_view model = "m") {
  return parse_pieces({body}, reply_parser::form::body, model);
}

inline parsed parse_stream(const std::string& body, std::string_view model = "m") {
  return parse_pieces({body}, reply_parser::form::stream, model);
}

} // namespace tenbit::testing

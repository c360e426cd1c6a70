// One simdjson parser that is used again for every reply. Include in .cpp files only.
//
// Validates the whole document: UTF-8, numbers, depth up to limits::json_depth_max. Owned by the
// client's thread; not thread-safe.
#pragma once

#include <simdjson.h>
#include <string>
#include <string_view>

#include "config/limits.hpp"

namespace tenbit {

class json_reader {
public:
  // The text must be followed by SIMDJSON_PADDING readable bytes. The element holds until the next
  // parse.
  [[nodiscard]] simdjson::error_code parse(std::string_view padded, simdjson::dom::element& out) {
    if (padded.size() > capacity_ || capacity_ > limits::kept_buffer_bytes_max) {
      capacity_ = padded.size() > small ? padded.size() : small;
      parser_ = simdjson::dom::parser();
      const auto error =
          parser_.allocate(capacity_, static_cast<std::size_t>(limits::json_depth_max));
      if (error != simdjson::SUCCESS) {
        capacity_ = 0;
        return error;
      }
    }
    return parser_.parse(padded.data(), padded.size(), false).get(out);
  }

private:
  static constexpr std::size_t small = 64U << 10;
  simdjson::dom::parser parser_;
  std::size_t capacity_ = 0;
};

struct server_words;
// The words of an error document; see http_error.hpp.
[[nodiscard]] server_words read_words(simdjson::dom::element document);

// What is wrong with a text that does not parse, for people.
[[nodiscard]] inline std::string json_fault(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR)
    return "not valid UTF-8";
  if (error == simdjson::DEPTH_ERROR)
    return "JSON nested too deep";
  if (error == simdjson::EMPTY)
    return "an empty body";
  return std::string("not JSON (") + simdjson::error_message(error) + ")";
}

} // namespace tenbit

// Any bytes as a body, a stream or an error: a valid reply or a named failure, whatever the pieces
// are.
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "endpoints/json_reader.hpp"
#include "endpoints/reply_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenbit;
  if (size < 1)
    return 0;
  static json_reader json;
  static reply_parser parser;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto form = static_cast<reply_parser::form>(data[0] % 3U);
  const std::size_t piece = data[0] / 3U + 1;
  parser.begin("m", form);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    if (!parser.feed(json, bytes.substr(at, piece)))
      break;
  if (form == reply_parser::form::error) {
    TENBIT_ASSERT(valid_utf8(parser.words(json).message));
    return 0;
  }
  const auto reply = parser.finish(json, 100);
  if (reply) {
    TENBIT_ASSERT(valid_utf8(reply->text) && valid_utf8(reply->served_model));
    TENBIT_ASSERT(!reply->p_yes || (*reply->p_yes >= 0 && *reply->p_yes <= 1));
  } else {
    TENBIT_ASSERT(!reply.error().what.empty());
  }
  return 0;
}

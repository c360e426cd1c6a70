// Reads one JSON document, a whole reply or one chunk of a stream, into a reply_parser.
//
// Part of reply_parser; include in .cpp files only. Every function returns false once the parser
// has failed.
#pragma once

#include "endpoints/json_reader.hpp"
#include "endpoints/reply_parser.hpp"

namespace tenbit {

class reply_reader {
public:
  explicit reply_reader(reply_parser& into) : p_(into) {}

  [[nodiscard]] bool document(simdjson::dom::element root);

private:
  bool error_object(simdjson::dom::element error);
  bool choices(simdjson::dom::element value);
  bool choice(simdjson::dom::object value);
  bool message(simdjson::dom::element value);
  bool content(simdjson::dom::element value);
  bool usage(simdjson::dom::element value);
  void logprobs(simdjson::dom::element value);
  void answer_token(simdjson::dom::object entry);

  reply_parser& p_;
};

} // namespace tenbit

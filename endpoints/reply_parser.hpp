// The reply of a chat completion, out of the body or the event stream of an OpenAI-compatible
// server.
//
// Everything a server can send becomes either a call_reply or a named failure, never a wrong
// answer: a reply that is cut, too large, too deep, not UTF-8, of the wrong shape or from another
// model fails. A stream is whole when its finish_reason or [DONE] was seen. A chunk that came twice
// is found when the server reports its usage: more pieces of text than tokens, and two equal pieces
// one after the other.
//
// One parser per call in flight, used again; the json_reader is shared by all of a thread. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "actors/call.hpp"
#include "base/expected.hpp"
#include "endpoints/http_error.hpp"
#include "endpoints/sse_parser.hpp"
#include "endpoints/yes_no.hpp"

namespace tenbit {

class json_reader;

class reply_parser {
public:
  enum class form : std::uint8_t {
    body,   // one JSON document (or a stream that does not say so)
    stream, // text/event-stream
    error,  // a status other than 200: the first limits::error_body_bytes_max bytes are kept
  };

  // A new reply. asked_model must live until finish().
  void begin(std::string_view asked_model, form what);
  // More bytes of it. False: the rest is not wanted (it failed, or enough of an error is known).
  [[nodiscard]] bool feed(json_reader& json, std::string_view bytes);
  // The end of the body. Usage that was not reported is estimated, of the prompt from
  // request_bytes.
  [[nodiscard]] expected<call_reply, attempt_failure> finish(json_reader& json,
                                                             std::size_t request_bytes);
  // What feed() found wrong, if it did.
  [[nodiscard]] const std::optional<attempt_failure>& failure() const { return failure_; }
  // form::error: the server's words.
  [[nodiscard]] server_words words(json_reader& json);

private:
  friend class reply_reader; // reads one JSON document into this; lives in the .cpp

  bool fail(std::string what);
  bool feed_stream(json_reader& json, std::string_view bytes);
  bool on_event(json_reader& json, std::string_view data);
  bool add_text(std::string_view piece);
  void keep(std::string_view bytes);
  std::string_view padded_body();
  [[nodiscard]] std::optional<attempt_failure> fault_of_whole(json_reader& json);
  [[nodiscard]] bool model_matches() const;

  std::string_view asked_model_;
  form form_ = form::body;
  std::size_t bytes_ = 0;
  std::string body_;
  sse_parser events_;
  std::optional<attempt_failure> failure_;

  std::string text_;
  bool has_text_ = false;   // a string, even an empty one
  bool other_text_ = false; // reasoning, a refusal or a tool call instead
  bool finished_ = false;   // finish_reason or [DONE]
  bool done_mark_ = false;
  std::string finish_reason_;
  std::string served_model_;
  std::optional<token_usage> usage_;
  yes_no labels_;
  bool labels_done_ = false;  // the first answer token was read
  std::uint64_t pieces_ = 0;  // of text, not empty
  std::uint64_t repeats_ = 0; // of these, equal to the one before
  std::size_t last_piece_bytes_ = 0;
};

} // namespace tenbit

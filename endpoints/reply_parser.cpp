#include "endpoints/reply_parser.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "endpoints/reply_reader.hpp"

namespace tenbit {
namespace {

attempt_failure broken(std::string what) {
  return {call_error::endpoint_invalid, attempt_end::failed, std::move(what)};
}

bool looks_like_events(std::string_view body) {
  return body.starts_with("data:") || body.starts_with("event:") || body.starts_with(": ");
}

void clear(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > limits::kept_buffer_bytes_max)
    std::string().swap(buffer);
}

} // namespace

void reply_parser::begin(std::string_view asked_model, form what) {
  asked_model_ = asked_model;
  form_ = what;
  bytes_ = 0;
  clear(body_);
  events_.reset();
  failure_.reset();
  clear(text_);
  has_text_ = other_text_ = finished_ = done_mark_ = false;
  finish_reason_.clear();
  served_model_.clear();
  usage_.reset();
  labels_ = {};
  labels_done_ = false;
  pieces_ = repeats_ = 0;
  last_piece_bytes_ = 0;
}

bool reply_parser::feed(json_reader& json, std::string_view bytes) {
  if (failure_)
    return false;
  bytes_ += bytes.size();
  if (bytes_ > limits::reply_bytes_max)
    return fail(fmt::format("more than {} bytes", limits::reply_bytes_max));
  switch (form_) {
  case form::stream:
    return feed_stream(json, bytes);
  case form::body:
    keep(bytes);
    return true;
  case form::error:
    keep(bytes.substr(0, limits::error_body_bytes_max - body_.size()));
    return body_.size() < limits::error_body_bytes_max;
  }
  assertion_failed("form", __FILE__, __LINE__);
}

expected<call_reply, attempt_failure> reply_parser::finish(json_reader& json,
                                                           std::size_t request_bytes) {
  TENBIT_ASSERT(form_ != form::error);
  if (!failure_)
    if (auto fault = fault_of_whole(json))
      failure_ = std::move(fault);
  if (failure_)
    return tenbit::fail(*failure_);
  call_reply reply;
  reply.usage =
      usage_ ? *usage_ : token_usage{(request_bytes + 3) / 4, (text_.size() + 3) / 4, false};
  reply.text = std::move(text_);
  reply.finish_reason = finish_reason_;
  reply.served_model = one_line(served_model_, limits::error_text_chars_max);
  reply.p_yes = labels_.p_yes();
  return reply;
}

server_words reply_parser::words(json_reader& json) {
  return read_server_words(json, padded_body());
}

bool reply_parser::fail(std::string what) {
  if (!failure_)
    failure_ = broken(std::move(what));
  return false;
}

bool reply_parser::feed_stream(json_reader& json, std::string_view bytes) {
  return events_.feed(bytes, [&](std::string_view data) { return on_event(json, data); });
}

bool reply_parser::on_event(json_reader& json, std::string_view data) {
  if (data == "[DONE]") {
    done_mark_ = finished_ = true;
    return true;
  }
  if (done_mark_)
    return fail("more after the end of the stream");
  simdjson::dom::element root;
  if (const auto error = json.parse(data, root); error != simdjson::SUCCESS)
    return fail(json_fault(error));
  return reply_reader(*this).document(root);
}

bool reply_parser::add_text(std::string_view piece) {
  has_text_ = true;
  if (piece.empty())
    return true;
  if (finished_ && form_ == form::stream)
    return fail("text after the end of the answer");
  if (text_.size() + piece.size() > limits::reply_text_bytes_max)
    return fail(fmt::format("more than {} bytes of text", limits::reply_text_bytes_max));
  if (piece.find('\0') != std::string_view::npos)
    return fail("NUL in the text");
  repeats_ += piece.size() == last_piece_bytes_ && text_.ends_with(piece) ? 1 : 0;
  last_piece_bytes_ = piece.size();
  text_.append(piece);
  ++pieces_;
  return true;
}

void reply_parser::keep(std::string_view bytes) {
  body_.append(bytes);
}

std::string_view reply_parser::padded_body() {
  const std::size_t size = body_.size();
  body_.append(simdjson::SIMDJSON_PADDING, '\0');
  return {body_.data(), size};
}

std::optional<attempt_failure> reply_parser::fault_of_whole(json_reader& json) {
  if (form_ == form::body) {
    const auto body = padded_body();
    if (looks_like_events(body)) { // a stream whose server does not say so
      form_ = form::stream;
      if (!feed_stream(json, body))
        return failure_;
    } else {
      simdjson::dom::element root;
      if (const auto error = json.parse(body, root); error != simdjson::SUCCESS)
        return broken(json_fault(error));
      if (!reply_reader(*this).document(root))
        return failure_;
    }
  }
  if (form_ == form::stream && !finished_)
    return attempt_failure{call_error::transient, attempt_end::failed,
                           "the stream ended in the middle of the answer"};
  // An empty answer is one only when the server says that the model stopped and nothing else was
  // said.
  const bool empty_answer =
      form_ == form::stream && finish_reason_ == "stop" && !other_text_ && !has_text_;
  if (!has_text_ && !empty_answer)
    return broken(other_text_ ? "no text in the answer, only reasoning, a refusal or a tool call"
                              : "no text in the answer");
  if (!valid_utf8(text_))
    return broken("the text is not valid UTF-8");
  if (!model_matches())
    return broken("answered as model " + one_line(served_model_, limits::shown_name_chars_max));
  // Two equal pieces are common (digits); that they are more than the tokens, and would not be
  // without the repeats, is not.
  if (usage_ && pieces_ > usage_->completion && pieces_ - repeats_ <= usage_->completion)
    return broken("a chunk of the stream came twice");
  return std::nullopt;
}

// Aliases, paths and short forms are common; only a name with nothing in common is another model.
bool reply_parser::model_matches() const {
  const std::string_view served = served_model_;
  return served.empty() || asked_model_.empty() || served.find('/') != std::string_view::npos ||
         served.ends_with(".gguf") || served.find(asked_model_) != std::string_view::npos ||
         asked_model_.find(served) != std::string_view::npos;
}

} // namespace tenbit

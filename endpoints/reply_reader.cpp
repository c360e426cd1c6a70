#include "endpoints/reply_reader.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

bool reply_reader::document(dom::element root) {
  dom::object object;
  if (root.get(object) != SUCCESS)
    return p_.fail("not a JSON object");
  bool has_choices = false;
  for (auto [key, value] : object) {
    bool good = true;
    std::string_view text;
    if (key == "choices") {
      has_choices = true;
      good = choices(value);
    } else if (key == "error" && !value.is_null()) {
      return error_object(root);
    } else if (key == "object" && value.get(text) == SUCCESS && text == "error") {
      return error_object(root);
    } else if (key == "usage" && !value.is_null()) {
      good = usage(value);
    } else if (key == "model" && value.get(text) == SUCCESS && p_.served_model_.empty()) {
      p_.served_model_ = text.substr(0, limits::kept_buffer_bytes_max);
    }
    if (!good)
      return false;
  }
  return has_choices || p_.fail("no choices in the reply");
}

bool reply_reader::error_object(dom::element root) {
  p_.failure_ = object_failure(read_words(root));
  return false;
}

bool reply_reader::choices(dom::element value) {
  dom::array list;
  if (value.get(list) != SUCCESS)
    return p_.fail("choices is not an array");
  std::size_t count = 0;
  for (dom::element item : list) {
    dom::object one;
    if (item.get(one) != SUCCESS)
      return p_.fail("a choice is not an object");
    if (++count > 1)
      return p_.fail("several choices, one was asked for");
    if (!choice(one))
      return false;
  }
  if (count == 0 && p_.form_ == reply_parser::form::body)
    return p_.fail("choices is empty");
  return true;
}

bool reply_reader::choice(dom::object value) {
  const bool body = p_.form_ == reply_parser::form::body;
  bool has_message = false;
  std::string_view reason;
  for (auto [key, item] : value) {
    std::int64_t index = 0;
    if (key == (body ? "message" : "delta")) {
      has_message = true;
      if (!message(item))
        return false;
    } else if (key == "finish_reason" && !item.is_null()) {
      if (item.get(reason) != SUCCESS)
        return p_.fail("finish_reason is not a string");
    } else if (key == "index" && (item.get(index) != SUCCESS || index != 0)) {
      return p_.fail("a choice with an index that was not asked for");
    } else if (key == "logprobs") {
      logprobs(item);
    }
  }
  if (!has_message)
    return p_.fail(body ? "no message in the choice" : "no delta in the choice");
  if (!reason.empty()) { // after the text: both may stand in one chunk, in any order
    p_.finish_reason_ = one_line(reason, limits::shown_name_chars_max);
    p_.finished_ = true;
  }
  return true;
}

bool reply_reader::message(dom::element value) {
  dom::object object;
  if (value.is_null() && p_.form_ == reply_parser::form::stream)
    return true;
  if (value.get(object) != SUCCESS)
    return p_.fail("the message is not an object");
  for (auto [key, item] : object) {
    if (key == "content") {
      if (!content(item))
        return false;
    } else if (!item.is_null() && (key == "reasoning_content" || key == "reasoning" ||
                                   key == "refusal" || key == "tool_calls")) {
      p_.other_text_ = true;
    }
  }
  return true;
}

bool reply_reader::content(dom::element value) {
  if (value.is_null())
    return true; // whether text is missing in the end is known at the end
  std::string_view text;
  if (value.get(text) != SUCCESS)
    return p_.fail("content is not a string");
  return p_.add_text(text);
}

bool reply_reader::usage(dom::element value) {
  dom::object object;
  if (value.get(object) != SUCCESS)
    return p_.fail("usage is not an object");
  token_usage read{0, 0, true};
  if (object["prompt_tokens"].get(read.prompt) != SUCCESS ||
      object["completion_tokens"].get(read.completion) != SUCCESS)
    return p_.fail("usage without whole token counts");
  if (std::max(read.prompt, read.completion) > limits::usage_tokens_max)
    return p_.fail("usage of more tokens than any model takes");
  p_.usage_ = read;
  return true;
}

// Logprobs are an extra: what has another shape than asked for is as good as absent.
void reply_reader::logprobs(dom::element value) {
  dom::array entries;
  if (p_.labels_done_ || value["content"].get(entries) != SUCCESS)
    return;
  for (dom::element item : entries) {
    dom::object entry;
    if (p_.labels_done_ || item.get(entry) != SUCCESS)
      return;
    answer_token(entry);
  }
}

void reply_reader::answer_token(dom::object entry) {
  std::string_view token;
  double logprob = 0;
  if (entry["token"].get(token) != SUCCESS)
    return;
  // Some vocabularies write the blank before the word as a token of its own: that is not the
  // answer.
  const bool blank = trim(token).empty() || token == "\xE2\x96\x81";
  if (entry["logprob"].get(logprob) == SUCCESS)
    p_.labels_.add(token, logprob);
  dom::array others;
  if (entry["top_logprobs"].get(others) == SUCCESS) {
    for (dom::element other : others)
      if (other["token"].get(token) == SUCCESS && other["logprob"].get(logprob) == SUCCESS)
        p_.labels_.add(token, logprob);
  }
  p_.labels_done_ = !blank || p_.labels_.p_yes().has_value();
}

} // namespace tenbit

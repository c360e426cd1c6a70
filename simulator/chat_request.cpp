#include "simulator/chat_request.hpp"

#include <bit>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/hash.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

namespace dom = simdjson::dom;
using problem = std::string;

constexpr std::uint32_t top_logprobs_max = 20;

// Structure and values, so that white space and number spelling do not count. Depth is the
// parser's.
void hash_value(hasher& hash, const dom::element& value) {
  switch (value.type()) {
  case dom::element_type::ARRAY:
    hash.field("[");
    for (const dom::element item : dom::array(value))
      hash_value(hash, item);
    hash.field("]");
    break;
  case dom::element_type::OBJECT:
    hash.field("{");
    for (const auto item : dom::object(value)) {
      hash.field(item.key);
      hash_value(hash, item.value);
    }
    hash.field("}");
    break;
  case dom::element_type::STRING:
    hash.field(std::string_view(value));
    break;
  case dom::element_type::INT64:
  case dom::element_type::UINT64:
  case dom::element_type::DOUBLE: {
    double number = 0;
    if (value.get(number) == simdjson::SUCCESS)
      hash.field(std::bit_cast<std::uint64_t>(number));
    break;
  }
  case dom::element_type::BOOL:
    hash.field(bool(value) ? "true" : "false");
    break;
  case dom::element_type::NULL_VALUE:
    hash.field("null");
    break;
  }
}

status<problem> add_parts(const dom::array& parts, std::string& prompt) {
  for (const dom::element part : parts) {
    std::string_view text;
    if (part["text"].get(text) != simdjson::SUCCESS)
      return fail(problem("a content part has no text; only text parts are supported"));
    prompt += text;
  }
  return {};
}

status<problem> add_message(const dom::element& message, std::string& prompt) {
  std::string_view role;
  if (message["role"].get(role) != simdjson::SUCCESS)
    return fail(problem("every message needs a role"));
  if (role != "system" && role != "user" && role != "assistant" && role != "developer" &&
      role != "tool")
    return fail(fmt::format("'{}' is not a role", role.substr(0, limits::shown_name_chars_max)));
  if (!prompt.empty())
    prompt += '\n';
  dom::element content;
  if (message["content"].get(content) != simdjson::SUCCESS)
    return fail(problem("every message needs a content"));
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) {
    prompt += text;
    return {};
  }
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS)
    return fail(problem("content must be a string or a list of parts"));
  return add_parts(parts, prompt);
}

status<problem> read_messages(const dom::element& value, std::string& prompt) {
  dom::array messages;
  if (value.get(messages) != simdjson::SUCCESS || messages.begin() == messages.end())
    return fail(problem("messages must be a list with at least one message"));
  for (const dom::element message : messages) {
    if (auto added = add_message(message, prompt); !added)
      return added;
  }
  return {};
}

status<problem> read_flag(std::string_view key, const dom::element& value, bool& out) {
  if (value.is_null())
    return {};
  if (value.get(out) != simdjson::SUCCESS)
    return fail(fmt::format("{} must be true or false", key));
  return {};
}

status<problem> read_count(std::string_view key, const dom::element& value, std::uint64_t most,
                           std::uint32_t& out) {
  if (value.is_null())
    return {};
  std::uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number > most)
    return fail(fmt::format("{} must be a whole number from 0 to {}", key, most));
  out = static_cast<std::uint32_t>(number);
  return {};
}

status<problem> read_temperature(const dom::element& value, double& out) {
  if (value.is_null())
    return {};
  if (value.get(out) != simdjson::SUCCESS || !(out >= 0 && out <= 2))
    return fail(problem("temperature must be a number from 0 to 2"));
  return {};
}

status<problem> read_seed(const dom::element& value, std::uint64_t& out) {
  if (value.is_null())
    return {};
  std::int64_t number = 0;
  if (value.get(out) == simdjson::SUCCESS)
    return {};
  if (value.get(number) != simdjson::SUCCESS)
    return fail(problem("seed must be a whole number"));
  out = static_cast<std::uint64_t>(number);
  return {};
}

status<problem> read_n(const dom::element& value) {
  std::uint64_t number = 1;
  if (!value.is_null() && (value.get(number) != simdjson::SUCCESS || number != 1))
    return fail(problem("n must be 1"));
  return {};
}

// Unknown fields are ignored, as servers do.
status<problem> read_field(std::string_view key, const dom::element& value, chat_request& out) {
  constexpr std::uint64_t tokens_max = 0xffff'ffffU;
  if (key == "messages")
    return read_messages(value, out.prompt);
  if (key == "stream")
    return read_flag(key, value, out.stream);
  if (key == "logprobs")
    return read_flag(key, value, out.logprobs);
  if (key == "top_logprobs")
    return read_count(key, value, top_logprobs_max, out.top_logprobs);
  if (key == "max_tokens" || key == "max_completion_tokens")
    return read_count(key, value, tokens_max, out.max_tokens);
  if (key == "temperature")
    return read_temperature(value, out.temperature);
  if (key == "seed")
    return read_seed(value, out.seed);
  if (key == "n")
    return read_n(value);
  if (key == "model") {
    std::string_view name;
    if (value.get(name) != simdjson::SUCCESS)
      return fail(problem("model must be a string"));
    out.model = name;
  } else if (key == "stream_options" && !value.is_null()) {
    dom::element usage;
    if (value["include_usage"].get(usage) == simdjson::SUCCESS)
      return read_flag("include_usage", usage, out.include_usage);
  }
  return {};
}

// Keeps the memory of the strings.
void clear(chat_request& out) {
  std::string model = std::move(out.model);
  std::string prompt = std::move(out.prompt);
  model.clear();
  prompt.clear();
  out = chat_request{};
  out.model = std::move(model);
  out.prompt = std::move(prompt);
}

} // namespace

struct chat_request_reader::parser {
  dom::parser json;
};

chat_request_reader::chat_request_reader() : parser_(std::make_unique<parser>()) {
  const auto error = parser_->json.allocate(1U << 16, limits::json_depth_max);
  TENBIT_ASSERT(error == simdjson::SUCCESS); // out of memory at start
}
chat_request_reader::~chat_request_reader() = default;

status<std::string> chat_request_reader::read(std::string& body, chat_request& out) {
  clear(out);
  if (body.capacity() < body.size() + simdjson::SIMDJSON_PADDING)
    body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  dom::object root;
  const auto parsed = parser_->json.parse(body.data(), body.size(), false).get(root);
  if (parsed != simdjson::SUCCESS) {
    out.hash = hash_bytes(body).prefix();
    return fail(fmt::format("the body is not a JSON object: {}", simdjson::error_message(parsed)));
  }
  hasher hash("sim request");
  status<std::string> read;
  for (const auto field : root) {
    if (field.key != "stream" && field.key != "stream_options") {
      hash.field(field.key);
      hash_value(hash, field.value);
    }
    if (read)
      read = read_field(field.key, field.value, out);
  }
  out.hash = hash.finish().prefix();
  if (!read)
    return read;
  if (out.model.empty())
    return fail(std::string("model is missing"));
  if (out.prompt.empty())
    return fail(std::string("messages are missing or empty"));
  if (out.top_logprobs > 0 && !out.logprobs)
    return fail(std::string("top_logprobs needs logprobs to be true"));
  return {};
}

} // namespace tenbit::sim

#include "actors/call.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace tenbit {
namespace {

std::string_view chat_role_name(chat_role role) {
  switch (role) {
  case chat_role::system:
    return "system";
  case chat_role::user:
    return "user";
  case chat_role::assistant:
    return "assistant";
  }
  assertion_failed("chat_role", __FILE__, __LINE__);
}

bool needs_escape(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '"' || c == '\\' || byte < 0x20U || byte == 0x7FU;
}

void append_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (std::size_t from = 0; from < text.size();) {
    std::size_t to = from;
    while (to < text.size() && !needs_escape(text[to]))
      ++to;
    out.append(text, from, to - from);
    if (to == text.size())
      break;
    if (text[to] == '\n')
      out += "\\n";
    else if (text[to] == '"' || text[to] == '\\')
      (out += '\\') += text[to];
    else
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[to]));
    from = to + 1;
  }
  out.push_back('"');
}

void append_text(std::string& out, std::string_view text) {
  if (valid_utf8(text))
    append_string(out, text);
  else
    append_string(out, repair_utf8(text));
}

} // namespace

std::string canonical_request(std::string_view model_name, std::span<const chat_message> messages,
                              const call_settings& settings) {
  std::size_t size = 128 + model_name.size();
  for (const auto& message : messages)
    size += message.content.size() + message.content.size() / 16 + 40;
  std::string out;
  out.reserve(size);
  out += "{\"model\":";
  append_text(out, model_name);
  out += ",\"messages\":[";
  for (std::size_t i = 0; i < messages.size(); ++i) {
    out += i == 0 ? "{\"role\":\"" : ",{\"role\":\"";
    out += chat_role_name(messages[i].role);
    out += "\",\"content\":";
    append_text(out, messages[i].content);
    out += '}';
  }
  out += fmt::format("],\"max_tokens\":{}", settings.max_tokens);
  if (settings.temperature)
    out += fmt::format(",\"temperature\":{}", *settings.temperature);
  if (settings.top_p)
    out += fmt::format(",\"top_p\":{}", *settings.top_p);
  if (settings.seed)
    out += fmt::format(",\"seed\":{}", *settings.seed);
  if (settings.yes_no)
    out += ",\"logprobs\":true,\"top_logprobs\":20";
  out += '}';
  return out;
}

call_id identify(std::string_view revision, std::string_view canonical, std::uint32_t k) {
  return call_id{hasher("call").field(revision).field(canonical).field(std::uint64_t{k}).finish()};
}

std::string_view to_string(call_error kind) {
  switch (kind) {
  case call_error::throttled:
    return "throttled";
  case call_error::transient:
    return "transient";
  case call_error::endpoint_invalid:
    return "endpoint_invalid";
  case call_error::request_invalid:
    return "request_invalid";
  case call_error::auth:
    return "auth";
  case call_error::cancelled:
    return "cancelled";
  case call_error::diverged:
    return "diverged";
  }
  assertion_failed("call_error", __FILE__, __LINE__);
}

} // namespace tenbit

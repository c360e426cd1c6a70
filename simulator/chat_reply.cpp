#include "simulator/chat_reply.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace tenbit::sim {
namespace {

constexpr std::uint64_t created = 1'735'689'600; // fixed: the same request gives the same bytes
constexpr double logprob_floor = -20.0;

std::string_view reason_of(int status) {
  switch (status) {
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 413:
    return "Payload Too Large";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  default:
    return "Error";
  }
}

std::string_view type_of(int status) {
  switch (status) {
  case 404:
    return "not_found_error";
  case 429:
    return "rate_limit_error";
  case 500:
    return "server_error";
  case 503:
    return "unavailable_error";
  default:
    return "invalid_request_error";
  }
}

struct token_chance {
  std::string text;
  double chance = 0;
};

// The word a reply begins with.
std::string first_token(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && end < 16 && std::isalpha(static_cast<unsigned char>(text[end])))
    ++end;
  return std::string(text.substr(0, std::max<std::size_t>(end, text.empty() ? 0 : 1)));
}

// The first token's alternatives, likeliest first. The mass of a word is spread over its spellings.
std::vector<token_chance> alternatives(const chat_reply& reply) {
  std::vector<token_chance> out;
  const std::string first = first_token(reply.text);
  if (reply.p_yes && reply.p_no) {
    for (const auto& [word, lower, chance] :
         {std::tuple{"Yes", "yes", *reply.p_yes}, std::tuple{"No", "no", *reply.p_no}}) {
      out.push_back({word, 0.97 * chance});
      out.push_back({std::string(" ") + word, 0.02 * chance});
      out.push_back({lower, 0.01 * chance});
    }
    if (first != "Yes" && first != "No")
      out.push_back({first, 1 - *reply.p_yes - *reply.p_no});
  } else {
    out.push_back({first, 0.95});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.chance > b.chance; });
  return out;
}

void append_token(std::string& out, const token_chance& token) {
  out += "{\"token\":";
  append_json_string(out, token.text);
  const double logprob = token.chance > 0 ? std::log(token.chance) : logprob_floor;
  fmt::format_to(std::back_inserter(out), ",\"logprob\":{:.6f},\"bytes\":[",
                 std::max(logprob, logprob_floor));
  for (std::size_t i = 0; i < token.text.size(); ++i)
    fmt::format_to(std::back_inserter(out), "{}{}", i == 0 ? "" : ",",
                   static_cast<unsigned>(static_cast<unsigned char>(token.text[i])));
  out += ']';
}

void append_logprobs(std::string& out, const chat_reply& reply) {
  const auto tokens = alternatives(reply);
  const std::string first = first_token(reply.text);
  const auto chosen = std::find_if(tokens.begin(), tokens.end(),
                                   [&](const auto& token) { return token.text == first; });
  out += "{\"content\":[";
  append_token(out, chosen == tokens.end() ? tokens.front() : *chosen);
  out += ",\"top_logprobs\":[";
  for (std::size_t i = 0; i < tokens.size() && i < reply.top_logprobs; ++i) {
    if (i > 0)
      out += ',';
    append_token(out, tokens[i]);
    out += '}';
  }
  out += "]}],\"refusal\":null}";
}

void append_start(std::string& out, const chat_reply& reply, std::string_view object) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"id":"chatcmpl-{:016x}","object":"{}","created":{},"model":)", reply.id,
                 object, created);
  append_json_string(out, reply.model);
}

void append_usage(std::string& out, const chat_reply& reply) {
  fmt::format_to(std::back_inserter(out),
                 R"("usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})",
                 reply.prompt_tokens, reply.completion_tokens,
                 reply.prompt_tokens + reply.completion_tokens);
}

// Ends of pieces of at least `least` bytes, never inside a UTF-8 character.
std::vector<std::string_view> pieces_of(std::string_view text, std::size_t least) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    std::size_t end = std::min(text.size(), least);
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      ++end;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

std::string_view finish_of(const chat_reply& reply) {
  return reply.cut ? "length" : "stop";
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20U && byte != '"' && byte != '\\')
      continue;
    out += text.substr(done, i - done);
    done = i + 1;
    if (byte == '\n')
      out += "\\n";
    else if (byte < 0x20U)
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(byte));
    else
      (out += '\\') += text[i];
  }
  out += text.substr(done);
  out += '"';
}

void append_response(std::string& out, int status, std::string_view content_type,
                     std::string_view extra, std::string_view body, const http_form& form) {
  fmt::format_to(std::back_inserter(out),
                 "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}{}\r\n", status,
                 reason_of(status), content_type, body.size(), extra,
                 form.keep_alive ? (form.http_1_0 ? "Connection: keep-alive\r\n" : "")
                                 : "Connection: close\r\n");
  out += body;
}

void append_stream_head(std::string& out, const http_form& form) {
  out += "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n";
  out += form.http_1_0 ? "" : "Transfer-Encoding: chunked\r\n";
  out += form.keep_alive && !form.http_1_0 ? "\r\n" : "Connection: close\r\n\r\n";
}

void append_chunk(std::string& out, std::string_view data, const http_form& form) {
  if (data.empty())
    return; // an empty chunk would be the last one
  if (!form.http_1_0)
    fmt::format_to(std::back_inserter(out), "{:x}\r\n", data.size());
  out += data;
  if (!form.http_1_0)
    out += "\r\n";
}

void append_last_chunk(std::string& out, const http_form& form) {
  if (!form.http_1_0)
    out += "0\r\n\r\n";
}

std::string error_body(int status, std::string_view message) {
  std::string out = "{\"error\":{\"message\":";
  append_json_string(out, message);
  fmt::format_to(std::back_inserter(out), R"(,"type":"{}","param":null,"code":{}}}}})",
                 type_of(status), status);
  return out;
}

std::string completion_body(const chat_reply& reply) {
  std::string out;
  out.reserve(reply.text.size() + reply.text.size() / 16 + 512);
  append_start(out, reply, "chat.completion");
  out += R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
  append_json_string(out, reply.text);
  out += R"(},"logprobs":)";
  if (reply.logprobs)
    append_logprobs(out, reply);
  else
    out += "null";
  fmt::format_to(std::back_inserter(out), R"(,"finish_reason":"{}"}}],)", finish_of(reply));
  append_usage(out, reply);
  out += '}';
  return out;
}

std::vector<std::string> stream_events(const chat_reply& reply, const stream_shape& shape) {
  std::string start = "data: ";
  append_start(start, reply, "chat.completion.chunk");
  std::vector<std::string> out;
  out.push_back(start + R"(,"choices":[{"index":0,"delta":{"role":"assistant","content":null},)" +
                R"("finish_reason":null}]})" + "\n\n");
  for (const std::string_view piece : pieces_of(reply.text, shape.piece_bytes)) {
    std::string event = start + R"(,"choices":[{"index":0,"delta":{"content":)";
    append_json_string(event, piece);
    event += '}';
    if (reply.logprobs && out.size() == 1) {
      event += ",\"logprobs\":";
      append_logprobs(event, reply);
    }
    out.push_back(event + ",\"finish_reason\":null}]}\n\n");
  }
  out.push_back(start +
                fmt::format(R"(,"choices":[{{"index":0,"delta":{{}},"finish_reason":"{}"}}]}})",
                            finish_of(reply)) +
                "\n\n");
  if (shape.include_usage) {
    std::string event = start + ",\"choices\":[],";
    append_usage(event, reply);
    out.push_back(event + "}\n\n");
  }
  out.emplace_back("data: [DONE]\n\n");
  return out;
}

} // namespace tenbit::sim

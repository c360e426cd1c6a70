#include "endpoints/http_error.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/text.hpp"
#include "endpoints/json_reader.hpp"

namespace tenbit {
namespace {

namespace dom = simdjson::dom;

std::string shown(std::string_view text) {
  return one_line(text, limits::error_text_chars_max);
}

void read_error_object(dom::object error, server_words& words) {
  for (auto [key, value] : error) {
    std::string_view text;
    std::int64_t number = 0;
    if (key == "message" && value.get(text) == simdjson::SUCCESS)
      words.message = shown(text);
    else if ((key == "type" || key == "error_type") && value.get(text) == simdjson::SUCCESS)
      words.type = shown(text);
    else if (key == "code" && value.get(number) == simdjson::SUCCESS)
      words.code = number;
    else if (key == "code" && words.type.empty() && value.get(text) == simdjson::SUCCESS)
      words.type = shown(text);
  }
}

bool is_loading(const server_words& words) {
  return lower_ascii(words.message).find("loading model") != std::string::npos;
}

attempt_failure of_status(std::int64_t status, bool has_retry_after, const server_words& words) {
  using enum call_error;
  switch (status) {
  case 401:
  case 403:
    return {auth, attempt_end::unauthorised, {}};
  case 408:
  case 409:
  case 425:
    return {transient, attempt_end::failed, {}};
  case 429:
  case 529:
    return {throttled, attempt_end::throttled, {}};
  case 501:
    return {request_invalid, attempt_end::refused, {}};
  case 503:
    if (is_loading(words))
      return {transient, attempt_end::loading, {}};
    if (has_retry_after)
      return {throttled, attempt_end::throttled, {}};
    return {transient, attempt_end::overloaded, {}};
  default:
    break;
  }
  if (status >= 400 && status < 500)
    return {request_invalid, attempt_end::refused, {}};
  if (status >= 500 && status < 600)
    return {transient, attempt_end::failed, {}};
  return {endpoint_invalid, attempt_end::failed, {}};
}

std::string_view status_name(int status) {
  if (status >= 300 && status < 400)
    return " (redirects are not followed)";
  return {};
}

} // namespace

server_words read_words(dom::element document) {
  server_words words;
  dom::object object;
  if (document.get(object) != simdjson::SUCCESS)
    return words;
  read_error_object(object, words); // {"message":…,"code":…}
  dom::object error;
  std::string_view text;
  if (object["error"].get(error) == simdjson::SUCCESS)
    read_error_object(error, words);
  else if (object["error"].get(text) == simdjson::SUCCESS)
    words.message = shown(text);
  else if (object["detail"].get(text) == simdjson::SUCCESS)
    words.message = shown(text);
  return words;
}

server_words read_server_words(json_reader& json, std::string_view padded_body) {
  server_words words;
  dom::element document;
  if (json.parse(padded_body, document) == simdjson::SUCCESS)
    words = read_words(document);
  if (words.message.empty())
    words.message = shown(trim(padded_body));
  return words;
}

attempt_failure http_failure(int status, bool has_retry_after, const server_words& words) {
  auto failure = of_status(status, has_retry_after, words);
  failure.what = fmt::format("HTTP {}{}", status, status_name(status));
  if (!words.message.empty())
    failure.what += ": " + words.message;
  return failure;
}

attempt_failure object_failure(const server_words& words) {
  auto failure = attempt_failure{call_error::transient, attempt_end::failed, {}};
  const std::string type = lower_ascii(words.type);
  const auto has = [&](std::string_view part) { return type.find(part) != std::string::npos; };
  if (words.code && *words.code >= 400 && *words.code < 600)
    failure = of_status(*words.code, false, words);
  else if (has("rate_limit") || has("overloaded"))
    failure = {call_error::throttled, attempt_end::throttled, {}};
  else if (has("exceed_context_size") || has("invalid_request") || has("badrequest"))
    failure = {call_error::request_invalid, attempt_end::refused, {}};
  else if (has("authentication") || has("permission"))
    failure = {call_error::auth, attempt_end::unauthorised, {}};
  failure.what = "an error inside a 200 reply: " + words.message;
  return failure;
}

attempt_failure transport_failure(int curl_code, std::string_view text) {
  const auto code = static_cast<CURLcode>(curl_code);
  const std::string_view name = curl_easy_strerror(code);
  attempt_failure failure;
  failure.what = fmt::format("{}", shown(text.empty() ? name : text));
  failure.timeout = code == CURLE_OPERATION_TIMEDOUT;
  // The reply itself is broken; everything else is the network's or the server's bad moment.
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY ||
      code == CURLE_BAD_CONTENT_ENCODING || code == CURLE_HTTP2 || code == CURLE_FILESIZE_EXCEEDED)
    failure.kind = call_error::endpoint_invalid;
  return failure;
}

} // namespace tenbit

#include "endpoints/endpoint_url.hpp"

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit {

expected<std::string, std::string> chat_url(std::string_view replica) {
  const auto shown = one_line(shown_url(replica), limits::error_text_chars_max);
  if (!replica.starts_with("http://") && !replica.starts_with("https://"))
    return fail("replica " + shown + " is not an http:// or https:// URL");
  for (char c : replica)
    if (static_cast<unsigned char>(c) <= 0x20U || c == 0x7F)
      return fail("replica " + shown + " holds a blank or a control character");
  if (replica.find_first_of("?#") != std::string_view::npos)
    return fail("replica " + shown + " holds a query or a fragment");
  const auto host = replica.find("://") + 3;
  if (host >= replica.size() || replica[host] == '/' || replica[host] == ':')
    return fail("replica " + shown + " names no host");
  while (replica.ends_with('/'))
    replica.remove_suffix(1);
  std::string url(replica);
  url += url.ends_with("/v1") ? "/chat/completions" : "/v1/chat/completions";
  return url;
}

std::string shown_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return std::string(url);
  const auto host = scheme + 3;
  const auto path = url.find('/', host);
  const auto at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < host)
    return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

std::string without_secret(std::string text, std::string_view secret) {
  constexpr std::string_view mask = "***";
  if (secret.empty())
    return text;
  for (auto at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + mask.size()))
    text.replace(at, secret.size(), mask);
  return text;
}

} // namespace tenbit

#include "control/http_guard.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sodium.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/http_status.hpp"

namespace tenbit::control {
namespace {

http_answer say(unsigned code, std::string text) {
  return {.code = code,
          .body = std::make_shared<const std::string>(std::move(text) + "\n"),
          .headers = {},
          .close = code >= 400};
}

} // namespace

http_guard::http_guard(std::vector<std::string> hosts, std::string token,
                       std::shared_ptr<const cluster_board> board)
    : hosts_(std::move(hosts)), token_(std::move(token)), board_(std::move(board)) {}

http_answer http_guard::answer(const http_request_facts& request, instant now,
                               std::uint64_t unix_ms) {
  const bool host_known =
      request.hosts.size() == 1 &&
      std::find(hosts_.begin(), hosts_.end(), lower_ascii(request.hosts[0])) != hosts_.end();
  if (!host_known) // a name of someone else that points here: DNS rebinding
    return say(421, "the Host header must name this address: " + hosts_.front());
  if (!request.sec_fetch_site.empty() && request.sec_fetch_site != "same-origin" &&
      request.sec_fetch_site != "none") // none: typed into the address bar
    return say(403, "pages of other sites may not ask");
  if (!request.origin.empty() && request.origin != "http://" + lower_ascii(request.hosts[0]))
    return say(403, "pages of other sites may not ask");
  if (request.method != "GET" && request.method != "HEAD") {
    auto out = say(405, "only GET is served");
    out.headers.emplace_back("Allow", "GET, HEAD");
    return out;
  }
  if (request.has_body)
    return say(413, "a request has no body here");
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/healthz")
    return health(unix_ms);
  if (path != "/metrics" && path != "/status")
    return say(404, "there are /metrics, /status and /healthz");
  if (const auto how = check_token(request.authorization); how != access::granted)
    return unauthorized(how, now);
  return page(path == "/metrics");
}

http_guard::access http_guard::check_token(std::string_view authorization) const {
  if (authorization.empty())
    return access::none;
  const auto space = authorization.find(' ');
  if (space == std::string_view::npos || lower_ascii(authorization.substr(0, space)) != "bearer")
    return access::wrong;
  const auto given = trim(authorization.substr(space + 1));
  // The length is no secret; the rest is compared in a time that does not depend on it.
  return given.size() == token_.size() &&
                 sodium_memcmp(given.data(), token_.data(), token_.size()) == 0
             ? access::granted
             : access::wrong;
}

// Guessing is slowed, the owner of the right token is not locked out by others' guesses: 256 bits
// are not found at any rate.
http_answer http_guard::unauthorized(access how, instant now) {
  while (!failures_.empty() && now - failures_.front() >= limits::http_failures_window)
    failures_.pop_front();
  if (how == access::wrong) {
    if (failures_.size() >= limits::http_failures_max) {
      auto out = say(429, "too many wrong tokens; wait a minute");
      const auto left = std::chrono::ceil<std::chrono::seconds>(limits::http_failures_window -
                                                                (now - failures_.front()));
      out.headers.emplace_back("Retry-After", std::to_string(left.count()));
      return out;
    }
    failures_.push_back(now);
  }
  auto out = say(401, "send the header \"Authorization: Bearer TOKEN\" with what is in "
                      "http.token of the coordinator's folder");
  out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tenbit\"");
  return out;
}

http_answer http_guard::health(std::uint64_t unix_ms) const {
  const auto made = board_->read()->unix_ms;
  const auto stale =
      static_cast<std::uint64_t>(std::chrono::milliseconds(limits::cluster_status_stale).count());
  if (made == 0 || (unix_ms > made && unix_ms - made > stale)) {
    auto out = say(503, made == 0 ? "the coordinator has published nothing yet"
                                  : "the coordinator published nothing for too long");
    out.close = false;
    return out;
  }
  return say(200, "ok");
}

http_answer http_guard::page(bool metrics) {
  if (const auto now = board_->read(); now != shown_) {
    shown_ = now;
    metrics_.reset();
    json_.reset();
  }
  auto& text = metrics ? metrics_ : json_;
  if (!text)
    text = std::make_shared<const std::string>(metrics ? to_prometheus(*shown_) : to_json(*shown_));
  return {.code = 200,
          .type = metrics ? "text/plain; version=0.0.4; charset=utf-8" : "application/json",
          .body = text,
          .headers = {},
          .close = false};
}

} // namespace tenbit::control

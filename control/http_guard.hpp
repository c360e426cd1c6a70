// What the status server answers to whom: checks of one request, in order, and the token.
//
// Pure but for the token file; time is an argument. Used on the server's thread alone. Order: is
// the request for us (Host), from a page of ours (Sec-Fetch-Site, Origin), of a kind we serve, of a
// path we have, by someone who knows the token.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "coordinator/cluster_status.hpp"

namespace tenbit::control {

struct http_request_facts {
  std::string method, target;
  std::vector<std::string> hosts; // every Host header
  std::string authorization, sec_fetch_site, origin;
  bool has_body = false;
};
struct http_answer {
  unsigned code = 200;
  std::string type = "text/plain; charset=utf-8";
  std::shared_ptr<const std::string> body; // never null
  std::vector<std::pair<std::string, std::string>> headers;
  bool close = false; // the connection ends after it
};

class http_guard {
public:
  using instant = std::chrono::steady_clock::time_point;
  // hosts: what Host may say. token: 64 hexadecimal digits.
  http_guard(std::vector<std::string> hosts, std::string token,
             std::shared_ptr<const cluster_board> board);
  // unix_ms: for the age of the snapshot.
  [[nodiscard]] http_answer answer(const http_request_facts& request, instant now,
                                   std::uint64_t unix_ms);

private:
  enum class access : std::uint8_t { granted, none, wrong };
  [[nodiscard]] access check_token(std::string_view authorization) const;
  [[nodiscard]] http_answer unauthorized(access how, instant now);
  [[nodiscard]] http_answer health(std::uint64_t unix_ms) const;
  [[nodiscard]] http_answer page(bool metrics);

  std::vector<std::string> hosts_;
  std::string token_;
  std::shared_ptr<const cluster_board> board_;
  std::deque<instant> failures_; // at most http_failures_max
  // Texts of one snapshot, made once however many ask.
  std::shared_ptr<const cluster_status> shown_;
  std::shared_ptr<const std::string> metrics_, json_;
};

// The token of a 0600 file of this user, made when it is not there. The error names the mend.
[[nodiscard]] expected<std::string, std::string> load_token(const std::string& path);

} // namespace tenbit::control

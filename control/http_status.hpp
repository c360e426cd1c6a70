// The status over HTTP: GET /metrics (Prometheus text), /status (JSON), /healthz.
//
// Loopback only, every path but /healthz behind a bearer token (256 bits, from a 0600 file that is
// made when it is not there). The Host header must name this address (DNS rebinding), browsers of
// other sites are refused (Sec-Fetch-Site), connections, header bytes and time are bounded.
// One thread; reads the board.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.hpp"
#include "coordinator/cluster_status.hpp"

namespace tenbit::control {

// The snapshot as JSON: the object `tenbit top` and `tenbit ctl status` show.
[[nodiscard]] std::string to_json(const cluster_status& s);
// In Prometheus' text format; every name starts with tenbit_.
[[nodiscard]] std::string to_prometheus(const cluster_status& s);

struct http_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0; // 0: a free one
  std::string token_path;
};

class http_status {
public:
  [[nodiscard]] static expected<std::unique_ptr<http_status>, std::string>
  start(const http_options& options, std::shared_ptr<const cluster_board> board);
  virtual ~http_status() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
};

} // namespace tenbit::control

// INTERNAL to the socket server: one socket file, who comes in by it, and the lanes of what they
// ask. A door has its own bounds, so that its clients do not keep out those of another.
//
// On the server's thread, but for end_requests(); requests are carried out on the lanes.
#pragma once

#include <utility> // Boost 1.74 Asio needs it first

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <unordered_set>

#include "control/control.hpp"
#include "control/lanes.hpp"
#include "control/socket_path.hpp"

namespace tenbit::control {

class client;

[[nodiscard]] reply refusal(std::string why);

class door {
public:
  // carry_out: on the lanes, once the request is well formed.
  door(boost::asio::io_context& io, std::unique_ptr<socket_claim> claim, right gives,
       const socket_bounds& bounds, handler carry_out);
  ~door();
  door(const door&) = delete;
  door& operator=(const door&) = delete;

  [[nodiscard]] status<std::string> listen();
  void take_no_more() { lanes_.take_no_more(); }
  // Waits for requests that are carried out; their answers are posted when this returns. Any
  // thread.
  void end_requests() { lanes_.stop(); }
  void close();

  [[nodiscard]] right gives() const { return gives_; }
  [[nodiscard]] const socket_bounds& bounds() const { return bounds_; }
  // The answer comes to the client on the server's thread.
  void handle(const std::shared_ptr<client>& from, request what);
  void closed(const std::shared_ptr<client>& which) { clients_.erase(which); }

private:
  using local = boost::asio::local::stream_protocol;
  void accept();
  void accepted(const boost::system::error_code& error, local::socket socket);

  boost::asio::io_context& io_;
  std::unique_ptr<socket_claim> claim_;
  right gives_;
  socket_bounds bounds_;
  handler carry_out_;
  local::acceptor acceptor_{io_};
  boost::asio::steady_timer accept_timer_{io_};
  bool stopping_ = false;
  bool accept_failing_ = false; // said once, not ten times a second
  std::unordered_set<std::shared_ptr<client>> clients_;
  job_lanes lanes_;
};

} // namespace tenbit::control

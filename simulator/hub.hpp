// The server's thread: the listening socket, the connections, and the slots they queue for.
//
// hub owns the io_context and its thread. Everything but start(), stop() and counts runs on that
// thread. Connections hold a reference to the hub, which outlives them.
#pragma once

#include <utility> // Boost 1.74 Asio needs it first

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>

#include "simulator/chat_service.hpp"
#include "simulator/server.hpp"

namespace tenbit::sim {

namespace net = boost::asio;
using executor = net::io_context::executor_type;
using tcp_socket = net::basic_stream_socket<net::ip::tcp, executor>;
using tcp_acceptor = net::basic_socket_acceptor<net::ip::tcp, executor>;
using timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, executor>;
using instant = std::chrono::steady_clock::time_point;

// One client connection; connection.cpp holds the implementation.
class connection : public std::enable_shared_from_this<connection> {
public:
  virtual ~connection() = default;
  virtual void start() = 0;
  // A slot is free for the request that waits for one.
  virtual void serve() = 0;
  // Closes when its deadline has passed.
  virtual void sweep(instant now) = 0;
  virtual void close() = 0;
};

class hub {
public:
  hub(sim_options options, recorded_replies recorded);
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  // Binds, listens and starts the thread. The error is one line.
  [[nodiscard]] status<std::string> start();
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] chat_service& service() { return service_; }
  [[nodiscard]] const chat_service& service() const { return service_; }

  // For connections. True: the slot is taken; false: serve() will be called in turn.
  [[nodiscard]] bool take_slot(const std::shared_ptr<connection>& who);
  void leave_queue(const connection* who);
  void give_slot();
  void closed(const std::shared_ptr<connection>& who);

private:
  void accept();
  void accepted(const boost::system::error_code& error, tcp_socket socket);
  void sweep();
  void close_all();
  void count_slots();

  sim_options options_;
  chat_service service_;
  net::io_context io_{1};
  tcp_acceptor acceptor_{io_};
  timer sweep_timer_{io_};
  timer accept_timer_{io_};
  std::unordered_set<std::shared_ptr<connection>> connections_;
  std::deque<std::shared_ptr<connection>> queue_; // nullptr: left the queue
  std::uint32_t taken_ = 0;
  std::size_t waiting_ = 0; // of queue_, without those that left
  bool stopping_ = false;
  bool accept_failing_ = false; // said once, not ten times a second
  std::string url_;
  std::thread thread_;
};

// connection.cpp
[[nodiscard]] std::shared_ptr<connection> make_connection(hub& owner, tcp_socket socket);

} // namespace tenbit::sim

// A TCP server that says exactly what a test scripts, byte for byte. One thread per connection; all
// of them end with the server. For a few connections at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tenbit::testing {

// What is done with one request.
struct scripted_reply {
  enum class after { keep, close, reset, hang }; // hang: say nothing more until the client goes
  std::vector<std::string> pieces;
  std::chrono::milliseconds between{0};
  after then = after::keep;
};

class tcp_server {
public:
  // number counts requests from 0; request is the head and the body. Runs on connection threads,
  // one at a time.
  using handler = std::function<scripted_reply(unsigned number, const std::string& request)>;

  explicit tcp_server(handler respond);
  ~tcp_server();
  tcp_server(const tcp_server&) = delete;
  tcp_server& operator=(const tcp_server&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] unsigned connections() const { return connections_; }
  [[nodiscard]] unsigned requests() const { return requests_; }

private:
  void accept_all();
  void serve(int socket);
  [[nodiscard]] bool read_request(int socket, std::string& buffer, std::string& request) const;
  // False: the client or the server goes.
  [[nodiscard]] bool say(int socket, const scripted_reply& reply) const;
  [[nodiscard]] bool wait_readable(int socket) const;

  handler respond_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  int port_ = 0;
  std::atomic<unsigned> connections_{0};
  std::atomic<unsigned> requests_{0};
  std::mutex respond_mutex_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

// A port where nobody listens, kept reserved while this lives.
class closed_port {
public:
  closed_port();
  ~closed_port();
  closed_port(const closed_port&) = delete;
  closed_port& operator=(const closed_port&) = delete;
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
  int socket_ = -1;
  int port_ = 0;
};

// An HTTP/1.1 reply with Content-Length; more_headers end with CRLF each.
std::string http_reply(int status, const std::string& body, const std::string& more_headers = "",
                       const std::string& type = "application/json");
// A chunked text/event-stream reply, a chunk for each event.
std::vector<std::string> event_stream(const std::vector<std::string>& events);

} // namespace tenbit::testing

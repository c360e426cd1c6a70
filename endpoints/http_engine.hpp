// Many HTTP POST requests at once: libcurl's multi_socket interface over epoll, driven by one
// thread.
//
// Owns the multi handle, the connections and the easy handles, which are used again for the
// endpoint they were made for: only the body changes. A socket that curl does not watch for the
// moment stays in epoll under its old mask, so that a request over a kept connection costs no
// epoll_ctl.
//
// Every function belongs to the thread that calls poll(), except wake(). HTTP/1.1, no redirects, no
// decompression, TLS verified.
#pragma once

#include <chrono>
#include <cstdint>
#include <curl/curl.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "endpoints/limiter.hpp"

namespace tenbit {

// One request on the wire. Made and owned by the engine.
struct http_transfer {
  CURL* easy = nullptr;
  std::uint32_t endpoint = 0;
  void* owner = nullptr;
  class http_engine* engine = nullptr;
  char error_text[CURL_ERROR_SIZE] = {};

  [[nodiscard]] int status() const;                         // 0: no reply yet
  [[nodiscard]] bool is_event_stream() const;               // by Content-Type
  [[nodiscard]] std::string header(const char* name) const; // empty: not there
};

// Who is told. Runs inside poll(); may not call the engine from on_body.
class http_listener {
public:
  virtual ~http_listener() = default;
  // Bytes of the body. False: stop; on_done follows with CURLE_WRITE_ERROR.
  virtual bool on_body(http_transfer& transfer, std::string_view bytes) = 0;
  // The end, exactly once per start() that was not cancelled. The transfer is taken back
  // afterwards.
  virtual void on_done(http_transfer& transfer, CURLcode result) = 0;
};

class http_engine {
public:
  // Fails when libcurl or the kernel refuses.
  [[nodiscard]] static expected<std::unique_ptr<http_engine>, std::string>
  open(http_listener& listener, std::uint32_t connections_max,
       std::chrono::milliseconds connect_timeout);
  ~http_engine();
  http_engine(const http_engine&) = delete;
  http_engine& operator=(const http_engine&) = delete;

  // Numbers are given from 0. An empty bearer: no Authorization header.
  std::uint32_t add_endpoint(std::string url, std::string_view bearer);

  // The body must live until on_done or cancel. nullptr: libcurl has no memory for it.
  [[nodiscard]] http_transfer* start(std::uint32_t endpoint, std::string_view body, void* owner);
  // Closes it; there will be no on_done.
  void cancel(http_transfer& transfer);

  // Waits until something happens or the time is over, and serves all of it.
  void poll(std::chrono::milliseconds wait);
  // Ends a poll() early. Any thread.
  void wake();
  // The time of the event that is being served.
  [[nodiscard]] time_point now() const { return now_; }

private:
  struct endpoint {
    std::string url;
    curl_slist* headers = nullptr;
    std::vector<std::unique_ptr<http_transfer>> all;
    std::vector<http_transfer*> free;
  };
  struct socket_state {
    std::uint32_t watched = 0; // mask that epoll has; 0: not there
    bool wanted = false;       // curl watches it now
    bool kept = false;         // opened through on_open: may stay in epoll when not wanted
  };

  http_engine(http_listener& listener, std::chrono::milliseconds connect_timeout)
      : listener_(listener), connect_timeout_(connect_timeout) {}

  http_transfer* make_transfer(endpoint& at, std::uint32_t number);
  void watch(int socket, std::uint32_t mask);
  void unwatch(int socket);
  void serve_socket(int socket, std::uint32_t events);
  void serve_timer();
  void finish_transfers();
  void release(http_transfer& transfer);
  socket_state& state_of(int socket);

  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*);
  static int on_timer(CURLM*, long ms, void* self);
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  static int on_close(void* self, curl_socket_t socket);
  static std::size_t on_write(char* bytes, std::size_t one, std::size_t count, void* transfer);

  http_listener& listener_;
  std::chrono::milliseconds connect_timeout_;
  CURLM* multi_ = nullptr;
  int epoll_ = -1;
  int wake_ = -1;
  time_point now_ = std::chrono::steady_clock::now();
  std::optional<time_point> timer_due_;
  std::vector<endpoint> endpoints_;
  std::vector<socket_state> sockets_; // by file descriptor
  std::uint32_t running_ = 0;
};

} // namespace tenbit

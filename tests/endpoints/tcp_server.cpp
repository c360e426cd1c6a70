#include "tests/endpoints/tcp_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/expected.hpp"

namespace tenbit::testing {
namespace {

int bound_socket(int& port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  TENBIT_ASSERT(s >= 0 && ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t size = sizeof address;
  TENBIT_ASSERT(::getsockname(s, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return s;
}

} // namespace

tcp_server::tcp_server(handler respond) : respond_(std::move(respond)) {
  listener_ = bound_socket(port_);
  TENBIT_ASSERT(::listen(listener_, 1024) == 0 && ::pipe(stop_) == 0);
  acceptor_ = std::thread([this] { accept_all(); });
}

tcp_server::~tcp_server() {
  ::close(stop_[1]); // makes stop_[0] readable for every thread
  acceptor_.join();
  for (auto& thread : threads_)
    thread.join();
  ::close(stop_[0]);
  ::close(listener_);
}

bool tcp_server::wait_readable(int socket) const {
  pollfd both[2] = {{socket, POLLIN, 0}, {stop_[0], POLLIN, 0}};
  return ::poll(both, 2, -1) > 0 && both[1].revents == 0;
}

void tcp_server::accept_all() {
  while (wait_readable(listener_)) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0)
      continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++connections_;
    threads_.emplace_back([this, socket] {
      serve(socket);
      ::close(socket);
    });
  }
}

bool tcp_server::read_request(int socket, std::string& buffer, std::string& request) const {
  while (true) {
    const auto end = buffer.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::size_t length = 0;
      if (const auto at = buffer.find("Content-Length: "); at < end)
        length = std::stoul(buffer.substr(at + 16, 12));
      if (buffer.size() >= end + 4 + length) {
        request = buffer.substr(0, end + 4 + length);
        buffer.erase(0, end + 4 + length);
        return true;
      }
    }
    if (!wait_readable(socket))
      return false;
    char bytes[4096];
    const auto count = ::recv(socket, bytes, sizeof bytes, 0);
    if (count <= 0)
      return false;
    buffer.append(bytes, static_cast<std::size_t>(count));
  }
}

bool tcp_server::say(int socket, const scripted_reply& reply) const {
  for (const auto& piece : reply.pieces) {
    for (std::size_t sent = 0; sent < piece.size();) {
      const auto count = ::send(socket, piece.data() + sent, piece.size() - sent, MSG_NOSIGNAL);
      if (count <= 0)
        return false;
      sent += static_cast<std::size_t>(count);
    }
    pollfd stop = {stop_[0], POLLIN, 0};
    if (reply.between.count() > 0 && ::poll(&stop, 1, static_cast<int>(reply.between.count())) > 0)
      return false;
  }
  return true;
}

void tcp_server::serve(int socket) {
  std::string buffer;
  std::string request;
  while (read_request(socket, buffer, request)) {
    scripted_reply reply;
    {
      std::lock_guard lock(respond_mutex_);
      reply = respond_(requests_++, request);
    }
    if (!say(socket, reply))
      return;
    if (reply.then == scripted_reply::after::keep)
      continue;
    if (reply.then == scripted_reply::after::reset) {
      const linger at_once = {1, 0};
      ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else if (reply.then == scripted_reply::after::hang) {
      char byte = 0;
      while (wait_readable(socket) && ::recv(socket, &byte, 1, 0) > 0) {
      }
    }
    return;
  }
}

closed_port::closed_port() : socket_(bound_socket(port_)) {}
closed_port::~closed_port() {
  ::close(socket_);
}

std::string http_reply(int status, const std::string& body, const std::string& more_headers,
                       const std::string& type) {
  return fmt::format("HTTP/1.1 {} Scripted\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}",
                     status, type, body.size(), more_headers, body);
}

std::vector<std::string> event_stream(const std::vector<std::string>& events) {
  std::vector<std::string> pieces = {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n"};
  for (const auto& event : events)
    pieces.push_back(fmt::format("{:x}\r\n{}\r\n", event.size(), event));
  pieces.push_back("0\r\n\r\n");
  return pieces;
}

} // namespace tenbit::testing

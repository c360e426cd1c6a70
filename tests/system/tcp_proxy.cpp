#include "tests/system/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tenbit::testing {
namespace {

constexpr std::size_t piece_bytes = 64U << 10;
constexpr std::size_t waiting_pieces_max = 64; // then it is not read: the sender feels it
constexpr int round_ms = 5;

sockaddr_in local(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  return out;
}

void set_up(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool again() {
  return errno == EAGAIN || errno == EINTR;
}

} // namespace

tcp_proxy::tcp_proxy(const std::string& target, std::uint64_t seed)
    : target_port_(std::stoi(target.substr(target.rfind(':') + 1))), random_(seed, "tcp_proxy", 0) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = local(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 64), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

tcp_proxy::~tcp_proxy() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::string tcp_proxy::address() const {
  return fmt::format("tcp://127.0.0.1:{}", port_);
}

void tcp_proxy::hold(bool in, bool out) {
  held_[0] = in;
  held_[1] = out;
}

void tcp_proxy::serve() {
  while (!stop_) {
    const bool reset_all = close_wanted_.exchange(false);
    const auto now = clock::now();
    std::vector<pollfd> sockets = wanted(now);
    ::poll(sockets.data(), sockets.size(), round_ms);
    if ((sockets.front().revents & POLLIN) != 0)
      accept_one();
    for (pair& one : pairs_) {
      for (int direction = 0; direction < 2 && !one.over; ++direction) {
        if (held_[direction])
          continue;
        read_lane(one, direction, clock::now());
        write_lane(one, direction, clock::now());
      }
      if (one.over || reset_all)
        end(one, reset_all);
    }
    pairs_.remove_if([](const pair& one) { return one.over; });
  }
  for (pair& one : pairs_)
    end(one, true);
}

// Wakes for what may pass; the sockets themselves are tried each round.
std::vector<pollfd> tcp_proxy::wanted(clock::time_point now) const {
  std::vector<pollfd> out = {{listener_, POLLIN, 0}};
  for (const pair& one : pairs_)
    for (int direction = 0; direction < 2; ++direction) {
      const lane& way = one.lanes[direction];
      if (held_[direction])
        continue;
      if (!way.ended && way.waiting.size() < waiting_pieces_max)
        out.push_back({way.from, POLLIN, 0});
      if (!way.waiting.empty() && way.waiting.front().due <= now)
        out.push_back({way.to, POLLOUT, 0});
    }
  return out;
}

void tcp_proxy::accept_one() {
  pair one;
  one.client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (one.client < 0)
    return;
  one.server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = local(target_port_);
  // On this machine it stands or is refused at once.
  if (::connect(one.server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    end(one, true);
    return;
  }
  set_up(one.client);
  set_up(one.server);
  one.lanes[0] = {one.client, one.server, false, {}};
  one.lanes[1] = {one.server, one.client, false, {}};
  ++connections_;
  pairs_.push_back(std::move(one));
}

// Broken: both ends learn of it as of a reset, and what waits is lost.
void tcp_proxy::end(pair& one, bool broken) {
  const linger at_once{1, 0};
  for (int* socket : {&one.client, &one.server}) {
    if (*socket < 0)
      continue;
    if (broken)
      ::setsockopt(*socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(*socket);
    *socket = -1;
  }
  one.over = true;
}

void tcp_proxy::read_lane(pair& one, int direction, clock::time_point now) {
  lane& way = one.lanes[direction];
  while (!way.ended && way.waiting.size() < waiting_pieces_max) {
    std::array<char, piece_bytes> buffer;
    const auto got = ::recv(way.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && again())
      return;
    if (got <= 0) {
      way.ended = true;
      break;
    }
    const std::int64_t delay = delay_ms_;
    auto due = now;
    if (delay > 0)
      due += std::chrono::milliseconds(random_.between(0, delay));
    if (!way.waiting.empty())
      due = std::max(due, way.waiting.back().due);
    way.waiting.push_back({due, std::string(buffer.data(), static_cast<std::size_t>(got)), 0});
  }
}

void tcp_proxy::write_lane(pair& one, int direction, clock::time_point now) {
  lane& way = one.lanes[direction];
  while (!way.waiting.empty() && way.waiting.front().due <= now) {
    piece& first = way.waiting.front();
    const auto put = ::send(way.to, first.bytes.data() + first.sent,
                            first.bytes.size() - first.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && again())
      return;
    if (put < 0) {
      one.over = true;
      return;
    }
    bytes_[direction] += static_cast<std::uint64_t>(put);
    first.sent += static_cast<std::size_t>(put);
    if (first.sent == first.bytes.size())
      way.waiting.pop_front();
  }
  one.over = way.ended && way.waiting.empty(); // the last of it is through
}

} // namespace tenbit::testing

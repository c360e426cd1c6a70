#include "tests/nightly/slow_link.hpp"

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

constexpr std::size_t piece_bytes = 1024; // small, so that a slow lane flows
constexpr std::size_t on_the_way_max = 128;
constexpr int round_ms = 10;
constexpr std::chrono::seconds spoil_period{1};

sockaddr_in local(int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  return out;
}

bool again() {
  return errno == EAGAIN || errno == EINTR;
}

} // namespace

slow_link::slow_link(const std::string& target, link_quality quality, std::uint64_t seed)
    : target_port_(std::stoi(target.substr(target.rfind(':') + 1))), quality_(quality),
      random_(seed, "slow_link", 0), spoiled_at_(clock::now()) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = local(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 64), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

slow_link::~slow_link() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

std::string slow_link::address() const {
  return fmt::format("tcp://127.0.0.1:{}", port_);
}

void slow_link::serve() {
  while (!stop_) {
    std::vector<pollfd> sockets = wanted();
    ::poll(sockets.data(), sockets.size(), round_ms);
    if ((sockets.front().revents & POLLIN) != 0)
      accept_one();
    const auto now = clock::now();
    for (pair& one : pairs_)
      for (lane& way : one.lanes)
        if (!one.over && !one.forgotten)
          pass(one, way, now);
    if (now - spoiled_at_ >= spoil_period)
      spoil(now);
    for (pair& one : pairs_)
      if (one.over)
        end(one);
    pairs_.remove_if([](const pair& one) { return one.over; });
  }
  for (pair& one : pairs_)
    end(one);
}

// A pause between rounds is short beside the delay: only what is new wakes it.
std::vector<pollfd> slow_link::wanted() const {
  std::vector<pollfd> out = {{listener_, POLLIN, 0}};
  for (const pair& one : pairs_)
    for (const lane& way : one.lanes)
      if (!one.forgotten && !way.ended && way.on_the_way.size() < on_the_way_max)
        out.push_back({way.from, POLLIN, 0});
  return out;
}

void slow_link::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0)
    return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = local(target_port_);
  pair one;
  one.lanes[0].from = one.lanes[1].to = client;
  one.lanes[0].to = one.lanes[1].from = server;
  // On this machine it stands or is refused at once.
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    end(one);
    return;
  }
  const int on = 1;
  for (const int socket : {client, server})
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++connections_;
  pairs_.push_back(std::move(one));
}

void slow_link::spoil(clock::time_point now) {
  spoiled_at_ = now;
  for (pair& one : pairs_) {
    if (!one.over && random_.chance(quality_.resets_per_second)) {
      one.over = true;
      ++resets_;
    } else if (!one.forgotten && random_.chance(quality_.half_open_per_second)) {
      one.forgotten = true;
      ++forgotten_;
    }
  }
}

// Both ends see a reset; what was on the way is lost.
void slow_link::end(pair& one) {
  const linger at_once{1, 0};
  for (const int socket : {one.lanes[0].from, one.lanes[0].to}) {
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(socket);
  }
}

void slow_link::take(lane& way, clock::time_point now) const {
  while (!way.ended && way.on_the_way.size() < on_the_way_max) {
    std::array<char, piece_bytes> buffer;
    const auto got = ::recv(way.from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && again())
      return;
    if (got <= 0) {
      way.ended = true;
      return;
    }
    way.busy_until = std::max(way.busy_until, now);
    if (quality_.bytes_per_second > 0)
      way.busy_until += std::chrono::microseconds(static_cast<std::uint64_t>(got) * 1'000'000 /
                                                  quality_.bytes_per_second);
    way.on_the_way.push_back({way.busy_until + quality_.delay,
                              std::string(buffer.data(), static_cast<std::size_t>(got)), 0});
  }
}

void slow_link::pass(pair& one, lane& way, clock::time_point now) {
  take(way, now);
  while (!way.on_the_way.empty() && way.on_the_way.front().due <= now) {
    piece& first = way.on_the_way.front();
    const auto put = ::send(way.to, first.bytes.data() + first.sent,
                            first.bytes.size() - first.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && again())
      return;
    if (put < 0) {
      one.over = true;
      return;
    }
    bytes_ += static_cast<std::uint64_t>(put);
    first.sent += static_cast<std::size_t>(put);
    if (first.sent == first.bytes.size())
      way.on_the_way.pop_front();
  }
  one.over = one.over || (way.ended && way.on_the_way.empty());
}

} // namespace tenbit::testing

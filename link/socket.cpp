#include "link/socket.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

namespace tenbit::link {

context::context(int io_threads) : raw_(::zmq_ctx_new()) {
  TENBIT_ASSERT(raw_ != nullptr);
  TENBIT_ASSERT(::zmq_ctx_set(raw_, ZMQ_IO_THREADS, io_threads) == 0);
}
context::~context() {
  while (::zmq_ctx_term(raw_) != 0 && errno == EINTR) {
  }
}

frame::frame() : raw_{} {
  TENBIT_ASSERT(::zmq_msg_init(&raw_) == 0);
}
frame::frame(std::string_view bytes) : raw_{} {
  TENBIT_ASSERT(::zmq_msg_init_size(&raw_, bytes.size()) == 0);
  if (!bytes.empty())
    std::memcpy(::zmq_msg_data(&raw_), bytes.data(), bytes.size());
}
frame::~frame() {
  ::zmq_msg_close(&raw_);
}
std::string_view frame::bytes() const {
  return {static_cast<const char*>(::zmq_msg_data(&raw_)), ::zmq_msg_size(&raw_)};
}
bool frame::more() const {
  return ::zmq_msg_more(&raw_) != 0;
}
std::string frame::property(const char* name) const {
  const char* value = ::zmq_msg_gets(&raw_, name);
  return value == nullptr ? std::string() : std::string(value);
}
int frame::source_fd() const {
  return ::zmq_msg_get(&raw_, ZMQ_SRCFD);
}

expected<socket, std::string> socket::open(context& ctx, int type) {
  socket made;
  made.raw_.reset(::zmq_socket(ctx.raw(), type));
  if (!made.raw_)
    return fail(fmt::format("no socket can be made: {}; raise the limit of open files (ulimit -n)",
                            ::zmq_strerror(errno)));
  return made;
}
void socket::closer::operator()(void* raw) const {
  ::zmq_close(raw);
}
void socket::set(int option, int value) {
  TENBIT_ASSERT(::zmq_setsockopt(raw(), option, &value, sizeof value) == 0);
}
void socket::set(int option, std::string_view value) {
  TENBIT_ASSERT(::zmq_setsockopt(raw(), option, value.data(), value.size()) == 0);
}
void socket::set(int option, std::chrono::milliseconds value) {
  set(option, static_cast<int>(value.count()));
}
status<std::string> socket::bind(const std::string& address) {
  if (::zmq_bind(raw(), address.c_str()) != 0)
    return fail<std::string>(::zmq_strerror(errno));
  return {};
}
status<std::string> socket::connect(const std::string& address) {
  if (::zmq_connect(raw(), address.c_str()) != 0)
    return fail<std::string>(::zmq_strerror(errno));
  return {};
}
std::string socket::bound_address() const {
  char text[256] = {};
  std::size_t size = sizeof text;
  TENBIT_ASSERT(::zmq_getsockopt(raw(), ZMQ_LAST_ENDPOINT, text, &size) == 0);
  return text;
}
void socket::unbind(const std::string& address) {
  TENBIT_ASSERT(::zmq_unbind(raw(), address.c_str()) == 0);
}
bool socket::receive(frame& into) {
  for (;;) {
    if (::zmq_msg_recv(into.raw(), raw(), ZMQ_DONTWAIT) >= 0)
      return true;
    if (errno == EAGAIN)
      return false;
    TENBIT_ASSERT(errno == EINTR);
  }
}
send_result socket::send(std::string_view bytes, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  for (;;) {
    if (::zmq_send(raw(), bytes.data(), bytes.size(), flags) >= 0)
      return send_result::sent;
    if (errno == EAGAIN)
      return send_result::full;
    if (errno == EHOSTUNREACH)
      return send_result::gone;
    TENBIT_ASSERT(errno == EINTR);
  }
}

expected<monitor, std::string> monitor::attach(context& ctx, socket& watched,
                                               const std::string& name, int events) {
  const std::string address = "inproc://monitor." + name;
  auto pair = socket::open(ctx, ZMQ_PAIR);
  if (!pair)
    return fail(pair.error());
  pair->set(ZMQ_LINGER, 0);
  pair->set(ZMQ_RCVHWM, 0); // a full one would stop libzmq's threads; each turn reads all of it
  if (::zmq_socket_monitor(watched.raw(), address.c_str(), events) != 0)
    return fail(fmt::format("no monitor can be made: {}", ::zmq_strerror(errno)));
  monitor made;
  made.watched_ = watched.raw();
  if (auto connected = pair->connect(address); !connected)
    return fail(connected.error());
  made.pair_ = std::move(*pair);
  return made;
}
monitor::monitor(monitor&& other) noexcept
    : watched_(std::exchange(other.watched_, nullptr)), pair_(std::move(other.pair_)) {}
monitor& monitor::operator=(monitor&& other) noexcept {
  if (this != &other) {
    detach();
    watched_ = std::exchange(other.watched_, nullptr);
    pair_ = std::move(other.pair_);
  }
  return *this;
}
monitor::~monitor() {
  detach();
}
void monitor::detach() {
  if (watched_ != nullptr)
    TENBIT_ASSERT(::zmq_socket_monitor(watched_, nullptr, 0) == 0);
  watched_ = nullptr;
  pair_.close();
}
std::optional<monitor_event> monitor::next() {
  frame head;
  if (!pair_.is_open() || !pair_.receive(head))
    return std::nullopt;
  const bool more = head.more();
  std::uint16_t kind = 0;
  std::uint32_t value = 0;
  TENBIT_ASSERT(head.bytes().size() == sizeof kind + sizeof value);
  std::memcpy(&kind, head.bytes().data(), sizeof kind);
  std::memcpy(&value, head.bytes().data() + sizeof kind, sizeof value);
  if (more) {
    frame address;
    TENBIT_ASSERT(pair_.receive(address)); // parts of one message come together
  }
  return monitor_event{kind, static_cast<int>(value)};
}

waker::waker() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
waker::~waker() {
  if (is_open())
    ::close(fd_);
}
void waker::wake() const {
  const std::uint64_t one = 1;
  // EAGAIN: the counter is full, so it is awake.
  TENBIT_ASSERT(::write(fd_, &one, sizeof one) == sizeof one || errno == EAGAIN);
}
void waker::clear() const {
  std::uint64_t count = 0;
  TENBIT_ASSERT(::read(fd_, &count, sizeof count) == sizeof count || errno == EAGAIN);
}

zmq_pollitem_t poll_in(const socket& s) {
  return {s.raw(), 0, ZMQ_POLLIN, 0};
}
zmq_pollitem_t poll_in(const monitor& m) {
  return {m.raw(), 0, ZMQ_POLLIN, 0};
}
zmq_pollitem_t poll_in(const waker& w) {
  return {nullptr, w.fd(), ZMQ_POLLIN, 0};
}
void poll(zmq_pollitem_t* items, int count, std::chrono::milliseconds timeout) {
  if (::zmq_poll(items, count, timeout.count()) < 0)
    TENBIT_ASSERT(errno == EINTR); // the caller goes round
}

} // namespace tenbit::link

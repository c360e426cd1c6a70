// libzmq with owners and values: context, socket, message, monitor.
//
// Internal to link/. A socket is used by one thread at a time; the context must outlive its
// sockets. What depends on the outside (descriptors, addresses, peers) comes back as a value; an
// option that this libzmq refuses is a programmer error.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.h>

#include "base/expected.hpp"

namespace tenbit::link {

class context {
public:
  explicit context(int io_threads);
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context(); // waits for sockets that linger
  [[nodiscard]] void* raw() const { return raw_; }

private:
  void* raw_;
};

// One part of a message, with what the connection proved about itself.
class frame {
public:
  frame();
  explicit frame(std::string_view bytes);
  frame(const frame&) = delete;
  frame& operator=(const frame&) = delete;
  ~frame();
  [[nodiscard]] std::string_view bytes() const;
  [[nodiscard]] bool more() const;                            // another part follows
  [[nodiscard]] std::string property(const char* name) const; // empty when there is none
  // The descriptor of the connection it came over; -1 when unknown. Descriptors are used again.
  [[nodiscard]] int source_fd() const;
  [[nodiscard]] zmq_msg_t* raw() { return &raw_; }

private:
  mutable zmq_msg_t raw_;
};

enum class send_result {
  sent,
  full, // try again later
  gone, // no such peer
};

class socket {
public:
  socket() = default;
  [[nodiscard]] static expected<socket, std::string> open(context& ctx, int type);

  void set(int option, int value);
  void set(int option, std::string_view value);
  void set(int option, std::chrono::milliseconds value);
  [[nodiscard]] status<std::string> bind(const std::string& address);
  [[nodiscard]] status<std::string> connect(const std::string& address);
  [[nodiscard]] std::string bound_address() const;
  void unbind(const std::string& address);

  // One part, without waiting; false when there is none.
  [[nodiscard]] bool receive(frame& into);
  // One part, without waiting.
  [[nodiscard]] send_result send(std::string_view bytes, bool more);

  [[nodiscard]] void* raw() const { return raw_.get(); }
  [[nodiscard]] bool is_open() const { return raw_ != nullptr; }
  void close() { raw_.reset(); }

private:
  struct closer {
    void operator()(void* socket) const;
  };
  std::unique_ptr<void, closer> raw_;
};

struct monitor_event {
  int kind = 0; // ZMQ_EVENT_*
  int value = 0;
};
// Events of one socket from now on. To be destroyed before the socket, in the socket's thread:
// libzmq's own threads would wait for ever to hand an event to a reader that is gone.
class monitor {
public:
  monitor() = default;
  // Names must differ within a context.
  [[nodiscard]] static expected<monitor, std::string> attach(context& ctx, socket& watched,
                                                             const std::string& name, int events);
  monitor(monitor&& other) noexcept;
  monitor& operator=(monitor&& other) noexcept;
  ~monitor();
  [[nodiscard]] std::optional<monitor_event> next();
  [[nodiscard]] void* raw() const { return pair_.raw(); }

private:
  void detach();
  void* watched_ = nullptr;
  socket pair_;
};

// What wakes a polling thread from another one. Not open when there are no descriptors left.
class waker {
public:
  waker();
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;
  ~waker();
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void wake() const;
  void clear() const;
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

[[nodiscard]] zmq_pollitem_t poll_in(const socket& s);
[[nodiscard]] zmq_pollitem_t poll_in(const monitor& m);
[[nodiscard]] zmq_pollitem_t poll_in(const waker& w);
// Until one is ready or the time is over.
void poll(zmq_pollitem_t* items, int count, std::chrono::milliseconds timeout);

} // namespace tenbit::link

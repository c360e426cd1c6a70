// The client's end of the control socket: one request, one reply, one deadline.
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.hpp"
#include "control/lines.hpp"

namespace tenbit::control {
namespace {

using instant = std::chrono::steady_clock::time_point;

class asking_end {
public:
  asking_end(std::string path, instant end)
      : path_(std::move(path)), end_(end),
        fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~asking_end() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  asking_end(const asking_end&) = delete;
  asking_end& operator=(const asking_end&) = delete;

  [[nodiscard]] status<std::string> open() const;
  // A server may answer before it has read all: then the reply is what counts.
  [[nodiscard]] status<std::string> write(std::string_view bytes) const;
  [[nodiscard]] expected<std::string, std::string> read_line() const;

private:
  [[nodiscard]] status<std::string> wait_for(short events) const;
  [[nodiscard]] tl::unexpected<std::string> silent() const {
    return fail(fmt::format("the coordinator at {} did not answer in time; it may still do what "
                            "was asked",
                            path_));
  }

  std::string path_;
  instant end_;
  int fd_;
};

status<std::string> asking_end::wait_for(short events) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end_ - std::chrono::steady_clock::now());
    pollfd what{fd_, events, 0};
    const int ready = left.count() <= 0 ? 0 : ::poll(&what, 1, static_cast<int>(left.count()));
    if (ready > 0)
      return {};
    if (ready == 0)
      return silent();
    if (errno != EINTR)
      return fail(fmt::format("cannot wait for {}: {}", path_, std::strerror(errno)));
  }
}

status<std::string> asking_end::open() const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.empty() || path_.size() >= sizeof address.sun_path)
    return fail(fmt::format("the path of a control socket has 1 to {} bytes: {}",
                            sizeof address.sun_path - 1, path_));
  std::memcpy(address.sun_path, path_.data(), path_.size());
  if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return {};
  switch (errno) {
  case ENOENT:
  case ECONNREFUSED:
    return fail(fmt::format("no coordinator answers at {}; start one with `tenbit coordinator`, or "
                            "name its socket with --socket or $TENBIT_SOCKET",
                            path_));
  case EACCES:
  case EPERM:
    return fail(fmt::format("you may not use {}; the coordinator's own user and root may, and "
                            "members of a group by the socket of that group",
                            path_));
  case EAGAIN:
    return fail(fmt::format("the coordinator at {} has too many clients; try again", path_));
  default:
    return fail(fmt::format("cannot connect to {}: {}", path_, std::strerror(errno)));
  }
}

status<std::string> asking_end::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (sent < 0 && errno == EAGAIN) {
      if (auto ready = wait_for(POLLOUT); !ready)
        return ready;
    } else if (sent < 0 && errno != EINTR)
      return {}; // closed; see read_line
  }
  return {};
}

expected<std::string, std::string> asking_end::read_line() const {
  std::string out;
  char chunk[16U << 10];
  for (;;) {
    const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EAGAIN) {
      if (auto ready = wait_for(POLLIN); !ready)
        return fail(std::move(ready.error()));
      continue;
    }
    if (got <= 0)
      return fail(
          fmt::format("the coordinator at {} closed the connection without an answer", path_));
    const std::string_view part(chunk, static_cast<std::size_t>(got));
    const auto end = part.find('\n');
    out += part.substr(0, end);
    if (end != std::string_view::npos)
      return out;
    if (out.size() > limits::control_reply_bytes_max)
      return fail(fmt::format("the answer of {} has more than {} bytes", path_,
                              limits::control_reply_bytes_max));
  }
}

} // namespace

expected<reply, std::string> ask(const std::string& socket_path, const request& r,
                                 std::chrono::milliseconds timeout) {
  const asking_end to(socket_path, std::chrono::steady_clock::now() + timeout);
  if (auto opened = to.open(); !opened)
    return fail(std::move(opened.error()));
  if (auto written = to.write(to_line(r) + "\n"); !written)
    return fail(std::move(written.error()));
  auto line = to.read_line();
  if (!line)
    return fail(std::move(line.error()));
  auto out = parse_reply(*line);
  if (!out)
    return fail(fmt::format("the answer of {} is no reply: {}", socket_path, out.error()));
  return out;
}

} // namespace tenbit::control

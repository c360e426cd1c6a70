// One socket: clients on the server's thread, their requests on the lanes.
#include "control/door.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.hpp"
#include "control/lines.hpp"

namespace tenbit::control {
namespace {

using namespace std::chrono_literals;
namespace net = boost::asio;
using error_code = boost::system::error_code;
using local = net::local::stream_protocol;
constexpr auto accept_pause = 100ms; // out of file descriptors: wait for one to be closed

} // namespace

reply refusal(std::string why) {
  return {.ok = false, .error = std::move(why), .result = {}};
}

// One connection: a line, its answer, the next line.
class client final : public std::enable_shared_from_this<client> {
public:
  client(door& owner, local::socket socket)
      : door_(owner), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() {
    const auto who = identity_of(socket_.native_handle());
    // The file of a group's socket says who may, and the kernel has looked at it.
    if (!who || (door_.gives() == right::admin && !may_control(who->uid, ::geteuid()))) {
      const auto name = who ? who->name : who.error();
      spdlog::warn("control refused who=\"{}\"", one_line(name, limits::shown_name_chars_max));
      closing_ = true;
      return answer(refusal(fmt::format("{} may not control this coordinator; its user and root "
                                        "may",
                                        name)));
    }
    who_ = who->name;
    next_line();
  }
  void answer(const reply& what) {
    if (closed_)
      return;
    output_ = to_line(what) + "\n";
    due();
    net::async_write(socket_, net::buffer(output_),
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (error || self->closing_ ||
                           self->closed_) // closed: a new deadline keeps it alive
                         return self->close();
                       self->next_line();
                     });
  }
  void close() {
    if (std::exchange(closed_, true))
      return;
    const auto keep = shared_from_this();
    error_code error; // nothing can be done about one here
    timer_.cancel();
    socket_.close(error);
    door_.closed(keep);
  }

private:
  void next_line() {
    due();
    read_on();
  }
  void read_on() {
    const auto end = input_.find('\n', searched_);
    if (end != std::string::npos) {
      const auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      searched_ = 0;
      return line.size() > door_.bounds().line_bytes ? too_long() : take(line);
    }
    searched_ = input_.size();
    if (input_.size() > door_.bounds().line_bytes)
      return too_long();
    socket_.async_read_some(net::buffer(chunk_), [self = shared_from_this()](
                                                     const error_code& error, std::size_t bytes) {
      if (error || self->closed_)
        return self->close();
      self->input_.append(self->chunk_.data(), bytes);
      self->read_on();
    });
  }
  void too_long() {
    closing_ = true;
    answer(refusal(fmt::format("a line has at most {} bytes", door_.bounds().line_bytes)));
  }
  void take(std::string_view line) {
    auto what = parse_request(line);
    if (!what)
      return answer(refusal(std::move(what.error())));
    if (auto checked = check_request(*what); !checked)
      return answer(refusal(std::move(checked.error())));
    what->who = who_;
    what->by = door_.gives();
    timer_.cancel(); // the handler bounds its own time
    door_.handle(shared_from_this(), std::move(*what));
  }
  // Bytes that trickle in do not move the deadline.
  void due() {
    timer_.expires_after(door_.bounds().idle);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && std::chrono::steady_clock::now() >= self->timer_.expiry())
        self->close();
    });
  }

  door& door_;
  local::socket socket_;
  net::steady_timer timer_;
  std::string who_;
  std::array<char, 16U << 10> chunk_{};
  std::string input_; // read, not handled yet
  std::size_t searched_ = 0;
  std::string output_;
  bool closing_ = false; // after this answer
  bool closed_ = false;
};

door::door(net::io_context& io, std::unique_ptr<socket_claim> claim, right gives,
           const socket_bounds& bounds, handler carry_out)
    : io_(io), claim_(std::move(claim)), gives_(gives), bounds_(bounds),
      carry_out_(std::move(carry_out)) {}

door::~door() = default;

status<std::string> door::listen() {
  const auto fd = claim_->listen(static_cast<int>(bounds_.clients));
  if (!fd)
    return fail(fd.error());
  error_code error;
  acceptor_.assign(local(), *fd, error);
  if (error) {
    ::close(*fd);
    return fail("cannot serve the control socket: " + error.message());
  }
  accept();
  return {};
}

void door::close() {
  stopping_ = true;
  error_code error; // nothing can be done about one here
  acceptor_.close(error);
  accept_timer_.cancel();
  for (const auto& one : std::vector<std::shared_ptr<client>>(clients_.begin(), clients_.end()))
    one->close();
}

void door::accept() {
  acceptor_.async_accept([this](const error_code& error, local::socket socket) {
    accepted(error, std::move(socket));
  });
}

void door::accepted(const error_code& error, local::socket socket) {
  if (stopping_)
    return;
  if (error) {
    if (!std::exchange(accept_failing_, true))
      spdlog::warn("control accept_failed error=\"{}\"", error.message());
    accept_timer_.expires_after(accept_pause);
    accept_timer_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && !stopping_)
        accept();
    });
    return;
  }
  accept_failing_ = false;
  if (clients_.size() < bounds_.clients) {
    auto added = std::make_shared<client>(*this, std::move(socket));
    clients_.insert(added);
    added->start();
  } else {
    const auto line = to_line(refusal("too many clients at once; try again")) + "\n";
    ignore(::send(socket.native_handle(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL),
           "it sees the end of the connection in any case");
  }
  accept();
}

void door::handle(const std::shared_ptr<client>& from, request what) {
  const verb* of = find_verb(what.verb);
  TENBIT_ASSERT(of != nullptr); // check_request
  const bool taken = lanes_.submit(of->where, [this, from, what = std::move(what)] {
    auto answer = carry_out_(what);
    net::post(io_, [from, answer = std::move(answer)] { from->answer(answer); });
  });
  if (!taken)
    from->answer(refusal(fmt::format("{} requests like this one wait already; try again later",
                                     limits::control_lane_items_max)));
}

} // namespace tenbit::control

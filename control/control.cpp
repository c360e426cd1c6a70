// The socket server: clients on one thread, their requests on the lanes.
#include <utility> // Boost 1.74 Asio needs it first

#include "control/control.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <thread>
#include <unordered_set>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.hpp"
#include "base/unix_time.hpp"
#include "control/audit_log.hpp"
#include "control/lanes.hpp"
#include "control/lines.hpp"
#include "control/socket_path.hpp"

namespace tenbit::control {
namespace {

using namespace std::chrono_literals;
namespace net = boost::asio;
using error_code = boost::system::error_code;
using local = net::local::stream_protocol;
constexpr auto accept_pause = 100ms; // out of file descriptors: wait for one to be closed

reply refusal(std::string why) {
  return {.ok = false, .error = std::move(why), .result = {}};
}

class client;

class hub final : public socket_server {
public:
  hub(std::unique_ptr<socket_claim> claim, std::unique_ptr<audit_log> audit, handler handle,
      socket_bounds bounds)
      : claim_(std::move(claim)), audit_(std::move(audit)), handle_(std::move(handle)),
        bounds_(bounds) {}
  ~hub() override;
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  [[nodiscard]] status<std::string> listen();
  [[nodiscard]] const socket_bounds& bounds() const { return bounds_; }
  // The answer comes to the client on the server's thread.
  void handle(const std::shared_ptr<client>& from, request what);
  void closed(const std::shared_ptr<client>& which) { clients_.erase(which); }

private:
  void accept();
  void accepted(const error_code& error, local::socket socket);
  [[nodiscard]] reply carry_out(const request& what);
  [[nodiscard]] reply guarded(const request& what) const;

  std::unique_ptr<socket_claim> claim_;
  std::unique_ptr<audit_log> audit_;
  handler handle_;
  socket_bounds bounds_;
  std::uint64_t entries_ = 0; // of the audit log; on the lane of changes and the slow one
  std::mutex entries_mutex_;
  net::io_context io_{1};
  local::acceptor acceptor_{io_};
  net::steady_timer accept_timer_{io_};
  bool stopping_ = false;
  bool accept_failing_ = false; // said once, not ten times a second
  std::unordered_set<std::shared_ptr<client>> clients_;
  job_lanes lanes_;
  std::thread thread_;
};

// One connection: a line, its answer, the next line.
class client final : public std::enable_shared_from_this<client> {
public:
  client(hub& owner, local::socket socket)
      : hub_(owner), socket_(std::move(socket)), timer_(socket_.get_executor()) {}

  void start() {
    const auto who = identity_of(socket_.native_handle());
    if (!who || !may_control(who->uid, ::geteuid())) {
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
    hub_.closed(keep);
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
      return line.size() > hub_.bounds().line_bytes ? too_long() : take(line);
    }
    searched_ = input_.size();
    if (input_.size() > hub_.bounds().line_bytes)
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
    answer(refusal(fmt::format("a line has at most {} bytes", hub_.bounds().line_bytes)));
  }
  void take(std::string_view line) {
    auto what = parse_request(line);
    if (!what)
      return answer(refusal(std::move(what.error())));
    if (auto checked = check_request(*what); !checked)
      return answer(refusal(std::move(checked.error())));
    what->who = who_;
    timer_.cancel(); // the handler bounds its own time
    hub_.handle(shared_from_this(), std::move(*what));
  }
  // Bytes that trickle in do not move the deadline.
  void due() {
    timer_.expires_after(hub_.bounds().idle);
    timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled && std::chrono::steady_clock::now() >= self->timer_.expiry())
        self->close();
    });
  }

  hub& hub_;
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

hub::~hub() {
  lanes_.stop(); // answers of running handlers are posted before the end below
  if (!thread_.joinable())
    return;
  net::post(io_, [this] {
    stopping_ = true;
    error_code error; // nothing can be done about one here
    acceptor_.close(error);
    accept_timer_.cancel();
    for (const auto& one : std::vector<std::shared_ptr<client>>(clients_.begin(), clients_.end()))
      one->close();
  });
  thread_.join();
}

status<std::string> hub::listen() {
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
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

void hub::accept() {
  acceptor_.async_accept([this](const error_code& error, local::socket socket) {
    accepted(error, std::move(socket));
  });
}

void hub::accepted(const error_code& error, local::socket socket) {
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

void hub::handle(const std::shared_ptr<client>& from, request what) {
  const verb* of = find_verb(what.verb);
  TENBIT_ASSERT(of != nullptr); // check_request
  const bool taken = lanes_.submit(of->where, [this, from, what = std::move(what)] {
    auto answer = carry_out(what);
    net::post(io_, [from, answer = std::move(answer)] { from->answer(answer); });
  });
  if (!taken)
    from->answer(refusal(fmt::format("{} requests like this one wait already; try again later",
                                     limits::control_lane_items_max)));
}

reply hub::guarded(const request& what) const {
  try {
    return handle_(what);
  } catch (const std::exception& error) {
    return refusal(fmt::format("\"{}\" failed inside: {}", what.verb, error.what()));
  }
}

reply hub::carry_out(const request& what) {
  if (!changes_something(what.verb))
    return guarded(what);
  const auto now = unix_ms();
  std::string entry;
  {
    const std::lock_guard lock(entries_mutex_);
    entry = fmt::format("{}-{}", now, ++entries_);
  }
  if (auto kept = audit_->append(audit_request(entry, now, what)); !kept)
    return refusal(fmt::format("nothing was done: {}", kept.error()));
  auto out = guarded(what);
  if (auto kept = audit_->append(audit_outcome(entry, unix_ms(), out)); !kept) {
    spdlog::error("control outcome_not_audited entry={} error=\"{}\"", entry, kept.error());
    out.error += fmt::format("{}its outcome is not in the audit log: {}",
                             out.error.empty() ? "" : "; ", kept.error());
  }
  return out;
}

} // namespace

expected<std::unique_ptr<socket_server>, std::string>
socket_server::start(const std::string& path, const std::string& audit_path, handler handle,
                     socket_bounds bounds) {
  TENBIT_ASSERT(handle != nullptr);
  auto claim = socket_claim::take(path);
  if (!claim)
    return fail(std::move(claim.error()));
  auto audit = audit_log::open(audit_path);
  if (!audit)
    return fail(std::move(audit.error()));
  try { // Asio throws when the system has no descriptors left for its own needs
    auto made =
        std::make_unique<hub>(std::move(*claim), std::move(*audit), std::move(handle), bounds);
    if (auto listening = made->listen(); !listening)
      return fail(std::move(listening.error()));
    return made;
  } catch (const std::exception& error) {
    return fail(fmt::format("the control socket cannot start: {}", error.what()));
  }
}

} // namespace tenbit::control

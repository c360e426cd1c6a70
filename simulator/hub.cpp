#include "simulator/hub.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

using namespace std::chrono_literals;
constexpr auto sweep_period = 1s;
constexpr auto accept_pause = 100ms; // out of file descriptors: wait for one to be closed

} // namespace

hub::hub(sim_options options, recorded_replies recorded)
    : options_(std::move(options)), service_(options_.behaviour, std::move(recorded)) {}

hub::~hub() {
  if (!thread_.joinable())
    return;
  net::post(io_, [this] { close_all(); });
  thread_.join();
}

status<std::string> hub::start() {
  boost::system::error_code error;
  const auto address = net::ip::make_address(options_.bind, error);
  if (error)
    return fail(fmt::format("'{}' is not an IP address to listen on", options_.bind));
  const net::ip::tcp::endpoint endpoint(address, options_.port);
  const auto failed = [&](const char* what) {
    return fail(
        fmt::format("cannot {} {}:{}: {}", what, options_.bind, options_.port, error.message()));
  };
  acceptor_.open(endpoint.protocol(), error);
  if (error)
    return failed("open a socket for");
  acceptor_.set_option(net::socket_base::reuse_address(true), error);
  if (!error)
    acceptor_.bind(endpoint, error);
  if (error)
    return failed("bind");
  acceptor_.listen(4096, error);
  if (error)
    return failed("listen on");
  const auto port = acceptor_.local_endpoint(error).port();
  if (error)
    return failed("read the port of");
  url_ = address.is_v6() ? fmt::format("http://[{}]:{}", options_.bind, port)
                         : fmt::format("http://{}:{}", options_.bind, port);
  accept();
  sweep();
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

void hub::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp_socket socket) {
    accepted(error, std::move(socket));
  });
}

void hub::accepted(const boost::system::error_code& error, tcp_socket socket) {
  if (stopping_)
    return;
  if (error) {
    if (!std::exchange(accept_failing_, true))
      spdlog::warn("sim accept_failed error=\"{}\"", error.message());
    accept_timer_.expires_after(accept_pause);
    accept_timer_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled && !stopping_)
        accept();
    });
    return;
  }
  accept_failing_ = false;
  if (connections_.size() < limits::sim_connections_max) {
    auto added = make_connection(*this, std::move(socket));
    connections_.insert(added);
    added->start();
  } // else the socket closes here: the client sees a refused connection
  accept();
}

bool hub::take_slot(const std::shared_ptr<connection>& who) {
  const bool free = taken_ < service_.slots();
  if (free) {
    ++taken_;
  } else {
    queue_.push_back(who);
    ++waiting_;
  }
  count_slots();
  return free;
}

void hub::leave_queue(const connection* who) {
  const auto it =
      std::find_if(queue_.begin(), queue_.end(), [&](const auto& one) { return one.get() == who; });
  if (it == queue_.end())
    return;
  it->reset();
  --waiting_;
  while (!queue_.empty() && !queue_.front()) // so that the queue cannot grow by those that left
    queue_.pop_front();
  if (queue_.size() > 2 * waiting_ + 64)
    std::erase(queue_, nullptr);
  count_slots();
}

void hub::give_slot() {
  TENBIT_ASSERT(taken_ > 0);
  std::shared_ptr<connection> next;
  while (!next && !queue_.empty()) {
    next = std::move(queue_.front());
    queue_.pop_front();
  }
  if (next)
    --waiting_; // the slot goes on to it
  else
    --taken_;
  count_slots();
  if (next)
    next->serve();
}

void hub::closed(const std::shared_ptr<connection>& who) {
  connections_.erase(who);
}

void hub::count_slots() {
  service_.counts().in_flight.store(taken_, std::memory_order_relaxed);
  service_.counts().queued.store(waiting_, std::memory_order_relaxed);
}

void hub::sweep() {
  sweep_timer_.expires_after(sweep_period);
  sweep_timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled || stopping_)
      return;
    const auto now = std::chrono::steady_clock::now();
    // A copy: sweeping closes, and closing erases.
    const std::vector<std::shared_ptr<connection>> all(connections_.begin(), connections_.end());
    for (const auto& one : all)
      one->sweep(now);
    sweep();
  });
}

void hub::close_all() {
  stopping_ = true;
  boost::system::error_code error;
  acceptor_.close(error); // nothing can be done about an error here
  sweep_timer_.cancel();
  accept_timer_.cancel();
  const std::vector<std::shared_ptr<connection>> all(connections_.begin(), connections_.end());
  for (const auto& one : all)
    one->close();
}

} // namespace tenbit::sim

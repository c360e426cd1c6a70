#include "link/uplink_loop.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sodium/randombytes.h>
#include <spdlog/spdlog.h>

#include "actors/wire.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr auto idle_period = std::chrono::seconds(1);
constexpr std::size_t routing_id_bytes = 16;
constexpr auto unacknowledged_max = std::chrono::seconds(20); // TCP data without an answer

std::uint64_t random_seed() {
  return std::uint64_t{::randombytes_random()} << 32 | ::randombytes_random();
}

// A name that nobody can guess: whoever connected under another's name, once that one is gone,
// could get what is still meant for it. libzmq's own ids are counted up.
std::string random_routing_id() {
  std::string id(routing_id_bytes, '\0');
  ::randombytes_buf(id.data(), id.size());
  id[0] = 't'; // a zero at the start is libzmq's own
  return id;
}

void set_options(socket& dealer, const uplink_options& options) {
  dealer.set(ZMQ_ROUTING_ID, std::string_view(random_routing_id()));
  dealer.set(ZMQ_CURVE_SERVERKEY, std::string_view(options.key.server_key));
  dealer.set(ZMQ_CURVE_PUBLICKEY, std::string_view(options.key.public_key));
  dealer.set(ZMQ_CURVE_SECRETKEY, std::string_view(options.key.secret_key));
  dealer.set(ZMQ_IPV6, options.address.find('[') != std::string::npos ? 1 : 0);
  dealer.set(ZMQ_IMMEDIATE, 1);
  dealer.set(ZMQ_RECONNECT_IVL, -1); // a fresh socket instead
  dealer.set(ZMQ_CONNECT_TIMEOUT, limits::handshake_timeout);
  dealer.set(ZMQ_HANDSHAKE_IVL, limits::handshake_timeout);
  dealer.set(ZMQ_TCP_KEEPALIVE, 1);
  dealer.set(ZMQ_TCP_MAXRT, unacknowledged_max);
  dealer.set(ZMQ_HEARTBEAT_IVL, limits::link_probe_period);
  dealer.set(ZMQ_HEARTBEAT_TIMEOUT, limits::link_probe_timeout);
  dealer.set(ZMQ_HEARTBEAT_TTL, limits::link_probe_timeout);
  dealer.set(ZMQ_SNDHWM, limits::link_high_water);
  dealer.set(ZMQ_RCVHWM, limits::link_high_water);
  dealer.set(ZMQ_LINGER, 0);
  const auto largest = static_cast<std::int64_t>(limits::frame_bytes_max);
  TENBIT_ASSERT(::zmq_setsockopt(dealer.raw(), ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0);
}

std::string reason_of(int event, const std::string& address) {
  switch (event) {
  case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    return "the coordinator does not admit this key: it is not enrolled there, or was revoked; "
           "ask its operator (tenbit keys list) and use the key file of this coordinator";
  case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    return fmt::format("{} ended the handshake: perhaps the key file pins another coordinator's "
                       "key; check that it was enrolled with this coordinator",
                       address);
  case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    return fmt::format("{} does not prove the pinned server key: another coordinator's key file, "
                       "or no tenbit coordinator at that address",
                       address);
  case ZMQ_EVENT_CLOSED:
    return fmt::format("cannot connect to {}: nobody listens there, or it is out of reach",
                       address);
  default:
    return fmt::format("the connection to {} ended", address);
  }
}

} // namespace

uplink_loop::uplink_loop(const uplink_options& options, uplink_events events)
    : options_(options), events_(std::move(events)), jitter_(random_seed()) {}

expected<std::unique_ptr<uplink_loop>, std::string> uplink_loop::open(const uplink_options& options,
                                                                      uplink_events events) {
  std::unique_ptr<uplink_loop> loop(new uplink_loop(options, std::move(events)));
  if (!loop->waker_.is_open())
    return fail<std::string>("no descriptors are left; raise the limit of open files (ulimit -n)");
  if (auto opened = loop->open_connection(steady_clock::now()); !opened)
    return fail(opened.error());
  return loop;
}

status<std::string> uplink_loop::open_connection(time now) {
  auto dealer = socket::open(context_, ZMQ_DEALER);
  if (!dealer)
    return fail(dealer.error());
  set_options(*dealer, options_);
  constexpr int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                          ZMQ_EVENT_CLOSED;
  auto events = monitor::attach(context_, *dealer, fmt::format("uplink.{}", ++attempts_), watched);
  if (!events)
    return fail(events.error());
  if (auto connected = dealer->connect(options_.address); !connected)
    return fail(fmt::format("cannot connect to {}: {}; an address is tcp://HOST:PORT",
                            options_.address, connected.error()));
  socket_ = std::move(*dealer);
  monitor_ = std::move(*events);
  stage_ = stage::connecting;
  give_up_ = now + limits::handshake_timeout;
  return {};
}

void uplink_loop::run() {
  while (!stopping_)
    turn(steady_clock::now());
  finish();
}

milliseconds uplink_loop::patience(time now) const {
  const auto until = [now](time then) {
    return std::max(std::chrono::ceil<milliseconds>(then - now), milliseconds(0));
  };
  switch (stage_) {
  case stage::waiting:
    return until(next_try_);
  case stage::connecting:
    return until(give_up_);
  case stage::up:
    return idle_period;
  }
  assertion_failed("stage", __FILE__, __LINE__);
}

void uplink_loop::turn(time now) {
  zmq_pollitem_t items[] = {poll_in(waker_), poll_in(monitor_), poll_in(socket_)};
  if (!sending_.empty())
    items[2].events |= ZMQ_POLLOUT;
  poll(items, stage_ == stage::waiting ? 1 : 3, patience(now));
  waker_.clear();
  now = steady_clock::now();
  if (stage_ == stage::up)
    receive(now); // before the end of the connection is seen: what came over it still counts
  if (stage_ != stage::waiting)
    read_monitor(now);
  if (stage_ == stage::up)
    send_out();
  if (stage_ == stage::connecting && now >= give_up_)
    lose(fmt::format("{} does not answer", options_.address), now);
  if (stage_ == stage::waiting && now >= next_try_)
    if (auto opened = open_connection(now); !opened)
      lose(opened.error(), now);
}

void uplink_loop::read_monitor(time now) {
  while (const auto event = monitor_.next()) {
    if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      came_up();
      continue;
    }
    lose(reason_of(event->kind, options_.address), now);
    return;
  }
}

void uplink_loop::came_up() {
  stage_ = stage::up;
  told_.clear();
  up_ = true;
  events_.on_up();
}

void uplink_loop::lose(const std::string& reason, time now) {
  const bool was_up = stage_ == stage::up;
  stage_ = stage::waiting;
  monitor_ = {};
  socket_.close();
  sending_.clear();
  {
    const std::lock_guard lock(queue_mutex_);
    up_ = false; // under the lock: nothing is queued after the queue was emptied
    queue_.clear();
    queued_bytes_ = 0;
  }
  const auto doublings = std::min(losses_++, 16U);
  const auto longest =
      std::min<milliseconds>(limits::reconnect_min * (1U << doublings), limits::reconnect_max);
  const auto delay = longest / 2 + milliseconds(jitter_.between(0, longest.count() / 2));
  next_try_ = now + delay;
  if (!was_up && reason == told_)
    return; // said already; it goes on trying
  told_ = reason;
  events_.on_down(reason);
}

void uplink_loop::receive(time now) {
  for (std::size_t i = 0; i < limits::link_round_frames_max; ++i)
    if (!receive_one(now))
      return;
}

bool uplink_loop::receive_one(time now) {
  frame body;
  if (!socket_.receive(body))
    return false;
  if (body.more()) {
    lose("the coordinator sent a message of more than one part", now);
    return false;
  }
  auto message = wire::decode_to_peer(body.bytes());
  if (!message) {
    const std::string shown = one_line(message.error().message, limits::error_text_chars_max);
    lose(message.error().other_version
             ? fmt::format("the coordinator speaks another version of the protocol than {}: {}; "
                           "use the same release on both sides",
                           wire::version, shown)
             : fmt::format("the coordinator sent what is no message: {}", shown),
         now);
    return false;
  }
  const refused* no = std::get_if<refused>(&*message);
  const std::string why = no == nullptr ? std::string() : no->reason;
  const bool refusal = no != nullptr;
  events_.on_message(std::move(*message));
  if (refusal) { // nothing more is read from this connection over there
    lose("the coordinator refused this peer: " + one_line(why, limits::error_text_chars_max), now);
    return false;
  }
  losses_ = 0;
  return true;
}

bool uplink_loop::push(std::string bytes) {
  if (bytes.size() > limits::frame_bytes_max) {
    spdlog::error("uplink frame_too_large bytes={}", bytes.size());
    return false;
  }
  {
    const std::lock_guard lock(queue_mutex_);
    if (!up_ || queued_bytes_ + bytes.size() > limits::link_queue_bytes_max)
      return false;
    queued_bytes_ += bytes.size();
    queue_.push_back(std::move(bytes));
  }
  waker_.wake();
  return true;
}

void uplink_loop::send_out() {
  {
    const std::lock_guard lock(queue_mutex_);
    for (std::string& bytes : queue_)
      sending_.push_back(std::move(bytes));
    queue_.clear();
  }
  std::size_t sent = 0;
  while (!sending_.empty() && socket_.send(sending_.front(), false) == send_result::sent) {
    sent += sending_.front().size();
    sending_.pop_front();
  }
  const std::lock_guard lock(queue_mutex_);
  queued_bytes_ -= sent;
}

void uplink_loop::stop() {
  stopping_ = true;
  waker_.wake();
}

// What is queued is sent, then what libzmq holds, both within limits::uplink_linger.
void uplink_loop::finish() {
  const time deadline = steady_clock::now() + limits::uplink_linger;
  if (stage_ == stage::up)
    send_out();
  while (stage_ == stage::up && !sending_.empty() && steady_clock::now() < deadline) {
    zmq_pollitem_t items[] = {poll_in(monitor_), poll_in(socket_)};
    items[1].events = ZMQ_POLLOUT;
    poll(items, 2, std::chrono::ceil<milliseconds>(deadline - steady_clock::now()));
    if (monitor_.next())
      break; // the connection ended: there is nobody to send to
    send_out();
  }
  if (!socket_.is_open())
    return;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  socket_.set(ZMQ_LINGER, std::max(left, milliseconds(0)));
  up_ = false;
  monitor_ = {};
  socket_.close();
}

} // namespace tenbit::link

#include "link/gateway.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

#include "actors/wire.hpp"
#include "config/limits.hpp"
#include "link/gateway_loop.hpp"
#include "link/probe.hpp"

namespace tenbit::link {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: in the library, but a draft in the header of 4.3. The self-test decides;
// this also refuses when the handler is gone later.
constexpr int zap_enforce_domain = 93;
constexpr const char* probe_address = "tcp://127.0.0.1:*";

void set_options(socket& router, const key_file& server, bool ip6) {
  const int enforce = 1;
  ignore(::zmq_setsockopt(router.raw(), zap_enforce_domain, &enforce, sizeof enforce),
         "a draft option: the self-test decides");
  router.set(ZMQ_ZAP_DOMAIN, std::string_view(zap_domain));
  router.set(ZMQ_CURVE_SERVER, 1);
  router.set(ZMQ_CURVE_SECRETKEY, std::string_view(server.secret_key));
  router.set(ZMQ_IPV6, ip6 ? 1 : 0);
  router.set(ZMQ_ROUTER_MANDATORY, 1);
  router.set(ZMQ_ROUTER_HANDOVER, 0);
  router.set(ZMQ_LINGER, 0);
  router.set(ZMQ_SNDHWM, limits::link_high_water);
  router.set(ZMQ_RCVHWM, limits::link_high_water);
  router.set(ZMQ_BACKLOG, limits::link_backlog);
  router.set(ZMQ_HANDSHAKE_IVL, limits::handshake_timeout);
  router.set(ZMQ_HEARTBEAT_IVL, limits::link_probe_period);
  router.set(ZMQ_HEARTBEAT_TIMEOUT, limits::link_probe_timeout);
  router.set(ZMQ_HEARTBEAT_TTL, limits::link_probe_timeout);
  const auto largest = static_cast<std::int64_t>(limits::frame_bytes_max);
  TENBIT_ASSERT(::zmq_setsockopt(router.raw(), ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0);
}

// Port 0 in libzmq's words.
std::string free_port_as_star(const std::string& address) {
  constexpr std::string_view zero = ":0";
  if (address.size() < zero.size() || address.substr(address.size() - zero.size()) != zero)
    return address;
  return address.substr(0, address.size() - 1) + "*";
}

class gateway_thread final : public gateway {
public:
  explicit gateway_thread(std::unique_ptr<gateway_loop> loop)
      : loop_(std::move(loop)), thread_([this] { loop_->run(); }) {}
  gateway_thread(const gateway_thread&) = delete;
  gateway_thread& operator=(const gateway_thread&) = delete;
  ~gateway_thread() override {
    loop_->stop();
    thread_.join();
  }

  void send(connection_id to, const to_peer& message) override {
    std::string bytes = wire::encode(message);
    bool taken = false;
    if (bytes.size() <= limits::frame_bytes_max)
      taken = loop_->queue().push(to, role_of(message), std::move(bytes)) ==
              outbox::push_result::queued;
    else
      spdlog::error("gateway frame_too_large connection={} bytes={}", to.value, bytes.size());
    if (!taken)
      loop_->count([](gateway_stats& s) { ++s.dropped_sends; });
    loop_->wake();
  }
  void drop(connection_id to, const std::string& reason) override {
    if (loop_->queue().end_after_queue(to, reason))
      loop_->wake();
  }
  void hold_intake(bool hold) override { loop_->hold(hold); }
  gateway_stats stats() const override { return loop_->figures(); }
  std::string address() const override { return loop_->address(); }

private:
  std::unique_ptr<gateway_loop> loop_;
  std::thread thread_; // last: it uses the rest
};

} // namespace

gateway_loop::gateway_loop(gateway_events events, key_watch keys)
    : events_(std::move(events)), keys_(std::move(keys)) {}

expected<std::unique_ptr<gateway_loop>, std::string>
gateway_loop::open(const gateway_options& options, gateway_events events) {
  auto keys = key_watch::open(options.keys_dir);
  if (!keys)
    return fail(keys.error());
  std::unique_ptr<gateway_loop> loop(new gateway_loop(std::move(events), std::move(*keys)));
  if (!loop->waker_.is_open())
    return fail<std::string>("no descriptors are left; raise the limit of open files (ulimit -n)");
  if (auto opened = loop->open_sockets(options); !opened)
    return fail(opened.error());
  return loop;
}

status<std::string> gateway_loop::open_sockets(const gateway_options& options) {
  const auto server =
      read_key_file((std::filesystem::path(options.keys_dir) / "server.key").string());
  if (!server)
    return fail(server.error());
  auto zap = zap_handler::open(context_);
  if (!zap)
    return fail(zap.error());
  zap_ = std::move(*zap);
  auto router = socket::open(context_, ZMQ_ROUTER);
  if (!router)
    return fail(router.error());
  router_ = std::move(*router);
  set_options(router_, *server, options.address.find('[') != std::string::npos);
  return prove_and_bind(options, server->public_key);
}

// The very socket that will listen is tried first, where only this machine reaches it.
status<std::string> gateway_loop::prove_and_bind(const gateway_options& options,
                                                 const std::string& server_key) {
  if (auto bound = router_.bind(probe_address); !bound)
    return fail(fmt::format("the self-test cannot listen on {}: {}", probe_address, bound.error()));
  const std::string probe = router_.bound_address();
  const auto proven = check_strangers_refused(context_, probe, server_key, [this] {
    zap_.serve(keys_.list(), [](const std::string&, const std::string&) {});
  });
  if (!proven)
    return proven;
  router_.unbind(probe);
  constexpr int watched = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
  auto events = monitor::attach(context_, router_, "gateway", watched);
  if (!events)
    return fail(events.error());
  monitor_ = std::move(*events);
  if (auto bound = router_.bind(free_port_as_star(options.address)); !bound)
    return fail(fmt::format("cannot listen on {}: {}; name tcp://ADDRESS:PORT of this machine, "
                            "with a port that nobody has",
                            options.address, bound.error()));
  address_ = router_.bound_address();
  return {};
}

expected<std::unique_ptr<gateway>, std::string> gateway::start(const gateway_options& options,
                                                               gateway_events events) {
  TENBIT_ASSERT(events.on_frame && events.on_gone);
  auto loop = gateway_loop::open(options, std::move(events));
  if (!loop)
    return fail(loop.error());
  return std::make_unique<gateway_thread>(std::move(*loop));
}

} // namespace tenbit::link

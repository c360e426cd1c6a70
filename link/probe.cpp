#include "link/probe.hpp"

#include <array>
#include <chrono>
#include <fmt/format.h>

#include "config/limits.hpp"

namespace tenbit::link {
namespace {

using std::chrono::steady_clock;
constexpr auto probe_step = std::chrono::milliseconds(2);

enum class verdict { waiting, admitted, refused, closed };

verdict next_verdict(monitor& events) {
  while (const auto event = events.next()) {
    if (event->kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
      return verdict::admitted;
    if (event->kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
      return verdict::refused;
    if (event->kind != ZMQ_EVENT_CONNECTED)
      return verdict::closed;
  }
  return verdict::waiting;
}

verdict wait_for_verdict(monitor& events, const std::function<void()>& serve) {
  const auto deadline = steady_clock::now() + limits::link_probe_patience;
  for (;;) {
    serve();
    const verdict found = next_verdict(events);
    if (found != verdict::waiting || steady_clock::now() >= deadline)
      return found;
    zmq_pollitem_t item = poll_in(events);
    poll(&item, 1, probe_step);
  }
}

void use_random_key(socket& client, const std::string& server_key) {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  TENBIT_ASSERT(::zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
  client.set(ZMQ_CURVE_SERVERKEY, server_key);
  client.set(ZMQ_CURVE_PUBLICKEY, std::string_view(public_key.data()));
  client.set(ZMQ_CURVE_SECRETKEY, std::string_view(secret_key.data()));
}

expected<verdict, std::string> try_client(context& ctx, const std::string& address,
                                          const std::string* server_key,
                                          const std::function<void()>& serve) {
  auto client = socket::open(ctx, ZMQ_DEALER);
  if (!client)
    return fail(client.error());
  client->set(ZMQ_LINGER, 0);
  client->set(ZMQ_RECONNECT_IVL, -1);
  if (server_key != nullptr)
    use_random_key(*client, *server_key);
  constexpr int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                          ZMQ_EVENT_CLOSED;
  auto events =
      monitor::attach(ctx, *client, server_key != nullptr ? "probe.key" : "probe.none", watched);
  if (!events)
    return fail(events.error());
  if (auto connected = client->connect(address); !connected)
    return fail(fmt::format("the self-test cannot connect to {}: {}", address, connected.error()));
  return wait_for_verdict(*events, serve);
}

} // namespace

status<std::string> check_strangers_refused(context& ctx, const std::string& address,
                                            const std::string& server_key,
                                            const std::function<void()>& serve) {
  const auto stranger = try_client(ctx, address, &server_key, serve);
  if (!stranger)
    return fail(stranger.error());
  if (*stranger == verdict::admitted)
    return fail<std::string>("self-test: a random key was let in; not listening");
  // Closed is not enough: only a refusal by the allow-list proves that it is asked.
  if (*stranger != verdict::refused)
    return fail<std::string>("self-test: a random key was not refused in time; not listening");
  const auto open = try_client(ctx, address, nullptr, serve);
  if (!open)
    return fail(open.error());
  if (*open == verdict::admitted)
    return fail<std::string>("self-test: a client without a key was let in; not listening");
  if (*open == verdict::waiting)
    return fail<std::string>("self-test: a client without a key was not refused; not listening");
  return {};
}

} // namespace tenbit::link

// The self-test of a server socket: clients that must not come in try to.
//
// Internal to link/. libzmq admits every key when its authentication handler does not run, without
// a word; so the gateway opens its address only after a client with a random key and one without
// any were really refused.
#pragma once

#include <functional>
#include <string>

#include "base/expected.hpp"
#include "link/socket.hpp"

namespace tenbit::link {

// Fails when the server at `address` lets one of them in, or does not answer within
// limits::link_probe_patience. `serve` is called every few milliseconds: it answers the server's
// authentication requests when no other thread does.
[[nodiscard]] status<std::string> check_strangers_refused(context& ctx, const std::string& address,
                                                          const std::string& server_key,
                                                          const std::function<void()>& serve);

} // namespace tenbit::link

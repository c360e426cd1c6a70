// Who may connect: answers libzmq's authentication requests (ZeroMQ RFC 27) from the allow-list.
//
// Internal to link/. One per context, served by the gateway's thread. An admitted connection's
// messages carry its Z85 public key as "User-Id": a name may get another key later, and a session
// of the old one must not pass for it.
#pragma once

#include <functional>
#include <string>

#include "base/expected.hpp"
#include "link/keys.hpp"
#include "link/socket.hpp"

namespace tenbit::link {

// Set on the server's socket: without a domain libzmq would not ask for some mechanisms.
inline constexpr const char* zap_domain = "tenbit";

class zap_handler {
public:
  [[nodiscard]] static expected<zap_handler, std::string> open(context& ctx);
  // Answers what waits. on_refused gets the key, Z85, or a word for what it was instead.
  void serve(const allow_list& allowed,
             const std::function<void(const std::string& key, const std::string& peer_address)>&
                 on_refused);
  [[nodiscard]] const socket& input() const { return socket_; }
  void close() { socket_.close(); }

private:
  socket socket_;
};

} // namespace tenbit::link

// The name of a control socket in the file system, and who is at its other end.
//
// A claim is held from before the socket is bound until the server ends: a lock beside the path, so
// that of two servers that start at once one gets it. Any thread; nothing is kept in the process
// but the lock's descriptor.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/expected.hpp"

namespace tenbit::control {

class socket_claim {
public:
  // Takes the lock and removes a socket file whose server is gone. The error is one line: another
  // server lives there, the path is something else than a socket, it is too long. group: whose
  // members may connect, too.
  [[nodiscard]] static expected<std::unique_ptr<socket_claim>, std::string>
  take(const std::string& path, std::optional<gid_t> group = std::nullopt);
  virtual ~socket_claim() = default; // removes the socket file, when it is the one that was bound
  // A listening socket with mode 0600 from its first moment; that of a group has mode 0660 once the
  // file is the group's. Once.
  [[nodiscard]] virtual expected<int, std::string> listen(int backlog) = 0;
};

struct peer_identity {
  uid_t uid = 0;
  std::string name; // of the user, else "uid 1234"
};
[[nodiscard]] expected<peer_identity, std::string> identity_of(int socket);
// By the socket that is no group's: the server's own user and root alone.
[[nodiscard]] inline bool may_control(uid_t who, uid_t owner) {
  return who == owner || who == 0;
}

} // namespace tenbit::control

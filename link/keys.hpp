// CURVE keys and who may connect: one folder of the coordinator, one file per peer.
//
//   DIR/server.key      the coordinator's own pair; DIR/peers the allow-list; both 0600, DIR 0700
//   DIR/signing.key     signs what runs came to: signing_file.hpp
//   key file  = "tenbit-key 1\n" "name " name "\n" "roles " roles "\n" "public " z85 "\n"
//               "secret " z85 "\n" [ "server " z85 "\n" ]      server: the pinned key, in peer
//               files
//   peers     = "tenbit-peers 1\n" { name " " roles " " z85 [ " revoked" ] "\n" }
//   name      = 1 to 64 of [a-z A-Z 0-9 . _ -];  roles as in parse_roles, "none" in server.key;
//   z85       = 40 characters
//
// Files are written whole (temporary file, fsync, rename). A key file that others can read is
// refused. Secrets are never printed. Thread-safe functions; allow_list is a value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/session.hpp"
#include "base/expected.hpp"

namespace tenbit::link {

struct key_file {
  std::string name; // "coordinator" for the server's
  role_set roles;
  std::string public_key; // Z85, 40 characters
  std::string secret_key;
  std::string server_key; // public; empty in the server's own file
};
struct allowed_peer {
  std::string name;
  role_set roles;
  std::string public_key;
  bool revoked = false;
};
struct allow_list {
  std::map<std::string, allowed_peer> by_key; // Z85 public key → peer
  // nullptr: not enrolled, or revoked.
  [[nodiscard]] const allowed_peer* find(const std::string& public_key) const;
};

// Errors are one line for people: the file, what is wrong, the mend.
// Idempotent: existing server keys are kept. New ones come with a signing key; a folder from before
// there were any gets it by init_signing_key alone.
[[nodiscard]] expected<key_file, std::string> init_keys(const std::string& dir);
// A new pair for NAME, allowed at once, its file written to `out` (never over an existing one).
// An enrolled name is refused unless it was revoked.
[[nodiscard]] expected<key_file, std::string>
enroll(const std::string& dir, const std::string& name, role_set roles, const std::string& out);
// Takes effect on a running coordinator within seconds: it reads the list again when it changed.
[[nodiscard]] status<std::string> revoke_key(const std::string& dir, const std::string& name);
[[nodiscard]] expected<std::vector<allowed_peer>, std::string> list_peers(const std::string& dir);

[[nodiscard]] expected<key_file, std::string> read_key_file(const std::string& path);
[[nodiscard]] expected<allow_list, std::string> read_allow_list(const std::string& dir);

} // namespace tenbit::link

#include "link/keys.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sodium/utils.h>
#include <unistd.h>
#include <zmq.h>

#include "config/limits.hpp"
#include "link/key_format.hpp"
#include "link/private_file.hpp"
#include "link/signing_file.hpp"

namespace tenbit::link {
namespace {

constexpr const char* server_name = "coordinator";

std::string server_path(const std::string& dir) {
  return (std::filesystem::path(dir) / "server.key").string();
}
std::string peers_path(const std::string& dir) {
  return (std::filesystem::path(dir) / "peers").string();
}
bool is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

expected<key_file, std::string> make_pair(const std::string& name, role_set roles) {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  if (::zmq_curve_keypair(public_key.data(), secret_key.data()) != 0)
    return fail(
        fmt::format("no key pair can be made: {}: this libzmq has no CURVE", std::strerror(errno)));
  key_file key{name, roles, public_key.data(), secret_key.data(), {}};
  ::sodium_memzero(secret_key.data(), secret_key.size());
  return key;
}

status<std::string> write_key(const std::string& path, const key_file& key) {
  std::string text = format_key(key);
  auto written = write_private(path, text, existing::keep_and_fail);
  ::sodium_memzero(text.data(), text.size());
  return written;
}

expected<std::vector<allowed_peer>, std::string> read_peers(const std::string& dir) {
  const std::string path = peers_path(dir);
  if (!is_there(path) && !is_there(server_path(dir)))
    return fail(
        fmt::format("{}: holds no keys; make them with: tenbit keys init --dir {}", dir, dir));
  const auto text = read_private(path, limits::allow_list_bytes_max, others::may_read_only);
  if (!text)
    return fail(text.error());
  auto peers = parse_peers(*text);
  if (!peers)
    return fail(fmt::format("{}: {}", path, peers.error()));
  return peers;
}

status<std::string> write_peers(const std::string& dir, const std::vector<allowed_peer>& peers) {
  const std::string text = format_peers(peers);
  if (text.size() > limits::allow_list_bytes_max)
    return fail(fmt::format("{}: would be larger than {} bytes; remove lines of revoked keys",
                            peers_path(dir), limits::allow_list_bytes_max));
  return write_private(peers_path(dir), text, existing::replace);
}

status<std::string> make_server_files(const std::string& dir) {
  if (!is_there(server_path(dir))) {
    if (is_there(peers_path(dir)))
      return fail(fmt::format("{}: is missing, and the peers' files pin it; put it back from a "
                              "copy, or remove {} and enroll all peers again",
                              server_path(dir), peers_path(dir)));
    // First: a folder with a server key is one that was whole, and gets no other key unasked.
    if (const auto made = init_signing_key_locked(dir); !made)
      return fail(made.error());
    const auto key = make_pair(server_name, {});
    if (!key)
      return fail(key.error());
    if (auto written = write_key(server_path(dir), *key); !written)
      return written;
  }
  return is_there(peers_path(dir)) ? status<std::string>{} : write_peers(dir, {});
}

auto active(const std::string& name) {
  return [&name](const allowed_peer& peer) { return peer.name == name && !peer.revoked; };
}

status<std::string> check_enrollable(const std::string& name, role_set roles,
                                     const std::vector<allowed_peer>& peers) {
  if (!valid_peer_name(name))
    return fail(fmt::format("a name is 1 to {} of a-z A-Z 0-9 . _ -", limits::peer_name_chars_max));
  if (name == server_name)
    return fail(fmt::format("{} is the name of the server's own key; choose another", name));
  if (!roles.any())
    return fail(fmt::format("{} would have no role: name some of solver,oracle,grader", name));
  if (std::any_of(peers.begin(), peers.end(), active(name)))
    return fail(
        fmt::format("{} is enrolled already; choose another name, or revoke it first", name));
  return {};
}

} // namespace

const allowed_peer* allow_list::find(const std::string& public_key) const {
  const auto found = by_key.find(public_key);
  return found == by_key.end() || found->second.revoked ? nullptr : &found->second;
}

expected<key_file, std::string> init_keys(const std::string& dir) {
  if (auto made = make_private_folder(dir); !made)
    return fail(made.error());
  const auto lock = folder_lock::take(dir);
  if (!lock)
    return fail(lock.error());
  if (auto made = make_server_files(dir); !made)
    return fail(made.error());
  if (const auto peers = read_peers(dir); !peers)
    return fail(peers.error());
  return read_key_file(server_path(dir));
}

expected<key_file, std::string> enroll(const std::string& dir, const std::string& name,
                                       role_set roles, const std::string& out) {
  const auto lock = folder_lock::take(dir);
  if (!lock)
    return fail(lock.error());
  auto peers = read_peers(dir);
  if (!peers)
    return fail(peers.error());
  if (auto ok = check_enrollable(name, roles, *peers); !ok)
    return fail(ok.error());
  auto server = read_key_file(server_path(dir));
  if (!server)
    return fail(server.error());
  ::sodium_memzero(server->secret_key.data(), server->secret_key.size());
  auto key = make_pair(name, roles);
  if (!key)
    return key;
  key->server_key = server->public_key;
  if (auto written = write_key(out, *key); !written)
    return fail(written.error());
  peers->push_back({name, roles, key->public_key, false});
  if (auto written = write_peers(dir, *peers); !written) {
    ::unlink(out.c_str()); // a key that nobody admits
    return fail(written.error());
  }
  return key;
}

status<std::string> revoke_key(const std::string& dir, const std::string& name) {
  const auto lock = folder_lock::take(dir);
  if (!lock)
    return fail(lock.error());
  auto peers = read_peers(dir);
  if (!peers)
    return fail(peers.error());
  const auto found = std::find_if(peers->begin(), peers->end(), active(name));
  if (found == peers->end())
    return fail(
        fmt::format("no key of that name is enrolled; see: tenbit keys list --dir {}", dir));
  found->revoked = true;
  return write_peers(dir, *peers);
}

expected<std::vector<allowed_peer>, std::string> list_peers(const std::string& dir) {
  return read_peers(dir);
}

expected<key_file, std::string> read_key_file(const std::string& path) {
  auto text = read_private(path, limits::key_file_bytes_max, others::may_nothing);
  if (!text)
    return fail(text.error());
  auto key = parse_key(*text);
  ::sodium_memzero(text->data(), text->size());
  if (!key)
    return fail(fmt::format("{}: {}", path, key.error()));
  std::array<char, 41> derived{};
  if (::zmq_curve_public(derived.data(), key->secret_key.c_str()) != 0 ||
      key->public_key != derived.data())
    return fail(fmt::format("{}: its public key is not that of its secret key", path));
  return key;
}

expected<allow_list, std::string> read_allow_list(const std::string& dir) {
  auto peers = read_peers(dir);
  if (!peers)
    return fail(peers.error());
  allow_list list;
  for (allowed_peer& peer : *peers) {
    std::string key = peer.public_key;
    list.by_key.emplace(std::move(key), std::move(peer));
  }
  return list;
}

} // namespace tenbit::link

#include "link/key_format.hpp"

#include <array>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <zmq.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::link {
namespace {

constexpr std::string_view key_header = "tenbit-key 1";
constexpr std::string_view peers_header = "tenbit-peers 1";
constexpr std::string_view no_roles = "none"; // the coordinator's own
constexpr std::size_t curve_key_chars = 40;
constexpr std::string_view name_alphabet =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
constexpr std::string_view z85_alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
                                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

// The lines of a text whose every line ends in a newline; empty otherwise.
std::optional<std::vector<std::string_view>> whole_lines(std::string_view text) {
  if (text.empty() || text.back() != '\n')
    return std::nullopt;
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t from = 0;;) {
    const std::size_t end = line.find(' ', from);
    words.push_back(line.substr(from, end - from));
    if (end == std::string_view::npos)
      return words;
    from = end + 1;
  }
}

// "name alpha" → "alpha" when the word is "name".
std::optional<std::string_view> value_of(std::string_view line, std::string_view word) {
  if (line.substr(0, word.size()) != word || line.size() <= word.size() + 1 ||
      line[word.size()] != ' ')
    return std::nullopt;
  return line.substr(word.size() + 1);
}

expected<allowed_peer, std::string> parse_peer(std::string_view line) {
  const auto words = words_of(line);
  if (words.size() < 3 || words.size() > 4)
    return fail<std::string>("expected NAME ROLES KEY and perhaps \"revoked\"");
  if (!valid_peer_name(words[0]))
    return fail<std::string>("the name has other characters than a-z A-Z 0-9 . _ - or is too long");
  const auto roles = parse_roles(words[1]);
  if (!roles)
    return fail<std::string>("the roles are not of solver,oracle,grader");
  if (!valid_curve_key(words[2]))
    return fail<std::string>("the key is not 40 characters of Z85");
  if (words.size() == 4 && words[3] != "revoked")
    return fail<std::string>("only \"revoked\" may follow the key");
  return allowed_peer{std::string(words[0]), *roles, std::string(words[2]), words.size() == 4};
}

std::string at_line(std::size_t index, const std::string& what) {
  return fmt::format("line {}: {}", index + 1, what);
}

} // namespace

bool valid_peer_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::peer_name_chars_max &&
         name.find_first_not_of(name_alphabet) == std::string_view::npos;
}

bool valid_curve_key(std::string_view z85) {
  if (z85.size() != curve_key_chars ||
      z85.find_first_not_of(z85_alphabet) != std::string_view::npos)
    return false;
  std::array<std::uint8_t, 32> bytes{};
  return ::zmq_z85_decode(bytes.data(), std::string(z85).c_str()) != nullptr;
}

std::string format_key(const key_file& key) {
  std::string text =
      fmt::format("{}\nname {}\nroles {}\npublic {}\nsecret {}\n", key_header, key.name,
                  key.roles.any() ? to_string(key.roles) : std::string(no_roles), key.public_key,
                  key.secret_key);
  if (!key.server_key.empty())
    text += fmt::format("server {}\n", key.server_key);
  return text;
}

expected<key_file, std::string> parse_key(std::string_view text) {
  const auto lines = whole_lines(text);
  if (!lines)
    return fail<std::string>("is cut off or empty");
  if ((*lines)[0] != key_header)
    return fail(at_line(0, "is not \"tenbit-key 1\": not a key file, or of another version"));
  if (lines->size() < 5 || lines->size() > 6)
    return fail<std::string>("has not 5 or 6 lines");
  constexpr std::array<std::string_view, 5> words{"name", "roles", "public", "secret", "server"};
  std::array<std::string_view, 5> values;
  for (std::size_t i = 1; i < lines->size(); ++i) {
    const auto value = value_of((*lines)[i], words[i - 1]);
    if (!value)
      return fail(at_line(i, fmt::format("expected \"{} …\"", words[i - 1])));
    values[i - 1] = *value;
  }
  if (!valid_peer_name(values[0]))
    return fail(at_line(1, "the name has characters that no name has, or is too long"));
  const auto roles = values[1] == no_roles ? std::optional(role_set{}) : parse_roles(values[1]);
  if (!roles)
    return fail(at_line(2, "the roles are not of solver,oracle,grader"));
  for (std::size_t i = 2; i + 1 < lines->size(); ++i)
    if (!valid_curve_key(values[i]))
      return fail(at_line(i + 1, "not a key: 40 characters of Z85 are expected"));
  return key_file{std::string(values[0]), *roles, std::string(values[2]), std::string(values[3]),
                  std::string(values[4])};
}

std::string format_peers(const std::vector<allowed_peer>& peers) {
  std::string text = fmt::format("{}\n", peers_header);
  for (const allowed_peer& peer : peers)
    text += fmt::format("{} {} {}{}\n", peer.name, to_string(peer.roles), peer.public_key,
                        peer.revoked ? " revoked" : "");
  return text;
}

expected<std::vector<allowed_peer>, std::string> parse_peers(std::string_view text) {
  const auto lines = whole_lines(text);
  if (!lines)
    return fail<std::string>("is cut off or empty: its last line has no end");
  if ((*lines)[0] != peers_header)
    return fail(at_line(0, "is not \"tenbit-peers 1\": no allow-list, or of another version"));
  std::vector<allowed_peer> peers;
  std::set<std::string> keys;
  std::set<std::string> names;
  for (std::size_t i = 1; i < lines->size(); ++i) {
    auto peer = parse_peer((*lines)[i]);
    if (!peer)
      return fail(at_line(i, peer.error()));
    if (!keys.insert(peer->public_key).second)
      return fail(at_line(i, "the same key stands on an earlier line"));
    if (!peer->revoked && !names.insert(peer->name).second)
      return fail(at_line(i, "the name is on an earlier line and not revoked there"));
    peers.push_back(std::move(*peer));
  }
  return peers;
}

} // namespace tenbit::link

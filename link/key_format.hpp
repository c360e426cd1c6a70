// The texts of key files and of the allow-list: the grammar at the top of keys.hpp, both ways.
//
// Pure; any thread. Reading takes exactly what writing makes, nothing looser: these files decide
// who may connect. Errors say the line, never a secret; the caller puts the file's name before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "link/keys.hpp"

namespace tenbit::link {

[[nodiscard]] bool valid_peer_name(std::string_view name);
// 40 characters of Z85 (ZeroMQ RFC 32) that decode to 32 bytes.
[[nodiscard]] bool valid_curve_key(std::string_view z85);

[[nodiscard]] std::string format_key(const key_file& key);
[[nodiscard]] expected<key_file, std::string> parse_key(std::string_view text);

[[nodiscard]] std::string format_peers(const std::vector<allowed_peer>& peers);
// A name may stand there more than once, but only once without "revoked"; a key only once.
[[nodiscard]] expected<std::vector<allowed_peer>, std::string> parse_peers(std::string_view text);

} // namespace tenbit::link

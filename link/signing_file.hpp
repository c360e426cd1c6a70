// The key that signs what runs came to: beside the coordinator's CURVE keys, in the same folder.
//
//   DIR/signing.key = "tenbit-signing-key 1\n" "public " hex64 "\n" "secret " hex64 "\n"
//                     Ed25519; 0600; secret is the seed
//
// Reading takes exactly what writing makes. The secret is never printed, and wiped where it was
// read or written. Thread-safe functions. Errors are one line for people: the file, what is wrong,
// the mend.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "base/signature.hpp"

namespace tenbit::link {

// Pure. The text holds the secret: the caller wipes it.
[[nodiscard]] std::string format_signing_key(const signing_key& key);
[[nodiscard]] expected<signing_key, std::string> parse_signing_key(std::string_view text);

// Makes the key in a folder of keys; one that is there is kept. Gives its public half.
[[nodiscard]] expected<key256, std::string> init_signing_key(const std::string& dir);
// The same under a folder_lock that the caller holds.
[[nodiscard]] expected<key256, std::string> init_signing_key_locked(const std::string& dir);
// Empty when there is none.
[[nodiscard]] expected<std::optional<signing_key>, std::string>
read_signing_key(const std::string& dir);

} // namespace tenbit::link

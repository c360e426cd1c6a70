// BLAKE2b hashes (RFC 7693) with fields that cannot run into each other.
//
// hasher prefixes every field with its kind and length, so ("ab","c") and ("a","bc") differ.
// Not thread-safe; one hasher, one thread. Never fails.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sodium/crypto_generichash_blake2b.h>
#include <string>
#include <string_view>

namespace tenbit {

struct hash256 {
  static constexpr std::size_t size = 32;
  std::array<unsigned char, size> bytes{};

  friend auto operator<=>(const hash256&, const hash256&) = default;

  // 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  // The raw 32 bytes.
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), size};
  }
  // The first 8 bytes as a big-endian number, for sharding and seeds.
  [[nodiscard]] std::uint64_t prefix() const;

  // Empty unless text is 64 hexadecimal digits.
  [[nodiscard]] static std::optional<hash256> from_hex(std::string_view text);
  // Empty unless raw is 32 bytes.
  [[nodiscard]] static std::optional<hash256> from_bytes(std::string_view raw);
};

class hasher {
public:
  // The domain keeps hashes of different things apart ("call", "experiment", …).
  explicit hasher(std::string_view domain);
  hasher& field(std::string_view bytes);
  hasher& field(std::uint64_t number);
  [[nodiscard]] hash256 finish();

private:
  crypto_generichash_blake2b_state state_;
};

// Plain BLAKE2b-256 of the bytes, no framing.
[[nodiscard]] hash256 hash_bytes(std::string_view bytes);

} // namespace tenbit

template <> struct std::hash<tenbit::hash256> {
  std::size_t operator()(const tenbit::hash256& h) const noexcept {
    return static_cast<std::size_t>(h.prefix());
  }
};

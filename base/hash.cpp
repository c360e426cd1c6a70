#include "base/hash.hpp"

#include <cstring>

namespace tenbit {
namespace {

std::array<unsigned char, 9> frame(unsigned char kind, std::uint64_t number) {
  std::array<unsigned char, 9> out{};
  out[0] = kind;
  for (std::size_t i = 0; i < 8; ++i)
    out[i + 1] = static_cast<unsigned char>(number >> (56 - 8 * i));
  return out;
}

int nibble(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

} // namespace

std::string hash256::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * size);
  for (unsigned char byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::uint64_t hash256::prefix() const {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i)
    out = out << 8 | bytes[i];
  return out;
}

std::optional<hash256> hash256::from_hex(std::string_view text) {
  if (text.size() != 2 * size)
    return std::nullopt;
  hash256 out;
  for (std::size_t i = 0; i < size; ++i) {
    const int high = nibble(text[2 * i]);
    const int low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out.bytes[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return out;
}

std::optional<hash256> hash256::from_bytes(std::string_view raw_bytes) {
  if (raw_bytes.size() != size)
    return std::nullopt;
  hash256 out;
  std::memcpy(out.bytes.data(), raw_bytes.data(), size);
  return out;
}

hasher::hasher(std::string_view domain) {
  crypto_generichash_blake2b_init(&state_, nullptr, 0, hash256::size);
  field(domain);
}

hasher& hasher::field(std::string_view bytes) {
  const auto head = frame('s', bytes.size());
  crypto_generichash_blake2b_update(&state_, head.data(), head.size());
  crypto_generichash_blake2b_update(&state_, raw(bytes), bytes.size());
  return *this;
}

hasher& hasher::field(std::uint64_t number) {
  const auto head = frame('n', number);
  crypto_generichash_blake2b_update(&state_, head.data(), head.size());
  return *this;
}

hash256 hasher::finish() {
  hash256 out;
  crypto_generichash_blake2b_final(&state_, out.bytes.data(), hash256::size);
  return out;
}

hash256 hash_bytes(std::string_view bytes) {
  hash256 out;
  crypto_generichash_blake2b(out.bytes.data(), hash256::size, raw(bytes), bytes.size(), nullptr, 0);
  return out;
}

} // namespace tenbit

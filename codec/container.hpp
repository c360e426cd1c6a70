// The .tbit container: the bytes a receiver needs, with the problem, to rebuild one answer.
//
// The byte grammar stands at the top of container.cpp. Decoding is total: any bytes give a
// container or a named error, never a wrong answer. Header bytes and payload bits are told apart
// everywhere: the payload is what the method sends, the header is what a file needs. Values and
// pure functions; the two bit classes belong to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "base/hash.hpp"

namespace tenbit {

namespace container_limits {
inline constexpr std::uint64_t recipe_bytes_max = 1U << 20;
inline constexpr std::uint64_t payload_bytes_max = 4U << 20; // the largest reply text
} // namespace container_limits

// One answer on its way to a receiver. write_container asserts what the comments promise.
struct bitstream {
  std::string recipe; // canonical JSON: method, models, sampling, switches; valid UTF-8
  hash256 problem;    // hash_bytes(question)
  std::uint16_t arm = 0;
  std::uint16_t trial = 0;
  std::uint64_t payload_bits = 0;
  std::string payload; // ceil(payload_bits / 8) bytes, most significant bit first, padding 0
  hash256 answer;      // hash_bytes(final answer text), to tell match from mismatch
  friend bool operator==(const bitstream&, const bitstream&) = default;
};

enum class container_error : std::uint8_t { not_tbit, version, truncated, checksum, malformed };
struct container_failure {
  container_error kind = container_error::not_tbit;
  std::string message;
};

[[nodiscard]] std::string write_container(const bitstream& b);
[[nodiscard]] expected<bitstream, container_failure> read_container(std::string_view bytes);
// Bytes of the container that are not payload.
[[nodiscard]] std::uint64_t header_bytes(const bitstream& b);

// Packed bits, most significant first.
class bit_writer {
public:
  void put(bool bit);
  void put(std::uint64_t value, unsigned width); // width <= 64, most significant bit first
  [[nodiscard]] std::uint64_t bits() const { return bits_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
  std::string bytes_;
  std::uint64_t bits_ = 0;
};

// Reads what a bit_writer wrote; the bytes outlive it.
class bit_reader {
public:
  bit_reader(std::string_view bytes, std::uint64_t bits) : bytes_(bytes), bits_(bits) {}
  // Fails as truncated past the end of the bits or of the bytes.
  [[nodiscard]] expected<bool, container_failure> next();
  [[nodiscard]] std::uint64_t left() const { return bits_ - at_; }

private:
  std::string_view bytes_;
  std::uint64_t bits_ = 0;
  std::uint64_t at_ = 0;
};

} // namespace tenbit

// The bytes of a .tbit file:
//
//   file     := magic version recipe problem arm trial payload answer checksum
//   magic    := "TBIT"
//   version  := 0x01
//   recipe   := varint(bytes) bytes          UTF-8, at most container_limits::recipe_bytes_max
//   problem  := 32 bytes                     BLAKE2b-256 of the question
//   arm      := varint                       at most 65535
//   trial    := varint                       at most 65535
//   payload  := varint(bits) ceil(bits / 8) bytes
//                                            most significant bit first; unused low bits of the
//                                            last byte 0
//   answer   := 32 bytes                     BLAKE2b-256 of the final answer text
//   checksum := 16 bytes                     the first half of the BLAKE2b-256 of all bytes before
//   varint   := little-endian base 128, high bit set on all bytes but the last, in its shortest
//   form
//
// Nothing follows the checksum. The checksum is against accidents, not forgery: who can change a
// file can also compute it again.
#include "codec/container.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace tenbit {
namespace {

constexpr std::string_view magic = "TBIT";
constexpr char version_1 = '\x01';
constexpr std::size_t checksum_bytes = 16;

constexpr std::uint64_t bytes_of(std::uint64_t bits) {
  return bits / 8 + (bits % 8 != 0 ? 1 : 0);
}

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out.push_back(static_cast<char>((value & 0x7FU) | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

std::uint64_t varint_bytes(std::uint64_t value) {
  std::uint64_t bytes = 1;
  for (; value >= 0x80U; value >>= 7U)
    ++bytes;
  return bytes;
}

bool padding_is_zero(std::string_view payload, std::uint64_t bits) {
  const auto used = static_cast<unsigned>(bits % 8);
  if (used == 0)
    return true;
  return (static_cast<unsigned char>(payload.back()) & (0xFFU >> used)) == 0;
}

std::string checksum(std::string_view bytes) {
  return std::string(hash_bytes(bytes).view().substr(0, checksum_bytes));
}

auto failed(container_error kind, std::string message) {
  return fail(container_failure{kind, std::move(message)});
}

// Takes fields off the front of the bytes.
class field_reader {
public:
  explicit field_reader(std::string_view bytes) : bytes_(bytes) {}

  expected<std::string_view, container_failure> raw(std::uint64_t count, std::string_view what) {
    if (count > bytes_.size() - at_)
      return failed(container_error::truncated,
                    fmt::format("the file ends inside its {} (byte {})", what, bytes_.size()));
    const auto field = bytes_.substr(at_, count);
    at_ += count;
    return field;
  }

  expected<std::uint64_t, container_failure> varint(std::uint64_t max, std::string_view what) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = raw(1, what);
      if (!byte)
        return fail(byte.error());
      const auto low = static_cast<unsigned char>(byte->front()) & 0x7FU;
      const bool last = (static_cast<unsigned char>(byte->front()) & 0x80U) == 0;
      if ((shift == 63 && low > 1) || (last && low == 0 && shift > 0))
        return failed(container_error::malformed,
                      fmt::format("the number of its {} is not in its shortest form", what));
      value |= std::uint64_t{low} << shift;
      if (!last)
        continue;
      if (value > max)
        return failed(
            container_error::malformed,
            fmt::format("the number of its {} is {}, at most {} is allowed", what, value, max));
      return value;
    }
    return failed(container_error::malformed, fmt::format("the number of its {} is endless", what));
  }

  expected<hash256, container_failure> hash(std::string_view what) {
    return raw(hash256::size, what).map([](std::string_view bytes) {
      return *hash256::from_bytes(bytes);
    });
  }

  [[nodiscard]] std::size_t at() const { return at_; }

private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

// Takes a field into `to`; false once anything failed, with the first failure kept.
class field_chain {
public:
  template <class T, class To> bool take(expected<T, container_failure> from, To& to) {
    if (!from) {
      failure = std::move(from.error());
      return false;
    }
    to = static_cast<To>(*from);
    return true;
  }
  container_failure failure;
};

expected<bitstream, container_failure> read_fields(field_reader& in) {
  bitstream b;
  field_chain chain;
  std::uint64_t recipe_bytes = 0;
  const bool whole =
      chain.take(in.varint(container_limits::recipe_bytes_max, "recipe"), recipe_bytes) &&
      chain.take(in.raw(recipe_bytes, "recipe"), b.recipe) &&
      chain.take(in.hash("problem"), b.problem) && chain.take(in.varint(0xFFFF, "arm"), b.arm) &&
      chain.take(in.varint(0xFFFF, "trial"), b.trial) &&
      chain.take(in.varint(container_limits::payload_bytes_max * 8, "payload"), b.payload_bits) &&
      chain.take(in.raw(bytes_of(b.payload_bits), "payload"), b.payload) &&
      chain.take(in.hash("answer"), b.answer);
  if (!whole)
    return fail(std::move(chain.failure));
  return b;
}

void append_fields(std::string& out, const bitstream& b) {
  out += magic;
  out.push_back(version_1);
  put_varint(out, b.recipe.size());
  out += b.recipe;
  out += b.problem.view();
  put_varint(out, b.arm);
  put_varint(out, b.trial);
  put_varint(out, b.payload_bits);
  out += b.payload;
  out += b.answer.view();
}

} // namespace

std::string write_container(const bitstream& b) {
  TENBIT_ASSERT(b.recipe.size() <= container_limits::recipe_bytes_max && valid_utf8(b.recipe));
  TENBIT_ASSERT(b.payload_bits <= container_limits::payload_bytes_max * 8);
  TENBIT_ASSERT(b.payload.size() == bytes_of(b.payload_bits));
  TENBIT_ASSERT(padding_is_zero(b.payload, b.payload_bits));
  std::string out;
  out.reserve(header_bytes(b) + b.payload.size());
  append_fields(out, b);
  out += checksum(out);
  return out;
}

std::uint64_t header_bytes(const bitstream& b) {
  return magic.size() + 1 + varint_bytes(b.recipe.size()) + b.recipe.size() + 2 * hash256::size +
         varint_bytes(b.arm) + varint_bytes(b.trial) + varint_bytes(b.payload_bits) +
         checksum_bytes;
}

expected<bitstream, container_failure> read_container(std::string_view bytes) {
  field_reader in(bytes);
  const auto start = in.raw(magic.size(), "first bytes");
  if (!start || *start != magic)
    return failed(container_error::not_tbit, "this is no .tbit file: it does not start with TBIT");
  const auto version = in.raw(1, "version");
  if (!version)
    return fail(version.error());
  if (version->front() != version_1)
    return failed(container_error::version,
                  fmt::format("the file has version {}, this program reads version 1",
                              static_cast<unsigned char>(version->front())));
  auto b = read_fields(in);
  if (!b)
    return b;
  const auto body = bytes.substr(0, in.at());
  const auto sum = in.raw(checksum_bytes, "checksum");
  if (!sum)
    return fail(sum.error());
  if (in.at() != bytes.size())
    return failed(
        container_error::malformed,
        fmt::format("{} bytes follow the end of the file's content", bytes.size() - in.at()));
  if (*sum != checksum(body))
    return failed(container_error::checksum, "the checksum differs: the file is damaged");
  if (!padding_is_zero(b->payload, b->payload_bits))
    return failed(container_error::malformed, "the unused bits of the payload are not 0");
  if (!valid_utf8(b->recipe))
    return failed(container_error::malformed, "the recipe is not valid UTF-8");
  return b;
}

void bit_writer::put(bool bit) {
  if (bits_ % 8 == 0)
    bytes_.push_back('\0');
  if (bit)
    bytes_.back() =
        static_cast<char>(static_cast<unsigned char>(bytes_.back()) | (0x80U >> (bits_ % 8)));
  ++bits_;
}

void bit_writer::put(std::uint64_t value, unsigned width) {
  TENBIT_ASSERT(width <= 64);
  TENBIT_ASSERT(width == 64 || value >> width == 0);
  for (unsigned i = width; i-- > 0;)
    put((value >> i & 1U) != 0);
}

expected<bool, container_failure> bit_reader::next() {
  if (at_ >= bits_ || at_ / 8 >= bytes_.size())
    return failed(container_error::truncated, fmt::format("the payload ends after {} bits", at_));
  const auto byte = static_cast<unsigned char>(bytes_[at_ / 8]);
  const bool bit = (byte >> (7 - at_ % 8) & 1U) != 0;
  ++at_;
  return bit;
}

} // namespace tenbit

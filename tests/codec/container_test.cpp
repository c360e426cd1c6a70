#include "codec/container.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/text.hpp"

namespace tenbit {
namespace {

bitstream sample() {
  bitstream b;
  b.recipe = R"({"format":1})";
  b.problem = hash_bytes("How many?");
  b.arm = 3;
  b.trial = 300;
  b.payload_bits = 10;
  b.payload = "\xB5\x40";
  b.answer = hash_bytes("#### 7");
  return b;
}

container_error error_of(const std::string& bytes) {
  const auto read = read_container(bytes);
  EXPECT_FALSE(read);
  return read ? container_error::not_tbit : read.error().kind;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 0xFU];
  }
  return out;
}

// The bytes with a right checksum, for the checks behind it.
std::string resealed(std::string bytes) {
  bytes.resize(bytes.size() - 16);
  return bytes + std::string(hash_bytes(bytes).view().substr(0, 16));
}

// Offsets in sample(): magic 4, version 1, recipe 1 + 12, problem 32, arm 1, trial 2, bits 1,
// payload 2.
constexpr std::size_t recipe_at = 6;
constexpr std::size_t arm_at = 50;
constexpr std::size_t payload_at = 54;

} // namespace

TEST(Container_Bytes, Sample_AreTheGoldenOnes) {
  const auto b = sample();
  const std::string head = "54424954"
                           "01"
                           "0c"
                           "7b22666f726d6174223a317d";
  const std::string body = head + b.problem.hex() +
                           "03"
                           "ac02"
                           "0a"
                           "b540" +
                           b.answer.hex();
  const auto bytes = write_container(b);
  EXPECT_EQ(hex(bytes).substr(0, body.size()), body);
  EXPECT_EQ(hex(bytes).substr(body.size()), "e831fc26334febc8f40f1b82346bb0ea");
}

TEST(Container_RoundTrip, Sample_IsEqual) {
  const auto read = read_container(write_container(sample()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sample());
}

RC_GTEST_PROP(Container_RoundTrip, AnyBitstream_IsEqual,
              (const std::string& recipe, std::uint16_t arm, std::uint16_t trial,
               const std::vector<bool>& bits, const std::string& text)) {
  bit_writer writer;
  for (const bool bit : bits)
    writer.put(bit);
  bitstream b;
  b.recipe = repair_utf8(recipe);
  b.problem = hash_bytes(text);
  b.arm = arm;
  b.trial = trial;
  b.payload_bits = writer.bits();
  b.payload = writer.bytes();
  b.answer = hash_bytes(recipe);
  const auto bytes = write_container(b);
  RC_ASSERT(bytes.size() == header_bytes(b) + b.payload.size());
  const auto read = read_container(bytes);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == b);
  RC_ASSERT(write_container(*read) == bytes);
}

RC_GTEST_PROP(Container_Read, AnyBytes_AreReadOrRefused, (const std::string& tail)) {
  for (const auto& bytes : {tail, "TBIT\x01" + tail}) {
    const auto read = read_container(bytes);
    RC_ASSERT((read ? write_container(*read) == bytes : !read.error().message.empty()));
  }
}

TEST(Container_Read, EveryTruncation_IsRefused) {
  const auto bytes = write_container(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto kind = error_of(bytes.substr(0, size));
    EXPECT_EQ(kind, size < 4 ? container_error::not_tbit : container_error::truncated) << size;
  }
}

TEST(Container_Read, EveryFlippedBit_IsRefused) {
  const auto bytes = write_container(sample());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(read_container(damaged)) << "bit " << bit;
  }
}

TEST(Container_Read, DamagedPayload_IsAChecksumError) {
  auto bytes = write_container(sample());
  bytes[payload_at] = '\x00';
  EXPECT_EQ(error_of(bytes), container_error::checksum);
}

TEST(Container_Read, TrailingByte_IsMalformed) {
  EXPECT_EQ(error_of(write_container(sample()) + '\0'), container_error::malformed);
}

TEST(Container_Read, OtherMagicOrVersion_IsNamed) {
  auto bytes = write_container(sample());
  bytes[4] = '\x02';
  EXPECT_EQ(error_of(resealed(bytes)), container_error::version);
  bytes[0] = 'P';
  EXPECT_EQ(error_of(resealed(bytes)), container_error::not_tbit);
}

TEST(Container_Read, PaddingThatIsNotZero_IsMalformed) {
  auto bytes = write_container(sample());
  ASSERT_EQ(bytes[payload_at + 1], '\x40');
  bytes[payload_at + 1] = '\x41';
  EXPECT_EQ(error_of(resealed(bytes)), container_error::malformed);
}

TEST(Container_Read, RecipeThatIsNoUtf8_IsMalformed) {
  auto bytes = write_container(sample());
  bytes[recipe_at] = '\xFF';
  EXPECT_EQ(error_of(resealed(bytes)), container_error::malformed);
}

TEST(Container_Read, LongFormOfANumber_IsMalformed) {
  auto bytes = write_container(sample());
  bytes.replace(arm_at, 1, std::string("\x83\x00", 2));
  EXPECT_EQ(error_of(resealed(bytes)), container_error::malformed);
}

TEST(Container_Read, NumberOverItsLimit_IsMalformed) {
  const auto bytes = write_container(sample());
  const std::string huge = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"; // 2^64 - 1
  for (const std::size_t at : {recipe_at - 1, arm_at, payload_at - 1}) {
    auto changed = bytes;
    changed.replace(at, 1, huge);
    EXPECT_EQ(error_of(resealed(changed)), container_error::malformed) << at;
    changed.replace(at, huge.size(), std::string(9, '\xFF') + '\x02'); // over 64 bits
    EXPECT_EQ(error_of(resealed(changed)), container_error::malformed) << at;
  }
}

TEST(Bits_Order, FirstBit_IsTheHighest) {
  bit_writer writer;
  writer.put(true);
  writer.put(0b0110101, 7);
  writer.put(1, 1);
  EXPECT_EQ(writer.bits(), 9U);
  EXPECT_EQ(writer.bytes(), "\xB5\x80");
}

RC_GTEST_PROP(Bits_RoundTrip, AnyBits_AreEqual, (const std::vector<bool>& bits)) {
  bit_writer writer;
  for (const bool bit : bits)
    writer.put(bit);
  bit_reader reader(writer.bytes(), writer.bits());
  for (const bool bit : bits) {
    const auto next = reader.next();
    RC_ASSERT(next && *next == bit);
  }
  RC_ASSERT(reader.left() == 0U);
  RC_ASSERT(!reader.next());
}

TEST(BitReader_Next, FewerBytesThanBits_IsTruncated) {
  bit_reader reader("\xFF", 20);
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(reader.next());
  EXPECT_EQ(reader.next().error().kind, container_error::truncated);
}

} // namespace tenbit

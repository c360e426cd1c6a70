// The bytes of one message of every type, as they must stay while the version is 1. The samples are
// wire_test::counting: every field has the next number, or a text with it, so a field that moved or
// changed its form shows.
#include <array>
#include <gtest/gtest.h>

#include "actors/wire.hpp"
#include "tests/actors/wire_samples.hpp"

namespace tenbit::wire {
namespace {

struct golden {
  std::string_view type;
  std::string_view hex;
};

constexpr std::array<golden, std::variant_size_v<from_peer>> from_peer_bytes{{
    {"hello", "9a0101a274310203070492930506079308090a92920b0c920d0e92940f1011c420"
              "121212121212121212121212121212121212121212121212121212121212121294131415c420"
              "1616161616161616161616161616161616161616161616161616161616161616"},
    {"heartbeat",
     "97010201020392990405060708030a0b0c990d0e0f10110013141592dc0014a3743232a3743233a374323419"
     "1a1b1c1d1e1f952021222324252627cb4044400000000000cb4044c00000000000cb4045400000000000cb40"
     "45c00000000000cb4046400000000000cb4046c00000000000dc0014a3743436a3743437a374343831323334"
     "3536379538393a3b3c3d3e3fcb4050200000000000cb4050600000000000cb4050a00000000000cb4050e000"
     "00000000cb4051200000000000cb4051600000000000"},
    {"goodbye", "930103a27431"},
    {"experiment_refused", "94010e01a27432"},
    {"append_request",
     "9701040102030492c44ddc00140100c420050505050505050505050505050505050505050505050505050505"
     "050505050500a2743708a27439a3743130a3743131a37431320d0ec3cb402f000000000000101112131415c4"
     "5a9c010116171801c4201a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1aa374"
     "3237cb403c800000000000c3c3c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
     "1d1d1d"},
    {"ask_message", "9a010501020304050692a27437a27438a27439"},
    {"text_request",
     "99010601020304050698a27437929202a274399201a3743131cb4029000000000000cb402b0000000000000e"
     "0fc310"},
    {"arm_finished",
     "9e01070102030405c4200606060606060606060606060606060606060606060606060606060606060606a274"
     "37c4200808080808080808080808080808080808080808080808080808080808080808a274390a0bc4037431"
     "32"},
    {"task_released", "9701080102030405"},
    {"oracle_append",
     "9701090102030492c44ddc00140100c420050505050505050505050505050505050505050505050505050505"
     "050505050500a2743708a27439a3743130a3743131a37431320d0ec3cb402f000000000000101112131415c4"
     "5a9c010116171801c4201a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1aa374"
     "3237cb403c800000000000c3c3c4201d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d"
     "1d1d1d"},
    {"oracle_failed", "97010a01020304a27435"},
    {"oracle_text_reply", "96010b010203a27434"},
    {"forgotten", "94010c0102"},
    {"graded",
     "95010d0102c47a9e01020304c420050505050505050505050505050505050505050505050505050505050505"
     "0505c4200606060606060606060606060606060606060606060606060606060606060606c420070707070707"
     "0707070707070707070707070707070707070707070707070707a27438a27439c3c30a0bc403743132"},
}};

constexpr std::array<golden, std::variant_size_v<to_peer>> to_peer_bytes{{
    {"welcome", "960140010203a27434"},
    {"refused", "940141a27431c3"},
    {"hello_wanted", "920142"},
    {"experiment_text", "94014301a27432"},
    {"heartbeat_ack", "940144019294020304c4200505050505050505050505050505050505050505050505050505"
                      "05050505050594060708c420090909090909090909090909090909090909090909090909"
                      "0909090909090909"},
    {"leave_order", "930145a27431"},
    {"grant",
     "9801460102039304a27435a2743692c44edc00140100c4200707070707070707070707070707070707070707"
     "07070707070707070707070702a274390aa3743131a3743132a3743133a37431340f10c3cb40318000000000"
     "00121314151617c45a9c010118191a00c4201c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c"
     "1c1c1c1c1c1ca3743239cb403e800000000000c3c3c4201f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f"
     "1f1f1f1f1f1f1f1f1f1f1f92922021922223"},
    {"appended", "96014701020304"},
    {"bits_reply", "980148010203049202009200a27438"},
    {"text_reply", "98014901020304a274359206a27437"},
    {"arm_closed", "97014a0102030405"},
    {"release_ack", "95014b010203"},
    {"revoke", "96014c010203a27434"},
    {"hand_back", "95014d010203"},
    {"oracle_ask",
     "9d014e0102039304a27435a27436070892a27439a3743130a374313192000192ab474f4c442d414e53574552"
     "ad474f4c442d534f4c5554494f4e92c44fdc00140100c4200e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"
     "0e0e0e0e0e0e0e0e0e0e0e0e00a374313611a3743138a3743139a3743230a37432311617c3cb403880000000"
     "0000191a1b1c1d1ec45a9c01011f202101c42023232323232323232323232323232323232323232323232323"
     "23232323232323a3743336cb4042c00000000000c3c3c4202626262626262626262626262626262626262626"
     "262626262626262626262626"},
    {"oracle_text",
     "97014f01020398a27434929202a274369201a27438cb4023000000000000cb40250000000000000b0cc30d92"
     "c44fdc00140100c4200e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e00a374"
     "313611a3743138a3743139a3743230a37432311617c3cb4038800000000000191a1b1c1d1ec45a9c01011f20"
     "2101c4202323232323232323232323232323232323232323232323232323232323232323a3743336cb4042c0"
     "0000000000c3c3c4202626262626262626262626262626262626262626262626262626262626262626"},
    {"oracle_appended", "96015001020304"},
    {"forget_task", "9401510102"},
    {"grade_request",
     "9401529c0102030405c4200606060606060606060606060606060606060606060606060606060606060606a2"
     "7437c4200808080808080808080808080808080808080808080808080808080808080808a274390a0bc40374"
     "313292ab474f4c442d414e53574552ad474f4c442d534f4c5554494f4e"},
    {"endpoint_order", "950153a274310203"},
}};

std::string unhex(std::string_view hex) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(value(hex[i]) << 4 | value(hex[i + 1])));
  return out;
}

template <class Variant, class Decode, std::size_t size>
void expect_golden(const std::array<golden, size>& table, Decode decode) {
  auto messages = wire_test::one_of_each<Variant>(wire_test::counting);
  ASSERT_EQ(messages.size(), size);
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_EQ(wire_test::hex(encode(messages[i])), table[i].hex) << table[i].type;
    auto back = decode(unhex(table[i].hex));
    ASSERT_TRUE(back) << table[i].type << ": " << back.error().message;
    EXPECT_TRUE(wire_test::same(*back, messages[i])) << table[i].type;
  }
}

template <class Decode, std::size_t size>
void expect_prefixes_fail(const std::array<golden, size>& table, Decode decode) {
  for (const auto& one : table) {
    const auto bytes = unhex(one.hex);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      const auto back = decode(std::string_view(bytes).substr(0, length));
      ASSERT_FALSE(back) << one.type << " " << length;
      EXPECT_FALSE(back.error().other_version) << one.type << " " << length;
    }
  }
}

} // namespace

TEST(WireBytes, EveryMessageOfAPeer_HasTheGoldenOnes) {
  expect_golden<from_peer>(from_peer_bytes, decode_from_peer);
}

TEST(WireBytes, EveryMessageToAPeer_HasTheGoldenOnes) {
  expect_golden<to_peer>(to_peer_bytes, decode_to_peer);
}

TEST(WireDecode, EveryPrefixOfAGoldenFrame_IsAnError) {
  expect_prefixes_fail(from_peer_bytes, decode_from_peer);
  expect_prefixes_fail(to_peer_bytes, decode_to_peer);
}

// A member left out of `members` would not be compared: the comparison must see a change.
TEST(WireSamples, OtherMessage_IsNotTheSame) {
  const auto other = [] { return wire_test::random_source(1); };
  auto a = wire_test::one_of_each<to_peer>(wire_test::counting);
  auto b = wire_test::one_of_each<to_peer>(other);
  for (std::size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(wire_test::same(a[i], b[i]), std::holds_alternative<hello_wanted>(a[i])) << i;
}

} // namespace tenbit::wire

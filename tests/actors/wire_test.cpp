#include "actors/wire.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
// Its zone frees what it allocated itself; GCC 12 takes that for a mismatch at -Og.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#include <msgpack.hpp>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"
#include "tests/actors/wire_samples.hpp"

namespace tenbit::wire {
namespace {

using testing::HasSubstr;
using wire_test::counting;
using wire_test::filler;
using wire_test::one_of_each;

template <class Variant> auto decode_as(std::string_view bytes) {
  if constexpr (std::is_same_v<Variant, from_peer>)
    return decode_from_peer(bytes);
  else
    return decode_to_peer(bytes);
}

template <class Message> Message sample() {
  Message out;
  filler(counting()).fill(out);
  return out;
}

// The error of the frame of this message.
template <class Variant> std::string error_of(Variant message) {
  const auto back = decode_as<Variant>(encode(message));
  return back ? "" : back.error().message;
}

template <class Variant> void expect_round_trips(std::uint64_t seed) {
  for (auto& message : one_of_each<Variant>([seed] { return wire_test::random_source(seed); })) {
    const auto bytes = encode(message);
    auto back = decode_as<Variant>(bytes);
    if (!back)
      RC_FAIL(back.error().message);
    RC_ASSERT(wire_test::same(message, *back));
    RC_ASSERT(encode(*back) == bytes);
  }
}

// Whatever the decoder takes has those bytes as its only ones.
template <class Variant> void expect_total(std::string_view bytes) {
  const auto back = decode_as<Variant>(bytes);
  if (back)
    ASSERT_EQ(wire_test::hex(encode(*back)), wire_test::hex(bytes));
  else
    ASSERT_FALSE(back.error().message.empty());
}

template <class Variant> void expect_corruption_is_survived() {
  for (const auto& message : one_of_each<Variant>(counting)) {
    const auto good = encode(message);
    for (std::size_t at = 0; at < good.size(); ++at)
      for (const unsigned flip : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 255U}) {
        auto bytes = good;
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ flip);
        ASSERT_NO_FATAL_FAILURE(expect_total<Variant>(bytes)) << at;
      }
    for (std::size_t at = 0; at < good.size(); ++at)
      for (const unsigned lead : {0x00U, 0x90U, 0xc0U, 0xc1U, 0xc6U, 0xcbU, 0xdbU, 0xddU, 0xdfU}) {
        auto bytes = good;
        bytes[at] = static_cast<char>(lead);
        ASSERT_NO_FATAL_FAILURE(expect_total<Variant>(bytes)) << at;
      }
  }
}

// A library that did not write the bytes reads them whole, and writes them the same.
template <class Variant> void expect_is_msgpack(std::uint64_t seed) {
  for (const auto& message :
       one_of_each<Variant>([seed] { return wire_test::random_source(seed); })) {
    const auto bytes = encode(message);
    std::size_t end = 0;
    const auto object = msgpack::unpack(bytes.data(), bytes.size(), end);
    RC_ASSERT(end == bytes.size());
    msgpack::sbuffer again;
    msgpack::pack(again, object.get());
    RC_ASSERT(std::string(again.data(), again.size()) == bytes);
  }
}

void replace_once(std::string& bytes, std::string_view what, std::string_view with) {
  const auto at = bytes.find(what);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, what.size(), with);
}

} // namespace

RC_GTEST_PROP(WireRoundTrip, EveryMessage_IsEqual, (std::uint64_t seed)) {
  expect_round_trips<from_peer>(seed);
  expect_round_trips<to_peer>(seed);
}

RC_GTEST_PROP(WireBytes, EveryMessage_IsMsgpackToAnother, (std::uint64_t seed)) {
  expect_is_msgpack<from_peer>(seed);
  expect_is_msgpack<to_peer>(seed);
}

TEST(WireDecode, OneByteChanged_IsAnErrorOrAnotherMessage) {
  expect_corruption_is_survived<from_peer>();
  expect_corruption_is_survived<to_peer>();
}

RC_GTEST_PROP(WireDecode, AnyBytes_AreTotal, (const std::string& bytes)) {
  expect_total<from_peer>(bytes);
  expect_total<to_peer>(bytes);
}

TEST(WireDecode, TypeOfTheOtherDirection_IsAnError) {
  EXPECT_EQ(decode_to_peer(encode(from_peer(goodbye{}))).error().message,
            "frame: type 3 is not known");
  EXPECT_EQ(decode_from_peer(encode(to_peer(hello_wanted{}))).error().message,
            "frame: type 66 is not known");
}

TEST(WireDecode, OtherVersion_IsToldWhateverFollows) {
  for (const std::string& bytes :
       {std::string("\x92\x02\x42"), std::string("\x91\x02"), std::string("\x91\xcd\x01\x00", 4),
        std::string("\x93\x00\xc1\xff", 4), std::string("\x92\x02\x81\xc0\xc0")}) {
    const auto back = decode_to_peer(bytes);
    ASSERT_FALSE(back);
    EXPECT_TRUE(back.error().other_version) << wire_test::hex(bytes);
    EXPECT_THAT(back.error().message, HasSubstr("is not known, only 1"));
  }
}

TEST(WireDecode, NoVersion_IsNotAnotherVersion) {
  for (const std::string& bytes :
       {std::string(), std::string("\x90"), std::string("\x01"), std::string("\xc0"),
        std::string("\x92\xc0\x42"), std::string("\x92\xcc\x01\x42"), std::string("\xdd\xff"),
        std::string("hello"), std::string("\x92\x01\x43")}) {
    const auto back = decode_to_peer(bytes);
    ASSERT_FALSE(back) << wire_test::hex(bytes);
    EXPECT_FALSE(back.error().other_version) << wire_test::hex(bytes);
  }
}

TEST(WireDecode, TrailingByte_IsAnError) {
  for (const auto& message : one_of_each<from_peer>(counting))
    EXPECT_THAT(decode_from_peer(encode(message) + '\0').error().message,
                HasSubstr("1 bytes after its end"));
  for (const auto& message : one_of_each<to_peer>(counting))
    EXPECT_THAT(decode_to_peer(encode(message) + '\0').error().message,
                HasSubstr("1 bytes after its end"));
}

TEST(WireDecode, FieldTooManyOrTooFew_IsAnError) {
  EXPECT_EQ(decode_to_peer(std::string("\x93\x01\x42\x00", 4)).error().message,
            "hello_wanted: more fields than the kind has");
  EXPECT_EQ(decode_to_peer("\x92\x01\x44").error().message,
            "heartbeat_ack: field 3 (number) is missing");
}

TEST(WireDecode, LongerForm_IsAnError) {
  EXPECT_TRUE(decode_to_peer("\x94\x01\x44\x05\x90"));
  EXPECT_EQ(decode_to_peer("\x94\x01\x44\xcc\x05\x90").error().message,
            "heartbeat_ack: field 3 (number) is not in its shortest form");
  EXPECT_FALSE(decode_to_peer("\x94\x01\x44\xd0\x05\x90"));              // signed
  EXPECT_FALSE(decode_to_peer(std::string("\xdc\x00\x02\x01\x42", 5)));  // array of 2
  EXPECT_FALSE(decode_to_peer(std::string("\x93\x01\x45\xd9\x01\x61"))); // str of 1
}

TEST(WireDecode, Bombs_AreErrors) {
  const std::string item("\xdd\xff\xff\xff\xff", 5); // array of 2^32 - 1
  EXPECT_FALSE(decode_from_peer(item));
  EXPECT_FALSE(decode_from_peer("\x9a\x01\x01\xa0\x01\x01\x01\x01" + item));
  EXPECT_FALSE(decode_from_peer("\x97\x01\x04\x01\x01\x01\x01" + item));        // events
  EXPECT_FALSE(decode_from_peer("\x97\x01\x04\x01\x01\x01\x01" + item + item)); // of events
  EXPECT_FALSE(decode_from_peer("\x93\x01\x03\xdb\xff\xff\xff\xff"));           // str
  EXPECT_FALSE(decode_from_peer("\x97\x01\x04\x01\x01\x01\x01\x91\xc6\xff\xff\xff\xff"));
  EXPECT_FALSE(decode_from_peer(std::string(1 << 20, '\x91'))); // depth
  EXPECT_FALSE(decode_from_peer("\x97\x01\x04\x01\x01\x01\x01" + std::string(1 << 20, '\x91')));
  EXPECT_FALSE(decode_from_peer(std::string("\xdf\xff\xff\xff\xff", 5))); // map
}

TEST(WireDecode, FrameOverTheLimit_IsAnError) {
  auto bytes = encode(to_peer(hello_wanted{}));
  bytes.resize(limits::frame_bytes_max + 1);
  EXPECT_THAT(decode_to_peer(bytes).error().message, HasSubstr("at most"));
}

TEST(WireDecode, TooManyItems_AreErrors) {
  ask_message ask;
  ask.questions.resize(limits::questions_max);
  EXPECT_EQ(error_of(from_peer(ask)), "");
  ask.questions.emplace_back();
  EXPECT_THAT(error_of(from_peer(ask)), HasSubstr("(questions) has more than 1000 items"));

  hello greeting;
  greeting.leases.resize(limits::frame_items_max);
  EXPECT_EQ(error_of(from_peer(greeting)), "");
  greeting.leases.emplace_back();
  EXPECT_THAT(error_of(from_peer(greeting)), HasSubstr("(leases) has more than 65536 items"));

  bits_reply bits;
  bits.values.resize(limits::questions_max + 1);
  EXPECT_THAT(error_of(to_peer(bits)), HasSubstr("(values) has more than"));
  append_request append;
  append.events.resize(limits::frame_items_max + 1, failure_event{});
  EXPECT_THAT(error_of(from_peer(append)), HasSubstr("(events) has more than"));
}

TEST(WireDecode, TooLongText_IsAnError) {
  welcome greeting;
  greeting.name.assign(limits::peer_name_chars_max, 'n');
  EXPECT_EQ(error_of(to_peer(greeting)), "");
  greeting.name += 'n';
  EXPECT_THAT(error_of(to_peer(greeting)), HasSubstr("(name) is longer than 64 bytes"));

  auto work = sample<grant>();
  work.item = std::make_shared<problem>(
      problem{1, "p", std::string(limits::problem_text_bytes_max + 1, 'q')});
  EXPECT_THAT(error_of(to_peer(work)), HasSubstr("(question) is longer than"));
  experiment_text text{experiment_id{1}, std::string(limits::experiment_file_bytes_max + 1, '#')};
  EXPECT_THAT(error_of(to_peer(text)), HasSubstr("(toml) is longer than"));
  auto reply = sample<text_reply>();
  reply.text.assign(limits::reply_text_bytes_max + 1, 't');
  EXPECT_THAT(error_of(to_peer(reply)), HasSubstr("(text) is longer than"));
}

TEST(WireDecode, TextThatIsNotUtf8_IsAnError) {
  auto ask = sample<ask_message>();
  ask.draft = "\xff";
  EXPECT_THAT(error_of(from_peer(ask)), HasSubstr("(draft) is not UTF-8"));
  append_request append;
  append.events.emplace_back(failure_event{{}, call_error::auth, "\xc3"});
  EXPECT_THAT(error_of(from_peer(append)), HasSubstr("text that is not UTF-8"));
}

TEST(WireDecode, FloatThatIsNotFinite_IsAnError) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()}) {
    auto beat = sample<heartbeat>();
    beat.replicas[0].total_p50_ms = bad;
    EXPECT_THAT(error_of(from_peer(beat)), HasSubstr("(total_p50_ms) is not finite"));
    auto text = sample<oracle_text>();
    text.request.settings.temperature = bad;
    EXPECT_THAT(error_of(to_peer(text)), HasSubstr("is not finite"));
    append_request append;
    bit_event bit;
    bit.p_yes = bad;
    append.events.emplace_back(bit);
    EXPECT_THAT(error_of(from_peer(append)), HasSubstr("not finite"));
  }
}

TEST(WireDecode, UnknownEnumerator_IsAnError) {
  auto released = sample<task_released>();
  released.how = static_cast<release_kind>(6);
  EXPECT_THAT(error_of(from_peer(released)), HasSubstr("(how) is not a known value"));
  auto failed = sample<oracle_failed>();
  failed.failure.kind = static_cast<call_error>(7);
  EXPECT_THAT(error_of(from_peer(failed)), HasSubstr("(kind) is not a known value"));
  auto bits = sample<bits_reply>();
  bits.values[1] = static_cast<answer>(3);
  EXPECT_THAT(error_of(to_peer(bits)), HasSubstr("(value) is not a known value"));
}

TEST(WireDecode, UnknownRole_IsAnError) {
  hello greeting;
  greeting.roles = {true, true, true};
  auto bytes = encode(from_peer(greeting));
  replace_once(bytes, std::string("\x00\x07\x00", 3), std::string("\x00\x08\x00", 3));
  EXPECT_THAT(decode_from_peer(bytes).error().message, HasSubstr("names a role"));
}

TEST(WireDecode, ArmClosedTwice_IsAnError) {
  grant work = sample<grant>();
  work.closed = {{arm_index{5}, trial_index{6}}, {arm_index{5}, trial_index{7}}};
  const auto good = encode(to_peer(work));
  ASSERT_TRUE(decode_to_peer(good));
  for (const char* last : {"\x92\x05\x06", "\x92\x05\x05", "\x92\x04\x07"}) {
    auto bytes = good;
    replace_once(bytes, "\x92\x05\x07", last);
    EXPECT_THAT(decode_to_peer(bytes).error().message, HasSubstr("ascending"));
  }
}

TEST(WireDecode, WantedQuestionThatIsNotThere_IsAnError) {
  auto ask = sample<oracle_ask>();
  for (const auto& bad : {std::vector<std::uint32_t>{2}, std::vector<std::uint32_t>{0, 0},
                          std::vector<std::uint32_t>{1, 0}}) {
    ask.wanted = bad;
    EXPECT_THAT(error_of(to_peer(ask)), HasSubstr("(wanted) is not in ascending order"));
  }
}

TEST(WireDecode, GradedWithoutOutcome_IsAnError) {
  const std::string other = encode(event(failure_event{}));
  const auto bytes = "\x95\x01\x0d\x01\x01\xc4" + std::string(1, static_cast<char>(other.size()));
  EXPECT_THAT(decode_from_peer(bytes + other).error().message, HasSubstr("is no outcome"));
}

TEST(WireDecode, Pointers_AreSet) {
  const auto work = decode_to_peer(encode(to_peer(sample<grant>())));
  ASSERT_TRUE(work);
  EXPECT_NE(std::get<grant>(*work).item, nullptr);
  EXPECT_NE(std::get<grant>(*work).journal, nullptr);
  auto empty = sample<grant>();
  empty.journal = std::make_shared<std::vector<event>>();
  EXPECT_NE(std::get<grant>(*decode_to_peer(encode(to_peer(empty)))).journal, nullptr);
  auto ask = sample<oracle_ask>();
  ask.prior = nullptr;
  const auto back = decode_to_peer(encode(to_peer(ask)));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<oracle_ask>(*back).prior, nullptr);
  EXPECT_NE(std::get<oracle_ask>(*back).item, nullptr);
}

TEST(WireEncode, NoteTooLongOrBroken_IsCutAndRepaired) {
  const auto sent = [](const std::string& reason) {
    const auto back = decode_from_peer(encode(from_peer(goodbye{reason})));
    return back ? std::get<goodbye>(*back).reason : "error: " + back.error().message;
  };
  constexpr auto most = limits::frame_note_bytes_max;
  EXPECT_EQ(sent("a\xff"
                 "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(sent(std::string(most, 'x')), std::string(most, 'x'));
  EXPECT_EQ(sent(std::string(most + 1, 'x')), std::string(most, 'x'));
  EXPECT_EQ(sent(std::string(most - 1, 'x') + "\xC3\xA4"), std::string(most - 1, 'x'));
  EXPECT_LE(sent(std::string(most, '\xff')).size(), most);
  EXPECT_LE(sent(std::string(most + 9, '\x80')).size(), most);
}

// The marker is what the samples fill gold with.
TEST(WireEncode, Gold_IsInTheFramesOfOracleAndGraderAlone) {
  for (const auto& message : one_of_each<from_peer>(counting))
    EXPECT_EQ(encode(message).find("GOLD-"), std::string::npos) << message.index();
  int found = 0;
  for (const auto& message : one_of_each<to_peer>(counting)) {
    const auto bytes = encode(message);
    const bool answer = bytes.find("GOLD-ANSWER") != std::string::npos;
    EXPECT_EQ(answer, bytes.find("GOLD-SOLUTION") != std::string::npos);
    const bool allowed = std::holds_alternative<oracle_ask>(message) ||
                         std::holds_alternative<grade_request>(message);
    EXPECT_EQ(answer, allowed) << message.index();
    EXPECT_TRUE(!answer || !role_of(message).solver);
    found += answer ? 1 : 0;
  }
  EXPECT_EQ(found, 2);
}

} // namespace tenbit::wire

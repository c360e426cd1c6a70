#include "actors/event.hpp"

#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"

namespace tenbit {
namespace {

hash256 filled(unsigned char byte) {
  hash256 out;
  out.bytes.fill(byte);
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

std::string hash_field(std::string_view byte) { // bin 8 of 32 bytes
  std::string out = "c420";
  for (int i = 0; i < 32; ++i)
    out += byte;
  return out;
}

call_event some_call() {
  call_event e;
  e.id = call_id{filled(0x11)};
  e.by = party::sender;
  e.model = "large";
  e.k = 3;
  e.request = "{}";
  e.reply.text = "Yes";
  e.reply.finish_reason = "stop";
  e.reply.served_model = "m";
  e.reply.usage = {.prompt = 300, .completion = 1, .reported = true};
  e.reply.p_yes = 0.5;
  e.reply.timing = {.queued_us = 1, .first_byte_us = 2, .total_us = 70000};
  e.reply.attempts = 2;
  e.reply.replica = 4;
  e.unix_ms = 1'700'000'000'000;
  return e;
}

bit_event some_bit() {
  bit_event e;
  e.where = {arm_index{2}, trial_index{1}};
  e.index = bit_index{9};
  e.value = answer::yes;
  e.question_hash = filled(0x22);
  e.question = "Is it 4?";
  e.asked_again = true;
  e.source = call_id{filled(0x33)};
  return e;
}

outcome_event some_outcome() {
  outcome_event e;
  e.where = {arm_index{300}, trial_index{0}};
  e.draft_call = call_id{filled(0x44)};
  e.answer_call = call_id{filled(0x55)};
  e.answer_hash = filled(0x66);
  e.draft_answer = "3";
  e.final_answer = "4";
  e.correct = true;
  e.questions = 10;
  e.payload_bits = 10;
  e.bitstream = std::string("\x00\xff", 2);
  return e;
}

failure_event some_failure() {
  return {.where = {arm_index{1}, trial_index{0}}, .kind = call_error::auth, .message = "no key"};
}

// Field by field, so that two fields swapped in both directions are noticed.
void expect_equal(const call_event& a, const call_event& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.by, b.by);
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.k, b.k);
  EXPECT_EQ(a.request, b.request);
  EXPECT_EQ(a.reply.text, b.reply.text);
  EXPECT_EQ(a.reply.finish_reason, b.reply.finish_reason);
  EXPECT_EQ(a.reply.served_model, b.reply.served_model);
  EXPECT_EQ(a.reply.usage.prompt, b.reply.usage.prompt);
  EXPECT_EQ(a.reply.usage.completion, b.reply.usage.completion);
  EXPECT_EQ(a.reply.usage.reported, b.reply.usage.reported);
  EXPECT_EQ(a.reply.p_yes, b.reply.p_yes);
  EXPECT_EQ(a.reply.timing.queued_us, b.reply.timing.queued_us);
  EXPECT_EQ(a.reply.timing.first_byte_us, b.reply.timing.first_byte_us);
  EXPECT_EQ(a.reply.timing.total_us, b.reply.timing.total_us);
  EXPECT_EQ(a.reply.attempts, b.reply.attempts);
  EXPECT_EQ(a.reply.replica, b.reply.replica);
  EXPECT_EQ(a.unix_ms, b.unix_ms);
}

void expect_equal(const bit_event& a, const bit_event& b) {
  EXPECT_EQ(a.where, b.where);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.question_hash, b.question_hash);
  EXPECT_EQ(a.question, b.question);
  EXPECT_EQ(a.p_yes, b.p_yes);
  EXPECT_EQ(a.asked_again, b.asked_again);
  EXPECT_EQ(a.by_default, b.by_default);
  EXPECT_EQ(a.source, b.source);
}

void expect_equal(const outcome_event& a, const outcome_event& b) {
  EXPECT_EQ(a.where, b.where);
  EXPECT_EQ(a.draft_call, b.draft_call);
  EXPECT_EQ(a.answer_call, b.answer_call);
  EXPECT_EQ(a.answer_hash, b.answer_hash);
  EXPECT_EQ(a.draft_answer, b.draft_answer);
  EXPECT_EQ(a.final_answer, b.final_answer);
  EXPECT_EQ(a.draft_correct, b.draft_correct);
  EXPECT_EQ(a.correct, b.correct);
  EXPECT_EQ(a.questions, b.questions);
  EXPECT_EQ(a.payload_bits, b.payload_bits);
  EXPECT_EQ(a.bitstream, b.bitstream);
}

void expect_equal(const failure_event& a, const failure_event& b) {
  EXPECT_EQ(a.where, b.where);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.message, b.message);
}

template <class Event> void expect_golden(const Event& e, const std::string& golden) {
  const auto bytes = encode(e);
  EXPECT_EQ(hex(bytes), golden);
  const auto back = decode_event(bytes);
  ASSERT_TRUE(back) << back.error();
  ASSERT_TRUE(std::holds_alternative<Event>(*back));
  expect_equal(std::get<Event>(*back), e);
}

rc::Gen<hash256> any_hash() {
  return rc::gen::map(
      rc::gen::container<std::vector<unsigned char>>(32, rc::gen::arbitrary<unsigned char>()),
      [](const std::vector<unsigned char>& bytes) {
        hash256 out;
        std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
        return out;
      });
}

std::string any_text() {
  return *rc::gen::arbitrary<std::string>();
}

std::optional<double> any_p_yes() {
  if (*rc::gen::arbitrary<bool>())
    return std::nullopt;
  return *rc::gen::inRange(0, 1 << 20) / static_cast<double>(1 << 20);
}

arm_trial any_place() {
  return {arm_index{*rc::gen::arbitrary<std::uint16_t>()},
          trial_index{*rc::gen::arbitrary<std::uint16_t>()}};
}

template <class Event> void expect_round_trip(const Event& e) {
  const auto back = decode_event(encode(e));
  if (!back)
    RC_FAIL(back.error());
  RC_ASSERT(std::holds_alternative<Event>(*back));
  expect_equal(std::get<Event>(*back), e);
  RC_ASSERT(encode(*back) == encode(e));
}

} // namespace

TEST(EventBytes, Call_AreTheGoldenOnes) {
  expect_golden(some_call(), "dc00140100" + hash_field("11") + "01a56c6172676503a27b7d" +
                                 "a3596573a473746f70a16dcd012c01c3cb3fe0000000000000" +
                                 "0102ce000111700204cf0000018bcfe56800");
}

TEST(EventBytes, Bit_AreTheGoldenOnes) {
  expect_golden(some_bit(), "9c010102010901" + hash_field("22") + "a84973206974" + "20343f" +
                                "c0c3c2" + hash_field("33"));
}

TEST(EventBytes, Outcome_AreTheGoldenOnes) {
  expect_golden(some_outcome(), "9e0102cd012c00" + hash_field("44") + hash_field("55") +
                                    hash_field("66") + "a133a134c2c30a0ac40200ff");
}

TEST(EventBytes, OutcomeWithoutDraft_HasNil) {
  auto e = some_outcome();
  e.draft_call.reset();
  expect_golden(e, "9e0102cd012c00c0" + hash_field("55") + hash_field("66") +
                       "a133a134c2c30a0ac40200ff");
}

// msgpack-cxx writes a whole double as an integer; the grammar has one form for p_yes.
TEST(EventBytes, WholePYes_IsAFloat) {
  auto e = some_bit();
  e.p_yes = 1.0;
  expect_golden(e, "9c010102010901" + hash_field("22") + "a84973206974" + "20343f" +
                       "cb3ff0000000000000" + "c3c2" + hash_field("33"));
}

TEST(EventBytes, Failure_AreTheGoldenOnes) {
  expect_golden(some_failure(), "960103010004a66e6f206b6579");
}

TEST(EncodeTo, FullBuffer_IsAppendedTo) {
  std::string out = "before";
  encode_to(some_failure(), out);
  EXPECT_EQ(out, "before" + encode(some_failure()));
}

TEST(DecodeEvent, EveryPrefix_IsAnError) {
  for (const event& e :
       {event(some_call()), event(some_bit()), event(some_outcome()), event(some_failure())}) {
    const auto bytes = encode(e);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode_event(std::string_view(bytes).substr(0, size))) << size;
  }
}

TEST(DecodeEvent, TrailingByte_IsAnError) {
  const auto back = decode_event(encode(some_bit()) + '\0');
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error(), "event: 1 bytes after its end");
}

TEST(DecodeEvent, OtherVersion_IsNamed) {
  auto bytes = encode(some_failure());
  bytes[1] = 2;
  const auto back = decode_event(bytes);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error(), "event: version 2 is not known, only 1");
}

TEST(DecodeEvent, UnknownKindOrEnumerator_IsNamed) {
  auto bytes = encode(some_failure());
  bytes[2] = 4;
  EXPECT_EQ(decode_event(bytes).error(), "event: field 2 (kind) is not a known value");
  bytes[2] = 3;
  bytes[5] = 7;
  EXPECT_EQ(decode_event(bytes).error(), "event: field 5 (error) is not a known value");
}

TEST(DecodeEvent, NumberWiderThanItsField_IsNamed) {
  auto bytes = encode(some_failure());
  bytes.replace(3, 1, std::string("\xce\x00\x01\x00\x00", 5)); // arm 65536
  EXPECT_EQ(decode_event(bytes).error(), "event: field 3 (arm) is too large");
}

TEST(DecodeEvent, FieldTooManyOrTooFew_IsAnError) {
  auto bytes = encode(some_failure());
  bytes[0] = '\x97';
  EXPECT_EQ(decode_event(bytes + '\0').error(), "event: more fields than the kind has");
  bytes[0] = '\x95';
  EXPECT_EQ(decode_event(std::string_view(bytes).substr(0, 6)).error(),
            "event: field 6 (message) is missing");
}

TEST(DecodeEvent, Bombs_AreErrors) {
  EXPECT_FALSE(decode_event(std::string("\xdd\xff\xff\xff\xff", 5)));         // array of 2^32 - 1
  EXPECT_FALSE(decode_event(std::string("\xdf\xff\xff\xff\xff", 5)));         // map
  EXPECT_FALSE(decode_event(std::string("\x91\xdb\xff\xff\xff\xff", 6)));     // str
  EXPECT_FALSE(decode_event(std::string("\x91\xc9\xff\xff\xff\xff\x01", 7))); // ext
  EXPECT_FALSE(decode_event(std::string(1 << 20, '\x91')));                   // depth
  EXPECT_FALSE(decode_event(std::string(limits::event_bytes_max + 1, '\x01')));
  EXPECT_FALSE(decode_event(std::string("\x94\x01\x03\x91\x00\x00", 6))); // nested array
}

RC_GTEST_PROP(EventRoundTrip, Call_IsEqual, ()) {
  call_event e;
  e.id = call_id{*any_hash()};
  e.by = static_cast<party>(*rc::gen::inRange(0, 3));
  e.model = any_text();
  e.k = *rc::gen::arbitrary<std::uint32_t>();
  e.request = any_text();
  e.reply.text = any_text();
  e.reply.finish_reason = any_text();
  e.reply.served_model = any_text();
  e.reply.usage = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>(),
                   *rc::gen::arbitrary<bool>()};
  e.reply.p_yes = any_p_yes();
  e.reply.timing = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::uint64_t>(),
                    *rc::gen::arbitrary<std::uint64_t>()};
  e.reply.attempts = *rc::gen::arbitrary<std::uint32_t>();
  e.reply.replica = *rc::gen::arbitrary<std::uint32_t>();
  e.unix_ms = *rc::gen::arbitrary<std::uint64_t>();
  expect_round_trip(e);
}

RC_GTEST_PROP(EventRoundTrip, Bit_IsEqual, ()) {
  bit_event e;
  e.where = any_place();
  e.index = bit_index{*rc::gen::arbitrary<std::uint32_t>()};
  e.value = static_cast<answer>(*rc::gen::inRange(0, 3));
  e.question_hash = *any_hash();
  e.question = any_text();
  e.p_yes = any_p_yes();
  e.asked_again = *rc::gen::arbitrary<bool>();
  e.by_default = *rc::gen::arbitrary<bool>();
  e.source = call_id{*any_hash()};
  expect_round_trip(e);
}

RC_GTEST_PROP(EventRoundTrip, Outcome_IsEqual, ()) {
  outcome_event e;
  e.where = any_place();
  if (*rc::gen::arbitrary<bool>())
    e.draft_call = call_id{*any_hash()};
  e.answer_call = call_id{*any_hash()};
  e.answer_hash = *any_hash();
  e.draft_answer = any_text();
  e.final_answer = any_text();
  e.draft_correct = *rc::gen::arbitrary<bool>();
  e.correct = *rc::gen::arbitrary<bool>();
  e.questions = *rc::gen::arbitrary<std::uint32_t>();
  e.payload_bits = *rc::gen::arbitrary<std::uint64_t>();
  e.bitstream = any_text();
  expect_round_trip(e);
}

RC_GTEST_PROP(EventRoundTrip, Failure_IsEqual, ()) {
  expect_round_trip(
      failure_event{any_place(), static_cast<call_error>(*rc::gen::inRange(0, 6)), any_text()});
}

// One byte of a good event changed: an error, or an event whose own bytes decode again.
RC_GTEST_PROP(DecodeEvent, OneByteChanged_IsTotal, ()) {
  const std::vector<event> good{some_call(), some_bit(), some_outcome(), some_failure()};
  auto bytes = encode(good[*rc::gen::inRange<std::size_t>(0, good.size())]);
  bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
  if (const auto back = decode_event(bytes)) {
    RC_ASSERT(decode_event(encode(*back)).has_value());
  }
}

RC_GTEST_PROP(DecodeEvent, AnyBytes_IsTotal, (const std::string& bytes)) {
  if (const auto back = decode_event(bytes)) {
    RC_ASSERT(decode_event(encode(*back)).has_value());
  }
}

} // namespace tenbit

#include "storage/signed_summary.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"

namespace tenbit::storage {
namespace {

const signing_key& test_key() {
  static const signing_key key = signing_key::of_seed(hash_bytes("test"));
  return key;
}

signed_summary sample() {
  signed_summary out;
  out.experiment = hash_bytes("experiment");
  out.name = "default run";
  out.store = std::string(32, 'a');
  out.incarnation = 1'700'000'000;
  out.commit_seq = 77;
  out.chain = hash_bytes("chain");
  out.content = hash_bytes("content");
  out.tasks = 10, out.done = 6, out.failed = 2, out.quarantined = 1, out.cancelled = 1;
  out.events = 100, out.calls = 50, out.bits = 30, out.outcomes = 20;
  out.simulated = true;
  out.tool = "tenbit 0.1.0";
  out.time_unix_s = 1'709'251'199;
  sign(out, test_key());
  return out;
}

// The text with what stands after a word until the end of its line replaced.
std::string with(std::string text, const std::string& word, const std::string& value) {
  const std::size_t from = text.find("\n" + word + " ") + word.size() + 2;
  return text.replace(from, text.find('\n', from) - from, value);
}

} // namespace

TEST(SignedSummary, Text_IsTheGrammar) {
  const auto s = sample();
  EXPECT_EQ(format_summary(s),
            "tenbit-summary 1\nexperiment " + s.experiment.hex() + "\nname default run\nstore " +
                s.store + "\nincarnation 1700000000\ncommit_seq 77\nchain " + s.chain.hex() +
                "\ncontent " + s.content.hex() +
                "\ntasks 10\ndone 6\nfailed 2\nquarantined 1\ncancelled 1\n"
                "events 100\ncalls 50\nbits 30\noutcomes 20\nsimulated yes\n"
                "tool tenbit 0.1.0\ntime 2024-02-29T23:59:59Z\nsigner " +
                test_key().public_key().hex() + "\nsignature " + s.signature + "\n");
  const auto read = parse_summary(format_summary(s));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, s);
  EXPECT_TRUE(signature_holds(*read));
}

TEST(SignedSummary, SignedByAnother_HoldsForThatOneAlone) {
  auto s = sample();
  const std::string first = s.signature;
  sign(s, signing_key::of_seed(hash_bytes("other")));
  EXPECT_TRUE(signature_holds(s));
  s.signature = first;
  EXPECT_FALSE(signature_holds(s));
}

TEST(SignedSummary, LooserTexts_AreRefused) {
  const std::string good = format_summary(sample());
  const std::vector<std::string> bad{"",
                                     good.substr(0, good.size() - 1),
                                     good + "\n",
                                     "x" + good,
                                     std::string("tenbit-summary 2") + good.substr(16),
                                     with(good, "tasks", "010"),
                                     with(good, "tasks", "+10"),
                                     with(good, "tasks", "99999999999999999999"),
                                     with(good, "tasks", ""),
                                     with(good, "simulated", "maybe"),
                                     with(good, "store", std::string(31, 'a')),
                                     with(good, "store", std::string(32, 'g')),
                                     with(good, "chain", std::string(64, 'A')),
                                     with(good, "name", "a\x1b[2J"),
                                     with(good, "name", "a\xff"),
                                     with(good, "time", "2024-02-30T23:59:59Z"),
                                     with(good, "time", "2024-02-29T24:00:00Z"),
                                     with(good, "time", "1969-12-31T23:59:59Z"),
                                     with(good, "time", "2024-02-29 23:59:59Z"),
                                     with(good, "signature", std::string(127, '0')),
                                     with(good, "name", std::string(5000, 'a'))};
  for (const std::string& text : bad) {
    const auto read = parse_summary(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().find('\x1b'), std::string::npos);
  }
}

TEST(SignedSummary, Size_IsBounded) {
  EXPECT_TRUE(parse_summary(format_summary(sample())));
  EXPECT_FALSE(parse_summary("tenbit-summary 1\n" + std::string(limits::summary_bytes_max, 'a')));
  store_manifest manifest;
  manifest.name = std::string(100'000, '\x1b');
  manifest.tool_version = "a\nname b";
  auto s =
      make_summary(manifest, store_head{std::string(32, '0'), 1, 1, {}, {}, {}}, {}, 1ULL << 60);
  sign(s, test_key());
  const auto read = parse_summary(format_summary(s));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, s);
  EXPECT_EQ(read->tool, "a\\nname b");
}

TEST(SignedSummary, Times_AreUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(951'827'696), "2000-02-29T12:34:56Z");
  EXPECT_EQ(utc_text(~0ULL), "9999-12-31T23:59:59Z");
}

RC_GTEST_PROP(SignedSummary, AnyChangedByte_IsRefused, ()) {
  static const std::string good = format_summary(sample());
  std::string text = good;
  const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
  text[at] =
      static_cast<char>(static_cast<unsigned char>(text[at]) ^ *rc::gen::inRange<unsigned>(1, 256));
  const auto read = parse_summary(text);
  // In parentheses: the macro's own || would look at both sides.
  RC_ASSERT((!read || !signature_holds(*read)));
}

RC_GTEST_PROP(SignedSummary, AnyFigures_AreReadAsWritten,
              (std::uint64_t seq, std::uint64_t tasks, std::uint64_t bits, std::uint32_t time)) {
  auto s = sample();
  s.commit_seq = seq, s.tasks = tasks, s.bits = bits, s.time_unix_s = time;
  s.chain = hash_bytes(std::to_string(seq));
  sign(s, test_key());
  const auto read = parse_summary(format_summary(s));
  RC_ASSERT((read && *read == s && signature_holds(*read)));
}

RC_GTEST_PROP(SignedSummary, AnyText_IsReadOrRefused_AndWhatIsReadIsWrittenTheSame,
              (const std::string& noise)) {
  static const std::string good = format_summary(sample());
  for (const std::string& text : {noise, "tenbit-summary 1\n" + noise, good + noise,
                                  with(good, "name", noise), with(good, "time", noise)}) {
    const auto read = parse_summary(text);
    RC_ASSERT((!read || format_summary(*read) == text));
  }
}

} // namespace tenbit::storage

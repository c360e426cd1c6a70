#include "simulator/recorded.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/random.hpp"

namespace tenbit::sim {
namespace {

std::string row(const std::string& model, const std::string& contains, const std::string& reply) {
  return fmt::format(R"({{"model":"{}","prompt_contains":"{}","reply":"{}"}})", model, contains,
                     reply) +
         "\n";
}

recorded_replies loaded(const std::string& jsonl) {
  auto out = recorded_replies::parse(jsonl, "rows.jsonl");
  EXPECT_TRUE(out) << (out ? "" : out.error());
  return out ? std::move(*out) : recorded_replies{};
}

std::string found(const recorded_replies& replies, const std::string& model,
                  const std::string& prompt, prompt_kind kind = prompt_kind::solve) {
  const std::string* text = replies.find(model, prompt, kind);
  return text == nullptr ? "-" : *text;
}

} // namespace

TEST(Recorded_Find, FirstRowThatFits_Wins) {
  const std::string longer(40, 'q');
  const auto replies =
      loaded(row("small", longer + " tail", "first") + row("small", longer, "second") +
             row("small", "qqq", "short") + row("large", "qqq", "other"));
  EXPECT_EQ(found(replies, "small", "a " + longer + " tail"), "first");
  EXPECT_EQ(found(replies, "small", "a " + longer + " end"), "second");
  EXPECT_EQ(found(replies, "small", "a qqqq"), "short");
  EXPECT_EQ(found(replies, "large", "qqq"), "other");
  EXPECT_EQ(found(replies, "large", "zzz"), "-");
  EXPECT_EQ(found(replies, "none", longer), "-");
}

TEST(Recorded_Find, ShortRowBeforeLongRow_Wins) {
  const auto replies =
      loaded(row("small", "qqq", "short") + row("small", std::string(40, 'q'), "long"));
  EXPECT_EQ(found(replies, "small", std::string(50, 'q')), "short");
}

// The index must say what a plain search over all rows says.
TEST(Recorded_Find, RandomRows_AgreeWithAPlainSearch) {
  random_stream random(3);
  std::vector<std::string> texts;
  std::string jsonl;
  for (int i = 0; i < 400; ++i) {
    std::string text(random.below(70) + 1, 'a');
    for (char& c : text)
      c = static_cast<char>('a' + random.below(2)); // many texts share their windows
    jsonl += row("m", text, std::to_string(i));
    texts.push_back(text);
  }
  const auto replies = loaded(jsonl);
  for (int i = 0; i < 400; ++i) {
    std::string prompt(random.below(6), 'c');
    prompt += i % 2 == 0 ? texts[random.below(texts.size())] : std::string(4, 'b');
    prompt += std::string(random.below(40), 'c');
    std::string expected = "-";
    for (std::size_t k = 0; k < texts.size() && expected == "-"; ++k)
      expected = prompt.find(texts[k]) == std::string::npos ? "-" : std::to_string(k);
    EXPECT_EQ(found(replies, "m", prompt), expected) << prompt;
  }
}

TEST(Recorded_Find, SharedBeginnings_AreToldApartByTheRest) {
  std::string jsonl;
  const std::string same(100, 'x');
  for (int i = 0; i < 2000; ++i)
    jsonl += row("small", fmt::format("{} problem {:06} {}", same, i, same), std::to_string(i));
  const auto replies = loaded(jsonl);
  EXPECT_EQ(replies.size(), 2000U);
  EXPECT_EQ(found(replies, "small", fmt::format("{} problem {:06} {} end", same, 1234, same)),
            "1234");
}

TEST(Recorded_Kind, Row_AnswersOnlyItsKind) {
  const auto replies =
      loaded(R"({"model":"small","prompt_contains":"apples","reply":"draft","kind":"solve"})"
             "\n");
  EXPECT_EQ(found(replies, "small", "apples"), "draft");
  EXPECT_EQ(found(replies, "small", "apples", prompt_kind::questions), "-");
}

TEST(Recorded_Parse, BadRows_AreRefusedWithFileAndLine) {
  const std::string good = row("small", "a", "b");
  for (const std::string& bad :
       {std::string("{"), std::string("[]"), std::string(R"({"model":"small"})"),
        std::string(R"({"model":"small","prompt_contains":"","reply":"x"})"),
        std::string(R"({"model":1,"prompt_contains":"a","reply":"x"})"),
        std::string(R"({"model":"s","prompt_contains":"a","reply":"x","extra":1})"),
        std::string(R"({"model":"s","prompt_contains":"a","reply":"x","kind":"song"})"),
        std::string("\xff\xfe"), std::string(100'000, '[')}) {
    const auto parsed = recorded_replies::parse(good + "\n" + bad + "\n", "rows.jsonl");
    ASSERT_FALSE(parsed) << bad.substr(0, 80);
    EXPECT_TRUE(parsed.error().starts_with("rows.jsonl:3: ")) << parsed.error();
  }
}

TEST(Recorded_Load, MissingFile_IsAnError) {
  const auto loaded_file = recorded_replies::load("/nonexistent/rows.jsonl");
  ASSERT_FALSE(loaded_file);
  EXPECT_NE(loaded_file.error().find("/nonexistent/rows.jsonl"), std::string::npos);
}

} // namespace tenbit::sim

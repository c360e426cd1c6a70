#include "endpoints/sse_parser.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tenbit {
namespace {

std::vector<std::string> events(const std::vector<std::string>& pieces) {
  sse_parser parser;
  std::vector<std::string> all;
  for (const auto& piece : pieces)
    EXPECT_TRUE(parser.feed(piece, [&](std::string_view data) {
      all.emplace_back(data);
      return true;
    }));
  return all;
}

using list = std::vector<std::string>;

} // namespace

TEST(SseParser, EveryLineEnd_EndsALine) {
  EXPECT_EQ(events({"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata:d\n\r\n"}),
            (list{"a", "b", "c", "d"}));
}

TEST(SseParser, CommentsAndOtherFields_ArePassedOver) {
  EXPECT_EQ(events({": ping\n\nevent: error\nid: 7\nretry: 5\ndata: a\ndatax: b\n\n:\n\n"}),
            (list{"a"}));
}

TEST(SseParser, SeveralDataLines_AreJoinedByLineFeed) {
  EXPECT_EQ(events({"data: a\ndata\ndata:  b\n\n"}), (list{"a\n\n b"}));
}

TEST(SseParser, EventWithoutEnd_IsDropped) {
  EXPECT_EQ(events({"data: a\n\ndata: b\n"}), (list{"a"}));
}

TEST(SseParser, CarriageReturnAtTheBorder_IsOneLineEnd) {
  EXPECT_EQ(events({"data: a\r", "\n", "\r", "\ndata: b\r", "\r"}), (list{"a", "b"}));
}

TEST(SseParser, ByteOrderMark_IsSkippedOnce) {
  EXPECT_EQ(events({"\xEF\xBB", "\xBF"
                                "data: a\n\n\xEF\xBB\xBF"
                                "data: b\n\n"}),
            (list{"a"}));
}

TEST(SseParser, CallbackSaysNo_Stops) {
  sse_parser parser;
  int seen = 0;
  EXPECT_FALSE(parser.feed("data: a\n\ndata: b\n\n", [&](std::string_view) {
    ++seen;
    return false;
  }));
  EXPECT_EQ(seen, 1);
}

TEST(SseParser, ViewHandedOut_IsFollowedByPadding) {
  sse_parser parser;
  for (const char* piece : {"data: one line\n\n", "data: two\ndata: lines\n\n"})
    ASSERT_TRUE(parser.feed(piece, [](std::string_view data) {
      volatile char sum = 0; // the sanitizer stops a read outside the buffer
      for (std::size_t i = 0; i < data.size() + sse_parser::padding; ++i)
        sum = static_cast<char>(sum ^ data.data()[i]);
      return true;
    }));
}

TEST(SseParser, LongLineByteByByte_IsLinear) {
  std::string text = "data: " + std::string(300'000, 'x') + "\n\n";
  std::vector<std::string> pieces;
  for (char c : text)
    pieces.emplace_back(1, c);
  const auto all = events(pieces); // quadratic scanning would take minutes
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].size(), 300'000U);
}

RC_GTEST_PROP(SseParser, AnySplit_GivesTheSameEvents, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("data: a", "data:b", "data", "\n", "\r", "\r\n", "\n\n", ": c",
                                    "event: x", "dat", "é", "[DONE]"));
  std::string text;
  for (const auto& part : parts)
    text += part;
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < text.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 6);
    pieces.push_back(text.substr(at, size));
    at += size;
  }
  RC_ASSERT(events(pieces) == events({text}));
}

RC_GTEST_PROP(SseParser, AnyData_SurvivesTheRoundTrip, (const std::vector<std::uint8_t>& bytes)) {
  std::string data;
  for (auto b : bytes)
    if (b != '\n' && b != '\r')
      data.push_back(static_cast<char>(b));
  RC_ASSERT(events({"data: " + data + "\n\n"}) == list{data});
}

} // namespace tenbit

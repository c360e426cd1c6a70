#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"
#include "tests/endpoints/reply_fixture.hpp"

namespace tenbit {
namespace {

using testing::chunk;
using testing::done_mark;
using testing::hello_stream;
using testing::parse_pieces;
using testing::parse_stream;
using testing::usage_chunk;

std::string text_chunk(const std::string& text) {
  return chunk(R"({"content":")" + text + "\"}");
}

const std::string stop = chunk("{}", R"("stop")");

} // namespace

TEST(ReplyStream, Whole_GivesAllFields) {
  const auto reply = parse_stream(hello_stream());
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->text, "Hello world");
  EXPECT_EQ(reply->finish_reason, "stop");
  EXPECT_EQ(reply->usage.completion, 5U);
  EXPECT_TRUE(reply->usage.reported);
}

TEST(ReplyStream, NoDoneMarkButFinishReason_IsWhole) {
  EXPECT_TRUE(parse_stream(text_chunk("a") + stop));
}

TEST(ReplyStream, DoneMarkWithoutFinishReason_IsWhole) {
  const auto reply = parse_stream(text_chunk("a") + done_mark);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->finish_reason, "");
  EXPECT_FALSE(reply->usage.reported);
}

TEST(ReplyStream, EndsInTheMiddle_IsTransient) {
  for (const auto& cut : {std::string(), text_chunk("a"), text_chunk("a") + "data: {\"choi"}) {
    const auto reply = parse_stream(cut);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, call_error::transient);
    EXPECT_NE(reply.error().what.find("in the middle"), std::string::npos);
  }
}

TEST(ReplyStream, TextAndFinishInOneChunk_AreBothTaken) {
  const auto reply = parse_stream(chunk(R"({"content":"42"})", R"("length")"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "42");
  EXPECT_EQ(reply->finish_reason, "length");
}

TEST(ReplyStream, StoppedAtOnce_IsAnEmptyAnswer) {
  const auto reply = parse_stream(chunk(R"({"role":"assistant","content":null})") + stop);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "");
}

TEST(ReplyStream, OnlyReasoning_IsNoAnswer) {
  const auto reply = parse_stream(chunk(R"({"reasoning_content":"hm"})") + stop);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::endpoint_invalid);
  EXPECT_FALSE(parse_stream(chunk("{}", R"("length")")));
}

TEST(ReplyStream, ErrorInTheMiddle_IsItsClass) {
  const auto overloaded = parse_stream(
      text_chunk("a") + "event: error\ndata: {\"error\":{\"message\":\"full\",\"code\":503}}\n\n");
  ASSERT_FALSE(overloaded);
  EXPECT_EQ(overloaded.error().kind, call_error::transient);
  EXPECT_NE(overloaded.error().what.find("full"), std::string::npos);
}

TEST(ReplyStream, TextAfterTheEnd_IsInvalid) {
  EXPECT_FALSE(parse_stream(text_chunk("a") + stop + text_chunk("b") + done_mark));
  EXPECT_FALSE(parse_stream(text_chunk("a") + done_mark + text_chunk("b")));
  EXPECT_TRUE(parse_stream(text_chunk("a") + stop + stop + done_mark)); // says nothing new
}

TEST(ReplyStream, ChunkTwice_IsFoundByTheTokenCount) {
  const auto twice = text_chunk("Hello") + text_chunk("Hello") + stop;
  const auto reply = parse_stream(twice + usage_chunk(1) + done_mark);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::endpoint_invalid);
  EXPECT_NE(reply.error().what.find("twice"), std::string::npos);
  // Two equal tokens are no fault: digits come one by one.
  const auto digits = parse_stream(text_chunk("0") + text_chunk("0") + stop + usage_chunk(2));
  ASSERT_TRUE(digits);
  EXPECT_EQ(digits->text, "00");
  // A proxy that cuts the text finer than tokens repeats nothing that would explain the count.
  EXPECT_TRUE(parse_stream(text_chunk("l") + text_chunk("l") + text_chunk("a") + text_chunk("m") +
                           stop + usage_chunk(1)));
}

TEST(ReplyStream, BrokenChunk_IsInvalid) {
  for (const char* data : {"data: {\"choices\":\n\n", "data: \xFF\n\n", "data: 7\n\n",
                           "data: {\"id\":1}\n\n", "data: {\"choices\":[{\"delta\":7}]}\n\n",
                           "data: {\"choices\":[{\"delta\":{\"content\":7}}]}\n\n"}) {
    const auto reply = parse_stream(text_chunk("a") + data + stop);
    ASSERT_FALSE(reply) << data;
    EXPECT_EQ(reply.error().kind, call_error::endpoint_invalid) << data;
  }
}

TEST(ReplyStream, TooLarge_StopsEarly) {
  json_reader json;
  reply_parser parser;
  parser.begin("m", reply_parser::form::stream);
  const auto piece = text_chunk(std::string(100'000, 'x'));
  std::size_t fed = 0;
  while (parser.feed(json, piece))
    ASSERT_LT(fed += piece.size(), limits::reply_bytes_max);
  EXPECT_LT(fed, limits::reply_text_bytes_max + piece.size());
  EXPECT_FALSE(parser.finish(json, 1));
}

TEST(ReplyStream, UsedAgain_RemembersNothing) {
  json_reader json;
  reply_parser parser;
  parser.begin("m", reply_parser::form::stream);
  EXPECT_FALSE(parser.feed(json, "data: nonsense\n\n"));
  parser.begin("m", reply_parser::form::stream);
  ASSERT_TRUE(parser.feed(json, hello_stream()));
  const auto reply = parser.finish(json, 1);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "Hello world");
}

TEST(ReplyError, Form_KeepsTheWordsUpToTheLimit) {
  json_reader json;
  reply_parser parser;
  parser.begin("m", reply_parser::form::error);
  EXPECT_TRUE(parser.feed(json, R"({"error":{"message":"Loading )"));
  EXPECT_TRUE(parser.feed(json, R"(model","type":"unavailable_error","code":503}})"));
  const auto words = parser.words(json);
  EXPECT_EQ(words.message, "Loading model");
  EXPECT_EQ(words.type, "unavailable_error");
  EXPECT_EQ(words.code, 503);
  parser.begin("m", reply_parser::form::error);
  EXPECT_FALSE(parser.feed(json, std::string(limits::error_body_bytes_max + 1, 'x')));
  EXPECT_LE(parser.words(json).message.size(), limits::error_text_chars_max + 3);
}

RC_GTEST_PROP(ReplyStream, AnySplit_GivesTheSameReply, ()) {
  const auto whole = hello_stream();
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < whole.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 200);
    pieces.push_back(whole.substr(at, size));
    at += size;
  }
  const auto reply = parse_pieces(pieces, reply_parser::form::stream);
  RC_ASSERT(reply.has_value());
  RC_ASSERT(reply->text == "Hello world");
  RC_ASSERT(reply->usage.completion == 5U);
}

RC_GTEST_PROP(ReplyStream, AnyDamagedByte_NeverCrashes, (std::uint16_t where, std::uint8_t what)) {
  auto body = hello_stream();
  body[where % body.size()] = static_cast<char>(what);
  const auto reply = parse_stream(body);
  if (!reply)
    RC_ASSERT(!reply.error().what.empty());
}

} // namespace tenbit

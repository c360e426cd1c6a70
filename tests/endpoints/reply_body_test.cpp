#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "config/limits.hpp"
#include "tests/endpoints/reply_fixture.hpp"

namespace tenbit {
namespace {

using testing::chat_body;
using testing::parse_body;

struct bad_body {
  const char* name;
  std::string body;
  call_error kind;
  const char* what;
};

const std::string deep(200, '[');

std::vector<bad_body> bad_bodies() {
  using enum call_error;
  const auto whole = chat_body(R"("yes")");
  return {
      {"empty", "", endpoint_invalid, "empty body"},
      {"html", "<html>busy</html>", endpoint_invalid, "not JSON"},
      {"cut", whole.substr(0, whole.size() / 2), endpoint_invalid, "not JSON"},
      {"array", "[]", endpoint_invalid, "not a JSON object"},
      {"no choices", "{}", endpoint_invalid, "no choices"},
      {"empty choices", R"({"choices":[]})", endpoint_invalid, "choices is empty"},
      {"choices object", R"({"choices":{}})", endpoint_invalid, "not an array"},
      {"choice number", R"({"choices":[7]})", endpoint_invalid, "not an object"},
      {"two choices",
       R"({"choices":[{"index":0,"message":{"content":"a"}},{"index":1,"message":{"content":"b"}}]})",
       endpoint_invalid, "several choices"},
      {"index 3", R"({"choices":[{"index":3,"message":{"content":"a"}}]})", endpoint_invalid,
       "index"},
      {"no message", R"({"choices":[{"index":0}]})", endpoint_invalid, "no message"},
      {"message string", R"({"choices":[{"message":"a"}]})", endpoint_invalid, "not an object"},
      {"no content", R"({"choices":[{"message":{"role":"assistant"}}]})", endpoint_invalid,
       "no text"},
      {"null content", chat_body("null"), endpoint_invalid, "no text"},
      {"only reasoning", R"({"choices":[{"message":{"content":null,"reasoning_content":"hm"}}]})",
       endpoint_invalid, "only reasoning"},
      {"content number", chat_body("7"), endpoint_invalid, "not a string"},
      {"content parts", chat_body(R"([{"type":"text","text":"a"}])"), endpoint_invalid,
       "not a string"},
      {"finish_reason number", R"({"choices":[{"finish_reason":1,"message":{"content":"a"}}]})",
       endpoint_invalid, "finish_reason"},
      {"usage string", R"({"choices":[{"message":{"content":"a"}}],"usage":"much"})",
       endpoint_invalid, "usage"},
      {"unbelievable usage",
       R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":1}})",
       endpoint_invalid, "usage of more tokens"},
      {"negative usage",
       R"({"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":-1,"completion_tokens":1}})",
       endpoint_invalid, "usage"},
      {"deep and cut", R"({"choices":)" + deep, endpoint_invalid, "not JSON"},
      {"deep and whole", R"({"x":)" + deep + std::string(200, ']') + "," + whole.substr(1),
       endpoint_invalid, "nested too deep"},
      {"NaN", R"({"created":NaN,)" + whole.substr(1), endpoint_invalid, "not JSON"},
      {"NUL byte", chat_body(std::string("\"a\0b\"", 5)), endpoint_invalid, "not JSON"},
      {"NUL escaped", chat_body(R"("a\u0000b")"), endpoint_invalid, "NUL"},
      {"invalid UTF-8", chat_body("\"\xC3\x28\""), endpoint_invalid, "not valid UTF-8"},
      {"lone surrogate", chat_body(R"("\udc00")"), endpoint_invalid, ""},
      {"trailing bytes", whole + "x", endpoint_invalid, "not JSON"},
      {"error object", R"({"error":{"message":"out of memory","code":500}})", transient,
       "out of memory"},
      {"error beside choices", R"({"error":"boom",)" + whole.substr(1), transient, "boom"},
      {"SGLang error", R"({"object":"error","message":"too long","code":400})", request_invalid,
       "too long"},
      {"rate limit object", R"({"error":{"type":"rate_limit_error","message":"slow"}})", throttled,
       "slow"},
      {"context size", R"({"error":{"type":"exceed_context_size_error","message":"too long"}})",
       request_invalid, "too long"},
      {"huge text", chat_body('"' + std::string(limits::reply_text_bytes_max + 1, 'x') + '"'),
       endpoint_invalid, "bytes of text"},
      {"huge body", std::string(limits::reply_bytes_max + 1, ' '), endpoint_invalid, "bytes"},
  };
}

} // namespace

TEST(ReplyBody, Whole_GivesAllFields) {
  const auto reply = parse_body(chat_body(R"("Hello \"world\" é")"));
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->text, "Hello \"world\" é");
  EXPECT_EQ(reply->finish_reason, "stop");
  EXPECT_EQ(reply->served_model, "m");
  EXPECT_EQ(reply->usage.prompt, 7U);
  EXPECT_EQ(reply->usage.completion, 5U);
  EXPECT_TRUE(reply->usage.reported);
  EXPECT_FALSE(reply->p_yes);
}

TEST(ReplyBody, EmptyText_IsAnAnswer) {
  const auto reply = parse_body(chat_body(R"("")"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text, "");
}

TEST(ReplyBody, UsageAbsent_IsEstimatedFromBytes) {
  const auto reply = parse_body(R"({"choices":[{"message":{"content":"12345"}}]})");
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->usage.reported);
  EXPECT_EQ(reply->usage.prompt, 100U); // of 400 request bytes
  EXPECT_EQ(reply->usage.completion, 2U);
}

TEST(ReplyBody, EveryDefect_IsANamedFailure) {
  for (const auto& bad : bad_bodies()) {
    const auto reply = parse_body(bad.body);
    ASSERT_FALSE(reply) << bad.name;
    EXPECT_EQ(reply.error().kind, bad.kind) << bad.name;
    EXPECT_NE(reply.error().what.find(bad.what), std::string::npos)
        << bad.name << ": " << reply.error().what;
  }
}

TEST(ReplyBody, CutAnywhere_NeverGivesAReply) {
  const auto whole = chat_body(R"("The answer is 42")");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_body(whole.substr(0, size))) << size;
}

TEST(ReplyBody, ServedModel_AliasesAndPathsAreAccepted) {
  const auto served = [](std::string name) {
    return R"({"choices":[{"message":{"content":"a"}}],"model":")" + name + "\"}";
  };
  for (const char* name :
       {"llama", "llama-3.1-8b", "meta/llama", "models/tiny.gguf", "tiny.gguf", ""})
    EXPECT_TRUE(parse_body(served(name), "llama")) << name;
  EXPECT_TRUE(parse_body(served("llama"), "org/llama"));
  const auto other = parse_body(served(R"(gpt-x\u001b)"), "llama");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, call_error::endpoint_invalid);
  EXPECT_NE(other.error().what.find("answered as model gpt-x"), std::string::npos);
}

TEST(ReplyBody, StreamThatDoesNotSaySo_IsReadAsOne) {
  const auto reply = parse_body(testing::hello_stream());
  ASSERT_TRUE(reply) << reply.error().what;
  EXPECT_EQ(reply->text, "Hello world");
}

TEST(ReplyBody, Logprobs_GivePYes) {
  const auto reply = parse_body(chat_body(
      R"("Yes")",
      R"(,"logprobs":{"content":[{"token":"Yes","logprob":-0.5,"top_logprobs":[)"
      R"({"token":"Yes","logprob":-0.5},{"token":" no","logprob":-1.5},{"token":"Perhaps","logprob":-3}]}]})"));
  ASSERT_TRUE(reply) << reply.error().what;
  ASSERT_TRUE(reply->p_yes);
  EXPECT_NEAR(*reply->p_yes, 1 / (1 + std::exp(-1.0)), 1e-12);
}

TEST(ReplyBody, BlankTokenFirst_TheNextIsTheAnswer) {
  const auto reply = parse_body(chat_body(
      R"(" No")",
      R"(,"logprobs":{"content":[{"token":" ","logprob":0,"top_logprobs":[]},)"
      R"({"token":"No","logprob":-0.1,"top_logprobs":[]},{"token":"yes","logprob":-0.1}]})"));
  ASSERT_TRUE(reply && reply->p_yes);
  EXPECT_EQ(*reply->p_yes, 0.0);
}

TEST(ReplyBody, LogprobsOfAnotherShape_AreAbsent) {
  for (const char* odd :
       {"null", "7", R"({"tokens":["Yes"],"token_logprobs":[-1]})", R"({"content":[7]})",
        R"({"content":[{"token":7,"logprob":"x"}]})",
        R"({"content":[{"token":"Maybe","logprob":-0.1,"top_logprobs":null}]})"}) {
    const auto reply = parse_body(chat_body(R"("Yes")", std::string(",\"logprobs\":") + odd));
    ASSERT_TRUE(reply) << odd;
    EXPECT_FALSE(reply->p_yes) << odd;
  }
}

RC_GTEST_PROP(ReplyBody, AnyDamagedByte_NeverCrashes, (std::uint16_t where, std::uint8_t what)) {
  auto body = chat_body(R"("some text \u00e9")");
  body[where % body.size()] = static_cast<char>(what);
  const auto reply = parse_body(body);
  if (!reply)
    RC_ASSERT(!reply.error().what.empty());
}

} // namespace tenbit

#include "endpoints/client.hpp"

#include <algorithm>
#include <cstdlib>

#include "tests/endpoints/client_fixture.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;
using namespace testing;

struct defect {
  const char* name;
  scripted_reply first; // then a good reply follows
  bool recovers;
  call_error kind; // when it does not
};

std::vector<std::string> text_events() {
  return {chunk(R"({"content":"Hello"})"), chunk("{}", R"("stop")"), usage_chunk(), done_mark};
}

std::vector<std::string> one_byte_pieces(const std::vector<std::string>& pieces) {
  std::vector<std::string> bytes;
  for (const auto& piece : pieces)
    for (char c : piece)
      bytes.emplace_back(1, c);
  return bytes;
}

} // namespace

TEST(Client, BodyReply_IsAnsweredWithAllFields) {
  std::string seen;
  tcp_server server([&](unsigned, const std::string& request) {
    seen = request;
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}));
  const auto reply = ask(*c);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "Hello");
  EXPECT_EQ(reply->attempts, 1U);
  EXPECT_EQ(reply->replica, 0U);
  EXPECT_GT(reply->timing.total_us, 0U);
  EXPECT_LE(reply->timing.first_byte_us, reply->timing.total_us);
  EXPECT_NE(seen.find("POST /v1/chat/completions HTTP/1.1\r\n"), std::string::npos);
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("Authorization"), std::string::npos);
  EXPECT_EQ(seen.find("Expect"), std::string::npos);
  EXPECT_TRUE(seen.ends_with(R"({"model":"m","messages":[]})"));
}

TEST(Client, StreamReply_IsAskedForAndRead) {
  std::string seen;
  tcp_server server([&](unsigned, const std::string& request) {
    seen = request;
    return scripted_reply{event_stream(text_events())};
  });
  auto c = start(model_at({server.url()}, true));
  const auto reply = ask(*c);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "Hello");
  EXPECT_EQ(reply->usage.completion, 5U);
  EXPECT_TRUE(seen.ends_with(
      R"({"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}})"));
}

TEST(Client, StreamByteByByte_IsReadTheSame) {
  tcp_server server(script({{one_byte_pieces(event_stream(text_events())), 0ms, after::keep}}));
  auto c = start(model_at({server.url()}, true));
  const auto reply = ask(*c);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "Hello");
}

TEST(Client, ManyCalls_ReuseTheConnection) {
  tcp_server server(script({{{ok_reply()}}}));
  auto c = start(model_at({server.url()}, false, 1));
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(ask(*c));
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(server.requests(), 50U);
}

TEST(Client, IdleConnectionClosedByServer_CostsNoCall) {
  tcp_server server(script({{{ok_reply()}, 0ms, after::close}}));
  auto c = start(model_at({server.url()}, false, 1));
  for (int i = 0; i < 20; ++i) {
    const auto reply = ask(*c);
    ASSERT_TRUE(reply) << reply.error().message;
  }
}

TEST(Client, ThousandCalls_AreAllAnsweredWithinTheConcurrency) {
  tcp_server server(script({{{ok_reply()}}}));
  auto c = start(model_at({server.url()}, false, 16));
  std::vector<std::future<call_result>> replies;
  for (std::uint64_t i = 0; i < 1000; ++i)
    replies.push_back(submit(*c, i));
  for (auto& reply : replies)
    ASSERT_TRUE(reply.get());
  EXPECT_LE(server.connections(), 16U);
}

TEST(Client, EveryDefect_IsRetriedOrNamed) {
  using enum call_error;
  const auto good = ok_reply();
  const auto body = [](std::string text) { return scripted_reply{{http_reply(200, text)}}; };
  const auto status = [](int code, std::string text = R"({"error":{"message":"why"}})") {
    return scripted_reply{{http_reply(code, text)}};
  };
  const defect defects[] = {
      {"429", {{http_reply(429, "{}", "Retry-After: 0\r\n")}}, true, throttled},
      {"500", status(500), true, transient},
      {"503 loading", status(503, R"({"error":{"message":"Loading model"}})"), true, transient},
      {"reset at once", {{}, 0ms, after::reset}, true, transient},
      {"reset mid-body", {{good.substr(0, good.size() - 9)}, 5ms, after::reset}, true, transient},
      {"closed mid-body", {{good.substr(0, good.size() - 9)}, 0ms, after::close}, true, transient},
      {"closed in the head", {{"HTTP/1.1 200 OK\r\nConte"}, 0ms, after::close}, true, transient},
      {"not HTTP",
       {{"hello, this is no HTTP at all\r\n\r\n"}, 0ms, after::close},
       true,
       endpoint_invalid},
      {"truncated JSON", body(R"({"choices":[{"mess)"), true, endpoint_invalid},
      {"deep", body(std::string(5000, '[')), true, endpoint_invalid},
      {"bad UTF-8", body(chat_body("\"\xFF\"")), true, endpoint_invalid},
      {"wrong shape", body(R"({"choices":[]})"), true, endpoint_invalid},
      {"NUL bytes", body(chat_body(std::string("\"a\0b\"", 5))), true, endpoint_invalid},
      {"NaN", body(R"({"choices":[{"message":{"content":NaN}}]})"), true, endpoint_invalid},
      {"length too small",
       {{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n" +
         chat_body("\"a\"")},
        0ms,
        after::close},
       true,
       endpoint_invalid},
      {"length too great",
       {{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n" +
         chat_body("\"a\"")},
        0ms,
        after::close},
       true,
       transient},
      {"error in 200", body(R"({"error":{"message":"busy","code":500}})"), true, transient},
      {"400", status(400), false, request_invalid},
      {"404", status(404), false, request_invalid},
      {"context size",
       status(400, R"({"error":{"type":"exceed_context_size_error","message":"long"}})"), false,
       request_invalid},
      {"401", status(401), false, auth},
      {"redirect", {{http_reply(302, "", "Location: /elsewhere\r\n")}}, true, endpoint_invalid},
  };
  for (const auto& d : defects) {
    tcp_server server(script({d.first, {{good}}}));
    auto c = start(model_at({server.url()}));
    const auto reply = ask(*c);
    ASSERT_EQ(reply.has_value(), d.recovers) << d.name;
    EXPECT_EQ(server.requests(), d.recovers ? 2U : 1U) << d.name;
    if (!reply) {
      EXPECT_EQ(reply.error().kind, d.kind) << d.name;
      EXPECT_NE(reply.error().message.find(server.url()), std::string::npos);
    }
  }
}

TEST(Client, DefectThatStays_FailsWithItsClass) {
  struct stubborn {
    scripted_reply reply;
    call_error kind;
    unsigned attempts;
  };
  const stubborn all[] = {
      {{{http_reply(429, "{}", "Retry-After: 0\r\n")}}, call_error::throttled, 4},
      {{{http_reply(500, "{}")}}, call_error::transient, 4},
      {{{http_reply(200, "{}")}}, call_error::endpoint_invalid, 2},
      {{{http_reply(302, "", "Location: /x\r\n")}}, call_error::endpoint_invalid, 2},
  };
  for (const auto& s : all) {
    tcp_server server(script({s.reply}));
    auto c = start(model_at({server.url()}));
    const auto reply = ask(*c);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, s.kind) << reply.error().message;
    EXPECT_EQ(reply.error().attempts, s.attempts) << reply.error().message;
    EXPECT_EQ(server.requests(), s.attempts);
  }
}

TEST(Client, HugeBody_IsCutOffAndNamed) {
  std::vector<std::string> pieces = {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                     "Content-Length: 1000000000\r\n\r\n{\"x\":\""};
  pieces.resize(1 + limits::reply_bytes_max / 1'000'000 + 10, std::string(1'000'000, 'x'));
  tcp_server server(script({{pieces, 0ms, after::close}}));
  auto c = start(model_at({server.url()}));
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::endpoint_invalid);
  EXPECT_NE(reply.error().message.find("more than"), std::string::npos) << reply.error().message;
}

TEST(Client, RefusedPort_IsTransient) {
  closed_port nobody;
  auto c = start(model_at({nobody.url()}));
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::transient);
  EXPECT_NE(reply.error().message.find(nobody.url()), std::string::npos);
  EXPECT_EQ(reply.error().message.find('\n'), std::string::npos);
}

TEST(Client, SilentServer_MissesTheFirstByte) {
  tcp_server server(script({{{}, 0ms, after::hang}}));
  auto timing = short_waits();
  timing.first_byte = 30ms;
  auto c = start(model_at({server.url()}), timing);
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::transient);
  EXPECT_NE(reply.error().message.find("no byte of a reply"), std::string::npos);
}

TEST(Client, HangAfterTheHead_IsTransient) {
  tcp_server server(
      script({{{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"},
               0ms,
               after::hang}}));
  auto timing = short_waits();
  timing.first_byte = timing.stall = 30ms;
  auto c = start(model_at({server.url()}), timing);
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::transient) << reply.error().message;
}

TEST(Client, Meter_TellsWhatIsOnItsWay) {
  auto begun = event_stream(text_events());
  begun.resize(2);
  tcp_server server(script({{begun, 0ms, after::hang}, {event_stream(text_events())}}));
  auto timing = short_waits();
  timing.stall = 300ms;
  auto c = start(model_at({server.url()}, true), timing);
  const auto meter = std::make_shared<call_meter>();
  std::promise<call_result> over;
  c->submit({"small", 1, R"({"model":"m","messages":[]})", 0, meter},
            [&over](call_result result) { over.set_value(std::move(result)); });
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (meter->receiving == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(1ms);
  EXPECT_EQ(meter->receiving, 1U);
  EXPECT_EQ(meter->on_wire, 1U);
  EXPECT_EQ(meter->tokens, 0U);
  const auto reply = over.get_future().get(); // the second attempt's
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(meter->on_wire, 0U);
  EXPECT_EQ(meter->receiving, 0U);
  EXPECT_EQ(meter->tokens, reply->usage.completion);
  EXPECT_GT(meter->bytes, begun[1].size());
  EXPECT_GT(meter->last_byte.load(), std::chrono::steady_clock::time_point{});
}

TEST(Client, StreamThatStops_Stalls) {
  auto pieces = event_stream(text_events());
  pieces.resize(2);
  tcp_server server(script({{pieces, 0ms, after::hang}}));
  auto timing = short_waits();
  timing.stall = 30ms;
  auto c = start(model_at({server.url()}, true), timing);
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("stalled"), std::string::npos) << reply.error().message;
}

TEST(Client, SlowStream_IsNoStall) {
  std::vector<std::string> events(20, chunk(R"({"content":"x"})"));
  events.push_back(chunk("{}", R"("stop")"));
  tcp_server server(script({{event_stream(events), 20ms, after::keep}}));
  auto timing = short_waits();
  timing.stall = 5s; // the whole takes less, each piece far less
  auto c = start(model_at({server.url()}, true), timing);
  const auto reply = ask(*c);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, std::string(20, 'x'));
}

TEST(Client, EndlessReply_MissesTheEnd) {
  std::vector<std::string> events(2000, chunk(R"({"content":"x"})"));
  tcp_server server(script({{event_stream(events), 5ms, after::hang}}));
  auto timing = short_waits();
  timing.call = 100ms;
  auto c = start(model_at({server.url()}, true), timing);
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message.find("no end of the reply"), std::string::npos)
      << reply.error().message;
}

TEST(Client, Callback_MaySubmitAgain) {
  tcp_server server(script({{{ok_reply()}}}));
  auto c = start(model_at({server.url()}));
  std::promise<call_result> second;
  c->submit({"small", 1, R"({"model":"m"})"}, [&](call_result) {
    c->submit({"small", 1, R"({"model":"m"})"},
              [&](call_result result) { second.set_value(std::move(result)); });
  });
  EXPECT_TRUE(second.get_future().get());
}

TEST(Client, UnknownModelOrNoObject_IsRequestInvalid) {
  tcp_server server(script({{{ok_reply()}}}));
  auto c = start(model_at({server.url()}));
  for (const client_call& call : {client_call{"large", 1, R"({"a":1})"},
                                  client_call{"small", 1, ""}, client_call{"small", 1, "[]"}}) {
    std::promise<call_result> done;
    c->submit(call, [&](call_result result) { done.set_value(std::move(result)); });
    const auto reply = done.get_future().get();
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, call_error::request_invalid);
  }
  EXPECT_EQ(server.requests(), 0U);
}

} // namespace tenbit

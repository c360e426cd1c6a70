// The server over real sockets: routes, streams, keep-alive, slots, faults as a client sees them.
#include "simulator/server.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <thread>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "tests/simulator/raw_client.hpp"

namespace tenbit {
namespace {

using namespace sim::test;

sim_options plain() {
  sim_options options;
  options.behaviour.latency_ms = 0;
  return options;
}

std::unique_ptr<sim_server> started(const sim_options& options) {
  auto server = sim_server::start(options);
  EXPECT_TRUE(server) << (server ? "" : server.error());
  return server ? std::move(*server) : nullptr;
}

std::string text_of(const raw_reply& reply) {
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  return json.is_discarded() ? "?" : json["choices"][0]["message"]["content"].get<std::string>();
}

// The text of a stream, and whether it ended as it should.
std::pair<std::string, bool> text_of_stream(const raw_reply& reply) {
  std::string text;
  bool done = false;
  for (std::string_view line : split_lines(reply.body)) {
    if (!line.starts_with("data: "))
      continue;
    line.remove_prefix(6);
    done = line == "[DONE]";
    if (done)
      continue;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_discarded() || json["choices"].empty())
      continue;
    const auto& delta = json["choices"][0]["delta"];
    if (delta.contains("content") && delta["content"].is_string())
      text += delta["content"].get<std::string>();
  }
  return {text, done};
}

// Waits until a count is as it should be; the server's thread needs its time.
template <class Ready> bool becomes(Ready ready) {
  for (int i = 0; i < 5000; ++i) {
    if (ready())
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

sim_options with_fault(double sim_fault_spec::*rate) {
  sim_options options = plain();
  options.behaviour.faults.*rate = 1;
  return options;
}

} // namespace

TEST(SimServer_Routes, HealthModelsMetrics_Answer) {
  const auto server = started(plain());
  raw_client client(server->url());
  ASSERT_TRUE(client.send(http_get("/health")));
  EXPECT_EQ(client.reply().body, R"({"status":"ok"})");
  client.send(http_get("/v1/models"));
  EXPECT_EQ(nlohmann::json::parse(client.reply().body)["data"].size(), 2U);
  client.send(http_post(chat_body("hello")));
  EXPECT_EQ(client.reply().status, 200);
  client.send(http_get("/metrics?x=1"));
  const auto metrics = client.reply().body;
  EXPECT_NE(metrics.find("\ntenbit_sim_received_total 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("tenbit_sim_answered_total 1"), std::string::npos);
  EXPECT_NE(metrics.find("tenbit_sim_faults_total{kind=\"reset\"} 0"), std::string::npos);
  client.send(http_get("/nothing"));
  EXPECT_EQ(client.reply().status, 404);
  client.send(http_get("/v1/chat/completions"));
  EXPECT_EQ(client.reply().status, 405);
}

TEST(SimServer_Chat, StreamAndWhole_GiveTheSameText) {
  const auto server = started(plain());
  raw_client client(server->url());
  client.send(http_post(chat_body("hello")));
  const std::string whole = text_of(client.reply());
  client.send(
      http_post(chat_body("hello", R"(,"stream":true,"stream_options":{"include_usage":true})")));
  const auto reply = client.reply();
  EXPECT_TRUE(reply.whole);
  EXPECT_NE(reply.head.find("text/event-stream"), std::string::npos);
  EXPECT_NE(reply.body.find("\"usage\":{"), std::string::npos);
  EXPECT_EQ(text_of_stream(reply), std::make_pair(whole, true));
  EXPECT_EQ(server->counts().distinct, 1U);
}

TEST(SimServer_Chat, PacedStream_GivesTheSameText) {
  auto options = plain();
  const auto fast = started(options);
  options.behaviour.tokens_per_second = 2000;
  const auto paced = started(options);
  raw_client first(fast->url()), second(paced->url());
  first.send(http_post(chat_body("hello")));
  second.send(http_post(chat_body("hello", R"(,"stream":true)")));
  EXPECT_EQ(text_of_stream(second.reply()), std::make_pair(text_of(first.reply()), true));
}

TEST(SimServer_Chat, Http10_EndsTheStreamWithTheConnection) {
  const auto server = started(plain());
  raw_client client(server->url());
  const auto body = chat_body("hello", R"(,"stream":true)");
  client.send("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto reply = client.reply();
  EXPECT_EQ(reply.head.find("chunked"), std::string::npos);
  EXPECT_TRUE(text_of_stream(reply).second);
}

TEST(SimServer_Chat, Pipelined_AreAnsweredInOrder) {
  const auto server = started(plain());
  raw_client client(server->url());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += http_post(chat_body("hello " + std::to_string(i))) + http_get("/health");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(nlohmann::json::parse(client.reply().body)["object"], "chat.completion");
    EXPECT_EQ(client.reply().body, R"({"status":"ok"})");
  }
  EXPECT_EQ(server->counts().answered, 50U);
}

TEST(SimServer_Chat, ChunkedRequestByteByByte_IsUnderstood) {
  const auto server = started(plain());
  raw_client client(server->url());
  const auto body = chat_body("hello");
  char size[16];
  std::snprintf(size, sizeof size, "%zx", body.size());
  const std::string request = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                              "chunked\r\n\r\n" +
                              std::string(size) + "\r\n" + body + "\r\n0\r\n\r\n";
  for (const char c : request)
    ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.reply().status, 200);
}

TEST(SimServer_Chat, ExpectContinue_IsInvited) {
  const auto server = started(plain());
  raw_client client(server->url());
  const auto request = http_post(chat_body("hello"), "Expect: 100-continue\r\n");
  const auto head = request.find("\r\n\r\n") + 4;
  client.send(request.substr(0, head));
  while (client.buffer().find("\r\n\r\n") == std::string::npos)
    ASSERT_TRUE(client.receive());
  EXPECT_TRUE(client.buffer().starts_with("HTTP/1.1 100 "));
  client.forget();
  client.send(request.substr(head));
  EXPECT_EQ(client.reply().status, 200);
}

TEST(SimServer_Start, BadOptions_AreOneLineErrors) {
  auto options = plain();
  const auto first = started(options);
  options.port = static_cast<std::uint16_t>(std::stoi(first->url().substr(17)));
  EXPECT_FALSE(sim_server::start(options)) << "the port is in use";
  options = plain();
  options.bind = "not an address";
  EXPECT_FALSE(sim_server::start(options));
  options = plain();
  options.behaviour.slots = 0;
  EXPECT_FALSE(sim_server::start(options));
  options = plain();
  options.behaviour.recorded = "/nonexistent.jsonl";
  const auto missing = sim_server::start(options);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("/nonexistent.jsonl"), std::string::npos);
}

TEST(SimServer_Recorded, Row_IsLookedUpFirst) {
  char folder[] = "/tmp/tenbit-sim-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/rows.jsonl";
  std::ofstream(path) << R"({"model":"small","prompt_contains":"magic","reply":"recorded text"})"
                      << '\n';
  auto options = plain();
  options.behaviour.recorded = path;
  const auto server = started(options);
  ::unlink(path.c_str());
  ::rmdir(folder);
  raw_client client(server->url());
  client.send(http_post(chat_body("some magic word")));
  EXPECT_EQ(text_of(client.reply()), "recorded text");
  client.send(http_post(chat_body("some other word")));
  EXPECT_NE(text_of(client.reply()), "recorded text");
}

TEST(SimServer_Slots, OneSlot_ServesInOrderOfArrival) {
  auto options = plain();
  options.behaviour.slots = 1;
  options.behaviour.latency_ms = 100;
  options.behaviour.latency_spread = 0;
  const auto server = started(options);
  raw_client first(server->url()), second(server->url()), third(server->url());
  first.send(http_post(chat_body("one")));
  ASSERT_TRUE(becomes([&] { return server->counts().received == 1; }));
  second.send(http_post(chat_body("two")));
  ASSERT_TRUE(becomes([&] { return server->counts().received == 2; }));
  third.send(http_post(chat_body("three")));
  ASSERT_TRUE(becomes([&] { return server->counts().received == 3; }));
  EXPECT_LE(server->counts().in_flight, 1U);
  EXPECT_EQ(third.reply().status, 200);
  EXPECT_GE(server->counts().answered, 2U) << "those before it were served";
  EXPECT_EQ(first.reply().status, 200);
  EXPECT_EQ(second.reply().status, 200);
}

TEST(SimServer_Slots, ClientsThatGoAway_FreeSlotAndQueue) {
  auto options = plain();
  options.behaviour.slots = 1;
  options.behaviour.latency_ms =
      3600e3; // bounded by the server at ten minutes: nobody waits for it
  options.behaviour.latency_spread = 0;
  const auto server = started(options);
  auto holder = std::make_unique<raw_client>(server->url());
  auto queued = std::make_unique<raw_client>(server->url());
  holder->send(http_post(chat_body("one")));
  ASSERT_TRUE(becomes([&] { return server->counts().in_flight == 1; }));
  queued->send(http_post(chat_body("two")));
  ASSERT_TRUE(becomes([&] { return server->counts().received == 2; }));
  queued.reset();
  holder.reset();
  EXPECT_TRUE(becomes([&] { return server->counts().in_flight == 0; }));
}

TEST(SimServer_Stop, WithClientsInEveryState_Ends) {
  auto options = plain();
  options.behaviour.slots = 1;
  options.behaviour.latency_ms = 600e3;
  auto server = started(options);
  raw_client idle(server->url()), holder(server->url()), queued(server->url()), half(server->url());
  holder.send(http_post(chat_body("one")));
  queued.send(http_post(chat_body("two")));
  half.send("POST /v1/chat/comp");
  ASSERT_TRUE(becomes([&] { return server->counts().received == 2; }));
  server.reset();
  EXPECT_FALSE(idle.receive());
  EXPECT_FALSE(holder.receive());
}

TEST(SimServer_Faults, Reset_CutsTheConnection) {
  const auto server = started(with_fault(&sim_fault_spec::rate_reset));
  raw_client client(server->url());
  client.send(http_post(chat_body("hello")));
  EXPECT_FALSE(client.reply().whole);
  EXPECT_EQ(server->counts().faults, 1U);
  EXPECT_EQ(server->counts().answered, 0U);
}

TEST(SimServer_Faults, Stall_HoldsUntilTheClientGivesUp) {
  const auto server = started(with_fault(&sim_fault_spec::rate_stall));
  {
    raw_client client(server->url());
    client.send(http_post(chat_body("hello")));
    ASSERT_TRUE(client.receive());
    EXPECT_EQ(server->counts().in_flight, 1U);
  }
  EXPECT_TRUE(becomes([&] { return server->counts().in_flight == 0; }));
  EXPECT_EQ(server->counts().answered, 0U);
}

TEST(SimServer_Faults, Slow_ArrivesWhole) {
  const auto server = started(with_fault(&sim_fault_spec::rate_slow));
  raw_client client(server->url());
  client.send(http_post(chat_body("hello", R"(,"stream":true)")));
  EXPECT_TRUE(text_of_stream(client.reply()).second);
  EXPECT_TRUE(becomes([&] { return server->counts().answered == 1; }));
}

TEST(SimServer_Faults, Truncated_IsNeverAGoodReply) {
  const auto server = started(with_fault(&sim_fault_spec::rate_truncated));
  for (int i = 0; i < 10; ++i) {
    raw_client client(server->url());
    client.send(http_post(chat_body("hello " + std::to_string(i))));
    const auto reply = client.reply();
    const bool parses = nlohmann::json::accept(reply.body);
    EXPECT_FALSE(reply.whole && parses);
  }
}

TEST(SimServer_Faults, Huge_IsBeyondTheReplyLimitAndEnds) {
  const auto server = started(with_fault(&sim_fault_spec::rate_huge));
  raw_client client(server->url());
  client.send(http_post(chat_body("hello", R"(,"stream":true)")));
  while (client.receive())
    client.forget();
  EXPECT_GT(client.received(), limits::reply_bytes_max);
  EXPECT_LT(client.received(), limits::sim_huge_bytes + (1U << 20));
}

TEST(SimServer_Faults, HalfTheTime_ARetrySucceeds) {
  auto options = plain();
  options.behaviour.faults.rate_500 = 0.5;
  const auto server = started(options);
  raw_client client(server->url());
  for (int i = 0; i < 20; ++i) {
    int status = 0;
    for (int attempt = 0; attempt < 40 && status != 200; ++attempt) {
      client.send(http_post(chat_body("hello " + std::to_string(i))));
      status = client.reply().status;
    }
    EXPECT_EQ(status, 200);
  }
  EXPECT_EQ(server->counts().distinct, 20U);
  EXPECT_GT(server->counts().faults, 0U);
  EXPECT_EQ(server->counts().received, 20 + server->counts().faults);
}

} // namespace tenbit

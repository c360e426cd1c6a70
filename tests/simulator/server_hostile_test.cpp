// Clients that mean harm or are broken: the server answers or closes, and goes on serving the
// others.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "config/limits.hpp"
#include "simulator/server.hpp"
#include "tests/simulator/raw_client.hpp"

namespace tenbit {
namespace {

using namespace sim::test;

class hostile : public ::testing::Test {
protected:
  void SetUp() override {
    sim_options options;
    options.behaviour.latency_ms = 0;
    auto made = sim_server::start(options);
    ASSERT_TRUE(made);
    server_ = std::move(*made);
  }
  // Whatever happened before, a good client is served.
  void TearDown() override {
    raw_client client(server_->url());
    ASSERT_TRUE(client.send(http_post(chat_body("hello"))));
    EXPECT_EQ(client.reply().status, 200);
  }
  raw_reply sent(const std::string& bytes) {
    raw_client client(server_->url());
    client.send(bytes);
    return client.reply();
  }
  std::unique_ptr<sim_server> server_;
};

using SimServer_Hostile = hostile;

} // namespace

TEST_F(SimServer_Hostile, NotHttp_Is400) {
  for (const char* bytes :
       {"\x16\x03\x01\x02 tls hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "GET / HTTP/1.1\r\n: no name\r\n\r\n"})
    EXPECT_EQ(sent(bytes).status, 400) << bytes;
}

TEST_F(SimServer_Hostile, HugeHead_Is431) {
  EXPECT_EQ(sent("GET / HTTP/1.1\r\nX: " + std::string(64U << 10, 'a') + "\r\n\r\n").status, 431);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 5000; ++i)
    many += "X: a\r\n";
  EXPECT_EQ(sent(many + "\r\n").status, 431);
}

TEST_F(SimServer_Hostile, HugeBody_Is413) {
  EXPECT_EQ(
      sent("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nabc").status,
      413);
  raw_client chunked(server_->url());
  chunked.send("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(1U << 20, 'a') + "\r\n";
  for (int i = 0; i < 17; ++i) {
    if (!chunked.send(chunk))
      break; // refused before the end: as it should be
  }
  EXPECT_EQ(chunked.reply().status, 413);
}

TEST_F(SimServer_Hostile, LargestBody_IsRead) {
  std::string body = chat_body(std::string(4U << 20, 'a'));
  EXPECT_EQ(sent(http_post(body)).status, 200);
}

TEST_F(SimServer_Hostile, DeepNesting_Is400) {
  EXPECT_EQ(sent(http_post(std::string(1U << 20, '['))).status, 400);
  EXPECT_EQ(sent(http_post(chat_body("x", ",\"a\":" + std::string(40, '[') + std::string(40, ']'))))
                .status,
            400);
}

TEST_F(SimServer_Hostile, IllFormedUtf8_Is400) {
  EXPECT_EQ(sent(http_post(chat_body("x\xff\xfe"))).status, 400);
  EXPECT_EQ(sent(http_post(chat_body("\xed\xa0\x80"))).status, 400);
}

TEST_F(SimServer_Hostile, ControlCharactersInTheModelName_AreHarmlessInTheError) {
  const auto reply = sent(http_post(chat_body("x", "", "a\\u001b[31m\\n\\u202eb")));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body.find('\x1b'), std::string::npos);
}

TEST_F(SimServer_Hostile, ManyHalfOpenConnections_TakeNoSlot) {
  std::vector<std::unique_ptr<raw_client>> all;
  for (int i = 0; i < 300; ++i) {
    all.push_back(std::make_unique<raw_client>(server_->url()));
    ASSERT_TRUE(all.back()->connected());
    all.back()->send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
  }
  EXPECT_EQ(server_->counts().in_flight, 0U);
  EXPECT_EQ(server_->counts().received, 0U);
}

TEST_F(SimServer_Hostile, RandomBytes_NeverStopTheServer) {
  random_stream random(99);
  const std::string good = http_post(chat_body("hello", R"(,"stream":true)"));
  for (int i = 0; i < 400; ++i) {
    std::string bytes = good;
    for (std::uint64_t n = random.below(6); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    bytes.resize(random.below(bytes.size()) + 1);
    raw_client client(server_->url());
    client.send(bytes);
  }
}

TEST_F(SimServer_Hostile, ClientThatNeverReads_DoesNotHoldTheOthers) {
  raw_client deaf(server_->url());
  std::string all;
  for (int i = 0; i < 2000; ++i)
    all += http_get("/metrics");
  std::thread sender([&] { deaf.send(all); });
  raw_client other(server_->url());
  other.send(http_get("/health"));
  EXPECT_EQ(other.reply().status, 200);

  for (int i = 0; i < 2000; ++i)
    ASSERT_EQ(deaf.reply().status, 200);
  sender.join();
}

} // namespace tenbit

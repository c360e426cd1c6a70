// Enrolled peers that misbehave: nothing of them gets further, and the others do not notice.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "config/limits.hpp"
#include "link_fixture.hpp"

namespace tenbit::link {
namespace {

using std::chrono::milliseconds;
constexpr auto short_wait = milliseconds(300); // for what must not come

// One gateway, a good peer that is connected, and the key of a bad one.
class Hostile : public ::testing::Test {
protected:
  void SetUp() override {
    good_key_ = keys_.peer("good", "solver,oracle,grader");
    bad_key_ = keys_.peer("bad", "solver");
    server_ = start_gateway(keys_, seen_);
    ASSERT_TRUE(server_);
    good_ = std::make_unique<raw_client>(server_->address(), &good_key_);
    good_->send(hello_bytes(1));
    ASSERT_TRUE(eventually([&] { return seen_.count("good") == 1; }));
  }
  // The good peer is heard and answered, and its connection is the one it had.
  void expect_good_unaffected() {
    const std::size_t before = seen_.count("good");
    good_->send(hello_bytes(2));
    EXPECT_TRUE(eventually([&] { return seen_.count("good") == before + 1; }));
    EXPECT_EQ(seen_.frames().back().from, seen_.of("good"));
    EXPECT_FALSE(seen_.is_gone(seen_.of("good")));
    server_->send(seen_.of("good"), heartbeat_ack{before});
    const auto answer = good_->receive(test_patience);
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<heartbeat_ack>(*answer).number, before);
  }
  [[nodiscard]] std::uint64_t bad_count() const {
    const auto stats = server_->stats();
    const auto found = stats.bad_by_peer.find("bad");
    return found == stats.bad_by_peer.end() ? 0 : found->second;
  }
  void expect_dropped_after(const std::function<void(raw_client&)>& send_one) {
    raw_client bad(server_->address(), &bad_key_);
    bad.send(hello_bytes(1));
    ASSERT_TRUE(eventually([&] { return seen_.count("bad") == 1; }));
    for (std::uint32_t i = 0; i < limits::bad_frames_max; ++i)
      send_one(bad);
    EXPECT_TRUE(eventually([&] { return seen_.is_gone(seen_.of("bad")); }));
    EXPECT_EQ(bad_count(), limits::bad_frames_max);
    const auto told = bad.receive(test_patience);
    ASSERT_TRUE(told);
    EXPECT_FALSE(std::get<refused>(*told).for_good);
    bad.send(hello_bytes(2));
    EXPECT_TRUE(eventually([&] { return bad_count() == limits::bad_frames_max + 1; }));
    EXPECT_EQ(seen_.count("bad"), 1U) << "nothing of a dropped connection is delivered";
    EXPECT_FALSE(bad.receive(short_wait)) << "it is told once";
    expect_good_unaffected();
  }

  key_folder keys_;
  witness seen_;
  key_file good_key_, bad_key_;
  std::unique_ptr<gateway> server_;
  std::unique_ptr<raw_client> good_;
};

TEST_F(Hostile, RandomBytes_AreCountedThenDropped) {
  random_stream random(4711);
  expect_dropped_after([&](raw_client& bad) {
    std::string bytes(1 + random.below(2000), '\0');
    for (char& c : bytes)
      c = static_cast<char>(random.below(256));
    bytes[0] = static_cast<char>(0xc1); // never used in msgpack
    bad.send(bytes);
  });
  EXPECT_EQ(server_->stats().bad_frames, limits::bad_frames_max);
}

TEST_F(Hostile, EmptyFrames_AreCountedThenDropped) {
  expect_dropped_after([](raw_client& bad) { bad.send(""); });
}

TEST_F(Hostile, MsgpackBombs_AreCountedThenDropped) {
  // Arrays that promise four thousand million entries, texts as long, and depth without end.
  const std::vector<std::string> bombs{
      std::string("\xdd\xff\xff\xff\xff", 5), std::string("\x93\x01\x01\xdb\xff\xff\xff\xff", 8),
      std::string("\x93\x01\x01\xdd\xff\xff\xff\xff", 8), std::string(100'000, '\x91'),
      std::string("\x93\x01\x01", 3) + std::string(100'000, '\x91')};
  std::size_t next = 0;
  expect_dropped_after([&](raw_client& bad) { bad.send(bombs[next++ % bombs.size()]); });
}

TEST_F(Hostile, MessagesOfManyParts_AreCountedThenDropped) {
  expect_dropped_after([](raw_client& bad) {
    bad.send(hello_bytes(3), true);
    bad.send(hello_bytes(4), true);
    bad.send(hello_bytes(5), false);
  });
}

TEST_F(Hostile, MessagesOfAnotherRole_AreForbiddenAndNotDelivered) {
  const std::string graded_bytes = wire::encode(from_peer{graded{}});
  const std::string append_bytes = wire::encode(from_peer{oracle_append{}});
  ASSERT_TRUE(wire::decode_from_peer(graded_bytes)) << "else this tests the decoder";
  ASSERT_TRUE(wire::decode_from_peer(append_bytes));
  bool turn = false;
  expect_dropped_after([&](raw_client& bad) {
    turn = !turn;
    bad.send(turn ? graded_bytes : append_bytes);
  });
  EXPECT_EQ(server_->stats().forbidden, limits::bad_frames_max + 1U);
  good_->send(append_bytes); // whose key has the role
  EXPECT_TRUE(eventually(
      [&] { return std::holds_alternative<oracle_append>(seen_.frames().back().message); }));
}

TEST_F(Hostile, FrameOverTheLimit_EndsTheConnection) {
  raw_client bad(server_->address(), &bad_key_);
  bad.send(hello_bytes(1));
  ASSERT_TRUE(eventually([&] { return seen_.count("bad") == 1; }));
  bad.send(std::string(limits::frame_bytes_max + (1U << 20), 'x'));
  EXPECT_TRUE(eventually([&] { return bad.failed(); }));
  EXPECT_TRUE(eventually([&] { return seen_.is_gone(seen_.of("bad")); }));
  EXPECT_EQ(seen_.count("bad"), 1U);
  expect_good_unaffected();
}

TEST_F(Hostile, AnotherVersion_IsRefusedForGoodWithBothNamed) {
  raw_client bad(server_->address(), &bad_key_);
  std::string bytes = hello_bytes(1);
  bytes[1] = 9; // [version, …
  bad.send(bytes);
  const auto told = bad.receive(test_patience);
  ASSERT_TRUE(told);
  const refused& no = std::get<refused>(*told);
  EXPECT_TRUE(no.for_good);
  EXPECT_NE(no.reason.find("version 1"), std::string::npos) << no.reason;
  EXPECT_NE(no.reason.find("9"), std::string::npos) << no.reason;
  EXPECT_EQ(server_->stats().bad_frames, 1U);
  expect_good_unaffected();
}

TEST_F(Hostile, AnothersRoutingId_GetsNothingOfIt) {
  raw_client first(server_->address(), &good_key_, "same-id");
  first.send(hello_bytes(11));
  ASSERT_TRUE(eventually([&] { return seen_.count("good") == 2; }));
  const connection_id victim = seen_.frames().back().from;
  auto thief = std::make_unique<raw_client>(server_->address(), &bad_key_, "same-id");
  ASSERT_TRUE(eventually([&] { return thief->connected(); }));
  thief->send(hello_bytes(12));
  server_->send(victim, heartbeat_ack{77});
  const auto answer = first.receive(test_patience);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<heartbeat_ack>(*answer).number, 77U);
  EXPECT_FALSE(thief->receive(short_wait));
  EXPECT_EQ(seen_.count("bad"), 0U);
  expect_good_unaffected();
}

TEST_F(Hostile, RoutingIdOfOneThatIsGone_IsAnotherConnection) {
  auto first = std::make_unique<raw_client>(server_->address(), &good_key_, "same-id");
  first->send(hello_bytes(11));
  ASSERT_TRUE(eventually([&] { return seen_.count("good") == 2; }));
  const connection_id victim = seen_.frames().back().from;
  first.reset();
  ASSERT_TRUE(eventually([&] { return seen_.is_gone(victim); }));
  raw_client thief(server_->address(), &bad_key_, "same-id");
  thief.send(hello_bytes(12));
  ASSERT_TRUE(eventually([&] { return seen_.count("bad") == 1; }));
  EXPECT_NE(seen_.of("bad"), victim);
  server_->send(victim, heartbeat_ack{78});
  EXPECT_FALSE(thief.receive(short_wait));
  EXPECT_EQ(server_->stats().dropped_sends, 1U);
}

TEST_F(Hostile, PeerThatDoesNotRead_LosesItsConnectionAndTheQueueIsBounded) {
  auto deaf = std::make_unique<raw_client>(server_->address(), &bad_key_, std::string(), 1);
  deaf->send(hello_bytes(1));
  ASSERT_TRUE(eventually([&] { return seen_.count("bad") == 1; }));
  const connection_id id = seen_.of("bad");
  const experiment_text large{{1}, std::string(900'000, 'x')};
  std::uint64_t most = 0;
  for (int i = 0; i < 1000 && !seen_.is_gone(id); ++i) {
    server_->send(id, large);
    most = std::max(most, server_->stats().queued_bytes);
  }
  EXPECT_TRUE(eventually([&] { return seen_.is_gone(id); }));
  EXPECT_LE(most, limits::link_queue_bytes_max);
  EXPECT_GT(most, limits::link_queue_bytes_max / 2);
  EXPECT_EQ(server_->stats().queued_bytes, 0U);
  EXPECT_NE(seen_.reason(id).find("did not read"), std::string::npos) << seen_.reason(id);
  expect_good_unaffected();
}

TEST_F(Hostile, ManyConnectionsOfOneKey_OnlyTheNewestStay) {
  std::vector<std::unique_ptr<raw_client>> clients;
  for (std::uint64_t i = 0; i < limits::connections_per_key_max + 2; ++i) {
    clients.push_back(std::make_unique<raw_client>(server_->address(), &bad_key_));
    clients.back()->send(hello_bytes(i));
    ASSERT_TRUE(eventually([&] { return seen_.count("bad") == i + 1; }));
  }
  EXPECT_EQ(seen_.gone().size(), 2U);
  EXPECT_TRUE(seen_.is_gone(seen_.of("bad")));
  expect_good_unaffected();
}

} // namespace
} // namespace tenbit::link

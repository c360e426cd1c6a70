#include <array>
#include <fstream>
#include <gtest/gtest.h>

#include "config/limits.hpp"
#include "link/probe.hpp"
#include "link_fixture.hpp"

namespace tenbit::link {
namespace {

using std::chrono::milliseconds;

key_file random_key(const std::string& server_key) {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  TENBIT_ASSERT(::zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
  return {"stranger", {true, true, true}, public_key.data(), secret_key.data(), server_key};
}

TEST(Admission, EnrolledPeer_TalksBothWays) {
  key_folder keys;
  witness seen;
  const key_file key = keys.peer("w1", "solver");
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client client(server->address(), &key);
  client.send(hello_bytes(7));
  ASSERT_TRUE(eventually([&] { return seen.count("w1") == 1; }));
  const peer_frame frame = seen.frames().at(0);
  EXPECT_EQ(std::get<hello>(frame.message).boot, 7U);
  EXPECT_EQ(to_string(frame.rights), "solver");
  server->send(frame.from, welcome{3, 30'000, 5'000, "w1"});
  const auto answer = client.receive(test_patience);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<welcome>(*answer).incarnation, 3U);
  ASSERT_TRUE(eventually([&] { return server->stats().connections == 1; }));
  EXPECT_EQ(server->stats().frames_in, 1U);
  EXPECT_TRUE(eventually([&] { return server->stats().frames_out == 1; }));
  EXPECT_EQ(server->stats().refused_keys, 0U) << "the self-test is not counted";
}

TEST(Admission, RandomKey_IsRefusedAndCounted) {
  key_folder keys;
  witness seen;
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  const key_file key = random_key(read_key_file(keys.dir() + "/server.key")->public_key);
  raw_client client(server->address(), &key);
  client.send(hello_bytes(1));
  EXPECT_TRUE(eventually([&] { return client.failed(); }));
  EXPECT_TRUE(eventually([&] { return server->stats().refused_keys == 1; }));
  EXPECT_FALSE(client.connected());
  EXPECT_TRUE(seen.frames().empty());
}

TEST(Admission, WrongServerKey_FailsTheHandshake) {
  key_folder keys;
  key_folder other;
  witness seen;
  key_file key = keys.peer("w1", "solver");
  key.server_key = read_key_file(other.dir() + "/server.key")->public_key;
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client client(server->address(), &key);
  client.send(hello_bytes(1));
  EXPECT_TRUE(eventually([&] { return client.failed(); }));
  EXPECT_TRUE(eventually([&] { return server->stats().failed_handshakes >= 1; }));
  EXPECT_FALSE(client.connected());
  EXPECT_TRUE(seen.frames().empty());
}

TEST(Admission, NoMechanismOrPassword_FailsTheHandshake) {
  key_folder keys;
  witness seen;
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client plain(server->address(), nullptr);
  plain.send(hello_bytes(1));
  EXPECT_TRUE(eventually([&] { return plain.failed(); }));
  EXPECT_TRUE(eventually([&] { return server->stats().failed_handshakes >= 1; }));
  EXPECT_FALSE(plain.connected());

  context ctx(1);
  socket password = socket::open(ctx, ZMQ_DEALER).value();
  password.set(ZMQ_LINGER, 0);
  password.set(ZMQ_PLAIN_USERNAME, std::string_view("w1"));
  password.set(ZMQ_PLAIN_PASSWORD, std::string_view("x"));
  password.set(ZMQ_RECONNECT_IVL, -1);
  ASSERT_TRUE(password.connect(server->address()));
  ASSERT_EQ(password.send(hello_bytes(1), false), send_result::sent);
  EXPECT_TRUE(eventually([&] { return server->stats().failed_handshakes >= 2; }));
  EXPECT_TRUE(seen.frames().empty());
}

TEST(Admission, RevokedWhileConnected_IsDroppedAndTold) {
  key_folder keys;
  witness seen;
  const key_file revoked = keys.peer("w1", "solver");
  const key_file kept = keys.peer("w2", "solver");
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client client(server->address(), &revoked);
  raw_client other(server->address(), &kept);
  client.send(hello_bytes(1));
  other.send(hello_bytes(1));
  ASSERT_TRUE(eventually([&] { return seen.frames().size() == 2; }));
  const connection_id id = seen.of("w1");
  ASSERT_TRUE(revoke_key(keys.dir(), "w1"));
  ASSERT_TRUE(eventually([&] { return seen.is_gone(id); }));
  EXPECT_NE(seen.reason(id).find("revoked"), std::string::npos);
  const auto told = client.receive(test_patience);
  ASSERT_TRUE(told);
  EXPECT_TRUE(std::get<refused>(*told).for_good);
  client.send(hello_bytes(2));
  EXPECT_TRUE(eventually([&] { return server->stats().forbidden == 1; }));
  other.send(hello_bytes(2));
  EXPECT_TRUE(eventually([&] { return seen.count("w2") == 2; }));
  EXPECT_EQ(seen.count("w1"), 1U);
  EXPECT_EQ(server->stats().bad_by_peer.at("w1"), 1U);

  raw_client again(server->address(), &revoked);
  EXPECT_TRUE(eventually([&] { return again.failed(); }));
  EXPECT_FALSE(again.connected());
}

TEST(Admission, EnrolledWhileRunning_IsLetIn) {
  key_folder keys;
  witness seen;
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  const key_file key = keys.peer("late", "grader");
  diary notes;
  const auto link = uplink::start({server->address(), key}, notes.events());
  ASSERT_TRUE(link) << link.error();
  EXPECT_TRUE(eventually([&] { return notes.ups() >= 1; }));
}

TEST(Admission, NameGivenToANewKey_TheOldKeysSessionIsOut) {
  key_folder keys;
  witness seen;
  const key_file old = keys.peer("w1", "solver");
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client client(server->address(), &old);
  client.send(hello_bytes(1));
  ASSERT_TRUE(eventually([&] { return seen.count("w1") == 1; }));
  ASSERT_TRUE(revoke_key(keys.dir(), "w1"));
  std::filesystem::remove(keys.dir() + "/w1.key");
  ASSERT_EQ(keys.peer("w1", "solver").name, "w1");
  EXPECT_TRUE(eventually([&] { return seen.is_gone(seen.of("w1")); }));
  client.send(hello_bytes(2));
  EXPECT_TRUE(eventually([&] { return server->stats().forbidden == 1; }));
  EXPECT_EQ(seen.count("w1"), 1U);
}

TEST(Admission, RolesChangedByHand_DropsTheConnection) {
  key_folder keys;
  witness seen;
  const key_file key = keys.peer("w1", "solver");
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  raw_client client(server->address(), &key);
  client.send(hello_bytes(1));
  ASSERT_TRUE(eventually([&] { return seen.count("w1") == 1; }));
  std::ofstream(keys.dir() + "/peers") << "tenbit-peers 1\nw1 grader " << key.public_key << "\n";
  EXPECT_TRUE(eventually([&] { return seen.is_gone(seen.of("w1")); }));
  const auto told = client.receive(test_patience);
  ASSERT_TRUE(told);
  EXPECT_FALSE(std::get<refused>(*told).for_good) << "it may connect again";
}

TEST(Admission, ListBecomesUnreadable_TheOldOneStays) {
  key_folder keys;
  witness seen;
  const key_file key = keys.peer("w1", "solver");
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  std::filesystem::remove(keys.dir() + "/peers");
  raw_client client(server->address(), &key);
  for (std::uint64_t boot = 1; boot <= 3; ++boot)
    client.send(hello_bytes(boot));
  EXPECT_TRUE(eventually([&] { return seen.count("w1") == 3; }));
}

TEST(Gateway, Start_WithoutKeysOrAddress_SaysWhy) {
  const temporary_folder folder;
  witness seen;
  const auto none = gateway::start({"tcp://127.0.0.1:0", folder / "none"}, seen.events());
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().find("tenbit keys init"), std::string::npos) << none.error();
  key_folder keys;
  EXPECT_FALSE(gateway::start({"nonsense", keys.dir()}, seen.events()));
  const auto first = start_gateway(keys, seen);
  ASSERT_TRUE(first);
  const auto second = gateway::start({first->address(), keys.dir()}, seen.events());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find(first->address()), std::string::npos) << second.error();
}

// The self-test itself: servers that let strangers in are found out.
TEST(Probe, ServerThatAsksNobody_IsFoundOut) {
  context ctx(1);
  socket router = socket::open(ctx, ZMQ_ROUTER).value();
  router.set(ZMQ_LINGER, 0);
  key_folder keys;
  const auto key = read_key_file(keys.dir() + "/server.key");
  router.set(ZMQ_CURVE_SERVER, 1);
  router.set(ZMQ_CURVE_SECRETKEY, std::string_view(key->secret_key));
  router.set(ZMQ_ZAP_DOMAIN, std::string_view("tenbit"));
  ASSERT_TRUE(router.bind("tcp://127.0.0.1:*"));
  const auto checked = check_strangers_refused(ctx, router.bound_address(), key->public_key, [] {});
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().find("random key was let in"), std::string::npos) << checked.error();
}

TEST(Probe, ServerWithoutKeys_IsFoundOut) {
  context ctx(1);
  socket router = socket::open(ctx, ZMQ_ROUTER).value();
  router.set(ZMQ_LINGER, 0);
  ASSERT_TRUE(router.bind("tcp://127.0.0.1:*"));
  key_folder keys;
  const auto key = read_key_file(keys.dir() + "/server.key");
  EXPECT_FALSE(check_strangers_refused(ctx, router.bound_address(), key->public_key, [] {}));
}

} // namespace
} // namespace tenbit::link

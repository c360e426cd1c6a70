#include "link/uplink.hpp"

#include <fstream>
#include <gtest/gtest.h>

#include "config/limits.hpp"
#include "link_fixture.hpp"

namespace tenbit::link {
namespace {

from_peer numbered(std::uint64_t n) {
  heartbeat message;
  message.number = n;
  return message;
}
std::uint64_t number_of(const peer_frame& frame) {
  return std::get<heartbeat>(frame.message).number;
}

struct pair {
  key_folder keys;
  witness seen;
  diary notes;
  std::unique_ptr<gateway> server;
  std::unique_ptr<uplink> client;

  void start(const std::string& address = "tcp://127.0.0.1:0") {
    const key_file key = keys.peer("w1", "solver");
    server = start_gateway(keys, seen, address);
    ASSERT_TRUE(server);
    auto made = uplink::start({server->address(), key}, notes.events());
    ASSERT_TRUE(made) << made.error();
    client = std::move(*made);
    ASSERT_TRUE(eventually([&] { return client->up() && notes.ups() == 1; }));
  }
};

TEST(Uplink, Messages_BothWays_KeepTheirOrder) {
  pair p;
  p.start();
  constexpr std::uint64_t count = 5000;
  for (std::uint64_t n = 1; n <= count; ++n)
    ASSERT_TRUE(p.client->send(numbered(n)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == count; }));
  const auto frames = p.seen.frames();
  for (std::uint64_t n = 1; n <= count; ++n)
    ASSERT_EQ(number_of(frames[n - 1]), n);
  for (std::uint64_t n = 1; n <= count; ++n)
    p.server->send(frames[0].from, heartbeat_ack{n});
  ASSERT_TRUE(eventually([&] { return p.notes.messages().size() == count; }));
  const auto answers = p.notes.messages();
  for (std::uint64_t n = 1; n <= count; ++n)
    ASSERT_EQ(std::get<heartbeat_ack>(answers[n - 1]).number, n);
}

TEST(Uplink, LargestMessages_Cross) {
  pair p;
  p.start();
  ASSERT_TRUE(p.client->send(numbered(1)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == 1; }));
  const std::string toml(limits::experiment_file_bytes_max, 'x');
  p.server->send(p.seen.of("w1"), experiment_text{{1}, toml});
  ASSERT_TRUE(eventually([&] { return p.notes.messages().size() == 1; }));
  EXPECT_EQ(std::get<experiment_text>(p.notes.messages()[0]).toml, toml);
}

TEST(Uplink, GatewayRestartsOnItsPort_ConnectsAgain) {
  pair p;
  p.start();
  const std::string address = p.server->address();
  p.server.reset();
  ASSERT_TRUE(eventually([&] { return !p.client->up() && !p.notes.downs().empty(); }));
  EXPECT_FALSE(p.client->send(numbered(1))) << "nothing is kept while it is down";
  p.server = start_gateway(p.keys, p.seen, address);
  ASSERT_TRUE(p.server);
  ASSERT_TRUE(eventually([&] { return p.notes.ups() == 2; }));
  ASSERT_TRUE(p.client->send(numbered(2)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == 1; }));
  EXPECT_EQ(number_of(p.seen.frames()[0]), 2U) << "nothing of before the loss";
}

TEST(Uplink, CoordinatorNotThereYet_ConnectsWhenItComes) {
  pair p;
  p.start();
  const std::string address = p.server->address();
  p.client.reset();
  p.server.reset();
  diary notes;
  const auto key = read_key_file(p.keys.dir() + "/w1.key");
  const auto early = uplink::start({address, *key}, notes.events());
  ASSERT_TRUE(early) << early.error();
  ASSERT_TRUE(eventually([&] { return notes.downs().size() == 1; }));
  EXPECT_NE(notes.downs()[0].find("nobody listens"), std::string::npos) << notes.downs()[0];
  p.server = start_gateway(p.keys, p.seen, address);
  EXPECT_TRUE(eventually([&] { return notes.ups() == 1; }));
  EXPECT_EQ(notes.downs().size(), 1U) << "the same reason is said once";
}

TEST(Uplink, KeyNotEnrolled_SaysWhatToDo) {
  key_folder keys;
  key_folder other;
  witness seen;
  diary notes;
  key_file key = other.peer("w1", "solver");
  key.server_key = read_key_file(keys.dir() + "/server.key")->public_key;
  const auto server = start_gateway(keys, seen);
  const auto client = uplink::start({server->address(), key}, notes.events());
  ASSERT_TRUE(client);
  ASSERT_TRUE(eventually([&] { return !notes.downs().empty(); }));
  EXPECT_NE(notes.downs()[0].find("not enrolled"), std::string::npos) << notes.downs()[0];
  EXPECT_EQ(notes.ups(), 0);
}

TEST(Uplink, WrongServerKeyPinned_SaysWhatToDo) {
  key_folder keys;
  key_folder other;
  witness seen;
  diary notes;
  key_file key = keys.peer("w1", "solver");
  key.server_key = read_key_file(other.dir() + "/server.key")->public_key;
  const auto server = start_gateway(keys, seen);
  const auto client = uplink::start({server->address(), key}, notes.events());
  ASSERT_TRUE(client);
  ASSERT_TRUE(eventually([&] { return !notes.downs().empty(); }));
  EXPECT_NE(notes.downs()[0].find("pin"), std::string::npos) << notes.downs()[0];
  EXPECT_EQ(notes.ups(), 0);
}

TEST(Uplink, RevokedWhileUp_IsToldAndStaysOut) {
  pair p;
  p.start();
  ASSERT_TRUE(p.client->send(numbered(1)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == 1; }));
  ASSERT_TRUE(revoke_key(p.keys.dir(), "w1"));
  ASSERT_TRUE(eventually([&] { return p.notes.downs().size() >= 2; }));
  EXPECT_TRUE(std::get<refused>(p.notes.messages().at(0)).for_good);
  EXPECT_NE(p.notes.downs()[0].find("revoked"), std::string::npos) << p.notes.downs()[0];
  EXPECT_NE(p.notes.downs()[1].find("not enrolled"), std::string::npos) << p.notes.downs()[1];
  EXPECT_EQ(p.notes.ups(), 1);
}

TEST(Uplink, DroppedByTheCoordinator_GetsWhatWasQueuedThenConnectsAnew) {
  pair p;
  p.start();
  ASSERT_TRUE(p.client->send(numbered(1)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == 1; }));
  const connection_id first = p.seen.of("w1");
  for (std::uint64_t n = 1; n <= 100; ++n)
    p.server->send(first, heartbeat_ack{n});
  p.server->drop(first, "a newer one is here");
  p.server->send(first, heartbeat_ack{101});
  ASSERT_TRUE(eventually([&] { return p.notes.messages().size() == 101; }));
  EXPECT_EQ(std::get<refused>(p.notes.messages()[100]).reason, "a newer one is here");
  EXPECT_TRUE(eventually([&] { return p.seen.is_gone(first); }));
  EXPECT_TRUE(eventually([&] { return p.notes.ups() == 2; }));
  EXPECT_EQ(p.server->stats().dropped_sends, 1U);
}

TEST(Uplink, IntakeHeld_NothingComesAndNothingIsLost) {
  pair p;
  p.start();
  ASSERT_TRUE(p.client->send(numbered(0)));
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == 1; }));
  p.server->hold_intake(true);
  constexpr std::uint64_t count = 3000;
  for (std::uint64_t n = 1; n <= count; ++n)
    ASSERT_TRUE(p.client->send(numbered(n)));
  // Sends still go out, which also shows that the gateway went round since.
  for (std::uint64_t n = 1; n <= 10; ++n)
    p.server->send(p.seen.of("w1"), heartbeat_ack{n});
  ASSERT_TRUE(eventually([&] { return p.notes.messages().size() == 10; }));
  const std::size_t held_at = p.seen.count("w1");
  EXPECT_LE(held_at, 1U + limits::link_round_frames_max) << "the turn in work may end";
  p.server->send(p.seen.of("w1"), heartbeat_ack{11});
  ASSERT_TRUE(eventually([&] { return p.notes.messages().size() == 11; }));
  EXPECT_EQ(p.seen.count("w1"), held_at);
  p.server->hold_intake(false);
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == count + 1; }));
  const auto frames = p.seen.frames();
  for (std::uint64_t n = 0; n <= count; ++n)
    ASSERT_EQ(number_of(frames[n]), n);
}

TEST(Uplink, Destroyed_WhatWasQueuedIsSentFirst) {
  pair p;
  p.start();
  constexpr std::uint64_t count = 2000;
  for (std::uint64_t n = 1; n <= count; ++n)
    ASSERT_TRUE(p.client->send(numbered(n)));
  ASSERT_TRUE(p.client->send(goodbye{"done"}));
  p.client.reset();
  ASSERT_TRUE(eventually([&] { return p.seen.count("w1") == count + 1; }));
  EXPECT_TRUE(std::holds_alternative<goodbye>(p.seen.frames().back().message));
  const connection_id id = p.seen.of("w1");
  EXPECT_TRUE(eventually([&] { return p.seen.is_gone(id); }));
  EXPECT_EQ(p.seen.frames().back().from, id) << "its last words came over its own connection";
}

TEST(Uplink, QueueFull_SaysSo) {
  pair p;
  p.start();
  p.server->hold_intake(true);
  goodbye large;
  oracle_text_reply text; // the gateway would refuse it; only its size matters here
  text.text = std::string(limits::reply_text_bytes_max, 'x');
  const from_peer message = text;
  bool refused_at_last = false;
  for (int i = 0; i < 1000 && !refused_at_last; ++i)
    refused_at_last = !p.client->send(message);
  EXPECT_TRUE(refused_at_last);
  EXPECT_TRUE(p.client->up());
}

TEST(Uplink, Start_BadAddressOrKey_SaysWhy) {
  key_folder keys;
  diary notes;
  const key_file key = keys.peer("w1", "solver");
  const auto bad = uplink::start({"nonsense", key}, notes.events());
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().find("tcp://HOST:PORT"), std::string::npos) << bad.error();
  const auto server_key = read_key_file(keys.dir() + "/server.key");
  const auto own = uplink::start({"tcp://127.0.0.1:1", *server_key}, notes.events());
  ASSERT_FALSE(own);
  EXPECT_NE(own.error().find("tenbit keys enroll"), std::string::npos) << own.error();
}

TEST(Uplink, TwoHundredAtOnce_AllConnectAndAreAnswered) {
  constexpr std::size_t count = 200;
  key_folder keys;
  std::string list = "tenbit-peers 1\n";
  std::vector<key_file> all;
  all.push_back(keys.peer("w0", "solver"));
  while (all.size() < count) { // without a file each: that is tested elsewhere
    key_file key = all.front();
    char public_key[41] = {};
    char secret_key[41] = {};
    ASSERT_EQ(::zmq_curve_keypair(public_key, secret_key), 0);
    key.name = "w" + std::to_string(all.size());
    key.public_key = public_key;
    key.secret_key = secret_key;
    all.push_back(key);
  }
  for (const key_file& key : all)
    list += key.name + " solver " + key.public_key + "\n";
  std::ofstream(keys.dir() + "/peers") << list;
  witness seen;
  const auto server = start_gateway(keys, seen);
  ASSERT_TRUE(server);
  std::vector<std::unique_ptr<diary>> notes;
  std::vector<std::unique_ptr<uplink>> links;
  for (const key_file& key : all) {
    notes.push_back(std::make_unique<diary>());
    auto made = uplink::start({server->address(), key}, notes.back()->events());
    ASSERT_TRUE(made) << made.error();
    links.push_back(std::move(*made));
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(eventually([&] { return links[i]->up(); })) << i;
    ASSERT_TRUE(links[i]->send(numbered(i)));
  }
  ASSERT_TRUE(eventually([&] { return seen.frames().size() == count; }));
  for (const peer_frame& frame : seen.frames()) {
    EXPECT_EQ(frame.key_name, "w" + std::to_string(number_of(frame)));
    server->send(frame.from, heartbeat_ack{number_of(frame)});
  }
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_TRUE(eventually([&] { return notes[i]->messages().size() == 1; })) << i;
  EXPECT_TRUE(eventually([&] { return server->stats().connections == count; }));
  EXPECT_TRUE(seen.gone().empty());
}

} // namespace
} // namespace tenbit::link

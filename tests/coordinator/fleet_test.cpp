#include "coordinator/fleet.hpp"

#include <gtest/gtest.h>

namespace tenbit {
namespace {

constexpr connection_id one{11}, two{12};
constexpr experiment_id run{7};

// Each connected, with this role.
fleet with(const std::vector<std::string>& names, role_set roles) {
  fleet f;
  std::uint64_t connection = 100;
  for (const std::string& name : names) {
    fleet_peer& peer = f.by_name(name);
    peer.roles = roles;
    f.connect(peer, connection_id{connection++});
  }
  return f;
}

} // namespace

TEST(Fleet_ByName, SameKey_IsTheSamePeer) {
  fleet f;
  const peer_id a = f.by_name("a").id;
  EXPECT_NE(f.by_name("b").id, a);
  EXPECT_EQ(f.by_name("a").id, a);
  EXPECT_EQ(f.all().size(), 2U);
  EXPECT_EQ(f.find(peer_id{}), nullptr);
  EXPECT_EQ(f.find(peer_id{3}), nullptr);
}

TEST(Fleet_Connect, SecondConnection_TakesThePlaceOfTheFirst) {
  fleet f;
  fleet_peer& peer = f.by_name("a");
  f.connect(peer, one);
  peer.knows.insert(experiment_id{1});
  f.connect(peer, two);
  EXPECT_EQ(f.by_connection(one), nullptr);
  ASSERT_NE(f.by_connection(two), nullptr);
  EXPECT_EQ(f.by_connection(two)->name, "a");
  EXPECT_TRUE(peer.knows.empty()) << "what was sent over the old one may be lost";
  f.disconnect(peer);
  EXPECT_EQ(f.by_connection(two), nullptr);
  f.disconnect(peer);
}

TEST(Fleet_OracleOf, SameOracles_GiveTheSameOneAndShareTheTasks) {
  const fleet f = with({"a", "b", "c"}, {false, true, false});
  std::map<peer_id, int> share;
  for (std::uint64_t task = 0; task < 300; ++task) {
    const auto oracle = f.oracle_of(run, task);
    ASSERT_TRUE(oracle);
    EXPECT_EQ(f.oracle_of(run, task), oracle);
    ++share[*oracle];
  }
  ASSERT_EQ(share.size(), 3U);
  for (const auto& [oracle, tasks] : share)
    EXPECT_GT(tasks, 50);
}

TEST(Fleet_OracleOf, OneGivenUp_MovesItsTasksAlone) {
  fleet f = with({"a", "b", "c"}, {false, true, false});
  std::vector<peer_id> before;
  for (std::uint64_t task = 0; task < 100; ++task)
    before.push_back(*f.oracle_of(run, task));
  fleet_peer& gone = f.all()[1];
  gone.given_up = true;
  for (std::uint64_t task = 0; task < 100; ++task) {
    const auto after = f.oracle_of(run, task);
    ASSERT_TRUE(after);
    EXPECT_NE(*after, gone.id);
    if (before[task] != gone.id) {
      EXPECT_EQ(*after, before[task]);
    }
  }
}

TEST(Fleet_OracleOf, OneExpectedBack_IsWaitedFor) {
  fleet f = with({"a"}, {false, true, false});
  f.disconnect(f.all().front());
  EXPECT_EQ(f.oracle_of(run, 1), std::nullopt);
  f.all().front().left = true;
  EXPECT_EQ(f.oracle_of(run, 1), std::nullopt);
  fleet none = with({"a"}, {true, false, true});
  EXPECT_EQ(none.oracle_of(run, 1), std::nullopt);
}

TEST(Fleet_NextGrader, SeveralGraders_TakeTurnsAndDrainingOnesAreSkipped) {
  fleet f = with({"a", "b", "c"}, {false, false, true});
  std::map<peer_id, int> turns;
  for (int i = 0; i < 9; ++i)
    ++turns[*f.next_grader(run)];
  for (const auto& [grader, count] : turns)
    EXPECT_EQ(count, 3);
  f.all()[0].draining = "told to";
  f.disconnect(f.all()[1]);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(f.next_grader(run), f.all()[2].id);
  EXPECT_EQ(fleet().next_grader(run), std::nullopt);
}

TEST(Fleet_Solvers, OnlyThoseThatTakeTasks_Count) {
  fleet f = with({"a", "b", "c"}, {true, false, false});
  EXPECT_EQ(f.solvers(run), 3U);
  f.all()[0].draining = "told to";
  f.disconnect(f.all()[1]);
  EXPECT_EQ(f.solvers(run), 1U);
}

} // namespace tenbit

#include "actors/session.hpp"

#include <array>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/actors/wire_samples.hpp"

namespace tenbit {
namespace {

// By the order of the alternatives; "" is any role.
constexpr std::array<std::string_view, 14> from_peer_roles{
    "",       "",       "",       "",                 // hello, heartbeat, goodbye, refused
    "solver", "solver", "solver", "solver", "solver", // append, ask, text, finished, released
    "oracle", "oracle", "oracle", "oracle",           // append, failed, text, forgotten
    "grader"};                                        // graded
static_assert(from_peer_roles.size() == std::variant_size_v<from_peer>);

constexpr std::array<std::string_view, 20> to_peer_roles{
    "",       "",       "",       "",       "",       "", // welcome … leave_order
    "solver", "solver", "solver", "solver", "solver", "solver", "solver", "solver", // grant …
    "oracle", "oracle", "oracle", "oracle", // oracle_ask … forget_task
    "grader",                               // grade_request
    ""};                                    // endpoint_order
static_assert(to_peer_roles.size() == std::variant_size_v<to_peer>);

template <class Variant, std::size_t size>
void expect_roles(const std::array<std::string_view, size>& table) {
  const auto messages = wire_test::one_of_each<Variant>(wire_test::counting);
  ASSERT_EQ(messages.size(), size);
  for (std::size_t i = 0; i < size; ++i)
    EXPECT_EQ(to_string(role_of(messages[i])), table[i]) << "alternative " << i;
}

} // namespace

TEST(RoleOf, EveryMessageOfAPeer_IsOfTheTable) {
  expect_roles<from_peer>(from_peer_roles);
}

TEST(RoleOf, EveryMessageToAPeer_IsOfTheTable) {
  expect_roles<to_peer>(to_peer_roles);
}

// What no solver may be sent: it carries gold, or text of the sender that was not asked for.
TEST(RoleOf, GoldAndTheSendersSide_AreNotOfTheSolver) {
  for (const to_peer& message : {to_peer(oracle_ask{}), to_peer(oracle_text{}),
                                 to_peer(oracle_appended{}), to_peer(grade_request{})}) {
    EXPECT_FALSE(role_of(message).solver);
    EXPECT_TRUE(role_of(message).any());
  }
}

TEST(RoleNames, EveryNonEmptySet_ComesBack) {
  for (unsigned bits = 1; bits < 8; ++bits) {
    const role_set roles{(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0};
    const auto back = parse_roles(to_string(roles));
    ASSERT_TRUE(back) << to_string(roles);
    EXPECT_EQ(*back, roles);
  }
}

TEST(RoleNames, Text_IsInOneOrder) {
  EXPECT_EQ(to_string(role_set{}), "");
  EXPECT_EQ(to_string(role_set{true, true, true}), "solver,oracle,grader");
  EXPECT_EQ(to_string(*parse_roles("grader,solver")), "solver,grader");
  EXPECT_EQ(to_string(*parse_roles("oracle,oracle")), "oracle");
}

TEST(ParseRoles, UnknownOrEmptyName_IsNothing) {
  for (const char* text : {"", ",", "solver,", ",solver", "solver,,oracle", "operator", "Solver",
                           "solver, oracle", "solvers", "solver;oracle"})
    EXPECT_FALSE(parse_roles(text)) << text;
}

TEST(RoleSet, Covers_IsInclusion) {
  EXPECT_TRUE((role_set{true, true, false}).covers({true, false, false}));
  EXPECT_TRUE((role_set{true, false, false}).covers({}));
  EXPECT_FALSE((role_set{true, false, false}).covers({true, false, true}));
}

TEST(ReleaseKind, Names_AreDistinct) {
  EXPECT_EQ(to_string(release_kind::done), "done");
  EXPECT_EQ(to_string(release_kind::interrupted), "interrupted");
  EXPECT_EQ(to_string(release_kind::outage), "outage");
  EXPECT_EQ(to_string(release_kind::own_fault), "own_fault");
  EXPECT_EQ(to_string(release_kind::refused), "refused");
  EXPECT_EQ(to_string(release_kind::diverged), "diverged");
}

} // namespace tenbit

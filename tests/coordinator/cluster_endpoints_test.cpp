// Orders of operators for replicas, as peers are told of them.
#include "coordinator/cluster_core.hpp"

#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using orders = std::vector<endpoint_order>;

const endpoint_order pause_it{"http://gpu/v1", endpoint_action::pause, 0};
const endpoint_order resume_it{"http://gpu/v1", endpoint_action::resume, 0};

void report(core_bench& w, connection_id from, const std::string& key, const std::string& url) {
  replica_report replica;
  replica.url = url;
  w.say(from, key, heartbeat{1, ++w.beats[key], 4, {}, {replica}});
}

} // namespace

TEST(Core_Endpoints, OrderForAll_ReachesConnectedPeersAtOnce) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  w.join(o, "otto", sender);
  ASSERT_TRUE(w.core.order("", pause_it));
  EXPECT_EQ(w.got<endpoint_order>(a), orders{pause_it});
  EXPECT_EQ(w.got<endpoint_order>(o), orders{pause_it});
}

TEST(Core_Endpoints, OrderForOne_ReachesThatOneAlone) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  w.join(b, "ben", solver, 1);
  ASSERT_TRUE(w.core.order("ben", pause_it));
  EXPECT_TRUE(w.got<endpoint_order>(a).empty());
  EXPECT_EQ(w.got<endpoint_order>(b), orders{pause_it});
}

TEST(Core_Endpoints, Welcome_IsFollowedByWhatStandsBeforeAnyWork) {
  core_bench w;
  ASSERT_TRUE(w.core.order("", pause_it));
  w.join(a, "anna", solver, 1);
  w.pump();
  std::vector<std::size_t> kinds;
  for (const auto& [to, message] : w.sent)
    kinds.push_back(message.index());
  ASSERT_GE(kinds.size(), 2U);
  EXPECT_EQ(kinds[0], to_peer(welcome{}).index());
  EXPECT_EQ(kinds[1], to_peer(endpoint_order{}).index());
}

TEST(Core_Endpoints, ResumedWhileAway_IsToldAtTheNextHello) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  ASSERT_TRUE(w.core.order("", pause_it));
  w.core.on_gone(a);
  ASSERT_TRUE(w.core.order("", resume_it));
  EXPECT_EQ(w.got<endpoint_order>(a), orders{pause_it});
  w.join(c, "anna", solver, 1);
  EXPECT_EQ(w.got<endpoint_order>(c), orders{resume_it});
}

TEST(Core_Endpoints, Restart_GoesOnWithWhatWasKept) {
  core_bench w;
  w.core.load_orders({{"", "http://gpu/v1", true, std::nullopt}});
  w.join(a, "anna", solver, 1);
  EXPECT_EQ(w.got<endpoint_order>(a), orders{pause_it});
  ASSERT_EQ(w.core.snapshot(w.now).endpoint_orders.size(), 1U);
  EXPECT_EQ(w.core.snapshot(w.now).endpoint_orders[0].paused, true);
}

TEST(Core_Endpoints, Known_AreReportedOrOrdered) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  w.join(b, "ben", solver, 1);
  report(w, a, "anna", "http://one/v1");
  report(w, b, "ben", "http://two/v1");
  ASSERT_TRUE(w.core.order("ben", pause_it));
  const std::vector<std::string> all = {"http://gpu/v1", "http://one/v1", "http://two/v1"};
  EXPECT_EQ(w.core.endpoints_of("").value(), all);
  EXPECT_EQ(w.core.endpoints_of("anna").value(), std::vector<std::string>{"http://one/v1"});
  const auto nobody = w.core.endpoints_of("carl");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().find("carl"), std::string::npos);
}

} // namespace tenbit::testing

// Workers that are heard and do not hear, and tasks that no frame can carry: neither is tried for
// ever.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

std::string line_of(core_bench& w, const std::string& name) {
  for (const peer_line& line : w.core.snapshot(w.now).peers)
    if (line.name == name)
      return line.draining;
  return "no such peer";
}

// Anna's heartbeats come and name nothing.
void let_expire(core_bench& w) {
  w.pass(limits::lease_ttl + 2s, {{a, "anna"}}, 2);
}

} // namespace

TEST(Core_Deaf, WorkerThatNeverNamesItsGrants_GetsNoMore) {
  core_bench w(5);
  w.join(a, "anna", solver, 2);
  for (int i = 0; i < 5; ++i)
    let_expire(w);
  EXPECT_EQ(w.got<grant>(a).size(), 2U) << "its slots, once";
  EXPECT_EQ(w.status().leases_expired, 2U);
  EXPECT_NE(line_of(w, "anna").find("does not hear"), std::string::npos);
  EXPECT_NE(w.core.why_pending(w.run()).find("no worker hears"), std::string::npos);
  w.join(b, "ben", solver, 5);
  EXPECT_EQ(w.got<grant>(b).size(), 5U) << "all of it goes to another";
}

TEST(Core_Deaf, HelloThatWasAskedFor_ShowsThatItHears) {
  core_bench w(5);
  w.join(a, "anna", solver, 2);
  let_expire(w);
  EXPECT_FALSE(w.got<hello_wanted>(a).empty());
  EXPECT_EQ(w.got<grant>(a).size(), 2U);
  w.join(a, "anna", solver, 2);
  EXPECT_EQ(w.got<grant>(a).size(), 4U) << "what expired is pending, and not sent beside new ones";
  EXPECT_EQ(line_of(w, "anna"), "");
}

TEST(Core_Deaf, HelloThatIsOnlyRepeated_ShowsNothing) {
  core_bench w(5);
  w.join(a, "anna", solver, 2);
  for (int i = 0; i < 40; ++i, w.tick(2s)) // it waits for its welcome
    w.join(a, "anna", solver, 2);
  EXPECT_NE(line_of(w, "anna"), "");
  const auto granted = w.got<grant>(a).size();
  EXPECT_EQ(w.status().leases_granted, 2U);
  w.beat(a, "anna", 2); // it was welcomed at last
  EXPECT_EQ(line_of(w, "anna"), "");
  EXPECT_GT(w.got<grant>(a).size(), granted);
}

TEST(Core_Deaf, NewConnection_ShowsThatItHears) {
  core_bench w(5);
  w.join(a, "anna", solver, 2);
  let_expire(w);
  w.join(c, "anna", solver, 2);
  EXPECT_EQ(line_of(w, "anna"), "");
  EXPECT_EQ(w.got<grant>(c).size(), 2U);
}

TEST(Core_Deaf, OldLeaseNamed_IsNoProofAndALaterOneIs) {
  core_bench w(5);
  w.join(a, "anna", solver, 1);
  const grant first = w.got<grant>(a).at(0);
  w.beat(a, "anna", 3, {{first.task, first.lease, 0, 0}}); // two more slots: two more grants
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 3U);
  for (int i = 0; i < 34; ++i, w.tick(1s))
    w.beat(a, "anna", 3, {{first.task, first.lease, 0, 0}});
  EXPECT_EQ(w.status().leases_expired, 2U);
  EXPECT_EQ(w.got<grant>(a).size(), 3U);
  EXPECT_NE(line_of(w, "anna"), "");
  w.say(a, "anna", append_request{given[2].task, given[2].lease, 1, {call_of(*w.exp, "late")}});
  EXPECT_EQ(line_of(w, "anna"), "");
  EXPECT_GT(w.got<grant>(a).size(), 3U);
}

TEST(Core_Deaf, Undrained_IsTriedAgain) {
  core_bench w(5);
  w.join(a, "anna", solver, 2);
  let_expire(w);
  EXPECT_TRUE(w.core.undrain("anna"));
  w.tick();
  EXPECT_EQ(w.got<grant>(a).size(), 4U);
}

// -- what no frame can carry ---------------------------------------------------------------------

namespace {

std::vector<event> huge_journal(const experiment& exp, party by) {
  std::vector<event> out;
  for (std::size_t bytes = 0; bytes <= limits::frame_bytes_max;
       bytes += limits::reply_text_bytes_max) {
    const char* model = by == party::sender ? "large" : "small";
    call_event call = call_of(exp, std::to_string(bytes), model, by);
    call.reply.text.assign(limits::reply_text_bytes_max, 'x');
    out.emplace_back(std::move(call));
  }
  return out;
}

// Why the first task was quarantined; empty: it was not.
std::string quarantined_for(const core_bench& w) {
  for (const commit_command& command : w.committed)
    if (command.what.status == task_status::quarantined && command.what.task.value == 0)
      return std::get<failure_event>(command.what.events.at(0)).message;
  return {};
}

} // namespace

TEST(Core_TooLarge, GrantThatNoFrameCarries_QuarantinesItsTaskAlone) {
  core_bench w(3);
  w.earlier[0] = huge_journal(*w.exp, party::receiver);
  w.join(a, "anna", solver, 3);
  w.commit();
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
  EXPECT_EQ(w.status().tasks.leased, 2U);
  EXPECT_EQ(w.got<grant>(a).size(), 2U);
  EXPECT_NE(quarantined_for(w).find("larger than a frame"), std::string::npos);
  w.tick(1h);
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
}

TEST(Core_TooLarge, JournalThatGrewBeforeAReconnect_QuarantinesItsTask) {
  core_bench w(1);
  w.join(a, "anna", solver, 1);
  w.commit();
  w.earlier[0] = huge_journal(*w.exp, party::receiver);
  w.join(b, "anna", solver, 1); // and has lost its grant
  w.commit();
  EXPECT_TRUE(w.got<grant>(b).empty());
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
}

TEST(Core_TooLarge, JournalThatTheOracleNeeds_QuarantinesItsTask) {
  core_bench w(2);
  w.earlier[0] = huge_journal(*w.exp, party::sender);
  w.join(o, "olga", sender);
  w.join(a, "anna", solver, 2);
  w.commit();
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 2U);
  for (const grant& one : given)
    w.say(a, "anna", ask_message{one.task, one.lease, 1, asking, {"Is it?"}, "draft"});
  w.commit();
  EXPECT_EQ(w.status().tasks.quarantined, 1U);
  EXPECT_EQ(w.status().tasks.leased, 1U);
  EXPECT_EQ(w.got<revoke>(a).size(), 1U);
  for (const oracle_ask& ask : w.got<oracle_ask>(o))
    EXPECT_EQ(ask.task.problem.value, 1U);
  EXPECT_NE(quarantined_for(w).find("larger than a frame"), std::string::npos);
}

} // namespace tenbit::testing

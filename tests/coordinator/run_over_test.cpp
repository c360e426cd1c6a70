// What still comes for a run that is over, whose store is closed.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

// Anna holds a task, and olga is there to be asked.
grant first_lease(core_bench& w) {
  w.join(o, "olga", sender);
  w.join(a, "anna", solver, 1);
  const grant given = w.got<grant>(a).at(0);
  w.commit();
  return given;
}

} // namespace

TEST(Core_RunOver, OracleSendsAgain_IsAnsweredAndTouchesNoStore) {
  core_bench w;
  const grant given = first_lease(w);
  w.core.stop_run(given.task.experiment, "enough");
  w.commit();
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::interrupted, 0});
  w.commit();
  const auto events = w.events();
  w.say(o, "olga", oracle_append{given.task, 7, 1, {call_of(*w.exp, "q", "large", party::sender)}});
  EXPECT_EQ(w.got<oracle_appended>(o).size(), 1U);
  w.commit();
  EXPECT_EQ(w.events(), events);
  w.core.on_journal_end(run_a, "");
  const int reads = w.reads;
  w.say(o, "olga", oracle_append{given.task, 8, 1, {call_of(*w.exp, "q", "large", party::sender)}});
  w.commit();
  EXPECT_EQ(w.got<oracle_appended>(o).size(), 2U);
  EXPECT_EQ(w.reads, reads) << "its store is closed";
  EXPECT_EQ(w.events(), events);
}

// What it paid for is nowhere yet: it keeps it for the coordinator's next life.
TEST(Core_RunBroken, OracleSendsACall_IsNotAnswered) {
  core_bench w;
  const grant given = first_lease(w);
  w.core.on_journal_end(run_a, "the disk is full");
  const int reads = w.reads;
  w.say(o, "olga", oracle_append{given.task, 7, 1, {call_of(*w.exp, "q", "large", party::sender)}});
  w.commit();
  EXPECT_TRUE(w.got<oracle_appended>(o).empty());
  EXPECT_EQ(w.reads, reads);
  EXPECT_EQ(w.events(), 0U);
}

// The lease ended while its worker's commit was on its way: what the oracle had paid for meanwhile
// waits for that commit, not to be sent again.
TEST(Core_Late, OracleCallBesideACommit_IsKeptWhenThatIsDurable) {
  core_bench w;
  const grant given = first_lease(w);
  w.say(a, "anna", append_request{given.task, given.lease, 1, {call_of(*w.exp, "new")}});
  w.say(a, "anna", task_released{given.task, given.lease, release_kind::interrupted, 0});
  const oracle_append paid{given.task, 1, 0, {call_of(*w.exp, "own", "large", party::sender)}};
  w.say(o, "olga", paid);
  w.say(o, "olga", paid);
  EXPECT_TRUE(w.got<oracle_appended>(o).empty());
  w.commit();
  EXPECT_EQ(w.got<oracle_appended>(o).size(), 1U);
  EXPECT_EQ(w.events(), 2U);
}

} // namespace tenbit::testing

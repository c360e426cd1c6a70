// What free space allows, as a figure and as the cluster feels it.
#include "coordinator/disk_level.hpp"

#include <gtest/gtest.h>

#include "tests/coordinator/cluster_world.hpp"
#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

constexpr disk_marks marks{20, 10, 5};

disk_level at(double percent, disk_level before) {
  return level_of(static_cast<std::uint64_t>(percent * 1e6), 100'000'000, marks, before);
}

append_request append_to(core_bench& w, const grant& given, std::uint64_t ticket) {
  return {given.task, given.lease, ticket, {call_of(*w.exp, "a prompt of ours")}};
}

} // namespace

TEST(Disk_Level, FreeSpace_IsComparedWithTheMarks) {
  EXPECT_EQ(at(20, disk_level::ample), disk_level::ample);
  EXPECT_EQ(at(19.9, disk_level::ample), disk_level::low);
  EXPECT_EQ(at(10, disk_level::ample), disk_level::low);
  EXPECT_EQ(at(9.9, disk_level::ample), disk_level::no_grants);
  EXPECT_EQ(at(5, disk_level::ample), disk_level::no_grants);
  EXPECT_EQ(at(4.9, disk_level::ample), disk_level::no_appends);
  EXPECT_EQ(at(0, disk_level::ample), disk_level::no_appends);
}

TEST(Disk_Level, BetterLevel_NeedsSomeSpaceMore) {
  EXPECT_EQ(at(5.5, disk_level::no_appends), disk_level::no_appends);
  EXPECT_EQ(at(6, disk_level::no_appends), disk_level::no_grants);
  EXPECT_EQ(at(10.9, disk_level::no_grants), disk_level::no_grants);
  EXPECT_EQ(at(10.9, disk_level::no_appends), disk_level::no_grants);
  EXPECT_EQ(at(20.5, disk_level::no_appends), disk_level::low);
  EXPECT_EQ(at(21, disk_level::no_appends), disk_level::ample);
}

TEST(Disk_Level, DiskThatCannotBeAsked_ChangesNothing) {
  for (const auto level : {disk_level::ample, disk_level::low, disk_level::no_appends})
    EXPECT_EQ(level_of(0, 0, marks, level), level);
}

TEST(Disk_Level, Marks_FallOrAreOff) {
  EXPECT_TRUE(disk_marks().valid());
  EXPECT_TRUE((disk_marks{0, 0, 0}.valid()));
  EXPECT_TRUE((disk_marks{20, 0, 5}.valid()));
  EXPECT_TRUE((disk_marks{100, 100, 100}.valid()));
  EXPECT_FALSE((disk_marks{10, 20, 5}.valid()));
  EXPECT_FALSE((disk_marks{20, 0, 30}.valid()));
  EXPECT_FALSE((disk_marks{120, 10, 5}.valid()));
  EXPECT_FALSE((disk_marks{20, 10, -1}.valid()));
  EXPECT_EQ(level_of(1, 1000, {0, 0, 0}, disk_level::ample), disk_level::ample);
}

TEST(Core_Disk, NearlyFull_GivesOutNothingAndTakesWhatIsDone) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.core.disk(disk_level::no_grants);
  w.beat(a, "anna", 3);
  w.tick(1s);
  EXPECT_EQ(w.got<grant>(a).size(), 1U);
  EXPECT_NE(w.core.why_pending(w.run()).find("disk"), std::string::npos);
  w.say(a, "anna", append_to(w, given[0], 1), solver);
  w.commit();
  EXPECT_EQ(w.got<appended>(a).size(), 1U);
  w.core.disk(disk_level::low);
  w.tick(1s);
  EXPECT_EQ(w.got<grant>(a).size(), 3U);
  EXPECT_EQ(w.core.why_pending(w.run()).find("disk"), std::string::npos);
}

TEST(Core_Disk, Full_TakesNoResultsButKeepsTheLeases) {
  core_bench w;
  w.join(a, "anna", solver, 1);
  const auto given = w.got<grant>(a);
  ASSERT_EQ(given.size(), 1U);
  w.commit();
  w.core.disk(disk_level::no_appends);
  w.say(a, "anna", append_to(w, given[0], 1), solver);
  EXPECT_EQ(w.events(), 0U);
  for (int i = 0; i < 60; ++i) { // longer than a lease lives
    w.beat(a, "anna", 1, {{given[0].task, given[0].lease, 1, 0}});
    w.tick(1s);
  }
  EXPECT_EQ(w.status().leases_expired, 0U);
  EXPECT_TRUE(w.got<revoke>(a).empty());
  EXPECT_TRUE(w.got<appended>(a).empty());
  w.core.disk(disk_level::ample);
  w.say(a, "anna", append_to(w, given[0], 1), solver); // said again, as it had no reply
  w.commit();
  EXPECT_EQ(w.got<appended>(a).size(), 1U);
  EXPECT_EQ(w.events(), 1U);
}

// Full for up to minutes, again and again, with lost messages beside it: nothing is paid twice and
// the journal is the one of an ample disk.
TEST(Core_Disk, FullNowAndThen_GivesTheSameJournal) {
  constexpr std::size_t problems = 5;
  cluster_world reference(every_method(), problems, steady, {}, {}, 0);
  ASSERT_TRUE(reference.run(0, 200'000)) << reference.state_of_things();
  int full = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    fault_plan faults;
    faults.fill_disk = 0.002;
    faults.lose = 0.01;
    cluster_world w(every_method(), problems, steady, {}, faults, seed);
    EXPECT_TRUE(w.run(20'000, 400'000)) << w.state_of_things();
    for (const std::string& what : w.broken())
      ADD_FAILURE() << what;
    EXPECT_TRUE(w.canonical() == reference.canonical()) << "another journal";
    EXPECT_EQ(w.committed_calls_repeated(), 0);
    full += w.faults_done();
  }
  EXPECT_GT(full, 20); // a short run may have none
}

} // namespace tenbit::testing

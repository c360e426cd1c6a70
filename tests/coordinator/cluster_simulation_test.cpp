// A cluster under seeds: any interleaving, broken links, dead processes. The journal is that of a
// run in which nothing happened.
#include <cstdlib>
#include <gtest/gtest.h>

#include "tests/coordinator/cluster_world.hpp"
#include "tests/coordinator/small_experiment.hpp"

namespace tenbit::testing {
namespace {

constexpr std::size_t problems = 5;

// TENBIT_SEEDS=10000 for a long search; a failing seed is in the test's output.
std::uint64_t seeds() {
  const char* wanted = std::getenv("TENBIT_SEEDS");
  return wanted == nullptr ? 200 : std::strtoull(wanted, nullptr, 10);
}

const std::vector<std::string>& reference() {
  static const std::vector<std::string> out = [] {
    cluster_world w(every_method(), problems, steady, {}, {}, 0);
    EXPECT_TRUE(w.run(0, 200'000)) << w.state_of_things();
    EXPECT_TRUE(w.broken().empty());
    return w.canonical();
  }();
  return out;
}

void expect_same_journal(fault_plan faults, std::uint64_t seed, bool calls_once,
                         cluster_shape shape = {}) {
  SCOPED_TRACE(seed);
  cluster_world w(every_method(), problems, steady, shape, faults, seed);
  EXPECT_TRUE(w.run(20'000, 400'000)) << w.state_of_things();
  for (const std::string& what : w.broken())
    ADD_FAILURE() << what;
  EXPECT_TRUE(w.canonical() == reference()) << "another journal";
  EXPECT_EQ(w.counts().done, problems);
  if (calls_once) {
    EXPECT_EQ(w.committed_calls_repeated(), 0);
  }
}

// Under every seed.
void expect_same_journals(const fault_plan& faults, bool calls_once, cluster_shape shape = {}) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed)
    expect_same_journal(faults, seed, calls_once, shape);
}

std::uint64_t done_by(const cluster_status& status, const std::string& name) {
  for (const peer_line& peer : status.peers)
    if (peer.name == name)
      return peer.tasks_done;
  return 0;
}

} // namespace

TEST(Cluster_Undisturbed, AnyInterleaving_GivesTheSameJournal) {
  EXPECT_GT(reference().size(), 100U);
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    expect_same_journal({}, seed, true);
}

TEST(Cluster_OneProcess, SameExperiment_GivesTheSameJournal) {
  expect_same_journal({}, 1, true, {1, 1, 1, 1});
}

TEST(F10_Messages, LostRepeatedAndReordered_ChangeNothing) {
  fault_plan faults;
  faults.lose = 0.02;
  faults.repeat = 0.05;
  faults.reorder = 0.2;
  expect_same_journals(faults, false);
}

TEST(F1_Simulated, CoordinatorDies_NothingCommittedIsPaidAgain) {
  fault_plan faults;
  faults.kill_coordinator = 0.003;
  faults.faults_max = 20;
  expect_same_journals(faults, true);
}

TEST(F3_Simulated, WorkersDie_NothingCommittedIsPaidAgain) {
  fault_plan faults;
  faults.kill_worker = 0.002;
  faults.faults_max = 8;
  expect_same_journals(faults, true, {4, 2, 1, 2});
}

// No oracle dies: a task stays with the one that has it, so that nothing is given twice.
TEST(F1_Simulated, CoordinatorDiesBesideTwoOracles_TheirLedgersAreTheStores) {
  fault_plan faults;
  faults.kill_coordinator = 0.003;
  faults.faults_max = 20;
  for (std::uint64_t seed = 1; seed <= seeds() / 2; ++seed) {
    SCOPED_TRACE(seed);
    cluster_world w(every_method(), problems, steady, {2, 2, 1, 2}, faults, seed);
    EXPECT_TRUE(w.run(20'000, 400'000)) << w.state_of_things();
    const auto [stored, given] = w.bits();
    EXPECT_GT(stored, 0U);
    EXPECT_EQ(stored, given);
  }
}

TEST(F15_Simulated, OraclesAndGradersDie_BitsAreTheSame) {
  fault_plan faults;
  faults.kill_oracle = 0.002;
  faults.kill_grader = 0.001;
  faults.faults_max = 12;
  expect_same_journals(faults, true);
}

TEST(F24_Simulated, PeersAreKicked_NothingCommittedIsLost) {
  fault_plan faults;
  faults.kick = 0.01;
  faults.break_connection = 0.002;
  expect_same_journals(faults, false);
}

TEST(F24_Simulated, PeersAreDrainedAndUndrained_NothingCommittedIsPaidAgain) {
  fault_plan faults;
  faults.drain = 0.01;
  faults.faults_max = 30;
  expect_same_journals(faults, true);
}

TEST(F8_Simulated, LinksBreakAndAreCut_StaleLeasesAreRefused) {
  fault_plan faults;
  faults.break_connection = 0.002;
  faults.cut = 0.002;
  faults.pause_coordinator = 0.0005;
  faults.faults_max = 30;
  expect_same_journals(faults, false);
}

TEST(Cluster_Everything, AtOnce_EndsInTheSameJournal) {
  fault_plan faults;
  faults.lose = 0.01;
  faults.repeat = 0.02;
  faults.reorder = 0.1;
  faults.cut = faults.break_connection = 0.001;
  faults.kill_coordinator = faults.kill_oracle = faults.kill_grader = 0.0005;
  faults.kill_worker = 0.0003;
  faults.pause_coordinator = 0.0002;
  faults.drain = 0.0005;
  faults.kick = 0.0005;
  faults.faults_max = 25;
  expect_same_journals(faults, false, {4, 2, 2, 2});
}

TEST(F8_Simulated, WorkerThatOnlySpeaks_HoldsUpNoMoreThanItsSlotsOnce) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    cluster_world w(every_method(), 12, steady, {2, 1, 1, 2}, {}, seed);
    w.deafen(0, std::chrono::hours(24));
    EXPECT_TRUE(w.run(0, 400'000)) << w.state_of_things();
    EXPECT_EQ(w.counts().done, 12U);
    const cluster_status end = w.core().snapshot({});
    EXPECT_LE(end.runs.at(0).leases_expired, 2U);
    EXPECT_EQ(done_by(end, "worker0"), 0U);
    EXPECT_LT(w.elapsed(), std::chrono::hours(24));
  }
}

TEST(F8_Simulated, WorkerThatHearsAgain_WorksAgain) {
  int worked = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    cluster_world w(every_method(), 40, steady, {2, 1, 1, 2}, {}, seed);
    w.deafen(0, std::chrono::seconds(70));
    EXPECT_TRUE(w.run(0, 800'000)) << w.state_of_things();
    EXPECT_EQ(w.counts().done, 40U);
    const cluster_status end = w.core().snapshot({});
    EXPECT_LE(end.runs.at(0).leases_expired, 2U);
    if (w.elapsed() > std::chrono::seconds(100))
      worked += done_by(end, "worker0") > 0 ? 1 : -100;
  }
  EXPECT_GT(worked, 0) << "the runs are over before it hears again";
}

TEST(F19_Simulated, PoisonTask_IsQuarantinedAndTheOthersFinish) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    cluster_world w(every_method(), 8, steady, {3, 1, 1, 2}, {}, seed);
    w.poison(3);
    EXPECT_TRUE(w.run(0, 400'000)) << w.state_of_things();
    EXPECT_EQ(w.counts().quarantined, 1U);
    EXPECT_EQ(w.counts().done, 7U);
  }
}

// Its crashes are counted over the coordinator's lives.
TEST(F19_Simulated, PoisonTaskThatTakesTheCoordinatorAlong_IsQuarantinedAllTheSame) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    cluster_world w(every_method(), 8, steady, {3, 1, 1, 2}, {}, seed);
    w.poison(3);
    w.coordinator_dies_too();
    EXPECT_TRUE(w.run(0, 400'000)) << w.state_of_things();
    for (const std::string& what : w.broken())
      ADD_FAILURE() << what;
    EXPECT_EQ(w.counts().quarantined, 1U);
    EXPECT_EQ(w.counts().done, 7U);
    EXPECT_LE(w.poisoned(), 30) << "it goes on killing";
  }
}

} // namespace tenbit::testing

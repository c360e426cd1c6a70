// Deaths and pauses of the processes of a cluster, by the numbers of their faults: F1 and F2 kill
// the coordinator, F3 a worker or an oracle, F5 and F6 stop one for a while.
#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <thread>

#include "base/kill_point.hpp"
#include "base/random.hpp"
#include "config/limits.hpp"
#include "tests/system/fault_cluster.hpp"
#include "tests/system/tcp_proxy.hpp"

namespace tenbit::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For tests in which a lease must outlast a machine that is slow for a moment.
const std::vector<std::string> long_leases = {"--lease-ttl", "5"};
constexpr double long_ttl_s = 5;

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

struct passage {
  std::string_view point;
  int number;
};
std::map<std::string, std::string> kill_at(const passage& where) {
  return {{"TENBIT_KILL_AT", fmt::format("{}:{}", where.point, where.number)}};
}

// Waits for the death; a point that is never reached fails the test.
void expect_killed(const fault_cluster& cluster, process& one, const passage& where, int seconds) {
  EXPECT_TRUE(cluster.wait_until([&] { return !one.running(); }, seconds))
      << where.point << ":" << where.number << " is not reached " << cluster.run().dump(1);
  if (one.running())
    one.send(SIGTERM);
  const ended how = one.wait();
  ASSERT_EQ(how.signal, SIGKILL) << where.point << ":" << where.number << " exit " << how.exit_code
                                 << ": " << how.err;
}

} // namespace

// -- F1 ------------------------------------------------------------------------------------------

namespace {

// A life of the coordinator: it ends while it starts, or after its first grant and the goal.
void live_a_while(fault_cluster& cluster, random_stream& random, std::uint64_t goal,
                  double& slowest_grant) {
  const auto start = steady_clock::now();
  cluster.start_coordinator();
  if (random.chance(0.6)) {
    std::this_thread::sleep_for(milliseconds(random.below(600)));
    return;
  }
  // On a fast machine the run may be over before its last kill.
  const auto over = [&] { return cluster.run().value("phase", "") == "finished"; };
  ASSERT_TRUE(
      cluster.wait_until([&] { return cluster.figure("leases_granted") > 0 || over(); }, 30))
      << cluster.committed() << " calls " << cluster.run().dump(1);
  if (over())
    return;
  slowest_grant = std::max(slowest_grant, seconds_since(start));
  for (int i = 0; i < 20'000 && cluster.received_now() < goal; ++i)
    std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(random.below(50)));
}

} // namespace

TEST(F1_CoordinatorKilled, TwentyRandomMoments_RepeatNoCall) {
  constexpr int kills = 20, problems = 2000;
  constexpr std::uint64_t seed = 20261;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  random_stream random(seed);
  fault_cluster cluster(cheap_experiment(problems), 75);
  std::vector<std::uint64_t> goals;
  for (int i = 0; i < kills; ++i)
    goals.push_back(random.below(cluster.reference_calls() * 5 / 10));
  std::sort(goals.begin(), goals.end());
  // One oracle: over a restart of the coordinator a task may come to another, and cost twice there.
  for (const char* name : {"w1", "w2"})
    cluster.start_worker(name, "solver");
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  double slowest = 0;
  std::uint64_t committed_before = 0, open_at_kills = 0;
  for (int kill = 0; kill < kills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(
        live_a_while(cluster, random, goals[static_cast<std::size_t>(kill)], slowest));
    EXPECT_TRUE(cluster.coordinator().running()) << "kill " << kill;
    cluster.kill_coordinator();
    const std::uint64_t committed = cluster.committed();
    if (committed >= cluster.reference_calls()) {
      EXPECT_GE(kill, kills / 2) << "the run was over too soon";
      break;
    }
    EXPECT_GE(committed, committed_before) << "something durable is gone";
    committed_before = committed;
    open_at_kills += cluster.received_now() - committed;
  }
  cluster.start_coordinator();
  cluster.expect_same_end(120);
  // The workers lived on and keep what they have paid for. A grant is not synced before it is sent:
  // whose lease died with the coordinator asks again for what was not committed, and no more.
  const std::uint64_t received = cluster.received();
  EXPECT_LE(received - cluster.committed(), open_at_kills) << "a committed call was repeated";
  EXPECT_LT(slowest, 5.0) << "from restart to first grant";
  cluster.kill("o1");
  EXPECT_EQ(cluster.bits_of_oracles({"o1"}), cluster.bits());
  std::printf("%d kills: %llu requests, %llu calls committed, %llu open at the kills; slowest "
              "first grant %.2f s\n",
              kills, static_cast<unsigned long long>(received),
              static_cast<unsigned long long>(cluster.committed()),
              static_cast<unsigned long long>(open_at_kills), slowest);
}

// -- F2 ------------------------------------------------------------------------------------------

namespace {

constexpr passage coordinator_points[] = {
    {"store_created", 1},
    {"incarnation_bumped", 1},
    {"before_commit", 1},
    {"after_commit_before_ack", 1},
    {"after_ack", 1},
    {"after_outcome", 1},
    {"before_anchor", 1},
    {"before_commit", 9},
    {"after_commit_before_ack", 9},
    {"after_ack", 9},
    {"after_outcome", 9},
    {"before_clean_close", 1},
};
constexpr passage solver_points[] = {
    {"worker_append", 1},   {"call_answered", 1},  {"worker_finished", 1},
    {"worker_released", 1}, {"worker_append", 15},
};
constexpr passage later_solver_points[] = {
    {"call_answered", 15},
    {"worker_finished", 9},
    {"worker_released", 5},
};
constexpr passage oracle_points[] = {
    {"call_answered", 1},        {"bit_answered", 1},        {"before_oracle_ledger", 1},
    {"after_oracle_ledger", 1},  {"call_answered", 9},       {"bit_answered", 9},
    {"before_oracle_ledger", 9}, {"after_oracle_ledger", 9},
};

} // namespace

TEST(F2_CoordinatorKillPoints, AllPointsOfAllProcesses_AreKilledHereOrInF3) {
  for (const std::string_view point : kill_points::all) {
    const auto is = [&](const passage& one) { return one.point == point; };
    EXPECT_TRUE(std::any_of(std::begin(coordinator_points), std::end(coordinator_points), is) ||
                std::any_of(std::begin(solver_points), std::end(solver_points), is) ||
                std::any_of(std::begin(oracle_points), std::end(oracle_points), is))
        << point;
  }
}

TEST(F2_CoordinatorKillPoints, EachInTurn_EndsTheSame) {
  fault_cluster cluster(faults_experiment(100), 10);
  cluster.start_usual_workers();
  std::uint64_t committed_before = 0, open_at_kills = 0;
  for (const passage& where : coordinator_points) {
    SCOPED_TRACE(fmt::format("{}:{}", where.point, where.number));
    cluster.start_coordinator({"--lease-ttl", "2", "--until-done"}, kill_at(where));
    ASSERT_NO_FATAL_FAILURE(expect_killed(cluster, cluster.coordinator(), where, 90));
    const std::uint64_t committed = cluster.committed();
    EXPECT_GE(committed, committed_before) << "something durable is gone";
    committed_before = committed;
    open_at_kills += cluster.received() - committed;
    cluster.expect_givers_are_known({"o1", "o2"});
  }
  cluster.start_coordinator();
  cluster.expect_same_end(30);
  const std::uint64_t again = cluster.received() - cluster.committed();
  EXPECT_LE(again, open_at_kills) << "a committed call was requested again";
  std::printf("%zu kills: %llu calls requested again, %llu open at the kills\n",
              std::size(coordinator_points), static_cast<unsigned long long>(again),
              static_cast<unsigned long long>(open_at_kills));
}

// -- F3 ------------------------------------------------------------------------------------------

namespace {

// Kills one peer at each point in turn and starts it again. Nobody else does its work, so all that
// is lost is what it had paid for and not committed, and nothing else may be asked for again.
template <std::size_t N>
void kill_and_restart(const std::string& name, const std::string& roles,
                      const passage (&points)[N]) {
  constexpr int concurrency = 4, slots = 6;
  fault_cluster cluster(faults_experiment(40, concurrency), 5);
  cluster.start_coordinator();
  const auto start = [&](const std::string& one, const std::string& its_roles,
                         const std::map<std::string, std::string>& env) {
    cluster.start_worker(one, its_roles, {"--slots", std::to_string(slots)}, env);
  };
  for (const auto& [other, its_roles] :
       {std::pair<std::string, std::string>{"w1", "solver"}, {"o1", "oracle"}, {"g1", "grader"}})
    if (other != name)
      start(other, its_roles, {});
  std::uint64_t lost = 0, lost_most = 0;
  for (const passage& where : points) {
    SCOPED_TRACE(fmt::format("{}:{}", where.point, where.number));
    start(name, roles, kill_at(where));
    ASSERT_NO_FATAL_FAILURE(expect_killed(cluster, cluster.worker(name), where, 90));
    const std::uint64_t lost_now = cluster.lost_when_quiet();
    EXPECT_GE(lost_now, lost) << "a repeated request was committed twice";
    lost_most = std::max(lost_most, lost_now - lost);
    lost = lost_now;
  }
  start(name, roles, {});
  cluster.expect_same_end(60);
  const std::uint64_t again = cluster.received() - cluster.committed();
  EXPECT_EQ(again, lost) << "a committed call was requested again";
  cluster.kill("o1");
  EXPECT_EQ(cluster.bits_of_oracles({"o1"}), cluster.bits());
  std::printf("%zu kills of %s: %llu calls committed, %llu requested again, %llu of them in the "
              "worst death\n",
              N, name.c_str(), static_cast<unsigned long long>(cluster.committed()),
              static_cast<unsigned long long>(again), static_cast<unsigned long long>(lost_most));
}

} // namespace

TEST(F3_WorkerKilled, SolverAtEachPoint_RepeatsOnlyWhatWasInFlight) {
  kill_and_restart("w1", "solver", solver_points);
}

// In a run of its own: six deaths over one problem put it aside.
TEST(F3_WorkerKilled, SolverAtLaterPoints_RepeatsOnlyWhatWasInFlight) {
  kill_and_restart("w1", "solver", later_solver_points);
}

TEST(F3_WorkerKilled, OracleAtEachPoint_RepeatsOnlyWhatWasInFlight) {
  kill_and_restart("o1", "oracle", oracle_points);
}

TEST(F3_WorkerKilled, NotRestarted_AnotherTakesOverWithinTheLease) {
  constexpr int concurrency = 4;
  constexpr passage where = {"worker_append", 20};
  fault_cluster cluster(faults_experiment(30, concurrency), 60);
  cluster.start_coordinator();
  constexpr std::uint64_t slots = 4;
  cluster.start_worker("w1", "solver", {"--slots", std::to_string(slots)}, kill_at(where));
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  expect_killed(cluster, cluster.worker("w1"), where, 60);
  const auto death = steady_clock::now();
  cluster.start_worker("w2", "solver", {"--slots", std::to_string(slots)});
  // Within the time to live and a tick, which the simulation holds it to.
  ASSERT_TRUE(cluster.wait_until(
      [&] { return cluster.figure("leases_expired") > 0 && cluster.leased("w1") == 0; }, 30));
  const double after = seconds_since(death);
  const std::uint64_t lost = cluster.figure("leases_expired");
  EXPECT_LE(lost, slots);
  cluster.expect_same_end(60);
  const std::uint64_t again = cluster.received() - cluster.committed();
  EXPECT_LE(again, 2U * concurrency) << "more than was in flight at the death";
  std::printf("%llu leases taken over %.2f s after the death; %llu calls requested again\n",
              static_cast<unsigned long long>(lost), after, static_cast<unsigned long long>(again));
}

// -- F5 ------------------------------------------------------------------------------------------

TEST(F5_Zombie, WakesWhileItsSuccessorRuns_IsRefused) {
  constexpr int concurrency = 4, problems = 150;
  fault_cluster cluster(faults_experiment(problems, concurrency), 80);
  cluster.start_coordinator(long_leases);
  tcp_proxy proxy(cluster.address(), 5);
  cluster.start_worker("w1", "solver", {"--slots", "4", "--coordinator", proxy.address()});
  cluster.start_worker("w2", "solver", {"--slots", "4"});
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.leased("w1") == 4; }, 30));
  // Short of two leases it still has its connection. It wakes before it hears that it lost them.
  proxy.hold(false, true);
  cluster.worker("w1").send(SIGSTOP);
  cluster.hold_to(5); // its four, and one for the other
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.leased("w1") == 0; }, 30));
  cluster.worker("w1").send(SIGCONT);
  const auto asleep = cluster.run();
  EXPECT_GE(asleep.at("leases_expired"), 4);
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.leased("w2") > 0; }, 10))
      << "nobody took over";
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.figure("stale_refused") > 0; }, 10))
      << cluster.run().dump(1);
  proxy.hold(false, false);
  const auto stale = cluster.figure("stale_refused");
  cluster.hold_to(8);
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.leased("w1") > 0; }, 20));
  cluster.hold_to(1);
  // After two leases of silence the coordinator has closed it: it comes back as one that has none.
  cluster.worker("w1").send(SIGSTOP);
  EXPECT_TRUE(cluster.wait_until([&] { return !cluster.peer("w1").value("connected", true); }, 60));
  EXPECT_LT(cluster.run().at("tasks").at("done"), problems) << "the run is over already";
  cluster.hold_to(0);
  cluster.worker("w1").send(SIGCONT);
  EXPECT_TRUE(cluster.wait_until([&] { return cluster.leased("w1") > 0; }, 20))
      << "it does not work again";
  cluster.expect_same_end(60);
  cluster.kill("o1");
  EXPECT_EQ(cluster.bits_of_oracles({"o1"}), cluster.bits());
  const auto again = cluster.received() - cluster.committed();
  EXPECT_LE(again, 2U * 2 * concurrency) << "more than was in flight at the two pauses";
  std::printf("%s leases expired in the first pause; %llu stale messages; %llu calls again\n",
              asleep.at("leases_expired").dump().c_str(), static_cast<unsigned long long>(stale),
              static_cast<unsigned long long>(again));
}

// -- F6 ------------------------------------------------------------------------------------------

TEST(F6_CoordinatorPaused, LongerThanTheLease_ExpiresNone) {
  fault_cluster cluster(faults_experiment(40, 4), 60);
  cluster.start_coordinator(long_leases);
  for (const char* name : {"w1", "w2"})
    cluster.start_worker(name, "solver", {"--slots", "4"});
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  ASSERT_TRUE(cluster.wait_until(
      [&] { return cluster.leased("w1") == 4 && cluster.leased("w2") == 4; }, 30));
  cluster.coordinator().send(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::duration<double>(2 * long_ttl_s));
  cluster.coordinator().send(SIGCONT);
  EXPECT_TRUE(cluster.wait_until(
      [&] {
        const auto now = cluster.status();
        return now.is_object() && now.at("tick_gap_max_s") >= 1.9 * long_ttl_s;
      },
      30))
      << "it was not paused";
  EXPECT_LT(cluster.run().at("tasks").at("done"), 40) << "the run was over before the pause";
  cluster.expect_same_end(60);
  EXPECT_EQ(cluster.figure("leases_expired"), 0U);
  EXPECT_EQ(cluster.figure("leases_lost"), 0U);
  EXPECT_EQ(cluster.figure("leases_granted"), 40U) << "a task was given twice";
  EXPECT_EQ(cluster.received(), cluster.committed()) << "a call was requested again";
}

} // namespace tenbit::testing

// Faults of the parties beside the coordinator: oracles that die, hang or come back with an old
// ledger; endpoints that answer badly; problems that break workers; workers that break problems.
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>
#include <tuple>

#include "storage/store.hpp"
#include "tests/system/fault_cluster.hpp"
#include "tests/system/odd_server.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;

// Every bit of a ledger file (workers/oracle_ledger.hpp says how it is laid out), by place.
using bit_place = std::tuple<std::uint64_t, std::uint16_t, std::uint16_t, std::uint32_t>;
struct written_bit {
  int value = 0;
  std::string question;
  auto operator<=>(const written_bit&) const = default;
};
std::map<bit_place, written_bit> bits_of_ledger(const std::string& path) {
  std::map<bit_place, written_bit> out;
  const std::string bytes = read_file(path);
  const auto number = [&](std::size_t at, int size) {
    std::uint64_t value = 0;
    for (int i = size - 1; i >= 0; --i)
      value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
    return value;
  };
  for (std::size_t at = 0; at + 72 <= bytes.size(); at += 72)
    out[{number(at + 8, 8), static_cast<std::uint16_t>(number(at + 16, 2)),
         static_cast<std::uint16_t>(number(at + 18, 2)),
         static_cast<std::uint32_t>(number(at + 20, 4))}] = {static_cast<int>(bytes[at + 24]),
                                                             bytes.substr(at + 32, 32)};
  return out;
}

std::map<bit_place, written_bit> bits_of_store(const std::string& dir) {
  std::map<bit_place, written_bit> out;
  const auto opened = store::open_for_reading(dir);
  EXPECT_TRUE(opened) << opened.error().message;
  if (!opened)
    return out;
  for (std::uint64_t task = 0; task < (*opened)->manifest().tasks; ++task) {
    const auto events = (*opened)->events(problem_index{task});
    EXPECT_TRUE(events);
    for (const event& one : *events)
      if (const auto* bit = std::get_if<bit_event>(&one))
        out[{task, bit->where.arm.value, bit->where.trial.value, bit->index.value}] = {
            static_cast<int>(bit->value), std::string(bit->question_hash.view())};
  }
  return out;
}

std::string question_of(const std::string& dir, std::uint64_t problem) {
  const auto opened = store::open_for_reading(dir);
  return opened ? (*opened)->problem(problem_index{problem})->question : std::string();
}

std::uint64_t done(const fault_cluster& cluster) {
  const json run = cluster.run();
  return run.contains("tasks") ? run.at("tasks").at("done").get<std::uint64_t>() : 0;
}
std::uint64_t in_state(const fault_cluster& cluster, const char* state) {
  const json run = cluster.run();
  return run.contains("tasks") ? run.at("tasks").at(state).get<std::uint64_t>() : 0;
}

} // namespace

// -- F15 -----------------------------------------------------------------------------------------

namespace {

// Every bit of the store was given by an oracle, as it stands in that oracle's own ledger.
void expect_bits_in_ledgers(const fault_cluster& cluster, const std::vector<std::string>& oracles) {
  const auto in_store = bits_of_store(cluster.store());
  std::size_t given = 0;
  std::map<bit_place, std::vector<written_bit>> in_ledgers;
  for (const std::string& name : oracles)
    for (const auto& [place, bit] : bits_of_ledger(cluster.path("state-" + name + "/ledger"))) {
      in_ledgers[place].push_back(bit);
      ++given;
    }
  EXPECT_GE(given, in_store.size());
  EXPECT_EQ(in_store.size(), cluster.bits());
  std::size_t missing = 0;
  for (const auto& [place, bit] : in_store) {
    const auto& copies = in_ledgers[place];
    missing += std::find(copies.begin(), copies.end(), bit) == copies.end() ? 1 : 0;
  }
  EXPECT_EQ(missing, 0U) << "bits that no oracle's ledger has";
  std::printf("F15: %zu bits in the store, %zu in the oracles' ledgers\n", in_store.size(), given);
}

} // namespace

TEST(F15_Oracle, KilledHungAndRestarted_SameBitsCountedOnce) {
  constexpr std::uint64_t problems = 150;
  fault_cluster cluster(faults_experiment(problems), 12);
  cluster.start_coordinator(plain);
  cluster.start_worker("w1", "solver");
  cluster.start_worker("w2", "solver");
  cluster.start_worker("g1", "grader");
  // One after the other, so that the only oracle there is passes its kill point.
  const std::pair<const char*, const char*> killed[] = {{"o1", "before_oracle_ledger:4"},
                                                        {"o2", "after_oracle_ledger:4"}};
  for (const auto& [name, point] : killed) {
    cluster.start_worker(name, "oracle", {}, {{"TENBIT_KILL_AT", point}});
    ASSERT_TRUE(cluster.wait_until([&] { return !cluster.worker(name).running(); }, 60)) << name;
    EXPECT_EQ(cluster.worker(name).wait().signal, SIGKILL);
  }
  cluster.hold_to(3);
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("o2", "oracle");
  // Hung for longer than it is waited for: the other takes over.
  ASSERT_TRUE(cluster.wait_until([&] { return done(cluster) >= 3; }, 30)) << cluster.run().dump(1);
  cluster.worker("o1").send(SIGSTOP);
  EXPECT_LT(done(cluster), problems) << "the run was over before the oracle hung";
  ASSERT_TRUE(cluster.wait_until([&] { return !cluster.peer("o1").value("connected", true); }, 30));
  cluster.hold_to(0);
  const auto before = done(cluster);
  EXPECT_TRUE(
      cluster.wait_until([&] { return done(cluster) > before || done(cluster) == problems; }, 60));
  cluster.worker("o1").send(SIGCONT);
  cluster.expect_same_end(60);
  cluster.kill("o1");
  cluster.kill("o2");
  expect_bits_in_ledgers(cluster, {"o1", "o2"});
}

namespace {

void expect_older_ledger_is_refused(bool coordinator_restarts) {
  fault_cluster cluster(faults_experiment(160), 12);
  cluster.start_coordinator(plain);
  cluster.start_worker("w1", "solver");
  cluster.start_worker("g1", "grader");
  cluster.start_worker("o1", "oracle");
  const std::string ledger = cluster.path("state-o1/ledger");
  const auto has = [&](std::size_t bits) {
    return std::filesystem::exists(ledger) && std::filesystem::file_size(ledger) >= bits * 72;
  };
  ASSERT_TRUE(cluster.wait_until([&] { return has(8); }, 30));
  write_file(cluster.path("aside"), read_file(ledger));
  ASSERT_TRUE(cluster.wait_until(
      [&] { return has(24 + std::filesystem::file_size(cluster.path("aside")) / 72); }, 30));
  cluster.kill("o1");
  if (coordinator_restarts) {
    // It keeps what oracles gave once a second.
    const auto kept = [&] {
      const json files = json::parse(read_file(cluster.path("cluster/control.json")));
      std::uint64_t bits = 0;
      for (const json& oracle : files.at("oracles"))
        bits = std::max(bits, oracle.at("bits").get<std::uint64_t>());
      return bits;
    };
    const std::uint64_t old = std::filesystem::file_size(cluster.path("aside")) / 72;
    ASSERT_TRUE(cluster.wait_until([&] { return kept() > old; }, 30));
    cluster.kill_coordinator();
    cluster.start_coordinator(plain);
  }
  const std::string right = read_file(ledger);
  write_file(ledger, read_file(cluster.path("aside")));
  cluster.start_worker("o1", "oracle");
  ASSERT_TRUE(cluster.wait_until([&] { return !cluster.worker("o1").running(); }, 20));
  const ended refused = cluster.worker("o1").wait();
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_NE(refused.err.find("older copy"), std::string::npos) << refused.err;
  write_file(ledger, right);
  cluster.start_worker("o1", "oracle");
  cluster.expect_same_end(60);
  cluster.kill("o1");
  expect_bits_in_ledgers(cluster, {"o1"});
}

} // namespace

TEST(F15_Oracle, OlderLedger_IsRefusedAndTheRightOneTaken) {
  expect_older_ledger_is_refused(false);
}

// What an oracle gave is known to the coordinator's next life.
TEST(F15_Oracle, OlderLedgerAfterARestart_IsRefusedAndTheRightOneTaken) {
  expect_older_ledger_is_refused(true);
}

// -- F16: every malformation at the level of the parser is in tests/endpoints/reply_body_test.cpp,
// reply_stream_test.cpp and client_test.cpp ------------------------------------------------------

TEST(F16_EndpointMalformations, EveryKindAtASmallRate_SameExport) {
  const std::string text = faults_experiment(30, 16);
  cluster_processes clean(text);
  const std::string reference = clean.reference();
  std::vector<std::string> arguments = {"--latency-ms", "2"};
  for (const char* kind : {"429", "500", "503", "reset", "slow", "malformed", "truncated",
                           "bad_utf8", "wrong_model", "huge"})
    arguments.insert(arguments.end(), {"--fault", fmt::format("{}=0.008", kind)});
  cluster_processes cluster(text, arguments);
  cluster.start_coordinator(plain);
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_done(100)) << cluster.status().dump(1);
  const json now = cluster.status();
  const json& tasks = now.at("runs").at(0).at("tasks");
  EXPECT_EQ(tasks.at("done"), 30) << now.at("runs").at(0).dump(1);
  EXPECT_TRUE(cluster.exported() == reference) << "the canonical export differs";
  EXPECT_EQ(cluster.verified().exit_code, 0);
  std::uint64_t retried = 0, failed = 0;
  for (const json& peer : now.at("workers"))
    for (const json& replica : peer.at("replicas")) {
      retried += replica.at("retried").get<std::uint64_t>();
      failed += replica.at("failed").get<std::uint64_t>();
    }
  EXPECT_GT(retried, 0U) << "the faults did not come through";
  std::printf("F16: %llu retries, %llu calls failed; last: %s\n",
              static_cast<unsigned long long>(retried), static_cast<unsigned long long>(failed),
              now.at("runs").at(0).at("last_failure").get<std::string>().c_str());
}

// -- F19 -----------------------------------------------------------------------------------------

TEST(F19_Poison, ProblemThatKillsWorkers_IsQuarantinedAloneAndReleased) {
  constexpr std::uint64_t poison = 7;
  fault_cluster cluster(faults_experiment(24), 5);
  cluster.start_coordinator(plain);
  const std::map<std::string, std::string> seam = {{"TENBIT_KILL_TASK", std::to_string(poison)}};
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  const std::vector<std::string> solvers = {"w1", "w2", "w3"};
  for (const std::string& name : solvers)
    cluster.start_worker(name, "solver", {"--slots", "4"}, seam);
  int deaths = 0;
  ASSERT_TRUE(cluster.wait_until(
      [&] {
        for (const std::string& name : solvers)
          if (!cluster.worker(name).running()) {
            ++deaths;
            cluster.start_worker(name, "solver", {"--slots", "4"}, seam);
          }
        return in_state(cluster, "quarantined") == 1 && done(cluster) == 23;
      },
      60))
      << cluster.run().dump(1);
  EXPECT_EQ(in_state(cluster, "quarantined"), 1U);
  const json shown = cluster.ctl({"task", "show", "faults", std::to_string(poison)});
  ASSERT_TRUE(shown.is_object());
  EXPECT_EQ(shown.at("state"), "quarantined");
  std::printf("F19: %d deaths; %s\n", deaths, shown.value("faults", std::string("?")).c_str());
  EXPECT_NE(shown.value("faults", std::string()).find("crashes on"), std::string::npos)
      << shown.dump(1);
  for (const std::string& name : solvers) {
    cluster.kill(name);
    cluster.start_worker(name, "solver", {"--slots", "4"});
  }
  EXPECT_TRUE(cluster
                  .ctl({"task", "release", "faults", std::to_string(poison), "--reason",
                        "the crash is mended"})
                  .is_object());
  ASSERT_TRUE(cluster.wait_until([&] { return done(cluster) == 24; }, 30));
  cluster.expect_same_end(30);
}

TEST(F19_Poison, AlwaysBadJson_IsQuarantinedOnTwoWorkersAndNoOther) {
  fault_cluster cluster(faults_experiment(16), 3);
  const std::string question = question_of(cluster.path("reference"), 5);
  ASSERT_FALSE(question.empty());
  const std::string quoted = json(question).dump();
  const std::string inner = quoted.substr(1, quoted.size() - 2);
  odd_server bad(cluster.sim().url(), [&](const std::string& body) {
    return body.find(inner) == std::string::npos
               ? std::nullopt
               : std::optional(http_answer(200, R"({"choices":[{"message":)"));
  });
  cluster.start_coordinator(plain);
  for (const char* name : {"w1", "w2"})
    cluster.start_worker(name, "solver", {"--replica", "small=" + bad.url()});
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  ASSERT_TRUE(cluster.wait_done(60)) << cluster.run().dump(1);
  EXPECT_EQ(done(cluster), 15U);
  EXPECT_EQ(in_state(cluster, "quarantined"), 1U) << cluster.run().dump(1);
  const json shown = cluster.ctl({"task", "show", "faults", "5"});
  EXPECT_EQ(shown.value("state", std::string()), "quarantined") << shown.dump(1);
  EXPECT_NE(shown.value("faults", std::string()).find("3 errors of its own"), std::string::npos)
      << shown.dump(1);
  for (const char* name : {"w1", "w2"})
    EXPECT_EQ(cluster.peer(name).at("draining"), "") << "one bad problem is no bad worker";
  std::printf("F19: %u bad replies; %s\n", bad.odd(),
              shown.value("faults", std::string("?")).c_str());
}

// -- F20 -----------------------------------------------------------------------------------------

namespace {

void expect_drained_and_nothing_lost(const std::string& answer) {
  fault_cluster cluster(cheap_experiment(250), 20);
  odd_server bad(cluster.sim().url(), [&](const std::string&) { return std::optional(answer); });
  cluster.start_coordinator(plain);
  cluster.start_worker("o1", "oracle");
  cluster.start_worker("g1", "grader");
  // The bad one comes first, so that it gets the first problems.
  cluster.start_worker(
      "w2", "solver",
      {"--slots", "4", "--replica", "small=" + bad.url(), "--replica", "large=" + bad.url()});
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.peer("w2").value("connected", false); }, 20));
  // One problem at a time, for the run to outlast what a worker whose endpoints are out waits
  // before it tries them again.
  cluster.start_worker("w1", "solver", {"--slots", "1"});
  ASSERT_TRUE(cluster.wait_until(
      [&] { return cluster.peer("w2").value("draining", std::string()) != ""; }, 30))
      << cluster.run().dump(1);
  EXPECT_EQ(cluster.run().at("phase"), "running") << "the run was over before it was drained";
  cluster.start_worker("w3", "solver"); // a good one that does the rest
  const json drained = cluster.peer("w2");
  EXPECT_NE(drained.at("draining").get<std::string>().find("finished none"), std::string::npos);
  EXPECT_LE(drained.at("tasks_failed").get<std::uint64_t>(), 12U);
  cluster.expect_same_end(60);
  EXPECT_EQ(in_state(cluster, "failed") + in_state(cluster, "quarantined"), 0U);
  EXPECT_TRUE(cluster.ctl({"worker", "undrain", "w2"}).is_object());
  EXPECT_TRUE(
      cluster.wait_until([&] { return cluster.peer("w2").value("draining", "?") == ""; }, 10));
  std::printf("F20: %u bad replies, %s tasks failed on the bad worker\n", bad.odd(),
              cluster.peer("w2").at("tasks_failed").dump().c_str());
}

} // namespace

TEST(F20_BlackHole, AnswersGarbage_DrainedAndNothingLost) {
  expect_drained_and_nothing_lost(http_answer(200, "garbage"));
}

TEST(F20_BlackHole, RefusesEveryRequest_DrainedAndNothingLost) {
  expect_drained_and_nothing_lost(http_answer(400, R"({"error":{"message":"no such model"}})"));
}

TEST(F20_BlackHole, WrongKey_DrainedAndNothingLost) {
  expect_drained_and_nothing_lost(http_answer(401, R"({"error":{"message":"wrong key"}})"));
}

} // namespace tenbit::testing

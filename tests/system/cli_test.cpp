// tenbit as its users meet it: a whole small run, wrong input, a second process, Ctrl-C.
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

const std::string default_experiment = std::string(TENBIT_SOURCE_DIR) + "/examples/default.toml";

std::vector<std::string> run_default(const std::string& dir, std::vector<std::string> more = {}) {
  std::vector<std::string> out = {"run", default_experiment, "--store", dir};
  for (const char* setting : {"benchmark.count=12", "sim.latency_ms=1"})
    out.insert(out.end(), {"--set", setting});
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// One finished run of the default experiment, made once for the tests that read it.
const std::string& finished_store() {
  static temporary_folder folder;
  static const std::string dir = [] {
    const auto result = tenbit(run_default(folder.path("store")));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return folder.path("store");
  }();
  return dir;
}

} // namespace

TEST(Cli_Run, DefaultExperiment_EndsWithTheTable) {
  temporary_folder folder;
  const auto result = tenbit(run_default(folder.path("store")));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"self_ask", "resample", "random_bits", "qa gold", "simulated"})
    EXPECT_TRUE(contains(result.out, part)) << part << " in\n" << result.out;
  // Once more: nothing is run, the same table stands there.
  const auto again = tenbit(run_default(folder.path("store")));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_TRUE(contains(again.err, "Going on with"));
  EXPECT_EQ(again.out, result.out);
}

TEST(Cli_Run, Json_IsLinesOfJson) {
  temporary_folder folder;
  const auto result = tenbit(run_default(folder.path("store"), {"--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_GE(count, 2U);
}

TEST(Cli_Run, ChangedExperiment_IsRefusedWithTheDifference) {
  auto arguments = run_default(finished_store());
  arguments.insert(arguments.end(), {"--set", "seed=77"});
  const auto result = tenbit(arguments);
  EXPECT_EQ(result.exit_code, 4) << result.err;
  EXPECT_TRUE(contains(result.err, "seed")) << result.err;
  EXPECT_TRUE(contains(result.err, "77")) << result.err;
}

TEST(Cli_Run, WrongExperiment_NamesEveryMistake) {
  temporary_folder folder;
  write_file(folder.path("e.toml"), "name = \"x\"\nprofil = \"strict\"\n[benchmark]\nkind = "
                                    "\"arith\"\ncount = -3\n[models.small]\nkind = \"sim\"\n"
                                    "[[arms]]\nmethod = \"direct\"\nsolver = \"smal\"\n");
  const auto result = tenbit({"run", folder.path("e.toml")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_TRUE(contains(result.err, "e.toml:2")) << result.err;
  EXPECT_TRUE(contains(result.err, "profile")) << result.err;
  EXPECT_TRUE(contains(result.err, "e.toml:5")) << result.err;
  EXPECT_TRUE(contains(result.err, "smal")) << result.err;
}

TEST(Cli_Run, SecondProcess_IsRefused) {
  temporary_folder folder;
  const auto slow = run_default(folder.path("store"), {"--set", "sim.latency_ms=2000"});
  process first(slow);
  while (first.running() && !std::filesystem::exists(folder.path("store/db/CURRENT")))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const auto second = tenbit(slow);
  EXPECT_EQ(second.exit_code, 4) << second.err;
  EXPECT_TRUE(contains(second.err, "process")) << second.err;
}

TEST(Cli_Run, CtrlC_SavesAndSaysHowToGoOn) {
  temporary_folder folder;
  sim_process sim({"--latency-ms", "60"});
  std::vector<std::string> arguments = run_default(
      folder.path("store"), {"--set", fmt::format("models.small.replicas=[\"{}\"]", sim.url()),
                             "--set", fmt::format("models.large.replicas=[\"{}\"]", sim.url()),
                             "--set", "models.small.concurrency=4"});
  process run(arguments);
  while (run.running() && sim.now("tenbit_sim_received_total") < 1)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  run.send(SIGINT);
  const auto result = run.wait();
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_TRUE(contains(result.err, "Go on with:")) << result.err;
  EXPECT_TRUE(contains(result.err, "--store " + folder.path("store"))) << result.err;
  const auto received = sim.settled("tenbit_sim_received_total");
  const auto report = tenbit({"report", "--store", folder.path("store"), "--format", "json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  // Drained: what was on the wire is in the journal.
  std::uint64_t calls = 0;
  const auto parsed = nlohmann::json::parse(report.out);
  for (const auto& model : parsed.at("models"))
    calls += model.at("calls").get<std::uint64_t>();
  EXPECT_EQ(calls, received);
  const auto rest = tenbit(arguments);
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
}

TEST(Cli_Run, Budget_StopsAndGoesOnWhenRaised) {
  temporary_folder folder;
  const auto stopped = tenbit(run_default(folder.path("store"), {"--set", "budget.calls=30"}));
  EXPECT_EQ(stopped.exit_code, 3) << stopped.err;
  EXPECT_TRUE(contains(stopped.err, "budget of 30 calls")) << stopped.err;
  const auto rest = tenbit(run_default(folder.path("store"), {"--set", "budget.calls=100000"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
}

// Of the environment: for other machines. Nothing listens at this one.
TEST(Cli_Run, ProxyOfTheEnvironment_IsNotForLoopback) {
  temporary_folder folder;
  const auto result = tenbit(run_default(folder.path("store")),
                             {{"http_proxy", "http://127.0.0.1:9"}, {"no_proxy", "example.org"}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(Cli_Run, NothingListens_FailsWithTheUrl) {
  temporary_folder folder;
  const auto result = tenbit(
      run_default(folder.path("store"), {"--set", "models.large.replicas=[\"http://127.0.0.1:9\"]",
                                         "--set", "benchmark.count=2", "--quiet"}));
  EXPECT_TRUE(result.exit_code == 5 || result.exit_code == 3) << result.exit_code << result.err;
  EXPECT_TRUE(contains(result.err, "127.0.0.1:9")) << result.err;
}

TEST(Cli_Decode, FilesOfARun_Match) {
  const auto files = finished_store() + "/bitstreams";
  ASSERT_TRUE(std::filesystem::exists(files));
  int decoded = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(files)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("3-"))
      continue;
    const auto result = tenbit(
        {"decode", entry.path().string(), "--problem", "3", "--store", finished_store(), "--json"});
    EXPECT_EQ(result.exit_code, 0) << entry.path() << result.out << result.err;
    EXPECT_TRUE(nlohmann::json::parse(result.out).at("match").get<bool>());
    ++decoded;
  }
  EXPECT_EQ(decoded, 7);
}

TEST(Cli_Decode, WrongProblemOrFile_IsSaid) {
  const auto files = finished_store() + "/bitstreams";
  std::string some;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(files))
    if (entry.is_regular_file())
      some = entry.path().string();
  const auto other = tenbit({"decode", some, "--problem", "What is 1 + 1?"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_TRUE(contains(other.err, "another problem")) << other.err;
  temporary_folder folder;
  write_file(folder.path("x.tbit"), "not a bitstream");
  EXPECT_EQ(tenbit({"decode", folder.path("x.tbit"), "--problem", "x"}).exit_code, 1);
}

TEST(Cli_Verify, FinishedStore_HoldsAndDecodes) {
  const auto result = tenbit({"verify", "--store", finished_store(), "--replay", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  const auto parsed = nlohmann::json::parse(result.out);
  for (const auto& arm : parsed.at("decoded")) {
    EXPECT_EQ(arm.at("decoded"), 12) << arm;
    EXPECT_EQ(arm.at("matched"), 12) << arm;
  }
}

TEST(Cli_Verify, ChangedBitstreamFile_IsFound) {
  temporary_folder folder;
  std::filesystem::copy(finished_store(), folder.path("store"),
                        std::filesystem::copy_options::recursive);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder.path("store/bitstreams")))
    if (entry.path().filename() == "3-0.tbit")
      write_file(entry.path().string(), "changed");
  const auto result = tenbit({"verify", "--store", folder.path("store")});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_TRUE(contains(result.out, "3-0.tbit")) << result.out;
}

TEST(Cli_Readers, NotAStore_IsRefused) {
  temporary_folder folder;
  for (const char* command : {"report", "verify", "export"}) {
    const auto result = tenbit({command, "--store", folder.path("nothing")});
    EXPECT_EQ(result.exit_code, 4) << command << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder.path("nothing"))) << command;
  }
}

TEST(Cli_Show, Problem_IsATranscript) {
  const auto result = tenbit({"show", "--store", finished_store(), "3"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(contains(result.out, "qa own")) << result.out;
  EXPECT_TRUE(contains(result.out, "simulated")) << result.out;
  EXPECT_EQ(tenbit({"show", "--store", finished_store(), "999"}).exit_code, 1);
}

TEST(Cli_Help, EveryCommand_HasExamples) {
  for (const char* command :
       {"run", "check", "sim", "report", "export", "show", "decode", "verify"}) {
    const auto result = tenbit({command, "--help"});
    EXPECT_EQ(result.exit_code, 0) << command;
    EXPECT_TRUE(contains(result.out, "tenbit " + std::string(command))) << result.out;
  }
}

} // namespace tenbit::testing

// tenbit run killed with SIGKILL, anywhere: nothing committed is paid for again, and the result is
// the same.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "base/kill_point.hpp"
#include "base/random.hpp"
#include "storage/store.hpp"
#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

constexpr int random_kills = 30;
constexpr std::uint64_t concurrency = 12; // per model, two models

std::string experiment_text(const std::string& url) {
  std::string text = R"(name = "kills"
seed = 3
[benchmark]
kind = "arith"
count = 40
level = 1
seed = 5
)";
  for (const char* alias : {"small", "large"})
    text += fmt::format("[models.{0}]\nkind = \"sim\"\nmodel = \"{0}\"\nreplicas = [\"{1}\"]\n"
                        "concurrency = {2}\nlogprobs = true\n",
                        alias, url, concurrency);
  text += R"([[arms]]
name = "direct"
method = "direct"
solver = "small"
[[arms]]
name = "self"
method = "self_ask"
solver = "small"
questions = 3
[[arms]]
name = "again"
method = "resample"
solver = "small"
[[arms]]
name = "own"
method = "qa"
solver = "small"
answerer = "large"
questions = 4
reference = "own"
[[arms]]
name = "gold"
method = "qa"
solver = "small"
answerer = "large"
questions = 4
reference = "gold"
answers = "together"
)";
  return text;
}

// An experiment against a simulator of its own process, which counts what it is asked.
struct killed_run {
  temporary_folder folder;
  sim_process sim{{"--latency-ms", "2"}};
  std::string file = folder.path("kills.toml");
  std::string reference; // canonical export of an undisturbed run
  std::uint64_t reference_calls = 0;

  killed_run() {
    write_file(file, experiment_text(sim.url()));
    const auto dir = folder.path("undisturbed");
    const auto result = tenbit(run_arguments(dir));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    reference = export_of(dir);
    reference_calls = committed(dir);
    EXPECT_GT(reference_calls, 400U);
    EXPECT_EQ(sim.settled("tenbit_sim_received_total"), reference_calls);
  }
  std::vector<std::string> run_arguments(const std::string& dir) const {
    return {"run", file, "--store", dir, "--quiet"};
  }
  std::string export_of(const std::string& dir) const {
    const auto out = folder.path("export.jsonl");
    const auto result = tenbit({"export", "--store", dir, "--out", out});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return read_file(out);
  }
  static std::uint64_t committed(const std::string& dir) {
    const auto opened = store::open_for_reading(dir);
    if (!opened) {
      // Killed before there was a store, or half-way through making it.
      EXPECT_EQ(opened.error().kind, store_error::not_a_store) << opened.error().message;
      return 0;
    }
    return (*opened)->totals().calls;
  }
  void expect_same_end(const std::string& dir) const {
    const auto result = tenbit(run_arguments(dir));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(committed(dir), reference_calls);
    EXPECT_TRUE(export_of(dir) == reference) << "the canonical export differs";
    const auto verified = tenbit({"verify", "--store", dir});
    EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
    const auto report = tenbit({"report", "--store", dir, "--format", "json"});
    EXPECT_EQ(nlohmann::json::parse(report.out).at("paid_twice"), 0) << report.out;
  }
};

} // namespace

TEST(Run_Sigkill, ThirtyRandomMoments_PaysNoCommittedCallTwice) {
  killed_run rig;
  const auto dir = rig.folder.path("store");
  random_stream random(20260);
  std::uint64_t received_before = rig.sim.settled("tenbit_sim_received_total");
  std::uint64_t committed_before = 0;
  std::uint64_t in_flight_at_kills = 0;
  const std::uint64_t received_at_start = received_before;
  for (int kill = 0; kill < random_kills; ++kill) {
    process run(rig.run_arguments(dir));
    // Until it gets somewhere: a moment by progress (calls received), or by time for the start-up.
    const std::uint64_t goal = random.below(25);
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + random.below(60)));
    for (int i = 0; i < 5000 && goal > 0 && run.running(); ++i) {
      if (rig.sim.now("tenbit_sim_received_total") >= received_before + goal)
        break;
    }
    run.send(SIGKILL);
    const auto result = run.wait();
    const std::uint64_t received = rig.sim.settled("tenbit_sim_received_total");
    const std::uint64_t committed = killed_run::committed(dir);
    ASSERT_GE(committed, committed_before);
    ASSERT_GE(received - received_before, committed - committed_before);
    // Sent and not committed when it died.
    const std::uint64_t lost = (received - received_before) - (committed - committed_before);
    in_flight_at_kills += lost;
    EXPECT_TRUE(result.signal == SIGKILL || result.exit_code == 0);
    received_before = received;
    committed_before = committed;
  }
  rig.expect_same_end(dir);
  const std::uint64_t received = rig.sim.settled("tenbit_sim_received_total") - received_at_start;
  const std::uint64_t again = received - rig.reference_calls;
  EXPECT_EQ(again, in_flight_at_kills) << "a committed call was requested again";
  std::printf("%d kills: %llu calls committed, %llu requested again, %llu in flight at the kills\n",
              random_kills, static_cast<unsigned long long>(rig.reference_calls),
              static_cast<unsigned long long>(again),
              static_cast<unsigned long long>(in_flight_at_kills));
}

TEST(Run_Sigkill, EveryKillPoint_GoesOnToTheSameEnd) {
  killed_run rig;
  for (const std::string_view point :
       std::span(kill_points::all).first<kill_points::of_one_process>()) {
    for (const int passage : {1, 7}) {
      const bool once = point == "store_created" || point == "incarnation_bumped" ||
                        point == "before_clean_close" || point == "before_anchor";
      if (once && passage > 1)
        continue;
      SCOPED_TRACE(fmt::format("{}:{}", point, passage));
      const auto dir = rig.folder.path(fmt::format("{}-{}", point, passage));
      const auto killed = tenbit(rig.run_arguments(dir),
                                 {{"TENBIT_KILL_AT", fmt::format("{}:{}", point, passage)}});
      EXPECT_EQ(killed.signal, SIGKILL) << "the kill point was not reached: " << killed.err;
      rig.expect_same_end(dir);
      std::filesystem::remove_all(dir);
    }
  }
}

} // namespace tenbit::testing

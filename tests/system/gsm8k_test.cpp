// Real recorded model output through the whole run: the graded accuracies are those the data says.
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t recorded_problems = 300;
const fs::path data = fs::path(TENBIT_SOURCE_DIR) / "../shared/data/gsm8k";

// The solve prompt alone: the question, and the instruction that follows it.
std::string solve_prompt_of(const std::string& question) {
  return fmt::format("{}\n\nWork the problem out", trim(question));
}

struct recorded_data {
  std::vector<bool> small, large; // is_correct
};

recorded_data record(const std::string& to) {
  recorded_data out;
  std::ifstream in(data / "model_solutions.jsonl");
  std::ofstream recorded(to);
  for (std::string line; out.small.size() < recorded_problems && std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    const auto add = [&](const char* model, const char* key, std::vector<bool>& flags) {
      flags.push_back(row[key]["is_correct"].get<bool>());
      recorded << nlohmann::json{{"model", model},
                                 {"prompt_contains", solve_prompt_of(row["question"])},
                                 {"reply", row[key]["solution"]}}
                      .dump()
               << '\n';
    };
    add("small", "6b_verification", out.small);
    add("large", "175b_verification", out.large);
  }
  return out;
}

std::string recorded_experiment(const std::string& recorded) {
  return fmt::format(R"(name = "recorded"
[benchmark]
kind = "gsm8k"
file = "{}"
count = {}
[models.small]
kind = "sim"
[models.large]
kind = "sim"
[sim]
latency_ms = 1
recorded = "{}"
[[arms]]
name = "small"
method = "direct"
solver = "small"
[[arms]]
name = "large"
method = "direct"
solver = "large"
[[arms]]
name = "own"
method = "qa"
solver = "small"
answerer = "large"
questions = 4
)",
                     fs::weakly_canonical(data / "test.jsonl").string(), recorded_problems,
                     recorded);
}

} // namespace

TEST(Gsm8k_Recorded, DirectArms_AreGradedAsTheDataSays) {
  if (!fs::exists(data / "model_solutions.jsonl"))
    GTEST_SKIP() << "the GSM8K data is not beside this checkout";
  temporary_folder folder;
  const auto flags = record(folder.path("recorded.jsonl"));
  ASSERT_EQ(flags.small.size(), recorded_problems);
  write_file(folder.path("e.toml"), recorded_experiment(folder.path("recorded.jsonl")));
  const auto dir = folder.path("store");
  const auto run = tenbit({"run", folder.path("e.toml"), "--store", dir, "--quiet"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto exported = tenbit({"export", "--store", dir, "--out", folder.path("x.jsonl")});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;

  std::size_t outcomes = 0, differ = 0, small_right = 0, large_right = 0;
  std::ifstream in(folder.path("x.jsonl"));
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    if (row.value("kind", "") != "outcome" || row["arm"] == "own")
      continue;
    ++outcomes;
    const auto index = row["problem"].get<std::size_t>();
    const bool correct = row["correct"].get<bool>();
    const bool small = row["arm"] == "small";
    (small ? small_right : large_right) += correct ? 1U : 0U;
    const bool said = small ? flags.small[index] : flags.large[index];
    differ += correct != said ? 1U : 0U;
    EXPECT_EQ(correct, said) << "problem " << index << " arm " << row["arm"];
  }
  EXPECT_EQ(outcomes, 2 * recorded_problems);
  std::printf("small %zu of %zu, large %zu of %zu right, %zu differ from the data's flags\n",
              small_right, recorded_problems, large_right, recorded_problems, differ);
}

} // namespace tenbit::testing

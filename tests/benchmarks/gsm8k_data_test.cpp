// The real GSM8K test set beside the checkout, with the recorded solutions of four models and the
// publisher's verdict on each. Skipped where the data is not there.
#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "benchmarks/benchmark.hpp"
#include "benchmarks/grading.hpp"
#include "tests/benchmarks/gold_access.hpp"

namespace tenbit {
namespace {

const std::filesystem::path folder =
    std::filesystem::path(TENBIT_SOURCE_DIR).parent_path() / "shared" / "data" / "gsm8k";
constexpr std::array<const char*, 4> models = {"6b_finetuning", "6b_verification",
                                               "175b_finetuning", "175b_verification"};

expected<benchmark, std::string> load_all() {
  benchmark_spec spec;
  spec.kind = benchmark_kind::gsm8k;
  spec.file = (folder / "test.jsonl").string();
  return load_benchmark(spec);
}

TEST(Gsm8kData, Load_TestSet_Has1319GradableProblems) {
  if (!std::filesystem::exists(folder / "test.jsonl"))
    GTEST_SKIP() << "no data at " << folder;
  const auto all = load_all();
  ASSERT_TRUE(all.has_value()) << all.error();
  ASSERT_EQ(all->problems.size(), 1319U);
  for (std::size_t i = 0; i < all->golds.size(); ++i) {
    const auto solution = grader::solution(all->golds[i]);
    EXPECT_EQ(solution.find("<<"), std::string::npos) << all->problems[i].id;
    EXPECT_EQ(extract_answer(solution), grader::answer(all->golds[i])) << all->problems[i].id;
    const auto theirs = extract_answer_authors(solution);
    EXPECT_TRUE(theirs && same_answer_authors(*theirs, grader::answer(all->golds[i])))
        << all->problems[i].id;
  }
}

// Where the authors' rule and the verdict differ: wrong answers with decimals ("A: 7.5" against
// gold 5) whose decimals alone are the gold, because that rule takes the last run of digits. All
// are wrong answers counted as right. extract_answer has no exceptions: it agrees on every one of
// the 4 * 1319 solutions.
const std::set<std::pair<std::size_t, std::string>> decimals_taken_for_the_answer = {
    {191, "6b_finetuning"},   {384, "175b_finetuning"},  {434, "6b_finetuning"},
    {435, "6b_finetuning"},   {695, "6b_finetuning"},    {789, "175b_finetuning"},
    {882, "175b_finetuning"}, {883, "175b_finetuning"},  {1031, "175b_finetuning"},
    {1223, "6b_finetuning"},  {1223, "175b_finetuning"},
};

TEST(Gsm8kData, Grade_RecordedSolutions_AgreesWithEveryVerdict) {
  if (!std::filesystem::exists(folder / "model_solutions.jsonl"))
    GTEST_SKIP() << "no data at " << folder;
  const auto all = load_all();
  ASSERT_TRUE(all.has_value()) << all.error();
  std::ifstream file(folder / "model_solutions.jsonl");
  std::map<std::string, int> correct;
  std::string line;
  std::size_t row = 0;
  for (; std::getline(file, line); ++row) {
    const auto json = nlohmann::json::parse(line);
    ASSERT_EQ(json["question"], all->problems[row].question) << row;
    const std::string gold = grader::answer(all->golds[row]);
    for (const char* model : models) {
      const std::string solution = json[model]["solution"];
      const bool verdict = json[model]["is_correct"];
      correct[model] += verdict ? 1 : 0;
      const auto answer = extract_answer(solution);
      EXPECT_EQ(answer && same_answer(*answer, gold), verdict)
          << row << ' ' << model << ": gold " << gold << ", got " << answer.value_or("none");
      const auto theirs = extract_answer_authors(solution);
      const bool excepted = decimals_taken_for_the_answer.contains({row, model});
      EXPECT_FALSE(excepted && verdict);
      EXPECT_EQ(theirs && same_answer_authors(*theirs, gold), verdict || excepted)
          << row << ' ' << model << ": gold " << gold << ", authors got "
          << theirs.value_or("none");
    }
  }
  EXPECT_EQ(row, 1319U);
  for (const auto& [model, count] : correct)
    std::cout << model << ": " << count << " of " << row << " correct\n";
}

} // namespace
} // namespace tenbit

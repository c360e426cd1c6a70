#include "benchmarks/benchmark.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "benchmarks/arith.hpp"
#include "benchmarks/gsm8k_row.hpp"
#include "config/limits.hpp"
#include "tests/benchmarks/gold_access.hpp"

namespace tenbit {
namespace {

using testing::HasSubstr;

class Gsm8k : public testing::Test {
protected:
  Gsm8k() {
    std::string name = (std::filesystem::temp_directory_path() / "tenbit-gsm8k-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Gsm8k() override { std::filesystem::remove_all(folder_); }

  expected<benchmark, std::string> load(std::string_view content, std::uint64_t first = 0,
                                        std::uint64_t count = 0) {
    spec_.kind = benchmark_kind::gsm8k;
    spec_.file = (folder_ / "test.jsonl").string();
    spec_.first = first;
    spec_.count = count;
    std::ofstream(spec_.file, std::ios::binary) << content;
    return load_benchmark(spec_);
  }
  // The error of a file whose second line is `line`; it must name the file and that line.
  std::string error_of(std::string_view line) {
    const auto got = load(std::string(good) + "\n" + std::string(line) + "\n");
    EXPECT_FALSE(got.has_value()) << line;
    if (got)
      return "";
    EXPECT_THAT(got.error(), HasSubstr(spec_.file + ":2: "));
    EXPECT_EQ(got.error().back(), ')') << got.error(); // the mend
    return got.error();
  }

  static constexpr std::string_view good =
      R"({"question": "2 + 3?", "answer": "It is 2+3=<<2+3=5>>5.\n#### 5"})";
  std::filesystem::path folder_;
  benchmark_spec spec_;
};

TEST_F(Gsm8k, Load_GoodRows_GivesProblemsAndSealedGold) {
  const auto got = load(std::string(good) +
                        "\n{\"answer\": \"#### $1,200.50\", \"question\": \"caf\\u00e9?\"}\n");
  ASSERT_TRUE(got.has_value()) << got.error();
  EXPECT_EQ(got->name, "gsm8k");
  ASSERT_EQ(got->problems.size(), 2U);
  ASSERT_EQ(got->golds.size(), 2U);
  EXPECT_EQ(got->problems[0].id, "gsm8k/0");
  EXPECT_EQ(got->problems[0].question, "2 + 3?");
  EXPECT_EQ(grader::answer(got->golds[0]), "5");
  EXPECT_EQ(grader::solution(got->golds[0]), "It is 2+3=5.\n#### 5");
  EXPECT_EQ(got->problems[1].index, 1U);
  EXPECT_EQ(got->problems[1].question, "café?");
  EXPECT_EQ(grader::answer(got->golds[1]), "1200.5");
}

TEST_F(Gsm8k, Load_LineEndings_MakeNoDifference) {
  const std::string row(good);
  const auto plain = load(row + "\n" + row + "\n");
  ASSERT_TRUE(plain.has_value());
  for (const std::string& other : {row + "\r\n" + row + "\r\n", row + "\n" + row,
                                   "\xEF\xBB\xBF" + row + "\n" + row, row + "\n" + row + "\n\n"}) {
    const auto got = load(other);
    ASSERT_TRUE(got.has_value()) << got.error();
    EXPECT_EQ(got->content, plain->content);
    EXPECT_EQ(got->problems.size(), 2U);
  }
}

TEST_F(Gsm8k, Load_Range_SelectsProblemsAndKeepsTheirLines) {
  std::string file;
  for (int i = 0; i < 5; ++i)
    file += R"({"question": "q)" + std::to_string(i) + R"(", "answer": "#### )" +
            std::to_string(i) + "\"}\n";
  const auto got = load(file, 2, 2);
  ASSERT_TRUE(got.has_value()) << got.error();
  ASSERT_EQ(got->problems.size(), 2U);
  EXPECT_EQ(got->problems[0].id, "gsm8k/2");
  EXPECT_EQ(got->problems[0].index, 0U);
  EXPECT_EQ(got->problems[1].question, "q3");
  EXPECT_EQ(load(file, 2)->problems.size(), 3U);
  EXPECT_EQ(load(file, 4, 1)->problems.size(), 1U);
  EXPECT_THAT(load(file, 5).error(), HasSubstr("benchmark.first = 5"));
  EXPECT_THAT(load(file, 4, 2).error(), HasSubstr("benchmark.count = 2"));
  EXPECT_THAT(load(file, 1, UINT64_MAX).error(), HasSubstr("the file has 5 problems"));
  EXPECT_NE(load(file, 2, 2)->content, load(file, 1, 2)->content);
}

TEST_F(Gsm8k, Load_BadRow_SaysFileLineAndMend) {
  EXPECT_THAT(error_of("{\"question\": "), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{} {}"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("no object"));
  EXPECT_THAT(error_of(R"({"question": "q"})"), HasSubstr("\"answer\" is missing"));
  EXPECT_THAT(error_of(R"({"answer": "#### 1"})"), HasSubstr("\"question\" is missing"));
  EXPECT_THAT(error_of(R"({"question": 3, "answer": "#### 1"})"),
              HasSubstr("\"question\" is not a string"));
  EXPECT_THAT(error_of(R"({"question": "q", "answer": null})"),
              HasSubstr("\"answer\" is not a string"));
  EXPECT_THAT(error_of(R"({"question": " ", "answer": "#### 1"})"),
              HasSubstr("\"question\" is empty"));
  EXPECT_THAT(error_of(R"({"question": "q", "answer": "it is 5"})"), HasSubstr("has no \"####"));
  EXPECT_THAT(error_of(R"({"question": "q", "answer": "5\n#### none\nof 3"})"),
              HasSubstr("no number behind"));
  EXPECT_THAT(error_of("{\"question\": \"\xFF\", \"answer\": \"#### 1\"}"),
              HasSubstr("not valid UTF-8"));
  EXPECT_THAT(error_of(R"({"question": "\ud800", "answer": "#### 1"})"), HasSubstr("test.jsonl:2"));
  EXPECT_THAT(error_of(std::string(10'000, '[')), HasSubstr("not a JSON object"));
}

TEST_F(Gsm8k, Load_OversizeText_IsRefused) {
  const std::string long_text(limits::problem_text_bytes_max + 1, 'x');
  EXPECT_THAT(error_of(R"({"question": ")" + long_text + R"(", "answer": "#### 1"})"),
              HasSubstr("the limit is"));
  const std::string long_line(limits::dataset_line_bytes_max * 2, 'x');
  EXPECT_THAT(error_of(long_line), HasSubstr("longer than"));
  EXPECT_FALSE(load(std::string(good) + "\n" + long_line)); // no newline at the end
}

TEST_F(Gsm8k, Load_EmptyOrMissingFile_IsAnError) {
  EXPECT_THAT(load("").error(), HasSubstr("no problems"));
  EXPECT_THAT(load("\n\n").error(), HasSubstr("no problems"));
  spec_.file = (folder_ / "absent.jsonl").string();
  EXPECT_THAT(load_benchmark(spec_).error(), HasSubstr("no such file"));
  spec_.file = folder_.string();
  EXPECT_THAT(load_benchmark(spec_).error(), HasSubstr("no such file"));
}

TEST_F(Gsm8k, Load_ErrorText_HasNoControlCharacters) {
  const auto text = error_of(R"({"question": "q", "answer": "#### \u001b[mred\u202e"})");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\u202e"), std::string::npos);
}

TEST_F(Gsm8k, Load_OtherGoldOrQuestion_ChangesTheContentHash) {
  const auto base = load(good)->content;
  EXPECT_NE(base, load(R"({"question": "2 + 3!", "answer": "It is 2+3=5.\n#### 5"})")->content);
  EXPECT_NE(base, load(R"({"question": "2 + 3?", "answer": "It is 2+3=5.\n#### 6"})")->content);
  EXPECT_EQ(base, load(R"({"question": "2 + 3?", "answer": "It is 2+3=5.\n#### 5"})")->content);
}

TEST(CalculatorMarks, Table) {
  EXPECT_EQ(without_calculator_marks("a <<1+1=2>>2 b <<2=2>>2"), "a 2 b 2");
  EXPECT_EQ(without_calculator_marks("<<x"), "<<x");
  EXPECT_EQ(without_calculator_marks("<<x\n>>y"), "<<x\n>>y");
  EXPECT_EQ(without_calculator_marks("1 << 2 > 1"), "1 << 2 > 1");
  EXPECT_EQ(without_calculator_marks("<<>>"), "");
  EXPECT_EQ(without_calculator_marks("<<"), "<<");
  EXPECT_EQ(without_calculator_marks(""), "");
}

benchmark_spec arith_spec(std::uint64_t first, std::uint64_t count) {
  benchmark_spec spec;
  spec.first = first;
  spec.count = count;
  spec.level = 3;
  spec.seed = 9;
  return spec;
}

TEST(ArithBenchmark, Load_Range_GivesTheGeneratedProblems) {
  const auto got = load_benchmark(arith_spec(10, 20));
  ASSERT_TRUE(got.has_value()) << got.error();
  ASSERT_EQ(got->problems.size(), 20U);
  ASSERT_EQ(got->golds.size(), 20U);
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto made = arith::generate(9, 3, 10 + i);
    EXPECT_EQ(got->problems[i].index, i);
    EXPECT_EQ(got->problems[i].id, "arith/3/9/" + std::to_string(10 + i));
    EXPECT_EQ(got->problems[i].question, made.question);
    EXPECT_EQ(grader::answer(got->golds[i]), std::to_string(made.answer));
    EXPECT_EQ(grader::solution(got->golds[i]), arith::solution_text(made));
  }
  EXPECT_EQ(got->content, load_benchmark(arith_spec(10, 20))->content);
  EXPECT_NE(got->content, load_benchmark(arith_spec(11, 20))->content);
  EXPECT_NE(got->content, load_benchmark(arith_spec(10, 19))->content);
}

TEST(ArithBenchmark, Load_BadSpec_SaysTheFieldAndMend) {
  EXPECT_THAT(load_benchmark(arith_spec(0, 0)).error(), HasSubstr("benchmark.count is missing"));
  EXPECT_THAT(load_benchmark(arith_spec(0, limits::problems_max + 1)).error(),
              HasSubstr("above the limit"));
  EXPECT_THAT(load_benchmark(arith_spec(UINT64_MAX, 2)).error(), HasSubstr("benchmark.first"));
  for (std::uint32_t level : {0U, 4U}) {
    auto spec = arith_spec(0, 1);
    spec.level = level;
    EXPECT_THAT(load_benchmark(spec).error(), HasSubstr("benchmark.level"));
  }
}

} // namespace
} // namespace tenbit

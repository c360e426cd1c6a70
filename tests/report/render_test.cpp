#include "report/render.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "tests/report/made_store.hpp"

namespace tenbit::report {
namespace {

using namespace tenbit::testing;

run_summary made_summary(std::uint64_t problems) {
  const auto source = made_store(problems);
  return *summarize(*source, *experiment_of(*source, "made"), {});
}

// Compares with tests/report/golden/NAME; TENBIT_WRITE_GOLDEN=1 writes it instead, for a person to
// read.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(TENBIT_SOURCE_DIR) + "/tests/report/golden/" + name;
  if (std::getenv("TENBIT_WRITE_GOLDEN") != nullptr)
    std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(text, read_file(path)) << path;
}

TEST(RenderText, MadeRun_IsGolden) {
  expect_golden("report.txt", render_text(made_summary(40)));
}
TEST(RenderMarkdown, MadeRun_IsGolden) {
  expect_golden("report.md", render_markdown(made_summary(40)));
}
TEST(RenderCsv, MadeRun_IsGolden) {
  expect_golden("report.csv", render_csv(made_summary(40)));
}

TEST(RenderText, Lines_FitHundredColumns) {
  run_summary run = made_summary(40);
  run.arms[2].name = std::string(300, 'x');
  run.arms[2].bits->payload = {1e7, 10'000'000, 99'999'999};
  std::istringstream lines(render_text(run));
  for (std::string line; std::getline(lines, line);) {
    std::size_t width = 0;
    for (char c : line)
      width += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
    EXPECT_LE(width, 100U) << line;
  }
}

TEST(Render, Simulated_StandsInEveryFormat) {
  const run_summary run = made_summary(4);
  for (const std::string& text :
       {render_text(run), render_markdown(run), render_csv(run), render_json(run)})
    EXPECT_NE(text.find("simulated"), std::string::npos);
  run_summary real = run;
  real.simulated = false;
  EXPECT_EQ(render_text(real).find("simulated"), std::string::npos);
  EXPECT_EQ(render_markdown(real).find("simulated"), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(render_json(real)).at("simulated").get<bool>());
}

TEST(Render, HostileNames_AreHarmlessEverywhere) {
  run_summary run = made_summary(4);
  run.name = run.arms[2].name = "=cmd\x1b[31m|\n\"x\",\xe2\x80\xae`";
  for (const std::string& text : {render_text(run), render_markdown(run), render_json(run)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  }
  EXPECT_NE(render_csv(run).find("\"'=cmd"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(render_json(run)).at("arms")[2].at("name"), run.arms[2].name);
}

TEST(Render, Unfinished_IsSaid) {
  run_summary run = made_summary(4);
  run.tasks.pending = 3;
  run.tasks.total = 7;
  EXPECT_NE(render_text(run).find("unfinished: 4 of 7 tasks are done"), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(render_json(run)).at("tasks").at("finished").get<bool>());
}

TEST(RenderJson, OneLine_IsOneLine) {
  const std::string text = render_json(made_summary(4), json_layout::one_line);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  const auto parsed = nlohmann::json::parse(text);
  EXPECT_EQ(parsed.at("paid_twice"), 0);
  EXPECT_EQ(parsed.at("arms").size(), 4U);
  EXPECT_TRUE(parsed.at("arms")[0].at("drafts").is_null());
}

// Four small calls of two lengths, one of which was retried; nothing abandoned.
run_summary retried_summary() {
  run_summary run = made_summary(1);
  run.models[1].by_length = {{{3, 0}, {0, 0}, {0, 0}, {1, 1}}};
  return run;
}

TEST(Render, NoRetries_AreNotMentioned) {
  const run_summary run = made_summary(3);
  for (const std::string& text : {render_text(run), render_markdown(run)}) {
    EXPECT_EQ(text.find("Retried"), std::string::npos);
    EXPECT_EQ(text.find("Abandoned"), std::string::npos);
  }
}

TEST(Render, RetriedCalls_AreATableOfTheLengthsThatCame) {
  const std::string text = render_text(retried_summary());
  EXPECT_NE(text.find("\nRetried calls\n"
                      "model  reply tok  calls  retried      %\n"
                      "large      <= 64      3        0    0.0\n"
                      "small      <= 64      3        0    0.0\n"
                      "small     > 1024      1        1  100.0\n"
                      "  retried: "),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("Abandoned"), std::string::npos);
  EXPECT_NE(render_markdown(retried_summary()).find("| small | \\> 1024 | 1 | 1 | 100.0 |\n"),
            std::string::npos);
}

TEST(Render, AbandonedCalls_AreATableOfTheModelsOfArms) {
  const run_summary run = made_summary(4); // resample fails once
  EXPECT_NE(render_text(run).find("\nAbandoned calls\n"
                                  "models of the arm  ends  abandoned     %\n"
                                  "large                 4          0   0.0\n"
                                  "large, small          4          0   0.0\n"
                                  "small                 8          1  12.5\n"),
            std::string::npos);
  EXPECT_EQ(render_text(run).find("Retried"), std::string::npos);
}

TEST(RenderJson, RetriedAndAbandoned_AreThereAlways) {
  using nlohmann::json;
  const json run = json::parse(render_json(retried_summary()));
  const json lengths = run.at("models")[1].at("by_reply_length");
  ASSERT_EQ(lengths.size(), 4U);
  EXPECT_EQ(lengths[0], json::parse(R"({"completion_tokens_max": 64, "calls": 3, "retried": 0,
                                        "retried_share": 0.0})"));
  EXPECT_EQ(lengths[2], json::parse(R"({"completion_tokens_max": 1024, "calls": 0, "retried": 0,
                                        "retried_share": null})"));
  EXPECT_EQ(lengths[3], json::parse(R"({"completion_tokens_max": null, "calls": 1, "retried": 1,
                                        "retried_share": 1.0})"));
  EXPECT_EQ(run.at("abandoned")[1], json::parse(R"({"models": ["large", "small"], "arm_ends": 1,
                                                    "abandoned": 0, "abandoned_share": 0.0})"));
  const json empty = json::parse(render_json(made_summary(0)));
  ASSERT_EQ(empty.at("abandoned").size(), 3U);
  EXPECT_TRUE(empty.at("abandoned")[0].at("abandoned_share").is_null());
}

TEST(CsvCell, Formulas_AreGuardedAndNumbersAreNot) {
  EXPECT_EQ(csv_cell("=1+1"), "'=1+1");
  EXPECT_EQ(csv_cell("+49"), "+49");
  EXPECT_EQ(csv_cell("-3.5e-2"), "-3.5e-2");
  EXPECT_EQ(csv_cell("-2+3"), "'-2+3");
  EXPECT_EQ(csv_cell("-inf"), "'-inf");
  EXPECT_EQ(csv_cell("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(csv_cell("-"), "'-");
  EXPECT_EQ(csv_cell("plain"), "plain");
}

TEST(CsvCell, QuotesCommasAndLines_AreQuoted) {
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_cell("a\nb"), "\"a\nb\"");
  EXPECT_EQ(csv_cell(""), "");
}

TEST(AsText, WideFirstColumn_IsCut) {
  table t;
  t.columns = {{"name", align::left}, {"n"}};
  t.rows = {{std::string(30, 'a'), "12"}, {"ä", "3"}};
  EXPECT_EQ(as_text(t, 20), "name               n\naaaaaaaaaaaaaaa…  12\nä                  3\n");
}

TEST(AsMarkdown, Pipes_AreEscaped) {
  table t;
  t.columns = {{"name", align::left}, {"n"}};
  t.rows = {{"a|b", "1"}};
  EXPECT_EQ(as_markdown(t), "| name | n |\n| :--- | ---: |\n| a\\|b | 1 |\n");
}

TEST(Wrap, LongText_BreaksAtSpaces) {
  EXPECT_EQ(wrap("aa bb cc dd", "> ", 7), "> aa bb\n> cc dd\n");
  EXPECT_EQ(wrap("", "> ", 7), "> \n");
}

} // namespace
} // namespace tenbit::report

// What the project hands out: the examples are right, and the reference names every key.
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>

#include "config/keys.hpp"
#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

namespace fs = std::filesystem;
const std::string source_dir = TENBIT_SOURCE_DIR;

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> example_files() {
  std::vector<std::string> out;
  for (const auto& item : fs::directory_iterator(source_dir + "/examples"))
    if (item.path().extension() == ".toml")
      out.push_back(item.path().string());
  return out;
}

TEST(Examples_Each, HasNoProblemButAbsentFiles) {
  const auto files = example_files();
  ASSERT_GE(files.size(), 4U);
  for (const auto& file : files) {
    const auto read = load_experiment(file, {});
    for (const auto& problem : read ? std::vector<config_problem>{} : read.error())
      EXPECT_THAT(problem.message, testing::HasSubstr("there is no file")) << problem.text();
    const auto any = parse_experiment(read_text(file), file, {}, file_check::skipped);
    EXPECT_TRUE(any) << file;
  }
}

TEST(Examples_Default, RunsWithoutAnyFile) {
  const auto e = load_experiment(source_dir + "/examples/default.toml", {});
  ASSERT_TRUE(e) << sample::all_texts(e.error());
  std::vector<std::string> methods;
  for (const auto& arm : e->arms)
    methods.push_back(std::string(to_string(arm.method)) + " " + arm.solver);
  EXPECT_THAT(methods,
              testing::ElementsAre("direct small", "direct large", "self_ask small",
                                   "resample small", "random_bits small", "qa small", "qa small"));
  EXPECT_EQ(e->arms[5].reference, reference_kind::own);
  EXPECT_EQ(e->arms[6].reference, reference_kind::gold);
  EXPECT_EQ(e->benchmark.count, 200U);
  EXPECT_TRUE(e->text_crosses(e->arms[1]));
}

// The text under "## heading" up to the next heading of that level.
std::string chapter(const std::string& text, const std::string& heading) {
  const auto at = text.find("\n## " + heading + "\n");
  if (at == std::string::npos)
    return "";
  return text.substr(at, text.find("\n## ", at + 1) - at);
}

TEST(Reference_EachKey, HasItsRow) {
  const auto text = read_text(source_dir + "/docs/experiment.md");
  for (const auto& table : config::keys::all) {
    const std::string heading(table.heading);
    const auto part = chapter(text, heading.starts_with('[') ? "`" + heading + "`" : heading);
    ASSERT_FALSE(part.empty()) << heading;
    for (const auto key : table.keys)
      EXPECT_THAT(part, testing::HasSubstr("\n| `" + std::string(key) + "` |")) << heading;
  }
}

TEST(Reference_EachValue, IsNamed) {
  const auto text = read_text(source_dir + "/docs/experiment.md");
  for (const auto* value :
       {"\"strict\"", "\"authors-compat\"", "\"arith\"", "\"gsm8k\"", "\"openai\"", "\"sim\"",
        "`direct`", "`qa`", "`self_ask`", "`resample`", "`random_bits`", "`constant_yes`",
        "\"gold\"", "\"own\"", "\"none\"", "\"each\"", "\"together\"", "\"unset\""})
    EXPECT_THAT(text, testing::HasSubstr(value));
}

TEST(Reference_Example, IsRight) {
  const auto text = read_text(source_dir + "/docs/experiment.md");
  const auto begin = text.find("```toml\n") + 8;
  sample::right(text.substr(begin, text.find("```", begin) - begin));
}

} // namespace
} // namespace tenbit

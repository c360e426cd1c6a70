// Style as a test: who may include whom, how long a file and a function may be.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using lines = std::vector<std::string>;

const fs::path root = TENBIT_SOURCE_DIR;
constexpr std::size_t file_lines_max = 400;
constexpr std::size_t function_lines_max = 50;
constexpr std::size_t columns_max = 152; // long literals; the formatter keeps the rest at 100

// docs/design.md, section 4.
const std::map<std::string, std::set<std::string>> may_include = {
    {"base", {}},
    {"config", {"base"}},
    {"codec", {"base"}},
    {"actors", {"base", "config", "codec", "benchmarks"}},
    {"benchmarks", {"base", "config"}},
    {"protocols", {"base", "config", "codec", "actors", "benchmarks"}},
    {"endpoints", {"base", "config", "actors"}},
    {"simulator", {"base", "config", "benchmarks"}},
    {"storage", {"base", "config", "codec", "actors"}},
    {"workers", {"base", "config", "codec", "actors", "protocols", "endpoints", "benchmarks"}},
    {"link", {"base", "config", "actors"}},
    {"control", {"base", "config", "actors", "coordinator"}},
    {"coordinator", {"base", "config", "actors", "storage", "benchmarks"}},
    {"report", {"base", "config", "codec", "actors", "benchmarks", "storage"}},
};

// Gold is opened by these alone; programs and the task runner are not among them.
const std::set<std::string> may_see_gold = {
    "benchmarks/",    "actors/messages.hpp", "actors/wire", "coordinator/gold_vault",
    "workers/oracle", "workers/grader",      "coordinator/run_core"};

lines read(const fs::path& path) {
  std::ifstream in(path);
  lines out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

std::vector<fs::path> sources(const std::vector<std::string>& folders) {
  std::vector<fs::path> out;
  for (const auto& folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".hpp" || entry.path().extension() == ".cpp")
        out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> library_folders() {
  std::vector<std::string> out;
  for (const auto& [folder, allowed] : may_include)
    out.push_back(folder);
  return out;
}

std::string name_of(const fs::path& path) {
  return fs::relative(path, root).string();
}

// The path between the quotes of an #include, empty otherwise.
std::string included(const std::string& line) {
  constexpr std::string_view lead = "#include \"";
  if (!line.starts_with(lead))
    return {};
  return line.substr(lead.size(), line.find('"', lead.size()) - lead.size());
}

} // namespace

TEST(Tidy_Includes, EveryFolder_KeepsToTheTable) {
  for (const auto& path : sources(library_folders())) {
    const std::string self = name_of(path);
    const std::string folder = self.substr(0, self.find('/'));
    for (const auto& line : read(path)) {
      const std::string target = included(line);
      const std::string other = target.substr(0, target.find('/'));
      if (target.empty() || other == folder || !may_include.contains(other))
        continue;
      EXPECT_TRUE(may_include.at(folder).contains(other)) << self << " includes " << target;
    }
  }
}

TEST(Tidy_Includes, Gold_IsSeenBySenderAndGraderOnly) {
  for (const auto& path : sources(library_folders())) {
    const std::string self = name_of(path);
    const bool allowed = std::any_of(may_see_gold.begin(), may_see_gold.end(),
                                     [&](const auto& start) { return self.starts_with(start); });
    for (const auto& line : read(path)) {
      const std::string target = included(line);
      const bool gold = target == "benchmarks/gold.hpp" || target == "benchmarks/benchmark.hpp";
      EXPECT_TRUE(allowed || !gold) << self << " includes " << target;
    }
  }
}

TEST(Tidy_Files, Length_IsUnderTheLimit) {
  auto folders = library_folders();
  folders.insert(folders.end(), {"cli", "tests", "bench"});
  for (const auto& path : sources(folders)) {
    const auto text = read(path);
    EXPECT_LE(text.size(), file_lines_max) << name_of(path);
    for (std::size_t i = 0; i < text.size(); ++i)
      EXPECT_LE(text[i].size(), columns_max) << name_of(path) << ":" << i + 1;
  }
}

// A function body opens with "{" at the end of a line that starts in column one or is indented as a
// member, and closes with the first "}" of the same indent.
TEST(Tidy_Functions, Length_IsUnderTheLimit) {
  auto folders = library_folders();
  folders.push_back("cli");
  for (const auto& path : sources(folders)) {
    const auto text = read(path);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto& line = text[i];
      const bool opens = line.ends_with("{") && line.find('(') != std::string::npos &&
                         !line.starts_with(" ") && !line.starts_with("namespace");
      const bool ends_signature = line.ends_with(") {") || line.ends_with(") const {");
      if (!opens && !(ends_signature && line.starts_with("  ") && !line.starts_with("   ")))
        continue;
      const std::string indent = line.starts_with("  ") ? "  " : "";
      std::size_t end = i + 1;
      while (end < text.size() && !text[end].starts_with(indent + "}"))
        ++end;
      EXPECT_LE(end - i, function_lines_max) << name_of(path) << ":" << i + 1;
    }
  }
}

TEST(Tidy_Folders, EveryFolder_HasAReadme) {
  for (const auto& folder : library_folders())
    EXPECT_TRUE(fs::exists(root / folder / "README.md")) << folder;
}

// The boundary of knowledge is held by the compiler: what the receiver may not know, it cannot
// name.
#include <cstdio>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <type_traits>

#include "benchmarks/gold.hpp"
#include "protocols/context.hpp"
#include "protocols/oracle_protocol.hpp"

namespace tenbit {
namespace {

// A class of no party.
class stranger {};
static_assert(!std::is_default_constructible_v<gold_key>);
static_assert(!std::is_constructible_v<gold_key, stranger>);
static_assert(!std::is_aggregate_v<gold_key>);
static_assert(!std::is_default_constructible_v<sealed_text>);
static_assert(!std::is_constructible_v<sealed_text, std::string>);
static_assert(!std::is_convertible_v<sealed_text, std::string>);
static_assert(!std::is_convertible_v<gold, std::string>);

// No member of a program's world is gold or a sealed text, by any of the names it could have.
template <class T>
concept offers_secrets = requires(T& t) {
  t.gold();
}
|| requires(T& t) {
  t.reference();
}
|| requires(T& t) {
  t.sealed();
}
|| requires(T& t) {
  t.key();
}
|| requires(T& t) {
  t.gold;
}
|| requires(T& t) {
  t.reference;
}
|| requires(T& t) {
  t.sealed;
}
|| requires(T& t) {
  t.solution;
};
static_assert(!offers_secrets<context>);
static_assert(!offers_secrets<driver>);
static_assert(!offers_secrets<program_input>);
static_assert(!offers_secrets<ask_request>);
static_assert(!offers_secrets<outcome>);

// The problem of an input is all a program knows of the benchmark, and it cannot be made of gold.
static_assert(std::is_same_v<decltype(program_input::item), problem>);
static_assert(!std::is_constructible_v<problem, gold>);
// An effect's result holds the receiver's texts, bits or a failure: no fourth thing.
static_assert(std::is_same_v<effect_result, std::variant<generated, answers, effect_failure>>);
static_assert(!std::is_constructible_v<effect_result, sealed_text>);
static_assert(!std::is_constructible_v<effect_result, gold>);

struct compiled {
  bool ok = false;
  std::string messages;
};

compiled compile(const std::string& snippet) {
  const std::filesystem::path source = TENBIT_SOURCE_DIR;
  const auto file = source / "tests/protocols/sealing" / (snippet + ".cpp.txt");
  EXPECT_TRUE(std::filesystem::exists(file)) << file;
  const std::string command = "LC_ALL=C c++ -std=c++20 -fsyntax-only -x c++ -I '" +
                              source.string() + "' '" + file.string() + "' 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  compiled out;
  if (pipe == nullptr)
    return out;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.messages.append(buffer, got);
  const int status = pclose(pipe);
  out.ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return out;
}

bool compiler_is_there() {
  return std::system("c++ --version >/dev/null 2>&1") == 0; // NOLINT: one thread
}

struct forbidden {
  const char* snippet;
  const char* name; // what is out of reach
};

class Sealing : public testing::TestWithParam<forbidden> {};

} // namespace

TEST(Sealing_Control, HonestProgram_Compiles) {
  if (!compiler_is_there())
    GTEST_SKIP() << "no c++ on this machine";
  const auto result = compile("control");
  EXPECT_TRUE(result.ok) << result.messages;
}

TEST_P(Sealing, Cheat_DoesNotCompile) {
  if (!compiler_is_there())
    GTEST_SKIP() << "no c++ on this machine";
  const auto result = compile(GetParam().snippet);
  EXPECT_FALSE(result.ok);
  // Refused for the access, and for nothing else.
  std::istringstream lines(result.messages);
  std::size_t errors = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("error:") == line.npos)
      continue;
    ++errors;
    EXPECT_THAT(line,
                testing::AllOf(testing::HasSubstr(GetParam().name), testing::HasSubstr("private")));
  }
  EXPECT_EQ(errors, 1U) << result.messages;
}

INSTANTIATE_TEST_SUITE_P(Cheats, Sealing,
                         testing::Values(forbidden{"opens_gold", "gold_key"},
                                         forbidden{"reads_gold_member", "answer_"},
                                         forbidden{"makes_gold_key", "gold_key"},
                                         forbidden{"makes_sealed_text", "sealed_text"},
                                         forbidden{"reads_sealed_text", "text_"},
                                         forbidden{"resolves_itself", "effects_"}),
                         [](const auto& cheat) { return std::string(cheat.param.snippet); });

} // namespace tenbit

#include "report/export.hpp"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "base/random.hpp"
#include "report/output_file.hpp"
#include "report/summary.hpp"
#include "tests/report/made_store.hpp"

namespace tenbit::report {
namespace {

using namespace tenbit::testing;

memory_store store_of(std::vector<std::vector<event>> journals) {
  const auto tasks = journals.size();
  return {manifest_of(made_experiment(), tasks), std::move(journals)};
}

TEST(Export, Lines_AreSortedJson) {
  const auto source = made_store(2);
  std::istringstream in(exported(*source));
  std::vector<std::string> kinds;
  std::string last_call;
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    kinds.push_back(row.at("kind"));
    if (kinds.back() == "call") {
      EXPECT_LT(last_call, row.at("call_id").get<std::string>());
      last_call = row.at("call_id");
    }
    if (kinds.back() == "task")
      last_call.clear();
  }
  std::vector<std::string> expected_kinds = {"header"};
  for (int task = 0; task < 2; ++task)
    for (const char* kind : {"task", "call", "call", "call", "call", "call", "call", "outcome",
                             "outcome", "bit", "bit", "outcome", "outcome"})
      expected_kinds.emplace_back(kind);
  EXPECT_EQ(kinds, expected_kinds);
}

TEST(Export, Header_SaysWhatItIs) {
  const auto header = nlohmann::json::parse(exported(*made_store(0)));
  EXPECT_EQ(header.at("format"), "tenbit-export");
  EXPECT_EQ(header.at("version"), 1);
  EXPECT_TRUE(header.at("simulated").get<bool>());
  EXPECT_EQ(header.at("arms"), (std::vector<std::string>{"small", "large", "qa", "resample"}));
}

// Whatever order calls and arms complete in, and however often they were tried.
RC_GTEST_PROP(Export, AnyOrderOfCompletion_GivesEqualBytes, (std::uint64_t seed)) {
  const auto plain = exported(*made_store(4));
  random_stream random(seed);
  std::vector<std::vector<event>> journals;
  for (std::uint64_t number = 0; number < 4; ++number) {
    auto journal = made_journal(number);
    for (std::size_t i = journal.size(); i > 1; --i)
      std::swap(journal[i - 1], journal[random.below(i)]);
    for (event& e : journal)
      if (auto* call = std::get_if<call_event>(&e)) {
        call->unix_ms = random.next();
        call->reply.attempts = static_cast<std::uint32_t>(1 + random.below(4));
        call->reply.replica = static_cast<std::uint32_t>(random.below(8));
        call->reply.timing = {random.next(), random.next(), random.next()};
      }
    if (number < 3) // an earlier failure of what later succeeded
      journal.insert(journal.begin(), made_failure(qa_arm));
    journals.push_back(std::move(journal));
  }
  RC_ASSERT(exported(store_of(std::move(journals))) == plain);
}

TEST(Export, AnotherResult_GivesOtherBytes) {
  auto journal = made_journal(0);
  std::get<bit_event>(journal[8]).value = answer::no;
  EXPECT_NE(exported(store_of({journal})), exported(*made_store(1)));
}

TEST(Export, StandingFailure_IsALineWithoutItsMessage) {
  const std::string text = exported(*made_store(4));
  EXPECT_NE(text.find("{\"kind\":\"failure\",\"problem\":3,\"arm\":\"resample\",\"trial\":0,"
                      "\"error\":\"transient\"}\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("gpu1"), std::string::npos);
}

TEST(Export, SinkThatStops_EndsEarly) {
  const auto source = made_store(4);
  int lines = 0;
  EXPECT_TRUE(
      export_lines(*source, made_experiment(), [&](std::string_view) { return ++lines < 2; }));
  EXPECT_EQ(lines, 2);
}

TEST(FolderNames, UnsafeNames_BecomeSafeAndDiffer) {
  experiment exp = made_experiment();
  exp.arms[0].name = "../../etc";
  exp.arms[1].name = "QA own/gold";
  exp.arms[2].name = "qa own gold";
  exp.arms[3].name = "";
  const auto names = folder_names(exp);
  EXPECT_EQ(names, (std::vector<std::string>{"_..-..-etc", "qa-own-gold", "qa-own-gold-2", "_"}));
}

TEST(ExportBitstreams, Outcomes_BecomeFiles) {
  const temporary_folder folder;
  const auto source = made_store(3);
  const auto written = export_bitstreams(*source, made_experiment(), folder.path("bits"));
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(*written, 3U); // the other arms have none in this journal
  const auto journal = made_journal(2);
  EXPECT_EQ(read_file(folder.path("bits/qa/2-0.tbit")),
            std::get<outcome_event>(journal[10]).bitstream);
  EXPECT_FALSE(std::filesystem::exists(folder.path("bits/small")));
}

TEST(OutputFile, Finished_ReplacesWhole) {
  const temporary_folder folder;
  for (const char* text : {"first", "second"}) {
    output_file file(folder.path("x"));
    file.write(text);
    EXPECT_TRUE(file.finish());
    EXPECT_EQ(read_file(folder.path("x")), text);
  }
}

TEST(OutputFile, NotFinished_LeavesNothing) {
  const temporary_folder folder;
  { output_file(folder.path("x")).write("half"); }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("")));
}

TEST(OutputFile, NoSuchFolder_FailsWithItsName) {
  const temporary_folder folder;
  output_file file(folder.path("missing/x"));
  file.write("text");
  const auto done = file.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().find("missing/x"), std::string::npos);
}

} // namespace
} // namespace tenbit::report

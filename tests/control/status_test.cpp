#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/http_status.hpp"
#include "control/status_json.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::full_snapshot;
using testing::HasSubstr;
using testing::Not;

TEST(Status_Json, FullSnapshot_RoundTrips) {
  const auto text = to_json(full_snapshot());
  const auto back = parse_status(text);
  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(to_json(*back), text);
  const auto& run = back->runs.at(0);
  EXPECT_EQ(run.id.value, 0xfedcba9876543210U);
  EXPECT_EQ(run.status.phase, run_phase::stopping);
  EXPECT_EQ(run.status.tasks, full_snapshot().runs[0].status.tasks);
  EXPECT_EQ(run.priority, -7);
  EXPECT_EQ(run.status.money, 12.5);
  EXPECT_EQ(run.status.bits_per_problem, full_snapshot().runs[0].status.bits_per_problem);
  EXPECT_EQ(run.waiting_for, "no free slot");
  EXPECT_TRUE(run.paused);
  EXPECT_EQ(back->peers.at(0).roles, full_snapshot().peers[0].roles);
  EXPECT_EQ(back->peers.at(0).replicas.at(0).total_p99_ms, 49000);
  EXPECT_EQ(back->endpoint_orders, full_snapshot().endpoint_orders);
  EXPECT_EQ(back->dropped_sends, 66U);
}

// A field that is forgotten in the list keeps its default, and no value is 0 in the full snapshot.
TEST(Status_Json, FullSnapshot_HasNoDefaultLeft) {
  const auto text = to_json(full_snapshot());
  EXPECT_THAT(text, Not(HasSubstr(":0,")));
  EXPECT_THAT(text, Not(HasSubstr(":0.0,")));
  EXPECT_THAT(text, Not(HasSubstr("\"\"")));
}

TEST(Status_Json, BrokenNamesAndNumbers_StayJson) {
  auto s = full_snapshot();
  s.runs[0].name = "\xff\x1b[2J\n";
  s.runs[0].eta_s = std::numeric_limits<double>::quiet_NaN();
  const auto text = to_json(s);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const auto back = parse_status(text);
  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(back->runs[0].eta_s, -1);
}

TEST(Status_Json, WhatNobodyOrdered_IsNull) {
  cluster_status s;
  s.endpoint_orders = {{"", "http://a", std::nullopt, 0}};
  const auto text = to_json(s);
  EXPECT_THAT(text, HasSubstr("\"paused\":null,\"limit\":0"));
  const auto back = parse_status(text);
  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(back->endpoint_orders, s.endpoint_orders);
}

TEST(Status_Json, BitsInOtherClasses_AreNotTaken) {
  const auto parsed = parse_status("{\"runs\": [{\"bits_per_problem\": [1, 2, 3]}]}");
  ASSERT_TRUE(parsed.has_value()) << parsed.error();
  EXPECT_EQ(parsed->runs.at(0).status.bits_per_problem, bits_histogram{});
}

TEST(Status_Json, WrongTypes_AreNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"7", "an object"},
      {"{", "not JSON"},
      {"{\"uptime_s\": \"a\"}", "uptime_s of the status is not a number"},
      {"{\"runs\": {}}", "runs of the status is not an array"},
      {"{\"runs\": [7]}", "not an object"},
      {"{\"runs\": [{\"id\": \"xyz\"}]}", "id of the status is not an id"},
      {"{\"runs\": [{\"phase\": \"?\"}]}", "phase of the status is not a phase"},
      {"{\"rss_bytes\": -1}", "rss_bytes"},
      {"{\"workers\": [{\"slots\": 4294967296}]}", "slots"}};
  for (const auto& [text, why] : cases) {
    const auto parsed = parse_status(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error(), HasSubstr(why));
  }
  EXPECT_TRUE(parse_status("{}").has_value());
}

TEST(Status_Json, Lists_AreThePartsOfTheSnapshot) {
  const auto s = full_snapshot();
  EXPECT_THAT(runs_json(s), testing::StartsWith("[{\"name\":\"gsm8k\",\"id\":\"fedcba"));
  EXPECT_THAT(workers_json(s), Not(HasSubstr("replicas")));
  EXPECT_THAT(endpoints_json(s), testing::StartsWith("[{\"worker\":\"gpu-07\",\"model\":"));
  EXPECT_EQ(runs_json({}), "[]");
}

TEST(Status_Metrics, FullSnapshot_MatchesTheGoldenText) {
  const std::string path = TENBIT_SOURCE_DIR "/tests/control/metrics.golden";
  EXPECT_EQ(to_prometheus(full_snapshot()), control_test::read_all(path))
      << "if the change is meant, write the text to " << path;
}

TEST(Status_Metrics, HostileLabels_AreEscaped) {
  auto s = full_snapshot();
  s.runs[0].name = "a\"b\\c\nd\x1b[2J\xff";
  const auto text = to_prometheus(s);
  EXPECT_THAT(text, HasSubstr("{run=\"a\\\"b\\\\c\\\\nd\\\\x1b[2J\\\\xff\",state=\"pending\"} 11"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_TRUE(text.compare(at, 7, "tenbit_") == 0 || text.compare(at, 2, "# ") == 0);
}

TEST(Status_Metrics, SameReplicaTwice_IsShownOnce) {
  auto s = full_snapshot();
  s.peers[0].replicas.push_back(s.peers[0].replicas[0]);
  const auto text = to_prometheus(s);
  const auto first = text.find("tenbit_calls_inflight{");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find("tenbit_calls_inflight{", first + 1), std::string::npos);
  EXPECT_THAT(text, HasSubstr("tenbit_duplicate_samples 23\n"));
}

TEST(Status_Metrics, UnknownEta_IsNotThere) {
  auto s = full_snapshot();
  s.runs[0].eta_s = s.runs[0].eta_low_s = s.runs[0].eta_high_s = -1;
  EXPECT_THAT(to_prometheus(s), Not(HasSubstr("tenbit_eta_seconds")));
}

} // namespace
} // namespace tenbit::control

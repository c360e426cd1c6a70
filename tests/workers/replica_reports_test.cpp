#include "workers/replica_reports.hpp"

#include <gtest/gtest.h>

namespace tenbit {
namespace {

TEST(ReplicaReports, EveryFigure_HasItsPlace) {
  replica_snapshot seen;
  seen.url = "http://gpu1:8000/v1/chat/completions";
  seen.breaker = "half-open";
  seen.in_flight = 1;
  seen.queued = 2;
  seen.limit = 3;
  seen.retry_tokens = 4;
  seen.answered = 5;
  seen.retried = 6;
  seen.given_up = 7;
  seen.errors = {{"throttled", 8},
                 {"transient", 9},
                 {"endpoint_invalid", 10},
                 {"request_invalid", 11},
                 {"auth", 12}};
  seen.prompt_tokens = 13;
  seen.completion_tokens = 14;
  seen.generation = std::chrono::microseconds(15'900);
  seen.first_byte_p50_ms = 16;
  seen.first_byte_p90_ms = 17;
  seen.first_byte_p99_ms = 18;
  seen.total_p50_ms = 19;
  seen.total_p90_ms = 20;
  seen.total_p99_ms = 21;
  const auto report = report_of("small", seen);
  EXPECT_EQ(report.model, "small");
  EXPECT_EQ(report.url, seen.url);
  EXPECT_EQ(report.breaker, "half-open");
  EXPECT_EQ(report.in_flight, 1U);
  EXPECT_EQ(report.queued, 2U);
  EXPECT_EQ(report.limit, 3U);
  EXPECT_EQ(report.retry_tokens, 4U);
  EXPECT_EQ(report.answered, 5U);
  EXPECT_EQ(report.retried, 6U);
  EXPECT_EQ(report.failed, 7U);
  EXPECT_EQ(report.errors, (attempt_failures{8, 9, 10, 11, 12}));
  EXPECT_EQ(report.prompt_tokens, 13U);
  EXPECT_EQ(report.completion_tokens, 14U);
  EXPECT_EQ(report.generation_ms, 15U);
  EXPECT_EQ(report.first_byte_p50_ms, 16);
  EXPECT_EQ(report.first_byte_p90_ms, 17);
  EXPECT_EQ(report.first_byte_p99_ms, 18);
  EXPECT_EQ(report.total_p50_ms, 19);
  EXPECT_EQ(report.total_p90_ms, 20);
  EXPECT_EQ(report.total_p99_ms, 21);
}

TEST(ReplicaReports, ClassThatDidNotHappen_IsZero) {
  replica_snapshot seen;
  seen.errors = {{"auth", 1}};
  EXPECT_EQ(report_of("m", seen).errors, (attempt_failures{0, 0, 0, 0, 1}));
}

} // namespace
} // namespace tenbit

// The small parts: labels, error tables, URLs, quantiles.
#include <cmath>
#include <curl/curl.h>
#include <gtest/gtest.h>
#include <limits>

#include "endpoints/endpoint_url.hpp"
#include "endpoints/http_error.hpp"
#include "endpoints/recent_times.hpp"
#include "endpoints/yes_no.hpp"

namespace tenbit {

TEST(YesNo, Variants_AreSummed) {
  yes_no labels;
  labels.add("Yes", std::log(0.3));
  labels.add(" yes", std::log(0.1));
  labels.add("YES", std::log(0.1));
  labels.add("▁No", std::log(0.2));
  labels.add("ĠNO", std::log(0.05));
  labels.add("Maybe", std::log(0.2));
  EXPECT_NEAR(*labels.p_yes(), 0.5 / 0.75, 1e-12);
}

TEST(YesNo, SameTokenTwice_CountsOnce) {
  yes_no labels;
  labels.add("Yes", std::log(0.5));
  labels.add("Yes", std::log(0.5));
  labels.add("No", std::log(0.5));
  EXPECT_NEAR(*labels.p_yes(), 0.5, 1e-12);
}

TEST(YesNo, NeitherLabel_IsAbsent) {
  yes_no labels;
  EXPECT_FALSE(labels.p_yes());
  labels.add("Nope", -1);
  labels.add("yesterday", -1);
  labels.add("", -1);
  EXPECT_FALSE(labels.p_yes());
}

TEST(YesNo, ImpossibleLogprobs_ArePassedOver) {
  yes_no labels;
  labels.add("Yes", 1000);
  labels.add("Yes", std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(labels.p_yes());
  labels.add("Yes", -std::numeric_limits<double>::infinity());
  EXPECT_FALSE(labels.p_yes());
  labels.add("No", -9999.0); // what some servers say of a token outside their list
  EXPECT_FALSE(labels.p_yes());
  labels.add("No", -1);
  EXPECT_EQ(*labels.p_yes(), 0.0);
}

struct status_row {
  int status;
  bool retry_after;
  const char* message;
  call_error kind;
  attempt_end end;
};

TEST(HttpFailure, EveryStatus_HasItsClass) {
  using enum call_error;
  const status_row rows[] = {
      {400, false, "", request_invalid, attempt_end::refused},
      {401, false, "", auth, attempt_end::unauthorised},
      {403, false, "", auth, attempt_end::unauthorised},
      {404, false, "", request_invalid, attempt_end::refused},
      {408, false, "", transient, attempt_end::failed},
      {413, false, "", request_invalid, attempt_end::refused},
      {422, false, "", request_invalid, attempt_end::refused},
      {429, false, "", throttled, attempt_end::throttled},
      {429, true, "", throttled, attempt_end::throttled},
      {500, false, "", transient, attempt_end::failed},
      {501, false, "", request_invalid, attempt_end::refused},
      {502, false, "", transient, attempt_end::failed},
      {503, false, "queue full", transient, attempt_end::overloaded},
      {503, true, "queue full", throttled, attempt_end::throttled},
      {503, false, "Loading model", transient, attempt_end::loading},
      {529, false, "", throttled, attempt_end::throttled},
      {204, false, "", endpoint_invalid, attempt_end::failed},
      {302, false, "", endpoint_invalid, attempt_end::failed},
  };
  for (const auto& row : rows) {
    const auto failure = http_failure(row.status, row.retry_after, {row.message, "", {}});
    EXPECT_EQ(failure.kind, row.kind) << row.status;
    EXPECT_EQ(failure.end, row.end) << row.status;
    EXPECT_NE(failure.what.find(std::to_string(row.status)), std::string::npos);
  }
}

TEST(TransportFailure, BrokenProtocol_IsInvalidTheRestTransient) {
  EXPECT_EQ(transport_failure(CURLE_COULDNT_CONNECT, "").kind, call_error::transient);
  EXPECT_EQ(transport_failure(CURLE_RECV_ERROR, "").kind, call_error::transient);
  EXPECT_EQ(transport_failure(CURLE_PARTIAL_FILE, "").kind, call_error::transient);
  EXPECT_EQ(transport_failure(CURLE_WEIRD_SERVER_REPLY, "").kind, call_error::endpoint_invalid);
  EXPECT_TRUE(transport_failure(CURLE_OPERATION_TIMEDOUT, "").timeout);
  EXPECT_EQ(transport_failure(CURLE_RECV_ERROR, "a\nb").what, "a\\nb");
}

TEST(ChatUrl, Version_IsNotDoubled) {
  EXPECT_EQ(*chat_url("http://gpu1:8000"), "http://gpu1:8000/v1/chat/completions");
  EXPECT_EQ(*chat_url("http://gpu1:8000/"), "http://gpu1:8000/v1/chat/completions");
  EXPECT_EQ(*chat_url("https://api.x.org/v1"), "https://api.x.org/v1/chat/completions");
  EXPECT_EQ(*chat_url("http://h/openai/v1/"), "http://h/openai/v1/chat/completions");
}

TEST(ChatUrl, WrongUrls_AreRefused) {
  for (const char* url :
       {"", "gpu1:8000", "ftp://h", "file:///etc/passwd", "http://", "http:///x", "http://:80",
        "http://h/ x", "http://h\r\nX: y", "http://h/?a=b", "http://h/#f"})
    EXPECT_FALSE(chat_url(url)) << url;
}

TEST(ShownUrl, Credentials_AreNotShown) {
  EXPECT_EQ(shown_url("http://user:pw@h:1/v1?key=secret"), "http://h:1/v1");
  EXPECT_EQ(shown_url("http://h:1/a@b"), "http://h:1/a@b");
  EXPECT_EQ(chat_url("ftp://user:pw@h").error().find("pw"), std::string::npos);
}

TEST(WithoutSecret, Key_IsMaskedEverywhere) {
  EXPECT_EQ(without_secret("bad key sk-1, use sk-1!", "sk-1"), "bad key ***, use ***!");
  EXPECT_EQ(without_secret("text", ""), "text");
  EXPECT_EQ(without_secret("a**a", "*"), "a******a");
}

TEST(Histogram, Quantiles_AreWithinTheBucketWidth) {
  histogram h;
  EXPECT_EQ(h.quantile_ms(0.5), 0.0);
  for (int us = 1; us <= 100'000; ++us)
    h.add(std::chrono::microseconds(us));
  EXPECT_NEAR(h.quantile_ms(0.5), 50, 50 * 0.07);
  EXPECT_NEAR(h.quantile_ms(0.99), 99, 99 * 0.07);
  EXPECT_EQ(h.count(), 100'000U);
}

TEST(Histogram, ExtremeDurations_StayInTheTable) {
  histogram h;
  h.add(std::chrono::microseconds(-5));
  h.add(std::chrono::hours(24 * 365));
  EXPECT_EQ(h.quantile_ms(0), 0.0);
  EXPECT_GT(h.quantile_ms(1), 1000.0 * 3600);
}

TEST(RecentTimes, WhatIsOld_IsForgotten) {
  using namespace std::chrono_literals;
  const time_point start{std::chrono::hours(100)};
  constexpr auto window = limits::quantile_window;
  recent_times times;
  EXPECT_EQ(times.at(start).count(), 0U);
  for (int i = 0; i < 100; ++i)
    times.add(10ms, start);
  times.add(900ms, start + window); // a new window; the one before still counts
  EXPECT_EQ(times.at(start + window).count(), 101U);
  EXPECT_NEAR(times.at(start + window).quantile_ms(0.5), 10, 1);
  EXPECT_EQ(times.at(start + 2 * window).count(), 1U);
  EXPECT_NEAR(times.at(start + 2 * window).quantile_ms(0.5), 900, 90);
  times.add(20ms, start + 2 * window);
  EXPECT_EQ(times.at(start + 2 * window).count(), 2U);
  EXPECT_EQ(times.at(start + 4 * window).count(), 0U); // nothing came for so long
  times.add(30ms, start + 9 * window);
  EXPECT_EQ(times.at(start + 9 * window).count(), 1U);
}

} // namespace tenbit

// The endpoint without sockets: bodies in, plans out.
#include "simulator/chat_service.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

sim_spec plain() {
  sim_spec spec;
  spec.latency_ms = 0;
  return spec;
}

std::string chat(const std::string& rest = "", const std::string& model = "small") {
  return R"({"model":")" + model +
         R"(","messages":[{"role":"user","content":"Is 1 + 1 = 2? Yes or no"}])" + rest + "}";
}

write_plan post(chat_service& service, std::string body, http_form form = {}) {
  write_plan plan;
  service.respond("POST", "/v1/chat/completions", body, form, plan);
  return plan;
}

int status_of(const write_plan& plan) {
  return std::stoi(plan.bytes.substr(9, 3));
}
std::string body_of(const write_plan& plan) {
  return plan.bytes.substr(plan.bytes.find("\r\n\r\n") + 4);
}

} // namespace

TEST(ChatService_Chat, GoodRequest_HasTheShapeOfServers) {
  chat_service service(plain(), {});
  const auto plan = post(service, chat(R"(,"max_tokens":8,"logprobs":true,"top_logprobs":5)"));
  EXPECT_EQ(status_of(plan), 200);
  EXPECT_TRUE(plan.good);
  EXPECT_TRUE(plan.needs_slot);
  const auto json = nlohmann::json::parse(body_of(plan));
  EXPECT_EQ(json["object"], "chat.completion");
  EXPECT_EQ(json["model"], "small");
  EXPECT_EQ(json["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(json["choices"][0]["finish_reason"], "stop");
  const auto& first = json["choices"][0]["logprobs"]["content"][0];
  EXPECT_EQ(first["top_logprobs"].size(), 5U);
  EXPECT_EQ(json["usage"]["total_tokens"].get<int>(),
            json["usage"]["prompt_tokens"].get<int>() +
                json["usage"]["completion_tokens"].get<int>());
}

TEST(ChatService_Chat, TopLogprobs_AreSortedAndCoverYesAndNo) {
  chat_service service(plain(), {});
  const auto plan = post(service, chat(R"(,"logprobs":true,"top_logprobs":20)"));
  const auto json = nlohmann::json::parse(body_of(plan));
  const auto& top = json["choices"][0]["logprobs"]["content"][0]["top_logprobs"];
  double before = 0, mass = 0;
  bool yes = false, no = false;
  for (const auto& one : top) {
    EXPECT_LE(one["logprob"].get<double>(), before);
    before = one["logprob"].get<double>();
    mass += std::exp(before);
    yes |= one["token"] == "Yes";
    no |= one["token"] == "No";
  }
  EXPECT_TRUE(yes && no);
  EXPECT_LE(mass, 1.000001);
}

TEST(ChatService_Chat, MaxTokens_CutsTheText) {
  chat_service service(plain(), {});
  std::string body =
      R"({"model":"small","messages":[{"role":"user","content":"solve it"}],"max_tokens":3})";
  const auto json = nlohmann::json::parse(body_of(post(service, body)));
  EXPECT_EQ(json["choices"][0]["finish_reason"], "length");
  EXPECT_LE(json["choices"][0]["message"]["content"].get<std::string>().size(), 12U);
}

TEST(ChatService_Chat, BadRequests_GetErrorObjects) {
  chat_service service(plain(), {});
  for (const std::string& body :
       {std::string(),
        std::string("{"),
        std::string("[]"),
        std::string("{}"),
        std::string("null"),
        std::string(R"({"model":"small"})"),
        std::string(R"({"model":"small","messages":[]})"),
        std::string(R"({"model":"small","messages":[{"role":"king","content":"x"}]})"),
        std::string(R"({"model":"small","messages":[{"role":"user","content":7}]})"),
        std::string(R"({"model":7,"messages":[{"role":"user","content":"x"}]})"),
        std::string(
            "{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}"),
        std::string(5000, '['),
        chat(R"(,"temperature":3)"),
        chat(R"(,"temperature":"hot")"),
        chat(R"(,"n":2)"),
        chat(R"(,"top_logprobs":3)"),
        chat(R"(,"logprobs":true,"top_logprobs":21)"),
        chat(R"(,"stream":"yes")"),
        chat(R"(,"max_tokens":-1)"),
        chat(R"(,"seed":1.5)")}) {
    const auto plan = post(service, body);
    EXPECT_EQ(status_of(plan), 400) << body.substr(0, 100);
    EXPECT_FALSE(plan.needs_slot);
    const auto json = nlohmann::json::parse(body_of(plan));
    EXPECT_EQ(json["error"]["type"], "invalid_request_error");
    EXPECT_FALSE(json["error"]["message"].get<std::string>().empty());
  }
}

TEST(ChatService_Chat, UnknownModel_Is404UnlessRecorded) {
  auto rows = recorded_replies::parse(
      R"({"model":"medium","prompt_contains":"1 + 1","reply":"Yes"})", "rows");
  ASSERT_TRUE(rows);
  chat_service service(plain(), std::move(*rows));
  EXPECT_EQ(status_of(post(service, chat("", "other"))), 404);
  const auto json = nlohmann::json::parse(body_of(post(service, chat("", "medium"))));
  EXPECT_EQ(json["choices"][0]["message"]["content"], "Yes");
}

TEST(ChatService_Chat, TransportFields_DoNotChangeIdentityOrText) {
  chat_service service(plain(), {});
  const auto whole = nlohmann::json::parse(body_of(post(service, chat())));
  const auto stream =
      post(service, chat(R"(,"stream":true,"stream_options":{"include_usage":true})"));
  EXPECT_EQ(service.counts().received, 2U);
  EXPECT_EQ(service.counts().distinct, 1U);
  EXPECT_NE(stream.bytes.find(whole["id"].get<std::string>()), std::string::npos);
  post(service, chat(R"(,"seed":1)"));
  EXPECT_EQ(service.counts().distinct, 2U);
}

TEST(ChatService_Latency, SameRequest_HasTheSameDelayAroundTheMedian) {
  sim_spec spec;
  spec.latency_ms = 100;
  spec.latency_spread = 0.5;
  chat_service service(spec, {});
  int above = 0;
  constexpr int rounds = 400;
  for (int i = 0; i < rounds; ++i) {
    const std::string body = chat(",\"seed\":" + std::to_string(i));
    const auto once = post(service, body).delay;
    EXPECT_EQ(once, post(service, body).delay);
    above += once > std::chrono::milliseconds(100) ? 1 : 0;
  }
  EXPECT_GT(above, rounds * 2 / 5);
  EXPECT_LT(above, rounds * 3 / 5);
}

TEST(ChatService_Pace, Stream_IsCutAtEventsWithAPauseBetween) {
  sim_spec spec = plain();
  spec.tokens_per_second = 50;
  chat_service service(spec, {});
  const auto plan = post(service, chat(R"(,"stream":true)"));
  EXPECT_EQ(plan.pause, std::chrono::milliseconds(20));
  ASSERT_GT(plan.cuts.size(), 2U);
  EXPECT_EQ(plan.cuts.back(), plan.bytes.size());
  EXPECT_TRUE(std::is_sorted(plan.cuts.begin(), plan.cuts.end()));
}

TEST(ChatService_Faults, RatesAndArrivals_AreSeeded) {
  sim_fault_spec faults;
  faults.rate_429 = 0.2;
  faults.rate_reset = 0.1;
  int throttled = 0, resets = 0, recovered = 0;
  constexpr int rounds = 4000;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const auto request = random_stream(i).next();
    const auto kind = draw_fault(1, faults, request, 1);
    EXPECT_EQ(kind, draw_fault(1, faults, request, 1));
    throttled += kind == fault_kind::status_429 ? 1 : 0;
    resets += kind == fault_kind::reset ? 1 : 0;
    recovered += kind != fault_kind::none && draw_fault(1, faults, request, 2) == fault_kind::none;
  }
  EXPECT_NEAR(throttled, rounds * 0.2, 120);
  EXPECT_NEAR(resets, rounds * 0.1, 90);
  EXPECT_GT(recovered, rounds / 10) << "a retry draws anew";
}

TEST(ChatService_Faults, EveryKind_IsWhatItSays) {
  const auto with = [](double sim_fault_spec::*rate) {
    sim_spec spec = plain();
    spec.faults.*rate = 1;
    return spec;
  };
  const auto run = [&](double sim_fault_spec::*rate, const std::string& rest) {
    chat_service service(with(rate), {});
    auto plan = post(service, chat(rest));
    EXPECT_EQ(service.counts().all_faults(), 1U);
    return plan;
  };
  for (const std::string rest : {"", R"(,"stream":true)"}) {
    const auto throttled = run(&sim_fault_spec::rate_429, rest);
    EXPECT_EQ(status_of(throttled), 429);
    EXPECT_NE(throttled.bytes.find("Retry-After: 1\r\n"), std::string::npos);
    EXPECT_EQ(status_of(run(&sim_fault_spec::rate_500, rest)), 500);
    EXPECT_EQ(status_of(run(&sim_fault_spec::rate_503, rest)), 503);
    EXPECT_EQ(run(&sim_fault_spec::rate_reset, rest).end, ending::reset);
    EXPECT_EQ(run(&sim_fault_spec::rate_stall, rest).end, ending::stall);
    const auto slow = run(&sim_fault_spec::rate_slow, rest);
    EXPECT_TRUE(slow.good);
    EXPECT_EQ(slow.cuts.back(), slow.bytes.size());
    EXPECT_FALSE(valid_utf8(run(&sim_fault_spec::rate_bad_utf8, rest).bytes));
    EXPECT_NE(run(&sim_fault_spec::rate_wrong_model, rest).bytes.find("small-other"),
              std::string::npos);
    EXPECT_GT(run(&sim_fault_spec::rate_huge, rest).filler_bytes, limits::reply_bytes_max);
    EXPECT_FALSE(run(&sim_fault_spec::rate_malformed, rest).good);
    EXPECT_FALSE(run(&sim_fault_spec::rate_truncated, rest).good);
  }
}

TEST(RequestCensus_Arrive, ManyHashes_AreCountedOnceEach) {
  request_census census;
  random_stream random(1);
  std::vector<std::uint64_t> hashes(20'000);
  for (auto& hash : hashes)
    EXPECT_EQ(census.arrive(hash = random.next()), 1U);
  for (const auto hash : hashes)
    EXPECT_EQ(census.arrive(hash), 2U);
  EXPECT_EQ(census.arrive(0), 1U);
  EXPECT_EQ(census.distinct(), hashes.size() + 1);
}

RC_GTEST_PROP(ChatService_Chat, AnyBody_GetsAReply, (std::string body)) {
  chat_service service(plain(), {});
  const auto plan = post(service, body);
  RC_ASSERT(plan.bytes.starts_with("HTTP/1.1 "));
}

} // namespace tenbit::sim

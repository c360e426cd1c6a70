// Start, replicas, drain, shutdown, keys and figures.
#include <atomic>
#include <cstdlib>

#include "tests/endpoints/client_fixture.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr const char* key_name = "TENBIT_TEST_KEY";

struct key_in_environment {
  explicit key_in_environment(const char* value) { ::setenv(key_name, value, 1); }
  ~key_in_environment() { ::unsetenv(key_name); }
};

std::string start_error(const model_spec& spec) {
  auto started = client::start({&spec, 1});
  return started ? "" : started.error();
}

model_spec with_key(std::vector<std::string> replicas) {
  auto spec = model_at(std::move(replicas));
  spec.api_key_env = key_name;
  return spec;
}

// The next snapshot that satisfies; the client refreshes it by itself.
template <class Condition> model_snapshot wait_for(client& c, Condition condition) {
  while (true) {
    auto shot = c.snapshot().at(0);
    if (condition(shot))
      return shot;
    std::this_thread::sleep_for(5ms);
  }
}

} // namespace

TEST(ClientStart, WrongModels_AreNamed) {
  EXPECT_NE(start_error(model_at({})).find("model small"), std::string::npos);
  EXPECT_NE(start_error(model_at({"gpu1:8000"})).find("gpu1:8000"), std::string::npos);
  EXPECT_NE(start_error(model_at({"http://h"}, false, 0)).find("concurrency"), std::string::npos);
  const model_spec twice[] = {model_at({"http://h"}), model_at({"http://h"})};
  EXPECT_FALSE(client::start(twice));
}

TEST(ClientStart, KeyNotSet_IsNamed) {
  ::unsetenv(key_name);
  EXPECT_NE(start_error(with_key({"http://h"})).find(key_name), std::string::npos);
  key_in_environment bad("sk-1\r\nX-Evil: 1");
  const auto error = start_error(with_key({"http://h"}));
  EXPECT_NE(error.find(key_name), std::string::npos);
  EXPECT_EQ(error.find("sk-1"), std::string::npos);
}

TEST(ClientKey, Sent_NeverShown) {
  key_in_environment key("sk-secret-1");
  std::string seen;
  tcp_server server([&](unsigned, const std::string& request) {
    seen = request;
    return scripted_reply{
        {http_reply(401, R"({"error":{"message":"Incorrect API key sk-secret-1"}})")}};
  });
  auto c = start(with_key({server.url()}));
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::auth);
  EXPECT_EQ(reply.error().message.find("sk-secret-1"), std::string::npos);
  EXPECT_NE(reply.error().message.find("***"), std::string::npos);
  EXPECT_NE(seen.find("Authorization: Bearer sk-secret-1\r\n"), std::string::npos);
}

TEST(ClientReplicas, KeyRefusedByOne_TheOtherGoesOn) {
  tcp_server refuses(script({{{http_reply(403, "{}")}}}));
  tcp_server answers(script({{{ok_reply()}}}));
  auto c = start(model_at({refuses.url(), answers.url()}, false, 2));
  int good = 0;
  for (std::uint64_t sticky = 0; sticky < 40; ++sticky)
    good += ask(*c, sticky).has_value() ? 1 : 0;
  EXPECT_EQ(good, 39); // one found it out
  EXPECT_EQ(refuses.requests(), 1U);
  const auto shot = wait_for(*c, [](const auto& s) { return s.answered == 39; });
  EXPECT_EQ(shot.replicas[0].breaker, "stopped");
  EXPECT_EQ(shot.replicas[0].errors.at("auth"), 1U);
}

TEST(ClientReplicas, AllStopped_WaitingCallsFailAtOnce) {
  tcp_server refuses(script({{{http_reply(401, "{}")}}}));
  auto c = start(model_at({refuses.url()}, false, 1));
  std::vector<std::future<call_result>> replies;
  for (int i = 0; i < 20; ++i)
    replies.push_back(submit(*c));
  for (auto& reply : replies) {
    const auto result = reply.get();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, call_error::auth);
    EXPECT_NE(result.error().message.find("HTTP 401"), std::string::npos);
  }
  EXPECT_EQ(refuses.requests(), 1U);
}

TEST(ClientReplicas, OneIsDown_TheOtherTakesOver) {
  closed_port nobody;
  tcp_server answers(script({{{ok_reply()}}}));
  auto c = start(model_at({nobody.url(), answers.url()}, false, 8));
  for (std::uint64_t sticky = 0; sticky < 200; ++sticky)
    ignore(ask(*c, sticky), "some find out that it is down");
  const auto shot = wait_for(*c, [](const auto& s) { return s.replicas[0].breaker != "closed"; });
  EXPECT_GT(shot.replicas[1].answered, 100U);
}

TEST(ClientReplicas, ModelIsLoading_CallWaitsWithoutUsingAttempts) {
  std::vector<scripted_reply> replies(
      6, {{http_reply(503, R"({"error":{"message":"Loading model","code":503}})")}});
  replies.push_back({{ok_reply()}});
  tcp_server server(script(replies));
  auto timing = short_waits();
  timing.probe_min = 1ms;
  auto c = start(model_at({server.url()}), timing);
  const auto reply = ask(*c);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->attempts, 1U);
  EXPECT_EQ(server.requests(), 7U);
}

TEST(ClientReplicas, NoneUpForTheWholeTime_WaitingCallFails) {
  tcp_server server(script({{{http_reply(503, R"({"error":{"message":"Loading model"}})")}}}));
  auto timing = short_waits();
  timing.call = 60ms;
  auto c = start(model_at({server.url()}), timing);
  const auto reply = ask(*c);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, call_error::transient);
  EXPECT_NE(reply.error().message.find("Loading model"), std::string::npos);
}

TEST(ClientOrder, Pause_StopsNewCallsAndResumeSendsThem) {
  std::promise<void> arrived;
  std::promise<void> go;
  auto wait = go.get_future().share();
  tcp_server server([&, wait](unsigned number, const std::string&) {
    if (number == 0)
      arrived.set_value();
    wait.wait();
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}, false, 8));
  const std::string url = c->snapshot().at(0).replicas.at(0).url;
  auto on_wire = submit(*c);
  arrived.get_future().wait();
  c->order({url, endpoint_action::pause, 0});
  wait_for(*c, [](const auto& s) { return s.replicas[0].breaker == "paused"; });
  auto queued = submit(*c);
  wait_for(*c, [](const auto& s) { return s.queued == 1; });
  go.set_value();
  EXPECT_TRUE(on_wire.get()); // it goes on
  wait_for(*c, [](const auto& s) { return s.answered == 1 && s.queued == 1; });
  EXPECT_EQ(server.requests(), 1U);
  c->order({url, endpoint_action::pause, 0}); // a copy
  c->order({"http://other/v1/chat/completions", endpoint_action::resume, 0});
  c->order({url, endpoint_action::resume, 0});
  EXPECT_TRUE(queued.get());
  EXPECT_EQ(server.requests(), 2U);
  wait_for(*c, [](const auto& s) { return s.replicas[0].breaker == "closed"; });
}

TEST(ClientOrder, PausedOne_ItsCallsGoToTheOther) {
  tcp_server first(script({{{ok_reply()}}}));
  tcp_server second(script({{{ok_reply()}}}));
  auto c = start(model_at({first.url(), second.url()}, false, 8));
  c->order({first.url() + "/v1/chat/completions", endpoint_action::pause, 0});
  for (std::uint64_t sticky = 0; sticky < 40; ++sticky)
    ASSERT_TRUE(ask(*c, sticky));
  EXPECT_EQ(first.requests(), 0U);
  EXPECT_EQ(second.requests(), 40U);
}

TEST(ClientOrder, Limit_IsShownByAnIdleClientAndHolds) {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  tcp_server server([&](unsigned, const std::string&) {
    const int here = ++now;
    int seen = most;
    while (here > seen && !most.compare_exchange_weak(seen, here)) {
    }
    std::this_thread::yield();
    --now;
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}, false, 8));
  const std::string url = server.url() + "/v1/chat/completions";
  c->order({url, endpoint_action::limit, 1});
  wait_for(*c, [](const auto& s) { return s.replicas[0].limit == 1; });
  std::vector<std::future<call_result>> replies;
  for (int i = 0; i < 50; ++i)
    replies.push_back(submit(*c));
  for (auto& reply : replies)
    EXPECT_TRUE(reply.get());
  EXPECT_EQ(most, 1);
  c->order({url, endpoint_action::limit, 0});
  wait_for(*c, [](const auto& s) { return s.replicas[0].limit == 8; });
}

TEST(ClientDrain, WaitingCallsAreCancelled_ThoseOnTheWireGoOn) {
  std::promise<void> arrived;
  std::promise<void> go;
  auto wait = go.get_future().share();
  tcp_server server([&, wait](unsigned number, const std::string&) {
    if (number == 0)
      arrived.set_value();
    wait.wait();
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}, false, 1));
  auto on_wire = submit(*c);
  auto waiting = submit(*c);
  arrived.get_future().wait();
  c->drain();
  const auto cancelled = waiting.get();
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().kind, call_error::cancelled);
  go.set_value();
  EXPECT_TRUE(on_wire.get());
  const auto late = ask(*c);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, call_error::cancelled);
}

// A task that was taken back and given again at once: its new calls have the same sticky value,
// and may be in one batch with the order to end the old ones.
TEST(ClientAbandon, OneGroup_EndsAndOthersOfTheSameTaskGoOn) {
  std::promise<void> go;
  auto wait = go.get_future().share();
  tcp_server server([wait](unsigned, const std::string&) {
    wait.wait();
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}, false, 2));
  std::vector<std::future<call_result>> old, others;
  for (int i = 0; i < 4; ++i) { // on the wire and waiting
    old.push_back(submit(*c, 1, 7));
    others.push_back(submit(*c, 1, 0));
  }
  c->abandon(7);
  others.push_back(submit(*c, 1, 8));
  for (auto& reply : old) {
    const auto ended = reply.get();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, call_error::cancelled);
  }
  go.set_value();
  for (auto& reply : others)
    EXPECT_TRUE(reply.get());
}

TEST(ClientGiveUp, WhatWaitsIsCancelled_TheWireAndOthersGoOn) {
  std::promise<void> arrived;
  std::promise<void> go;
  auto wait = go.get_future().share();
  tcp_server server([&, wait](unsigned number, const std::string&) {
    if (number == 0)
      arrived.set_value();
    wait.wait();
    return scripted_reply{{ok_reply()}};
  });
  auto c = start(model_at({server.url()}, false, 1));
  auto on_wire = submit(*c, 1, 1);
  arrived.get_future().wait();
  auto waiting = submit(*c, 1, 1);
  auto of_another = submit(*c, 2, 2);
  c->give_up(1);
  const auto given_up = waiting.get();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().kind, call_error::cancelled);
  go.set_value();
  EXPECT_TRUE(on_wire.get());
  EXPECT_TRUE(of_another.get());
  EXPECT_TRUE(ask(*c, 1)) << "later ones are not meant";
}

TEST(ClientGiveUp, NoReplicaIsUp_SaysSoAndWhenItMayBeTried) {
  tcp_server server(script({{{http_reply(503, R"({"error":{"message":"Loading model"}})")}}}));
  auto timing = short_waits();
  timing.probe_min = 1h;
  auto c = start(model_at({server.url()}), timing);
  auto call = submit(*c, 1, 1);
  const auto shot = wait_for(*c, [](const auto& s) { return s.replicas[0].breaker == "open"; });
  ASSERT_TRUE(shot.replicas[0].probe_at);
  EXPECT_GT(*shot.replicas[0].probe_at, std::chrono::steady_clock::now() + 50min);
  c->give_up(1);
  const auto given_up = call.get();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().kind, call_error::transient);
  EXPECT_NE(given_up.error().message.find("no replica"), std::string::npos);
}

TEST(ClientGiveUp, RubbishBeforeNoReplicaIsUp_IsNoOutage) {
  tcp_server server(script({{{http_reply(200, "rubbish")}}}));
  auto timing = short_waits();
  timing.probe_min = 1h;
  auto c = start(model_at({server.url()}, false, 9), timing);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 9; ++i) // the first one that is tried again opens the breaker
    calls.push_back(submit(*c, 1, 1));
  wait_for(*c, [](const auto& s) { return s.replicas[0].breaker == "open" && s.in_flight == 0; });
  c->give_up(1);
  int without_replica = 0;
  for (auto& call : calls) {
    const auto ended = call.get();
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, call_error::endpoint_invalid) << ended.error().message;
    without_replica += ended.error().message.find("no replica") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(without_replica, 0);
}

TEST(ClientShutdown, EveryCall_GetsItsCallbackOnce) {
  tcp_server server(script({{{}, 0ms, after::hang}}));
  std::atomic<int> cancelled{0};
  std::atomic<int> other{0};
  {
    auto c = start(model_at({server.url()}, false, 4));
    for (int i = 0; i < 100; ++i)
      c->submit({"small", 1, R"({"a":1})"}, [&](call_result result) {
        ++(!result && result.error().kind == call_error::cancelled ? cancelled : other);
      });
  }
  EXPECT_EQ(cancelled, 100);
  EXPECT_EQ(other, 0);
}

TEST(ClientShutdown, ManySubmitters_EveryCallIsAnswered) {
  tcp_server server(script({{{ok_reply()}}}));
  auto c = start(model_at({server.url()}, false, 8));
  std::atomic<int> answered{0};
  std::vector<std::thread> submitters;
  for (int t = 0; t < 4; ++t)
    submitters.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        answered += ask(*c, static_cast<std::uint64_t>(i)).has_value() ? 1 : 0;
    });
  for (auto& thread : submitters)
    thread.join();
  EXPECT_EQ(answered, 400);
}

TEST(ClientSnapshot, Figures_AreThoseOfTheCalls) {
  tcp_server server(script({{{http_reply(500, "{}")}}, {{ok_reply()}}}));
  auto c = start(model_at({server.url()}, false, 3));
  EXPECT_EQ(c->snapshot().at(0).alias, "small");
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(ask(*c));
  const auto shot = wait_for(*c, [](const auto& s) { return s.answered == 10; });
  EXPECT_EQ(shot.in_flight, 0U);
  EXPECT_EQ(shot.queued, 0U);
  ASSERT_EQ(shot.replicas.size(), 1U);
  const auto& replica = shot.replicas[0];
  EXPECT_EQ(replica.url, server.url() + "/v1/chat/completions");
  EXPECT_EQ(replica.breaker, "closed");
  EXPECT_EQ(replica.limit, 3U);
  EXPECT_EQ(replica.retried, 1U);
  EXPECT_EQ(replica.errors.at("transient"), 1U);
  EXPECT_GT(replica.total_p99_ms, 0.0);
  EXPECT_GE(replica.total_p90_ms, replica.total_p50_ms);
  EXPECT_GE(replica.first_byte_p99_ms, replica.first_byte_p90_ms);
  EXPECT_GT(replica.first_byte_p90_ms, 0.0);
  EXPECT_EQ(replica.prompt_tokens, 70U); // as the server says
  EXPECT_EQ(replica.completion_tokens, 50U);
  EXPECT_EQ(replica.given_up, 0U);
  // One retry was paid, and ten answers have filled the budget again.
  EXPECT_EQ(replica.retry_tokens, static_cast<std::uint32_t>(limits::retry_budget));
}

TEST(ClientSnapshot, CallsGivenUp_AreCountedBesideTheirAttempts) {
  tcp_server server(script({{{http_reply(500, "{}")}}}));
  auto c = start(model_at({server.url()}, false, 3));
  EXPECT_FALSE(ask(*c));
  const auto shot = wait_for(*c, [](const auto& s) { return s.replicas[0].given_up == 1; });
  const auto& replica = shot.replicas[0];
  EXPECT_EQ(replica.answered, 0U);
  EXPECT_EQ(replica.errors.at("transient"), limits::call_attempts_max);
  EXPECT_EQ(replica.retried, limits::call_attempts_max - 1);
  EXPECT_EQ(replica.retry_tokens, static_cast<std::uint32_t>(limits::retry_budget) -
                                      limits::retry_cost * (limits::call_attempts_max - 1));
}

} // namespace tenbit

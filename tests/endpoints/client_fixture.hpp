// A client with short waits, and calls that wait for their reply.
#pragma once

#include <future>
#include <gtest/gtest.h>

#include "endpoints/client.hpp"
#include "tests/endpoints/reply_fixture.hpp"
#include "tests/endpoints/tcp_server.hpp"

namespace tenbit::testing {

using after = scripted_reply::after;

inline client_timing short_waits() {
  using namespace std::chrono_literals;
  client_timing timing;
  timing.connect = 2s;
  timing.first_byte = 20s;
  timing.stall = 20s;
  timing.call = 30s;
  timing.retry_base = 2ms;
  timing.retry_max = 10ms;
  timing.probe_min = 20ms;
  timing.jitter_seed = 7;
  return timing;
}

inline model_spec model_at(std::vector<std::string> replicas, bool stream = false,
                           std::uint32_t concurrency = 8) {
  model_spec spec;
  spec.alias = "small";
  spec.model = "m";
  spec.replicas = std::move(replicas);
  spec.stream = stream;
  spec.concurrency = concurrency;
  return spec;
}

inline std::unique_ptr<client> start(const model_spec& spec,
                                     const client_timing& timing = short_waits()) {
  auto started = client::start({&spec, 1}, timing);
  TENBIT_ASSERT(started.has_value());
  return std::move(*started);
}

inline std::future<call_result> submit(client& c, std::uint64_t sticky = 1,
                                       std::uint64_t group = 0) {
  auto promise = std::make_shared<std::promise<call_result>>();
  auto future = promise->get_future();
  c.submit({"small", sticky, R"({"model":"m","messages":[]})", group},
           [promise](call_result result) { promise->set_value(std::move(result)); });
  return future;
}

inline call_result ask(client& c, std::uint64_t sticky = 1) {
  return submit(c, sticky).get();
}

inline std::string ok_reply() {
  return http_reply(200, chat_body(R"("Hello")"));
}

// Replies of one server to one call, in order; the last one is said again.
inline tcp_server::handler script(std::vector<scripted_reply> replies) {
  return [replies = std::move(replies)](unsigned number, const std::string&) {
    return replies[std::min<std::size_t>(number, replies.size() - 1)];
  };
}

} // namespace tenbit::testing

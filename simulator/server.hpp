// The simulator: a real HTTP server that plays inference endpoints, for tests, benches and first
// steps.
//
// OpenAI-compatible chat completions (streamed or not), /v1/models, /health, /metrics. Same seed
// and same request give the same reply, on any machine and in any order; what it says is computed
// from the prompt alone. It owns one thread (Boost.Beast, asynchronous). Results made with it are
// simulated and must say so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/expected.hpp"
#include "config/experiment.hpp"

namespace tenbit {

struct sim_options {
  std::string bind = "127.0.0.1";
  std::uint16_t port = 0; // 0: ephemeral
  sim_spec behaviour;
};

struct sim_counts {
  std::uint64_t received = 0; // chat completion requests whose headers and body arrived
  std::uint64_t answered = 0; // full good replies written to the socket
  std::uint64_t distinct =
      0; // different request bodies among the received (transport fields left out)
  std::uint64_t faults = 0; // requests that got a seeded fault
  std::uint64_t in_flight = 0;
};

class sim_server {
public:
  // The error is one line: address in use, recorded file unreadable (with line), …
  [[nodiscard]] static expected<std::unique_ptr<sim_server>, std::string>
  start(sim_options options);
  virtual ~sim_server() = default;                   // stops at once
  [[nodiscard]] virtual std::string url() const = 0; // "http://127.0.0.1:41234"
  [[nodiscard]] virtual sim_counts counts() const = 0;
};

} // namespace tenbit

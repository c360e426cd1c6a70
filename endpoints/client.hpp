// Calls to inference endpoints: one thread, libcurl multi_socket, thousands in flight.
//
// client owns that thread, the connections, and for every replica a limiter, a breaker and a retry
// budget. submit() may be called from any thread. The callback runs on the client's thread, exactly
// once per submit, and must be short (send a message, nothing else). A task sticks to one replica
// per model so that the server's prefix cache is hit, and moves only when that replica is out.
//
// Sources: endpoint facts and error classes of the project's notes; OpenAI chat completions API;
// WHATWG server-sent events; RFC 9110 Retry-After.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/call.hpp"
#include "actors/endpoint_order.hpp"
#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "config/limits.hpp"

namespace tenbit {

// Test seam: the waits of a client. Defaults are limits.hpp.
struct client_timing {
  std::chrono::milliseconds connect = limits::connect_timeout;
  std::chrono::milliseconds first_byte = limits::first_byte_timeout;
  std::chrono::milliseconds stall = limits::stall_timeout;
  std::chrono::milliseconds call = limits::call_timeout;
  std::chrono::milliseconds retry_base = limits::retry_delay_base;
  std::chrono::milliseconds retry_max = limits::retry_delay_max;
  std::chrono::milliseconds probe_min = limits::breaker_probe_min;
  std::uint64_t jitter_seed = 0; // 0: from the clock
};

// How calls do while they are on their way. One meter may be of many calls, such as all of a task.
// Written by the client's thread, read by any.
struct call_meter {
  std::atomic<std::uint32_t> on_wire{0};   // attempts that were sent and have not ended
  std::atomic<std::uint32_t> receiving{0}; // those of them that have a byte of a reply
  std::atomic<std::uint64_t> bytes{0};     // of bodies, since it was made
  std::atomic<std::uint64_t> tokens{0};    // completion tokens of calls that were answered
  std::atomic<std::chrono::steady_clock::time_point> last_byte{}; // the epoch: none yet
};

struct client_call {
  std::string model;                           // alias
  std::uint64_t sticky = 0;                    // equal values go to the same replica while it is up
  std::string canonical;                       // canonical_request(...)
  std::uint64_t group = 0;                     // what abandon() ends together; 0: never ended so
  std::shared_ptr<call_meter> meter = nullptr; // null: nobody watches it
};

struct replica_snapshot {
  std::string url;
  std::uint32_t in_flight = 0, queued = 0, limit = 0;
  std::string breaker; // "closed", "open", "half-open", "stopped" (auth), "paused" (by order)
  std::uint32_t retry_tokens = 0; // left of limits::retry_budget
  // Since the client began: calls, attempts made again, calls given up. What waited for any replica
  // in vain counts for the first of the model.
  std::uint64_t answered = 0, retried = 0, given_up = 0;
  std::map<std::string, std::uint64_t> errors;            // attempts that failed, by class
  std::uint64_t prompt_tokens = 0, completion_tokens = 0; // of answered calls
  std::chrono::microseconds generation{0};                // of the same, from first to last byte
  // Of answered calls in the last one to two limits::quantile_window.
  double first_byte_p50_ms = 0, first_byte_p90_ms = 0, first_byte_p99_ms = 0;
  double total_p50_ms = 0, total_p90_ms = 0, total_p99_ms = 0;
  std::optional<std::chrono::steady_clock::time_point> probe_at; // open: when a call may try it
};
struct model_snapshot {
  std::string alias;
  std::uint32_t in_flight = 0, queued = 0;
  std::uint64_t answered = 0;
  std::vector<replica_snapshot> replicas;
};

class client {
public:
  using callback = std::function<void(call_result)>;

  // Fails when libcurl cannot start or an API key variable is not set (named in the message).
  [[nodiscard]] static expected<std::unique_ptr<client>, std::string>
  start(std::span<const model_spec> models, const client_timing& timing = {});

  // Cancels what is left (each callback gets call_error::cancelled) and joins the thread.
  virtual ~client() = default;

  virtual void submit(client_call call, callback done) = 0;
  // Cancels every call of this group, on the wire or not: the work was given to another.
  virtual void abandon(std::uint64_t group) = 0;
  // Ends those that are not on the wire: as transient where no replica of the model is up, else as
  // cancelled. The work goes to another, and what is on the wire has been paid for.
  virtual void give_up(std::uint64_t group) = 0;
  // An operator's order for the replicas of a URL, as snapshot() shows it; another URL is ignored.
  // Paused: no new attempts there, those on the wire go on, calls that wait go to another replica
  // or wait for resume, however long it takes.
  virtual void order(endpoint_order what) = 0;
  // No new attempts; calls that wait are cancelled, those on the wire go on. For Ctrl-C.
  virtual void drain() = 0;
  [[nodiscard]] virtual std::vector<model_snapshot> snapshot() const = 0;
};

} // namespace tenbit

// One model: its replicas, the calls that wait for a place, and its figures.
//
// Owned by call_loop; client thread only. Holds pointers to live_calls that call_loop owns.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "config/experiment.hpp"
#include "endpoints/client.hpp"
#include "endpoints/recent_times.hpp"
#include "endpoints/replica_pool.hpp"

namespace tenbit {

struct live_call;

class model_lane {
public:
  struct replica {
    std::string shown_url; // where calls go; without credentials
    std::uint32_t endpoint = 0;
    std::uint32_t waiting = 0; // calls that failed here and wait for their next attempt
    std::uint64_t answered = 0;
    std::uint64_t retried = 0;
    std::uint64_t given_up = 0;
    std::array<std::uint64_t, 6> errors{}; // by call_error
    std::uint64_t prompt_tokens = 0, completion_tokens = 0;
    std::chrono::microseconds generation{0};
    recent_times first_byte;
    recent_times total;
  };

  model_lane(const model_spec& spec, const client_timing& timing);

  // Adds the transport fields to a canonical request; false when it is not a JSON object.
  [[nodiscard]] bool complete_body(std::string& canonical) const;
  // For the replicas of that URL; another URL is not ours.
  void order(const endpoint_order& what);
  [[nodiscard]] model_snapshot snapshot(time_point now) const;

  const model_spec spec;
  std::string key;          // never shown
  std::string stop_reason;  // the first refusal of our key
  std::string last_failure; // of any attempt, for the message of calls that waited in vain
  replica_pool pool;
  std::deque<live_call*> queue;
  std::vector<replica> replicas;
};

} // namespace tenbit

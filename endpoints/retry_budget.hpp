// Bounds what retries add to the load of a replica: a bucket of tokens that successes fill and
// retries empty.
//
// Starts full with limits::retry_budget tokens; a retry costs limits::retry_cost, after a timeout
// limits::retry_cost_timeout; a success gives one back. Owned by replica_pool; not thread-safe.
// Never fails.
#pragma once

#include <algorithm>

#include "config/limits.hpp"

namespace tenbit {

class retry_budget {
public:
  // False, and nothing taken, when the tokens do not suffice.
  [[nodiscard]] bool take(bool after_timeout) {
    const int cost = after_timeout ? limits::retry_cost_timeout : limits::retry_cost;
    if (tokens_ < cost)
      return false;
    tokens_ -= cost;
    return true;
  }
  void on_success() { tokens_ = std::min(limits::retry_budget, tokens_ + 1); }
  [[nodiscard]] int tokens() const { return tokens_; }

private:
  int tokens_ = limits::retry_budget;
};

} // namespace tenbit

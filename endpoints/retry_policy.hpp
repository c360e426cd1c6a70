// Which failure is tried again, and when.
//
// throttled and transient: up to limits::call_attempts_max attempts; endpoint_invalid: once more;
// request_invalid, auth and cancelled: never. The wait is what the server asks for (Retry-After,
// RFC 9110 section 10.2.3), at most limits::retry_after_max, else "full jitter": uniform in [0,
// min(max, base * 2^n)).
//
// Pure functions of their arguments; the random stream is the caller's. Never fails.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "actors/call.hpp"
#include "base/random.hpp"
#include "endpoints/retry_budget.hpp"

namespace tenbit {

struct failed_attempt {
  call_error kind = call_error::transient;
  bool timeout = false;
  std::uint32_t attempts = 1;        // made so far, this one too
  std::uint32_t invalid_replies = 0; // of these, endpoint_invalid
  std::optional<std::chrono::milliseconds> retry_after;
};

struct retry_decision {
  bool again = false;
  std::chrono::milliseconds wait{0};
  std::string_view why_not; // for the message, when not again
};

class retry_policy {
public:
  retry_policy(std::chrono::milliseconds base, std::chrono::milliseconds max)
      : base_(base), max_(max) {}

  // Takes tokens from the budget when it says yes.
  [[nodiscard]] retry_decision decide(const failed_attempt& failed, retry_budget& budget,
                                      random_stream& random) const;

private:
  [[nodiscard]] std::chrono::milliseconds wait_for(const failed_attempt& failed,
                                                   random_stream& random) const;

  std::chrono::milliseconds base_;
  std::chrono::milliseconds max_;
};

// The value of a Retry-After header: seconds, or one of the three HTTP date forms (RFC 9110
// section 5.6.7) taken against unix_now. A date in the past is zero. Empty when it is neither.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                                    std::int64_t unix_now);

} // namespace tenbit

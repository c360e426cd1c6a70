// Which replica of a model takes the next call.
//
// A call goes to its sticky replica (rendezvous hashing: Thaler and Ravishankar 1998) while that
// one is up and has a place, so that the server's prefix cache is hit. A call that has waited takes
// any free place, the least loaded first: stickiness never leaves a replica idle. A replica that
// was down gets one call as a probe before any other replica is chosen.
//
// Bounds: calls in flight never exceed the model's concurrency, nor one replica its share of it and
// the limit of its limiter, nor the bound of an operator. The replicas that are up share all of it:
// what one that is down or paused would have carried is theirs meanwhile. One that an operator
// paused gets no call, not even a probe; calls wait for it. Pure: `now` is an argument. Owned by
// model_lane; not thread-safe. Never fails.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "endpoints/breaker.hpp"
#include "endpoints/limiter.hpp"
#include "endpoints/retry_budget.hpp"

namespace tenbit {

// What the end of an attempt says about its replica.
enum class attempt_end : std::uint8_t {
  answered,     // a good reply
  refused,      // the request is at fault; the server is well
  throttled,    // the server is well but has too much to do
  overloaded,   // 503 without Retry-After: as throttled, and a failure
  failed,       // reset, 5xx, timeout, broken reply
  loading,      // the server says it is not ready yet
  unauthorised, // our key is refused
  abandoned,    // we closed it; nothing is known
};

class replica_pool {
public:
  struct place {
    std::uint32_t replica = 0;
    breaker::permission granted = breaker::permission::refused;
  };

  // At least one name; concurrency >= 1.
  replica_pool(std::span<const std::string> names, std::uint32_t concurrency,
               std::chrono::milliseconds probe_min = limits::breaker_probe_min);

  // A place for a call, counted until give_back. Empty: none for this call now.
  [[nodiscard]] std::optional<place> take(std::uint64_t sticky, bool waited, time_point now);
  // Of an answer: first_byte when it was streamed, and its size.
  void give_back(place where, attempt_end how, time_point now,
                 const std::optional<first_byte_time>& first_byte = std::nullopt,
                 const answer_size& answer = {});

  // True when a call that has waited would get a place.
  [[nodiscard]] bool has_place(time_point now) const;
  [[nodiscard]] bool all_stopped() const;
  // True when no replica may be called except as a probe, and none is worth waiting for because it
  // is only paused.
  [[nodiscard]] bool all_down() const;
  // The earliest time a replica that is open may be probed; empty when none is open.
  [[nodiscard]] std::optional<time_point> next_probe() const;

  // Orders of an operator. bound: calls in flight at once, at most; 0: no bound.
  void pause(std::uint32_t replica, bool paused);
  void bound(std::uint32_t replica, std::uint32_t calls) { replicas_[replica].bound = calls; }
  [[nodiscard]] bool paused(std::uint32_t replica) const { return replicas_[replica].paused; }

  [[nodiscard]] std::size_t size() const { return replicas_.size(); }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
  [[nodiscard]] std::uint32_t in_flight(std::uint32_t replica) const;
  [[nodiscard]] std::uint32_t limit(std::uint32_t replica) const;
  [[nodiscard]] breaker_state state(std::uint32_t replica) const;
  // When a call may try it; empty unless it is open and not paused.
  [[nodiscard]] std::optional<time_point> probe_at(std::uint32_t replica) const;
  [[nodiscard]] retry_budget& budget(std::uint32_t replica) { return replicas_[replica].budget; }
  [[nodiscard]] const retry_budget& budget(std::uint32_t replica) const {
    return replicas_[replica].budget;
  }

private:
  struct member {
    std::uint64_t hash = 0;
    std::uint32_t in_flight = 0;
    tenbit::limiter limit;
    tenbit::breaker breaker;
    retry_budget budget;
    bool paused = false;
    std::uint32_t bound = 0; // of an operator; 0: none
    [[nodiscard]] bool up() const { return !paused && breaker.state() == breaker_state::closed; }
    [[nodiscard]] std::uint32_t places() const {
      return bound == 0 ? limit.limit() : std::min(bound, limit.limit());
    }
    [[nodiscard]] bool free() const { return in_flight < places(); }
  };

  [[nodiscard]] std::optional<std::uint32_t> probe_due(time_point now) const;
  [[nodiscard]] std::optional<std::uint32_t> sticky_one(std::uint64_t sticky) const;
  [[nodiscard]] std::optional<std::uint32_t> least_loaded() const;
  place occupy(std::uint32_t replica, breaker::permission granted);
  void share_out();

  std::uint32_t concurrency_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t not_closed_ = 0; // replicas whose breaker is not closed
  std::vector<member> replicas_;
};

} // namespace tenbit

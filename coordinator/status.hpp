// What a run says of itself: a snapshot the coordinator publishes and anyone may read.
//
// Readers never touch the coordinator or the store, so watching a run cannot slow it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "coordinator/plan.hpp"

namespace tenbit {

enum class run_phase : std::uint8_t { running, stopping, finished, broken };

struct run_status {
  run_phase phase = run_phase::running;
  plan_counts tasks;
  std::uint64_t tasks_all = 0;
  std::uint64_t tasks_done_before = 0; // in earlier runs on this store
  std::uint64_t calls = 0;             // committed in this run
  std::uint64_t bits = 0;
  std::uint64_t bits_before = 0; // in earlier runs on this store
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
  double money = 0;
  std::string stop_reason;  // why it stops with work left; empty: it does not
  std::string failure;      // broken: what the journal said
  std::string last_failure; // message of the latest arm that failed
  // of leases
  std::uint64_t leases_granted = 0, leases_expired = 0, leases_lost = 0;
  std::uint64_t stale_refused = 0; // messages of a lease that is over
  std::uint64_t duplicates = 0;    // copies that were answered again or ignored
  std::uint64_t bits_relayed = 0;  // given to solvers in this run, each once per lease
};

class status_board {
public:
  void publish(run_status status) {
    {
      const std::lock_guard lock(mutex_);
      status_ = std::move(status);
    }
    changed_.notify_all();
  }
  [[nodiscard]] run_status read() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  // Waits until the run is finished or broken, or the time is over; true when it is.
  [[nodiscard]] bool wait(std::chrono::milliseconds time) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] {
      return status_.phase == run_phase::finished || status_.phase == run_phase::broken;
    });
  }

private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  run_status status_;
};

} // namespace tenbit

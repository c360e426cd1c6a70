// What a run says of itself: a snapshot the coordinator publishes and anyone may read.
//
// Readers never touch the coordinator or the store, so watching a run cannot slow it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "coordinator/plan.hpp"

namespace tenbit {

enum class run_phase : std::uint8_t { running, stopping, finished, broken };

// Problems by the answer bits that the ledger has for them, over all arms and trials.
struct bits_histogram {
  static constexpr std::array<std::uint64_t, 9> bounds{0, 1, 2, 4, 8, 10, 16, 32, 64};
  std::array<std::uint64_t, bounds.size() + 1>
      problems{};         // above the bound before; last: above all
  std::uint64_t bits = 0; // of all of them
  void add(std::uint64_t paid) {
    const auto* bound = std::lower_bound(bounds.begin(), bounds.end(), paid);
    ++problems[static_cast<std::size_t>(bound - bounds.begin())];
    bits += paid;
  }
  friend bool operator==(const bits_histogram&, const bits_histogram&) = default;
};

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
  bool damaged = false;     // and what was committed before does not hold any more
  bool rolled_back = false; // and peers know of commits that its store does not have
  std::string last_failure; // message of the latest arm that failed
  // of leases
  std::uint64_t leases_granted = 0, leases_expired = 0, leases_lost = 0;
  std::uint64_t stale_refused = 0; // messages of a lease that is over
  std::uint64_t duplicates = 0;    // copies that were answered again or ignored
  std::uint64_t bits_relayed = 0;  // given to solvers in this run, each once per lease
  bits_histogram bits_per_problem; // that were done in this run
};

// A lease as it stands, and what its worker said of it last (lease_progress).
struct lease_line {
  std::string run, worker;
  std::uint64_t problem = 0;
  double age_s = 0;
  double times_p99 = 0; // its age by what 99 of 100 problems of the run took; 0: too few are done
  std::string phase;    // empty: nothing was said of it yet
  std::uint32_t calls = 0, events = 0;
  std::uint64_t bytes = 0, tokens = 0;
  double silent_s = -1; // since a byte came or a step was done; -1: not known
};

// How the store of a run does, as its journal sees it while it is open.
struct store_health {
  double sync_p50_ms = 0, sync_p99_ms = 0; // of the last groups: write and fsync
  std::uint64_t group_p50_items = 0, group_p99_items = 0;
  std::uint64_t log_bytes = 0; // of the write-ahead log
  std::uint64_t compaction_pending_bytes = 0;
  std::uint64_t write_stalls = 0, background_errors = 0; // since it was opened
  double anchor_lag_s = 0;
};

class status_board {
public:
  // By the journal, about once a second.
  void publish_store(const store_health& store) {
    const std::lock_guard lock(mutex_);
    store_ = store;
  }
  [[nodiscard]] store_health store() const {
    const std::lock_guard lock(mutex_);
    return store_;
  }
  // A copy of the store was made now.
  void note_copy(std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    copied_ = now;
  }
  // When the last copy was made; before the first one, when the run was loaded.
  [[nodiscard]] std::chrono::steady_clock::time_point copied() const {
    const std::lock_guard lock(mutex_);
    return copied_;
  }
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
  store_health store_;
  std::chrono::steady_clock::time_point copied_ = std::chrono::steady_clock::now();
};

} // namespace tenbit

// Which task is next: pending, leased, delayed and ended tasks of one run.
//
// Pure: `now` is an argument. Eight bytes per pending task. Tasks are handed out in benchmark
// order; one that failed for a reason that passes comes back later, at most limits::task_errors_max
// times a run.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "actors/ids.hpp"
#include "config/limits.hpp"

namespace tenbit {

using run_clock = std::chrono::steady_clock;

struct plan_counts {
  std::uint64_t pending = 0, leased = 0, done = 0, failed = 0;
  [[nodiscard]] std::uint64_t all() const { return pending + leased + done + failed; }
};

enum class task_ending : std::uint8_t {
  done,
  failed,      // for good, as far as this run goes
  passing,     // failed for a reason that passes: tried again later unless it was too often
  interrupted, // the run is stopping; it stays pending for the next one
};

class plan {
public:
  void add_pending(problem_index task);
  void add_done() { ++counts_.done; }

  // The next task, now leased. Empty: none is ready (see counts) or granting was stopped.
  [[nodiscard]] std::optional<problem_index> next(run_clock::time_point now);
  // Ends a lease. Returns what it came to: passing becomes failed when it was tried too often.
  task_ending release(problem_index task, task_ending how, run_clock::time_point now);
  void stop_granting() { stopped_ = true; }

  [[nodiscard]] const plan_counts& counts() const { return counts_; }
  // Nothing is leased, and nothing will be.
  [[nodiscard]] bool over() const {
    return counts_.leased == 0 && (stopped_ || counts_.pending == 0);
  }

private:
  std::deque<problem_index> ready_;
  std::multimap<run_clock::time_point, problem_index> delayed_;
  std::unordered_map<problem_index, std::uint32_t> tries_; // of tasks that failed in this run
  plan_counts counts_;
  bool stopped_ = false;
};

} // namespace tenbit

// Counts of a run while its tasks stream by; summary.hpp's numbers are made from them at the end.
//
// One owner, one thread, never fails. Tasks may be added in any order. Memory: a few hundred bytes
// for each arm (and trial, by trial), and one row for each distinct mix of shares that the
// bootstrap tells apart.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report/quantile_counts.hpp"
#include "report/summary.hpp"
#include "report/task_view.hpp"

namespace tenbit::report {

// What one arm did on one problem, in the trials of its group.
struct arm_task {
  std::uint64_t right = 0;
  std::uint64_t done = 0; // failed ones are in here under failed_is_wrong
  std::uint64_t failed = 0;
};

class arm_accumulator {
public:
  void add(const arm_task& own);
  void add_outcome(const outcome_event& outcome);
  void add_bits(const std::vector<const bit_event*>& bits);
  void add_compared(const outcome_event& outcome, std::uint64_t tokens, std::uint64_t bytes);
  void add_gap(const arm_task& own, const arm_task& solver, const arm_task& answerer);
  void add_resample(const arm_task& own, const arm_task& resample);

  // Fills everything that needs this arm's counts only.
  void finish(arm_summary& into) const;
  [[nodiscard]] gap_estimate gap() const;
  [[nodiscard]] resample_summary against_resample() const;

private:
  struct running {
    std::uint64_t sum = 0, min = 0, max = 0;
    void add(std::uint64_t value, bool first);
    [[nodiscard]] spread over(std::uint64_t n) const;
  };
  void finish_bits(arm_summary& into) const;

  clustered_share share_;
  std::uint64_t failed_ = 0, outcomes_ = 0;
  draft_summary drafts_;
  running payload_, header_;
  std::uint64_t questions_ = 0, answered_ = 0, by_default_ = 0, asked_again_ = 0, with_p_ = 0;
  double ideal_bits_ = 0;
  std::uint64_t compared_ = 0, compared_bits_ = 0, compared_tokens_ = 0, compared_bytes_ = 0;
  std::map<std::array<std::uint64_t, 6>, std::uint64_t>
      gap_cells_; // right and done, thrice → problems
  std::uint64_t better_ = 0, worse_ = 0;
};

struct model_accumulator {
  std::uint64_t calls = 0, prompt_tokens = 0, completion_tokens = 0, estimated = 0, attempts = 0;
  quantile_counts latency;
  std::array<reply_class_summary, reply_classes> by_length;
};

// The arms that an arm is compared with, by position.
struct comparison_arms {
  std::optional<std::size_t> solver, answerer, resample;
  std::string no_gap; // why the first two are absent
};
[[nodiscard]] comparison_arms compared_with(const experiment& exp, std::size_t arm);

class run_accumulator {
public:
  // The experiment outlives this.
  run_accumulator(const experiment& exp, bool by_trial);
  // The view's arms and trials are within the experiment (misplaced() said so).
  void add(const task_view& view);
  // Arms, models, abandoned and paid_twice; the rest of a run_summary is the caller's.
  void finish(run_summary& into) const;

private:
  void add_calls(const task_view& view);
  void add_abandoned(const task_view& view);
  void add_group(const task_view& view, std::size_t group);
  [[nodiscard]] arm_task task_of(const task_view& view, std::size_t arm, std::size_t group) const;
  void add_ends(const task_view& view, std::size_t arm, std::size_t group, arm_accumulator& into);
  void finish_arm(arm_summary& into, std::size_t arm, std::size_t group) const;
  void finish_models(run_summary& into) const;
  void finish_abandoned(run_summary& into) const;
  [[nodiscard]] std::uint16_t first_trial(std::size_t group) const;
  [[nodiscard]] std::uint16_t last_trial(std::size_t group) const; // one past

  struct tally {
    std::uint64_t right = 0, done = 0;
  };
  struct end_counts {
    std::uint64_t ends = 0, abandoned = 0;
  };

  const experiment& exp_;
  const bool by_trial_;
  const std::size_t groups_; // 1, or the trials
  std::vector<comparison_arms> compared_;
  std::vector<arm_accumulator> arms_; // group-major
  std::vector<tally> trials_;         // arm-major
  std::vector<end_counts> ends_;      // by arm
  std::map<std::string, model_accumulator> models_;
  std::uint64_t paid_twice_ = 0;
};

} // namespace tenbit::report

// The numbers of a run: per arm, per model, and of the whole.
//
// summarize() reads the store task by task and keeps counts only, so its memory depends on the
// number of arms and trials, never of problems. Rendering is elsewhere. What is undefined is
// absent, with the reason where a reader would ask for one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "report/bootstrap.hpp"
#include "report/failure.hpp"
#include "report/statistics.hpp"
#include "storage/store.hpp"

namespace tenbit::report {

struct share_ci {
  double value = 0;
  interval ci;
};

// Of the drafts that the arm itself graded in this run.
struct draft_summary {
  std::uint64_t n = 0; // outcomes with a draft
  std::uint64_t right = 0;
  std::uint64_t gained = 0; // draft wrong, final answer right
  std::uint64_t lost = 0;   // draft right, final answer wrong
  [[nodiscard]] std::int64_t net() const {
    return static_cast<std::int64_t>(gained) - static_cast<std::int64_t>(lost);
  }
  [[nodiscard]] std::uint64_t wrong() const { return n - right; }
  // gained / wrong drafts; absent when no draft was wrong.
  [[nodiscard]] std::optional<double> recovery() const;
};

// (arm - solver) / (answerer - solver) over the problems that all three finished.
struct gap_summary {
  std::optional<gap_estimate> estimate; // absent: could not be made at all
  std::string why_not;                  // why there is no share closed; empty when there is
};

// Against the resample arm of the same solver. Per problem: the arm with the larger share of right
// trials wins, ties drop out; with one trial that is McNemar's table.
struct resample_summary {
  std::string against; // name of the resample arm
  std::uint64_t better = 0;
  std::uint64_t worse = 0;
  mcnemar_p p;
};

struct spread {
  double mean = 0;
  std::uint64_t min = 0;
  std::uint64_t max = 0;
};

struct bits_summary {
  spread payload;             // bits that crossed, per outcome
  spread header_bytes;        // of the .tbit files, beside the payload
  double questions = 0;       // asked, mean per outcome
  std::uint64_t answered = 0; // rows of the ledger
  std::uint64_t by_default = 0;
  std::uint64_t asked_again = 0;
  std::optional<double> ideal_bits; // mean per outcome of sum -log2 P(answer given); not coded
  // Both are ratios of means over the outcomes whose strong model's own answer is in the journal.
  std::uint64_t compared = 0;
  std::optional<double> ratio_compat; // bits / (estimated cl100k tokens * log2 100277)
  std::optional<double> ratio_utf8;   // bits / (8 * bytes of the answer)
};

struct trial_summary {
  std::vector<double> accuracy; // per trial with an answer
  mean_sd spread;               // population standard deviation
};

struct arm_summary {
  std::string name;
  arm_spec spec;
  std::optional<std::uint16_t> trial; // set when the report is by trial
  std::uint64_t n = 0;                // answers graded; with failed_is_wrong the failed ones too
  std::uint64_t right = 0;
  std::uint64_t problems = 0;
  std::uint64_t failed = 0;
  std::optional<share_ci> accuracy;
  std::optional<draft_summary> drafts; // absent where the method has no draft
  gap_summary gap;
  std::optional<resample_summary> resample;
  std::optional<bits_summary> bits; // absent without an outcome
  trial_summary trials;
};

// Replies are told apart by their completion tokens: a class for each limit, up to and with it, and
// one for what is longer. A long reply is the likelier to meet a fault, so what is lost is not a
// fair sample.
inline constexpr std::array<std::uint64_t, 3> reply_tokens_limits = {64, 256, 1024};
inline constexpr std::size_t reply_classes = reply_tokens_limits.size() + 1;
[[nodiscard]] std::size_t reply_class_of(std::uint64_t completion_tokens);

struct reply_class_summary {
  std::uint64_t calls = 0;
  std::uint64_t retried = 0; // needed more than one attempt
};

struct model_summary {
  std::string alias;
  std::uint64_t calls = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t estimated_calls = 0; // the server did not count; tokens are estimated from bytes
  std::uint64_t attempts = 0;        // attempts - calls = retries
  double cost = 0;                   // tokens times the experiment's prices
  std::uint64_t latency_p50_us = 0;  // submit to reply, to within 0.8 %
  std::uint64_t latency_p99_us = 0;
  std::array<reply_class_summary, reply_classes> by_length;
};

// Calls that were given up, so far as the journal tells: it has the arm that failed for one, not
// the call. Hence by the models that an arm calls, in ends of arms and trials: a lost call ends
// every arm that shares it, and an arm that is tried again may end again.
struct abandoned_summary {
  std::vector<std::string> models; // by alias
  std::uint64_t ends = 0;          // outcomes, and failures superseded or not
  std::uint64_t abandoned = 0;     // ended by a call that was given up
};

struct task_counts {
  std::uint64_t total = 0, pending = 0, done = 0, failed = 0, quarantined = 0, cancelled = 0;
  [[nodiscard]] bool finished() const { return pending == 0; }
};

struct run_summary {
  std::string name;
  std::string identity;
  profile_kind profile = profile_kind::strict;
  std::vector<std::string> switches; // names of the departures that are on
  bool simulated = false;
  bool failed_is_wrong = false;
  bool by_trial = false;
  std::string currency;
  std::uint32_t trials = 1;
  task_counts tasks;
  std::vector<arm_summary> arms;            // in file order, then by trial
  std::vector<model_summary> models;        // by alias; every call of every arm, shared or not
  std::vector<abandoned_summary> abandoned; // one for each set of models that an arm calls
  std::uint64_t paid_twice = 0; // call ids that a task's journal holds twice; a fault when not 0
};

struct summary_options {
  bool by_trial = false;
};

// The experiment as the store's manifest keeps it. `dir` is for messages.
[[nodiscard]] expected<experiment, report_failure> experiment_of(const store& source,
                                                                 const std::string& dir);

[[nodiscard]] expected<run_summary, report_failure>
summarize(const store& source, const experiment& exp, const summary_options& options);

} // namespace tenbit::report

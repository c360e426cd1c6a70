// How many calls an experiment makes, before it is run.
//
// Counted from the arms alone, so it is an upper bound for one pass without retries: a questioner
// that writes fewer questions makes fewer calls, and equal prompts are one call. Answers that
// cannot be parsed are asked once more, which is not counted. Pure, thread-safe, never fails.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/experiment.hpp"

namespace tenbit {

// What a call is for: they differ in length.
enum class call_purpose : std::uint8_t { solution, questions, answer, answers_together, revision };

// Calls of one purpose to one model, per problem and trial.
struct call_count {
  std::string model;
  call_purpose purpose = call_purpose::solution;
  std::uint64_t count = 0;
};

struct arm_estimate {
  std::string formula;      // e.g. "1 draft + 1 list of questions + 10 answers + 1 revision"
  std::uint64_t calls = 0;  // if it were the only arm
  std::uint64_t shared = 0; // of these, calls that an arm before it has made already
};

struct call_estimate {
  std::vector<arm_estimate> arms; // in the order of experiment::arms
  std::vector<call_count> counts; // distinct calls
  std::uint64_t calls = 0;        // distinct calls per problem and trial
};

[[nodiscard]] call_estimate estimate_calls(const experiment& e);

// Tokens assumed for a call; the prompt's come on top of the problem's own.
struct call_tokens {
  double prompt = 0;
  double completion = 0;
};
[[nodiscard]] call_tokens assumed_tokens(call_purpose purpose, double problem_tokens,
                                         std::uint32_t max_tokens);

// Money per problem and trial, from prices and assumed tokens.
[[nodiscard]] double estimate_money(const experiment& e, const call_estimate& calls,
                                    double problem_tokens);

} // namespace tenbit

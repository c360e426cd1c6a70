// A world for programs: an experiment of every method, and a driver's effects answered from a
// script.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocols/program.hpp"

namespace tenbit::test {

// Models "large" and "small"; arms by name: direct, direct-large, qa, qa-gold, qa-none,
// qa-together, self, self-together, resample, vote, random, yes. Four questions an arm.
[[nodiscard]] experiment make_experiment(profile_kind profile = profile_kind::strict);
[[nodiscard]] arm_index arm_of(const experiment& exp, std::string_view name);
[[nodiscard]] program_input input_of(const experiment& exp, std::string_view arm,
                                     std::uint16_t trial = 0);

// The text of a request's only message.
[[nodiscard]] std::string prompt_of(const generate_request& request);

// Which kind of call a prompt is: "solve", "ask", "answer", "list" or "revise".
[[nodiscard]] std::string kind_of(const generate_request& request);

// Answers every effect: solve "draft #### 1" (sample i: "#### 1i"), ask four questions, answer
// "Yes", list "1. Yes …", revise "#### " and the hash of its prompt, so that a changed bit changes
// the answer.
[[nodiscard]] std::string default_reply(const generate_request& request);

struct script {
  std::function<std::string(const generate_request&)> reply = default_reply;
  std::vector<answer> bits = {answer::yes, answer::no, answer::yes, answer::yes};
  // Which of the pending effects is resolved next; pending are in order of their numbers.
  std::function<std::size_t(std::size_t pending)> pick = [](std::size_t) { return 0U; };
  // The effect with this number fails.
  std::optional<std::uint32_t> failing;
};

struct trace {
  std::vector<std::string> kinds;         // of all effects, by number
  std::vector<std::size_t> batches;       // how many became pending together, in order
  std::vector<generate_request> requests; // in order of their numbers
  std::vector<call_id> calls;             // of the requests
  std::vector<ask_request> asks;
  expected<outcome, effect_failure> result = fail(effect_failure{});
};

// Drives the program of the input to its end.
[[nodiscard]] trace play(const program_input& input, const script& how = {});

} // namespace tenbit::test

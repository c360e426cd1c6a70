// The sender's side of the ask effect: prompts for the strong model and the parsing of its answers.
//
// Pure functions. Reference text comes in as sealed_text, which only the oracle can make, so no
// program of the receiver can call these with gold or the strong model's solution.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/program.hpp"

namespace tenbit {

class oracle;

// Text of the sender's side: its own solution, or gold. Only the oracle makes and reads it.
class sealed_text {
  explicit sealed_text(std::string text) : text_(std::move(text)) {}
  friend class oracle;
  friend struct oracle_prompts;
  std::string text_;
};

struct oracle_prompts {
  // The strong model's own solution of the problem (reference = "own"); shared by all arms of a
  // trial.
  [[nodiscard]] static generate_request own_solution(const program_input& input);

  // The calls that answer these questions: one per question (answers = "each") or a single one.
  // `reference` is absent when the arm's reference is "none". `asked_before` gives the re-ask form
  // of the prompt for replies that could not be parsed (k is then 1).
  [[nodiscard]] static std::vector<generate_request>
  answer_calls(const program_input& input, const ask_request& ask,
               const std::optional<sealed_text>& reference, bool asked_before);
};

// The answers in a reply: one entry per question of that call; empty where none could be parsed.
[[nodiscard]] std::vector<std::optional<answer>> parse_answers(std::string_view reply,
                                                               std::size_t questions,
                                                               const experiment& exp,
                                                               const arm_spec& arm);

} // namespace tenbit

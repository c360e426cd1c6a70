// What a persona makes of a prompt: which kind of request it is, and its parts.
//
// Works from features of the text (marker lines, numbered lists, the wish for yes or no), so
// prompts of other programs are read as well as can be. Pure, thread-safe, never fails: what cannot
// be told apart is a request to solve. The views point into the prompt text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tenbit::sim {

enum class prompt_kind : std::uint8_t { solve, questions, answer, answer_list, revision };
enum class said : std::uint8_t { no, yes, unknown };

struct asked_question {
  std::string_view text;
  said answer = said::unknown; // revision only
};

struct prompt_view {
  prompt_kind kind = prompt_kind::solve;
  std::string_view problem;
  std::string_view attempt;              // the earlier solution or draft; empty when not shown
  std::string_view reference;            // empty when not shown
  std::vector<asked_question> questions; // answer: one; answer_list, revision: as many as listed
  std::uint32_t wanted = 0;              // questions: how many
};

[[nodiscard]] prompt_view read_prompt(std::string_view text);

// "3. text" -> "text"; the text itself when there is no number.
[[nodiscard]] std::string_view without_number(std::string_view line);

} // namespace tenbit::sim

// Every prompt that is sent, in one place: solve, ask, revise, and the two forms of an answer call.
//
// Pure functions of public text, thread-safe, never fail. A prompt is one user message whose parts
// begin with marker lines, in the order problem, draft, reference, questions, so that calls about
// one problem share their beginning (servers cache it) and the simulator can tell prompts apart. A
// changed word changes call ids: stores made before it are then another experiment.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/call.hpp"
#include "actors/event.hpp"
#include "config/experiment.hpp"

namespace tenbit::prompts {

// Marker lines: each stands on a line of its own.
inline constexpr std::string_view marker_problem = "Problem:";
inline constexpr std::string_view marker_own_draft = "Your earlier solution:"; // to its writer
inline constexpr std::string_view marker_draft = "Solution attempt:";          // to others
inline constexpr std::string_view marker_reference = "Reference:";
inline constexpr std::string_view marker_pairs = "Questions and answers:";
inline constexpr std::string_view marker_question = "Question:";
inline constexpr std::string_view marker_questions = "Questions:";
inline constexpr std::string_view marker_one_word = "Answer with one word only: Yes or No.";

using messages = std::vector<chat_message>;

// A worked solution whose last line is "#### " and the number.
[[nodiscard]] messages solve(std::string_view problem);

// Exactly `count` numbered yes/no questions about a draft, one per line.
[[nodiscard]] messages ask(std::string_view problem, std::string_view draft, std::uint32_t count);

// A corrected full solution. The draft is absent when the switches hide it from its writer. Pairs
// are written as "1. question" and, on the next line, "Answer: Yes".
[[nodiscard]] messages revise(std::string_view problem, std::optional<std::string_view> draft,
                              std::span<const std::string> questions,
                              std::span<const answer> replies);

// What an answerer is shown besides the questions.
struct answer_view {
  std::string_view problem;
  std::string_view draft;                     // empty: hidden
  std::optional<std::string_view> reference;  // absent: none
  reference_kind kind = reference_kind::none; // what the reference is
  bool asked_before = false; // the re-ask form, after a reply that could not be parsed
};

// One question, one word.
[[nodiscard]] messages answer_one(const answer_view& view, std::string_view question);
// All questions, one numbered line each.
[[nodiscard]] messages answer_all(const answer_view& view, std::span<const std::string> questions);

// The word of an answer as it stands in prompts: Yes, No, Unknown.
[[nodiscard]] std::string_view word(answer a);

} // namespace tenbit::prompts

// Prompts of the four kinds, made by hand: what the protocol sends, without its code.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "simulator/persona.hpp"

namespace tenbit::sim::test {

inline std::string solve_prompt(const std::string& problem) {
  return fmt::format(
      "Problem:\n{}\n\nWork the problem out step by step. The last line must be #### "
      "followed by one space and the final number.",
      problem);
}

inline std::string ask_prompt(const std::string& problem, const std::string& draft, int count) {
  return fmt::format(
      "Problem:\n{}\n\nSolution attempt:\n{}\n\nAn expert can only say yes or no. "
      "Write exactly {} yes/no questions about this attempt.\n\nNumber them 1. to {}., "
      "one question per line, and write nothing else.",
      problem, draft, count, count);
}

inline std::string answer_prompt(const std::string& problem, const std::string& draft,
                                 const std::string& reference, const std::string& question) {
  std::string out = fmt::format("Problem:\n{}\n\n", problem);
  if (!draft.empty())
    out += fmt::format("Solution attempt:\n{}\n\n", draft);
  if (!reference.empty())
    out += fmt::format("Reference:\nThis is your own solution of the problem:\n{}\n\n", reference);
  return out + fmt::format("Question:\n{}\n\nAnswer with one word only: Yes or No.", question);
}

inline std::string revise_prompt(const std::string& problem, const std::string& draft,
                                 const std::vector<std::string>& questions,
                                 const std::vector<std::string>& words) {
  std::string out = fmt::format("Problem:\n{}\n\n", problem);
  if (!draft.empty())
    out += fmt::format("Your earlier solution:\n{}\n\n", draft);
  out += "Questions and answers:\n";
  for (std::size_t i = 0; i < questions.size(); ++i)
    out += fmt::format("{}. {}\nAnswer: {}\n", i + 1, questions[i], words[i]);
  return out +
         "\nAn expert gave these answers to your questions. Write the full corrected solution.";
}

inline persona_reply say(const std::string& model, const std::string& prompt,
                         std::uint64_t seed = 1) {
  return reply(seed, {model, prompt, 0.0, 0});
}

} // namespace tenbit::sim::test

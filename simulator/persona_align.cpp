#include <algorithm>
#include <array>

#include "simulator/persona_mind.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t steps_max = 32; // arith has at most 8; bounds the table

// How well an equation fits a known step: same words before it count most, then numbers.
double fit(std::string_view text, const equation& written, const known_step& step) {
  double score = 0.5; // any place is better than none
  score += written.operation == step.truth.operation ? 1 : 0;
  score += written.left == step.truth.left ? 1 : 0;
  score += written.right == step.truth.right ? 1 : 0;
  score += written.result == step.truth.result ? 1 : 0;
  const auto words = step.sentence.substr(0, step.sentence.find(step.equation_text));
  if (!words.empty() && words.size() <= written.begin && written.begin <= text.size() &&
      text.substr(written.begin - words.size(), words.size()) == words)
    score += 6;
  return score;
}

} // namespace

std::vector<int> align(std::string_view text, std::span<const equation> attempt,
                       std::span<const known_step> steps) {
  const std::size_t rows = std::min(attempt.size(), steps_max);
  const std::size_t columns = std::min(steps.size(), steps_max);
  // best[i][j]: of the equations from i and the steps from j on.
  std::array<std::array<double, steps_max + 1>, steps_max + 1> best{};
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;)
      best[i][j] = std::max(
          {best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + fit(text, attempt[i], steps[j])});
  }
  std::vector<int> place(steps.size(), no_source);
  for (std::size_t i = 0, j = 0; i < rows && j < columns;) {
    if (best[i][j] == best[i][j + 1]) {
      ++j;
    } else if (best[i][j] == best[i + 1][j]) {
      ++i;
    } else {
      place[j] = static_cast<int>(i);
      ++i;
      ++j;
    }
  }
  return place;
}

std::vector<equation> attempt_equations(const prompt_view& prompt) {
  if (!prompt.attempt.empty())
    return find_equations(prompt.attempt);
  std::vector<equation> found;
  for (const auto& question : prompt.questions) {
    for (equation& one : find_equations(question.text, 1)) {
      const auto same = [&](const equation& other) { return other.claims_same(one); };
      if (std::none_of(found.begin(), found.end(), same))
        found.push_back(one);
    }
  }
  return found;
}

} // namespace tenbit::sim

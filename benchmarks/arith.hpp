// arith: seeded multi-step word problems, the embedded benchmark that needs no download.
//
// The language is closed: every problem is a list of sentences from known templates, so parse() can
// turn a question back into its steps. The simulator's personas solve problems that way, from the
// text alone. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit::arith {

// One step of the solution: what is computed, and the integer result.
struct step {
  std::string
      sentence; // states the step in words with its equation, e.g. "She has 3 * 4 = 12 apples."
  std::string equation; // "3 * 4 = 12"
  std::string quantity; // what the result is, e.g. "apples in all"
  std::int64_t left = 0;
  char operation = '+'; // one of + - * /
  std::int64_t right = 0;
  std::int64_t result = 0;
};

struct item {
  std::string question;
  std::vector<step> steps; // at least 2 at level 1, 3-5 at level 2, 5-8 at level 3
  std::int64_t answer = 0; // result of the last step
};

// The number-th problem of (seed, level); the same on every machine. level is 1, 2 or 3.
[[nodiscard]] item generate(std::uint64_t seed, std::uint32_t level, std::uint64_t number);

// The worked solution in GSM8K style: a line per step, then "#### answer".
[[nodiscard]] std::string solution_text(const item& it);

// Solves a question of this language; empty when the text is not one. The question may stand
// anywhere in a longer prompt as long as it is contiguous.
[[nodiscard]] std::optional<item> parse(std::string_view text);

} // namespace tenbit::arith

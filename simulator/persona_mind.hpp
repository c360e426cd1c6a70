// The inside of a persona: what it knows of one prompt, and the three things it writes.
//
// Shared by the persona*.cpp files only. Values and pure functions; `mind` lives for one reply and
// views the prompt text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "benchmarks/arith.hpp"
#include "simulator/equations.hpp"
#include "simulator/persona.hpp"
#include "simulator/prompt_reader.hpp"

namespace tenbit::sim {

constexpr int no_source = -1;

// A step of the true solution: its equation, and which earlier steps its operands come from.
struct known_step {
  equation truth;
  int left_from = no_source;
  int right_from = no_source;
  bool weak = false; // the persona has a lasting misconception here
  std::string_view sentence;
  std::string_view equation_text;
  std::string_view quantity;
};

struct mind {
  const persona_traits* traits = nullptr;
  std::uint64_t draw_seed = 0; // of this reply
  prompt_view prompt;
  std::optional<arith::item> item; // empty: the problem is not one it can solve
  std::vector<known_step> steps;   // of item
  std::string_view text;           // the whole prompt

  [[nodiscard]] random_stream stream(std::string_view purpose, std::uint64_t number) const {
    return {draw_seed, purpose, number};
  }
};

// persona_solve.cpp
[[nodiscard]] std::string write_solution(const mind& m);
[[nodiscard]] std::string write_revision(const mind& m);

// persona_align.cpp
// For every known step the equation of the attempt that stands for it, no_source where it was
// skipped; rising. `text` is where the equations were found; empty when it is not known.
[[nodiscard]] std::vector<int> align(std::string_view text, std::span<const equation> attempt,
                                     std::span<const known_step> steps);
// The equations of the earlier solution: from its text, else from the questions about it.
[[nodiscard]] std::vector<equation> attempt_equations(const prompt_view& prompt);

// persona_ask.cpp
[[nodiscard]] std::string write_questions(const mind& m);

// persona_answer.cpp
struct spoken_answer {
  std::string text;
  double p_yes = 0.5;
  double p_no = 0.5;
};
[[nodiscard]] spoken_answer answer_question(const mind& m, std::string_view question,
                                            std::uint64_t number);

// What a question claims, as far as a persona understands questions.
enum class claim_kind : std::uint8_t { value, operation, step_count, final_answer, given, unknown };
struct claim {
  claim_kind kind = claim_kind::unknown;
  equation eq;       // value: all of it; operation: all but the result
  double number = 0; // step_count, final_answer, given
};
[[nodiscard]] claim read_claim(std::string_view question);

} // namespace tenbit::sim

// Equations "left op right = result" in model text: what the personas read, check and rewrite.
//
// Pure functions, thread-safe, never throw. The text may be anything; time is linear in it. Numbers
// are doubles, exact for every integer the arith benchmark makes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit::sim {

struct equation {
  double left = 0;
  char operation = '+'; // one of + - * /
  double right = 0;
  double result = 0;
  std::size_t begin = 0; // where it stands in the text, [begin, end)
  std::size_t end = 0;

  // Same claim: the operands of + and * may be swapped.
  [[nodiscard]] bool claims_same(const equation& other) const;
  [[nodiscard]] bool same_operands(const equation& other) const;
};

// Two-operand equations in order of appearance, at most max. Chains such as 1 + 2 + 3 = 6 are left
// out.
[[nodiscard]] std::vector<equation> find_equations(std::string_view text, std::size_t max = 64);

// All numbers of the text in order, at most max.
[[nodiscard]] std::vector<double> find_numbers(std::string_view text, std::size_t max = 256);

// "3 * 4 = 12"; integers without a point.
[[nodiscard]] std::string format_number(double value);
[[nodiscard]] std::string format_equation(const equation& it);

// The number behind the last "####"; empty when there is none.
[[nodiscard]] std::optional<double> marked_answer(std::string_view text);

// Division by zero gives 0: a persona writes down nonsense rather than stopping.
[[nodiscard]] double compute(double left, char operation, double right);

} // namespace tenbit::sim

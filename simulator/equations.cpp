#include "simulator/equations.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t number_chars_max = 24;

bool blank(char c) {
  return c == ' ' || c == '\t';
}
bool money(char c) {
  return c == '$';
}

struct number_at {
  double value = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A number that starts exactly at `at`: optional '-', digits with thousands commas, optional
// decimals.
std::optional<number_at> read_number(std::string_view text, std::size_t at) {
  std::size_t i = at;
  if (i < text.size() && text[i] == '-')
    ++i;
  char digits[number_chars_max + 1];
  std::size_t length = 0;
  bool point = false;
  const std::size_t first = i;
  for (; i < text.size() && length < number_chars_max; ++i) {
    const char c = text[i];
    const bool more = i + 1 < text.size() && ascii_digit(text[i + 1]);
    if (ascii_digit(c)) {
      digits[length++] = c;
    } else if (c == '.' && !point && more && i > first) {
      point = true;
      digits[length++] = c;
    } else if (!(c == ',' && !point && more && i > first)) {
      break;
    }
  }
  if (length == 0)
    return std::nullopt;
  double value = 0;
  const auto parsed = std::from_chars(digits, digits + length, value);
  if (parsed.ec != std::errc())
    return std::nullopt;
  return number_at{text[at] == '-' ? -value : value, at, i};
}

// A '-' right before a number is its sign unless a number stands before it: "8 -5" is a
// subtraction.
bool signed_at(std::string_view text, std::size_t begin) {
  if (begin == 0 || text[begin - 1] != '-')
    return false;
  std::size_t before = begin - 1;
  while (before > 0 && blank(text[before - 1]))
    --before;
  return before == 0 || !ascii_digit(text[before - 1]);
}

std::size_t skip_forward(std::string_view text, std::size_t at) {
  while (at < text.size() && (blank(text[at]) || money(text[at])))
    ++at;
  return at;
}

// The number that ends at `end` (exclusive), blanks left out. Bounded look-back.
std::optional<number_at> read_number_back(std::string_view text, std::size_t end) {
  while (end > 0 && blank(text[end - 1]))
    --end;
  std::size_t begin = end;
  while (begin > 0 && end - begin < number_chars_max &&
         (ascii_digit(text[begin - 1]) || text[begin - 1] == '.' || text[begin - 1] == ','))
    --begin;
  if (begin == end || !ascii_digit(text[begin]))
    return std::nullopt;
  if (signed_at(text, begin))
    --begin;
  auto number = read_number(text, begin);
  if (!number || number->end != end)
    return std::nullopt;
  if (begin > 0 && money(text[begin - 1]))
    --number->begin;
  return number;
}

// The operator that ends at `end`, blanks left out; its first byte goes to `begin`.
std::optional<char> read_operator_back(std::string_view text, std::size_t end, std::size_t& begin) {
  while (end > 0 && blank(text[end - 1]))
    --end;
  if (end == 0)
    return std::nullopt;
  const char c = text[end - 1];
  begin = end - 1;
  if (c == '+' || c == '-' || c == '*' || c == '/')
    return c;
  if (end >= 2 && text[end - 2] == '\xc3' && (c == '\x97' || c == '\xb7')) { // U+00D7, U+00F7
    begin = end - 2;
    return c == '\x97' ? '*' : '/';
  }
  return std::nullopt;
}

std::optional<equation> equation_around(std::string_view text, std::size_t equals) {
  const auto right = read_number_back(text, equals);
  if (!right)
    return std::nullopt;
  std::size_t operator_begin = 0;
  const auto operation = read_operator_back(text, right->begin, operator_begin);
  if (!operation)
    return std::nullopt;
  const auto left = read_number_back(text, operator_begin);
  if (!left)
    return std::nullopt;
  std::size_t before = 0;
  const auto chained = read_operator_back(text, left->begin, before);
  const bool bullet = chained == '-' || chained == '*'; // "- 3 + 4 = 7" is a list item
  if (chained && !(bullet && !read_number_back(text, before)))
    return std::nullopt;
  const auto result = read_number(text, skip_forward(text, equals + 1));
  if (!result)
    return std::nullopt;
  return equation{left->value, *operation, right->value, result->value, left->begin, result->end};
}

} // namespace

bool equation::same_operands(const equation& other) const {
  if (left == other.left && right == other.right)
    return true;
  const bool swaps = operation == '+' || operation == '*';
  return swaps && left == other.right && right == other.left;
}

bool equation::claims_same(const equation& other) const {
  return operation == other.operation && result == other.result && same_operands(other);
}

std::vector<equation> find_equations(std::string_view text, std::size_t max) {
  std::vector<equation> found;
  for (std::size_t at = text.find('='); at != std::string_view::npos && found.size() < max;
       at = text.find('=', at + 1)) {
    if (auto it = equation_around(text, at))
      found.push_back(*it);
  }
  return found;
}

std::vector<double> find_numbers(std::string_view text, std::size_t max) {
  std::vector<double> found;
  for (std::size_t i = 0; i < text.size() && found.size() < max;) {
    if (!ascii_digit(text[i])) {
      ++i;
      continue;
    }
    const auto number = read_number(text, signed_at(text, i) ? i - 1 : i);
    if (number)
      found.push_back(number->value);
    i = number ? number->end : i + 1;
  }
  return found;
}

std::string format_number(double value) {
  if (std::nearbyint(value) == value && std::abs(value) < 1e15)
    return fmt::format("{}", static_cast<long long>(value));
  return fmt::format("{:.6g}", value);
}

std::string format_equation(const equation& it) {
  return fmt::format("{} {} {} = {}", format_number(it.left), it.operation, format_number(it.right),
                     format_number(it.result));
}

std::optional<double> marked_answer(std::string_view text) {
  const auto mark = text.rfind("####");
  if (mark == std::string_view::npos)
    return std::nullopt;
  const auto number = read_number(text, skip_forward(text, mark + 4));
  if (!number)
    return std::nullopt;
  return number->value;
}

double compute(double left, char operation, double right) {
  switch (operation) {
  case '+':
    return left + right;
  case '-':
    return left - right;
  case '*':
    return left * right;
  default:
    return right == 0 ? 0 : std::trunc(left / right);
  }
}

} // namespace tenbit::sim

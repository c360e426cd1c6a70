#include "benchmarks/answer_number.hpp"

#include <array>

#include "base/text.hpp"
#include "benchmarks/normal_form.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && ascii_digit(text[at]);
}

bool take(std::string_view text, std::size_t& at, std::string_view literal) {
  if (text.substr(std::min(at, text.size()), literal.size()) != literal)
    return false;
  at += literal.size();
  return true;
}

template <std::size_t N>
bool take_any(std::string_view text, std::size_t& at,
              const std::array<std::string_view, N>& literals) {
  for (std::string_view literal : literals)
    if (take(text, at, literal))
      return true;
  return false;
}

// Steps `end` back over the literal if the text before it ends so.
template <std::size_t N>
bool take_back(std::string_view text, std::size_t& end,
               const std::array<std::string_view, N>& literals) {
  for (std::string_view literal : literals) {
    if (text.substr(0, end).ends_with(literal)) {
      end -= literal.size();
      return true;
    }
  }
  return false;
}

constexpr std::array<std::string_view, 6> currencies = {"\\$", "$", "€", "£", "¥", "₹"};
constexpr std::array<std::string_view, 3> minuses = {"-", "\u2212", "\u2013"};
constexpr std::array<std::string_view, 1> space = {" "};

// True when the number at `at` has a minus that is a sign: not the hyphen of a range or word, not
// the operator of a difference, not the bullet of a list.
bool negative_before(std::string_view text, std::size_t at) {
  std::size_t end = at;
  const bool gap_after_currency = take_back(text, end, space);
  if (!take_back(text, end, currencies) && gap_after_currency)
    ++end;
  const bool spaced = take_back(text, end, space);
  if (!take_back(text, end, minuses))
    return false;
  const bool open = end > 0 && text[end - 1] == ' ';
  while (end > 0 && text[end - 1] == ' ' && at - end < limits::answer_gap_bytes_max)
    --end;
  if (end == 0)
    return !spaced;
  const char before = text[end - 1];
  if (spaced)
    return before == '=' || before == ':' || before == '#';
  if (ascii_digit(before) || before == ')' || before == '%' || before == '}' || before == ']')
    return false;
  return open || !(letter(before) || before == '-');
}

struct vulgar {
  std::string_view sign, numerator, denominator;
};

constexpr std::array<vulgar, 15> vulgars = {{{"½", "1", "2"},
                                             {"⅓", "1", "3"},
                                             {"⅔", "2", "3"},
                                             {"¼", "1", "4"},
                                             {"¾", "3", "4"},
                                             {"⅕", "1", "5"},
                                             {"⅖", "2", "5"},
                                             {"⅗", "3", "5"},
                                             {"⅘", "4", "5"},
                                             {"⅙", "1", "6"},
                                             {"⅚", "5", "6"},
                                             {"⅛", "1", "8"},
                                             {"⅜", "3", "8"},
                                             {"⅝", "5", "8"},
                                             {"⅞", "7", "8"}}};

struct fraction {
  bool negative = false;
  std::string numerator, denominator;
};

std::string take_digits(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  while (digit_at(text, at))
    ++at;
  return std::string(text.substr(start, at - start));
}

// "3/4", also with one space around the bar; no part of a date such as 3/4/2023.
std::optional<fraction> take_bar(std::string_view text, std::size_t& at) {
  if (at > 1 && text[at - 1] == '/' && ascii_digit(text[at - 2]))
    return std::nullopt;
  std::size_t end = at;
  fraction out;
  out.numerator = take_digits(text, end);
  take(text, end, " ");
  if (out.numerator.empty() || !(take(text, end, "/") || take(text, end, "\u2044")))
    return std::nullopt;
  take(text, end, " ");
  out.denominator = take_digits(text, end);
  std::size_t next = end;
  take(text, next, " ");
  const bool date = take(text, next, "/") && digit_at(text, next);
  const bool decimal = end + 1 < text.size() && text[end] == '.' && ascii_digit(text[end + 1]);
  if (out.denominator.empty() || date || decimal)
    return std::nullopt;
  at = end;
  return out;
}

// "{12}" or "{-12}", or one digit.
bool take_argument(std::string_view text, std::size_t& at, bool& negative, std::string& digits) {
  if (digit_at(text, at)) {
    digits = text[at++];
    return true;
  }
  if (!take(text, at, "{"))
    return false;
  if (take(text, at, "-"))
    negative = !negative;
  digits = take_digits(text, at);
  return !digits.empty() && take(text, at, "}");
}

std::optional<fraction> take_latex(std::string_view text, std::size_t& at) {
  static constexpr std::array<std::string_view, 3> commands = {"\\frac", "\\dfrac", "\\tfrac"};
  std::size_t end = at;
  fraction out;
  if (!take_any(text, end, commands) || !take_argument(text, end, out.negative, out.numerator) ||
      !take_argument(text, end, out.negative, out.denominator))
    return std::nullopt;
  at = end;
  return out;
}

std::optional<fraction> take_vulgar(std::string_view text, std::size_t& at) {
  for (const vulgar& one : vulgars)
    if (take(text, at, one.sign))
      return fraction{false, std::string(one.numerator), std::string(one.denominator)};
  return std::nullopt;
}

// The digits of "1,234,567" or "1234", without separators.
std::string take_grouped(std::string_view text, std::size_t& at) {
  static constexpr std::array<std::string_view, 7> separators = {",\\!",   "{,}",    ",",     "\\,",
                                                                 "\u202F", "\u2009", "\u00A0"};
  std::string digits = take_digits(text, at);
  if (digits.size() > 3 || digits[0] == '0')
    return digits;
  for (std::size_t end = at; take_any(text, end, separators); end = at) {
    const std::string group = digit_at(text, end + 3) ? "" : take_digits(text, end);
    if (group.size() != 3)
      break;
    digits += group;
    at = end;
  }
  return digits;
}

// The exponent of "e3" or " x 10^3"; zero and nothing taken when there is none.
int take_power(std::string_view text, std::size_t& at) {
  static constexpr std::array<std::string_view, 6> times = {"x", "X",       "×",
                                                            "*", "\\times", "\\cdot"};
  std::size_t end = at;
  const bool letter_e = take(text, end, "e") || take(text, end, "E");
  bool braced = false;
  if (!letter_e) {
    take(text, end, " ");
    if (!take_any(text, end, times))
      return 0;
    take(text, end, " ");
    if (!take(text, end, "10^"))
      return 0;
    braced = take(text, end, "{");
  }
  const bool negative = take_any(text, end, minuses);
  if (!negative)
    take(text, end, "+");
  const std::string digits = take_digits(text, end);
  if (digits.empty() || digits.size() > 2 || (braced && !take(text, end, "}")) ||
      (letter_e && end < text.size() && letter(text[end])))
    return 0;
  at = end;
  const int value = std::stoi(digits);
  return negative ? -value : value;
}

// The fraction of a mixed number, behind its whole part: "½", "\frac{1}{2}", " 1/2", " and 1/2".
std::optional<fraction> take_mixed(std::string_view text, std::size_t& at) {
  std::size_t end = at;
  take(text, end, " ");
  auto part = take_vulgar(text, end);
  if (!part)
    part = take_latex(text, end);
  if (!part && end == at)
    return std::nullopt;
  if (!part) {
    take(text, end, "and ");
    part = take_bar(text, end);
  }
  if (!part || part->negative || part->numerator.size() > part->denominator.size() ||
      (part->numerator.size() == part->denominator.size() && part->numerator >= part->denominator))
    return std::nullopt;
  at = end;
  return part;
}

struct reading {
  std::optional<std::string> normal; // empty: digits stand here, but they are no number
  std::size_t end = 0;
};

reading read_fraction(bool negative, std::string_view whole, const fraction& part,
                      std::size_t end) {
  return {normal_fraction(negative != part.negative, whole, part.numerator, part.denominator), end};
}

// "1.2.3": a version or a date.
bool skip_dotted(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  while (at < text.size() && text[at] == '.' && digit_at(text, at + 1)) {
    ++at;
    take_digits(text, at);
  }
  return at != start;
}

reading read_digits(bool negative, std::string_view text, std::size_t at) {
  std::size_t bar_end = at;
  if (const auto part = take_bar(text, bar_end)) {
    auto out = read_fraction(negative, "", *part, bar_end);
    if (out.normal)
      return out;
  }
  std::size_t end = at;
  const std::string whole = ascii_digit(text[at]) ? take_grouped(text, end) : "";
  std::string decimals;
  if (end < text.size() && text[end] == '.' && digit_at(text, end + 1))
    decimals = take_digits(text, ++end);
  if (!decimals.empty() && skip_dotted(text, end))
    return {std::nullopt, end};
  if (decimals.empty()) {
    std::size_t mixed_end = end;
    if (const auto part = take_mixed(text, mixed_end)) {
      auto out = read_fraction(negative, whole, *part, mixed_end);
      if (out.normal)
        return out;
    }
  }
  if (whole.size() + decimals.size() > limits::answer_digits_max)
    return {std::nullopt, end};
  const int power = take_power(text, end);
  return {normal_decimal(negative, whole, decimals, power), end};
}

bool begins_number(std::string_view text, std::size_t at) {
  if (ascii_digit(text[at]))
    return true;
  if (text[at] != '.' || !digit_at(text, at + 1))
    return false;
  return at == 0 || !(ascii_digit(text[at - 1]) || letter(text[at - 1]) || text[at - 1] == '.');
}

// Empty when no number begins here.
std::optional<reading> read_at(std::string_view text, std::size_t at) {
  if (begins_number(text, at))
    return read_digits(negative_before(text, at), text, at);
  const bool latex = text[at] == '\\';
  if (!latex && static_cast<unsigned char>(text[at]) < 0x80U)
    return std::nullopt; // most bytes end here: the vulgar fractions are not ASCII
  std::size_t end = at;
  const auto part = latex ? take_latex(text, end) : take_vulgar(text, end);
  if (!part)
    return std::nullopt;
  return read_fraction(negative_before(text, at), "", *part, end);
}

// Digits of a word such as "CO2"; the x of "3x4" is no letter.
bool glued_at(std::string_view text, std::size_t at) {
  if (at == 0 || !ascii_digit(text[at]) || !letter(text[at - 1]))
    return false;
  const bool times = text[at - 1] == 'x' || text[at - 1] == 'X';
  return !(times && at > 1 && ascii_digit(text[at - 2]));
}

} // namespace

std::optional<found_number> next_number(std::string_view text, std::size_t from,
                                        glued_digits glued) {
  for (std::size_t at = from; at < text.size();) {
    if (glued == glued_digits::skip && glued_at(text, at)) {
      while (at < text.size() && (ascii_digit(text[at]) || letter(text[at])))
        ++at;
      continue;
    }
    auto here = read_at(text, at);
    if (here && here->normal)
      return found_number{*std::move(here->normal), here->end};
    at = here ? here->end : at + 1;
  }
  return std::nullopt;
}

std::optional<found_number> number_at(std::string_view text, std::size_t at) {
  if (at >= text.size())
    return std::nullopt;
  auto here = read_at(text, at);
  if (!here || !here->normal)
    return std::nullopt;
  return found_number{*std::move(here->normal), here->end};
}

std::optional<std::string> normal_number(std::string_view text) {
  text = trim(text);
  auto found = number_at(text, text.starts_with('-') ? 1 : 0);
  if (!found || found->end != text.size())
    return std::nullopt;
  return std::move(found->normal);
}

} // namespace tenbit

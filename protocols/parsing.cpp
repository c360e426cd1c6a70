#include "protocols/parsing.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tenbit {
namespace {

// The authors fill with a question like this one; its answer says little (docs/methods.md).
constexpr std::string_view filler = "Is the final answer right?";

constexpr std::size_t number_digits_max = 4; // more than limits::questions_max needs

// Marks that may stand around a number or a text: emphasis, quotes, bullets.
bool mark(char c) {
  return c == '*' || c == '_' || c == '`' || c == '#' || c == '>' || c == '-' || c == '"';
}
bool emphasis(char c) {
  return c == '*' || c == '_';
}
bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

template <class Predicate> std::string_view skip(std::string_view text, Predicate wanted) {
  const auto end = std::find_if_not(text.begin(), text.end(), wanted);
  return text.substr(static_cast<std::size_t>(end - text.begin()));
}

// "Q 12" -> "12", "question12" -> "12"; the text itself when no number follows the word.
std::string_view without_word(std::string_view text, std::string_view lower) {
  if (lower_ascii(text.substr(0, lower.size())) != lower)
    return text;
  const auto rest = skip(text.substr(lower.size()), blank);
  return rest.empty() || !ascii_digit(rest.front()) ? text : rest;
}

// A number at the front, 0 when there is none or it is longer than any list.
std::uint32_t take_number(std::string_view& text) {
  std::uint32_t number = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && ascii_digit(text[digits]); ++digits) {
    if (digits == number_digits_max)
      return 0;
    number = number * 10 + static_cast<std::uint32_t>(text[digits] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

// "**Is it so?**" -> "Is it so?"; a mark inside stays.
std::string_view without_emphasis(std::string_view text) {
  text = trim(text);
  for (const std::string_view pair : {"***", "**", "__", "*", "_"}) {
    if (!text.ends_with(pair))
      continue;
    const std::size_t last = text.size() - pair.size();
    const bool wrapped =
        text.starts_with(pair) && last > pair.size() && text.find(pair, pair.size()) == last;
    const bool opened = text.find(pair) == last;
    if (wrapped)
      return trim(text.substr(pair.size(), text.size() - 2 * pair.size()));
    if (opened) // it began before the number: "**1. Is it so?**"
      return trim(text.substr(0, text.size() - pair.size()));
  }
  return text;
}

std::vector<std::string> parse_strictly(std::string_view text, std::uint32_t count) {
  std::vector<std::string> out;
  for (const std::string_view line : split_lines(text)) {
    if (out.size() == count)
      break;
    const auto found = parse_numbered(line, list_of::questions);
    if (found.number > 0 && !found.text.empty())
      out.emplace_back(found.text);
  }
  return out;
}

} // namespace

numbered_line parse_numbered(std::string_view line, list_of kind) {
  const bool reply = kind == list_of::replies;
  auto rest = skip(line, [](char c) { return blank(c) || mark(c) || c == '('; });
  const std::size_t skipped = line.size() - rest.size();
  if (skipped > 0 && line[skipped - 1] == '-') // "-5." is a value; a bullet is followed by a space
    return {};
  for (const std::string_view word : {"question", "answer", "q", "a"})
    if (reply || word.front() == 'q')
      rest = without_word(rest, word);
  const auto number = take_number(rest);
  if (number == 0)
    return {};
  rest = skip(rest, emphasis);
  if (rest.empty())
    return {};
  const char after = rest.front();
  const bool marked = after == '.' || after == ')' || after == ':';
  const bool spaced = reply && (blank(after) || after == ',' || after == '-');
  if (!marked && !spaced)
    return {};
  rest.remove_prefix(1);
  if (marked && !rest.empty() && ascii_digit(rest.front())) // 2.5, 10:30
    return {};
  // What closes the number: ":" after ")", "**" of "**1.** text" (but not of "1. **text**").
  rest = skip(rest, [](char c) { return emphasis(c) || c == ':' || c == ')'; });
  if (reply)
    rest = skip(rest, [](char c) { return blank(c) || c == '-'; });
  return {number, without_emphasis(rest)};
}

std::vector<std::string> parse_questions_loosely(std::string_view text, std::uint32_t count) {
  const auto space = [](char c) { return blank(c) || c == '\n' || c == '\v' || c == '\f'; };
  const auto digits_and_dot = [&](std::size_t at) { // the place after "12.", 0 when there is none
    std::size_t end = at;
    while (end < text.size() && ascii_digit(text[end]))
      ++end;
    return end > at && end < text.size() && text[end] == '.' ? end + 1 : std::size_t{0};
  };
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < text.size() && out.size() < count) {
    if (!ascii_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t begin = digits_and_dot(at);
    if (begin == 0) { // past the whole run of digits: its tails do not match either
      while (at < text.size() && ascii_digit(text[at]))
        ++at;
      continue;
    }
    const std::size_t after_dot = begin;
    while (begin < text.size() && space(text[begin]))
      ++begin;
    if (begin == text.size() && begin == after_dot)
      break;
    std::size_t end = std::min(begin + 1, text.size()); // at least one character, be it a space
    while (end < text.size() && !(text[end] == '\n' && digits_and_dot(end + 1) != 0))
      ++end;
    out.emplace_back(trim(text.substr(std::min(begin, text.size() - 1), end - begin)));
    at = end;
  }
  return out;
}

std::vector<std::string> parse_questions(std::string_view text, std::uint32_t count,
                                         const protocol_switches& switches) {
  auto out = switches.loose_question_regex ? parse_questions_loosely(text, count)
                                           : parse_strictly(text, count);
  if (switches.pad_questions)
    while (out.size() < count)
      out.emplace_back(filler);
  return out;
}

} // namespace tenbit

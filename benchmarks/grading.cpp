#include "benchmarks/grading.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "benchmarks/answer_number.hpp"

namespace tenbit {
namespace {

constexpr auto npos = std::string_view::npos;

// Behind a number, what may stand between it and the next one of the same equation.
std::size_t skip_operators(std::string_view text, std::size_t at, bool& equals) {
  static constexpr std::string_view words[] = {"×",       "÷",      "\u2212", "≈",
                                               "\\times", "\\cdot", "\\div"};
  static constexpr std::string_view signs = " \t$()%*+-/xX=\\";
  while (at < text.size()) {
    std::size_t length = 0;
    for (std::string_view word : words)
      if (text.substr(at).starts_with(word))
        length = word.size();
    if (length == 0 && signs.find(text[at]) == npos)
      return at;
    equals = equals || text[at] == '=';
    at += std::max<std::size_t>(length, 1);
  }
  return at;
}

// The number a marker points at: the first one, or the right side when it begins an equation ("3 *
// 4 = 12").
std::optional<std::string> pointed_at(std::string_view text, std::size_t from) {
  auto found = next_number(text, from, glued_digits::skip);
  if (!found)
    found = next_number(text, from, glued_digits::accept);
  if (!found)
    return std::nullopt;
  std::string answer = found->normal;
  for (std::size_t at = found->end;;) {
    bool equals = false;
    const auto next = number_at(text, skip_operators(text, at, equals));
    if (!next || next->end <= at)
      return answer;
    if (equals)
      answer = next->normal;
    at = next->end;
  }
}

// Where the line that holds the answer ends: the marker's own line, or the next one with any
// content when nothing but markup follows the marker.
std::size_t line_end(std::string_view text, std::size_t from) {
  static constexpr std::string_view markup = " \t\r\n*_:#$\\";
  const auto content = text.find_first_not_of(markup, from);
  return std::min(text.find('\n', content == npos ? from : content), text.size());
}

// Walks the markers of a kind from the last to the first until one points at a number. find(text)
// gives the begin of the last marker and behind(text, begin) the first byte behind it. Each search
// ends where the marker searched before begins, so the whole is linear.
template <class Find, class Behind>
std::optional<std::string> last_marked(std::string_view text, Find find, Behind behind) {
  for (std::size_t begin = find(text); begin != npos; begin = find(text)) {
    const std::size_t from = behind(text, begin);
    if (from != npos) {
      if (auto answer = pointed_at(text.substr(0, line_end(text, from)), from))
        return answer;
    }
    text = text.substr(0, begin);
  }
  return std::nullopt;
}

std::optional<std::string> hash_marked(std::string_view text) {
  return last_marked(
      text, [](std::string_view t) { return t.rfind("####"); },
      [](std::string_view, std::size_t begin) { return begin + 4; });
}

// The end of the braces that open at text[open], or of the line when they do not close.
std::size_t braces_end(std::string_view text, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t at = open; at < text.size() && text[at] != '\n'; ++at) {
    if (text[at] == '{')
      ++depth;
    else if (text[at] == '}' && --depth == 0)
      return at;
  }
  return std::min(text.find('\n', open), text.size());
}

std::optional<std::string> boxed(std::string_view text) {
  static constexpr std::string_view command = "\\boxed";
  for (auto begin = text.rfind(command); begin != npos; begin = text.rfind(command)) {
    const std::size_t open = begin + command.size();
    if (open < text.size() && text[open] == '{') {
      if (auto answer = pointed_at(text.substr(0, braces_end(text, open)), open))
        return answer;
    }
    text = text.substr(0, begin);
  }
  return std::nullopt;
}

bool letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool word_begins(std::string_view text, std::size_t at) {
  return at == 0 || !letter_or_digit(text[at - 1]);
}

// The first byte behind "A:" or "Answer:" or "answer is" that begins at `at`; npos when none does.
std::size_t behind_label(std::string_view text, std::size_t at) {
  const bool word = lower_ascii(text.substr(at, 6)) == "answer";
  if (!word && text[at] != 'A')
    return npos;
  const auto end = text.find_first_not_of("* _", at + (word ? 6 : 1));
  if (end == npos)
    return npos;
  if (text[end] == ':' || (word && text[end] == '='))
    return end + 1;
  const bool is = word && lower_ascii(text.substr(end, 2)) == "is" &&
                  (end + 2 == text.size() || !letter_or_digit(text[end + 2]));
  return is ? end + 2 : npos;
}

std::optional<std::string> labelled(std::string_view text) {
  const auto find = [](std::string_view t) {
    for (auto at = t.find_last_of("aA"); at != npos; at = t.substr(0, at).find_last_of("aA"))
      if (word_begins(t, at) && behind_label(t, at) != npos)
        return at;
    return npos;
  };
  return last_marked(text, find, behind_label);
}

std::optional<std::string> last_number(std::string_view text, glued_digits glued) {
  std::optional<std::string> answer;
  for (std::size_t at = 0;;) {
    auto found = next_number(text, at, glued);
    if (!found)
      return answer;
    answer = std::move(found->normal);
    at = found->end;
  }
}

} // namespace

std::optional<std::string> extract_answer(std::string_view text) {
  if (auto answer = hash_marked(text))
    return answer;
  if (auto answer = boxed(text))
    return answer;
  if (auto answer = labelled(text))
    return answer;
  if (auto answer = last_number(text, glued_digits::skip))
    return answer;
  return last_number(text, glued_digits::accept);
}

bool same_answer(std::string_view extracted, std::string_view gold) {
  const auto left = normal_number(extracted);
  return left && left == normal_number(gold);
}

} // namespace tenbit

#include "protocols/oracle_protocol.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "protocols/parsing.hpp"
#include "protocols/requests.hpp"

namespace tenbit {
namespace {

// Quotes, dashes, the ellipsis (U+2000-203F), CJK and full-width punctuation, no-break space.
bool punctuation_follows(std::string_view text) {
  return text.starts_with("\xE2\x80") || text.starts_with("\xE3\x80") ||
         text.starts_with("\xEF\xBC") || text.starts_with("\xC2\xA0");
}

// Past spaces, emphasis, quotes, brackets and bullets.
std::string_view at_first_word(std::string_view text) {
  constexpr std::string_view ascii = " \t\r\n\v\f*_`#>-\"'([{";
  for (;;) {
    if (!text.empty() && ascii.find(text.front()) != std::string_view::npos)
      text.remove_prefix(1);
    else if (text.starts_with("\xE2\x80")) // an opening quote or a dash
      text.remove_prefix(std::min<std::size_t>(3, text.size()));
    else
      return text;
  }
}

bool starts_with_word(std::string_view text, std::string_view lower) {
  return lower_ascii(text.substr(0, lower.size())) == lower;
}

// Whether a word that ends before `rest` ends there: not in "Nope", "No-one", "no's",
// "**No**thing".
bool word_ends(std::string_view rest) {
  if (!rest.empty() && static_cast<unsigned char>(rest.front()) >= 0x80U &&
      !punctuation_follows(rest))
    return false; // a letter of another script
  std::size_t joined = 0;
  while (joined < rest.size() && std::string_view("-_*'`/").find(rest[joined]) != rest.npos)
    ++joined;
  if (rest.starts_with("\xE2\x80\x99")) // a typographic apostrophe
    joined = 3;
  return joined == rest.size() || (!ascii_letter(rest[joined]) && !ascii_digit(rest[joined]));
}

// "Yes or No", the instruction said back, is no answer.
bool alternative_follows(std::string_view rest) {
  rest = at_first_word(rest);
  if (!rest.starts_with('/') && !starts_with_word(rest, "or"))
    return false;
  rest.remove_prefix(rest.starts_with('/') ? 1 : 2);
  rest = at_first_word(rest);
  return starts_with_word(rest, "no") || starts_with_word(rest, "yes");
}

std::optional<answer> first_word(std::string_view text) {
  text = at_first_word(text);
  if (starts_with_word(text, "answer")) { // "Answer: Yes", "**Answer**: Yes"
    const std::size_t colon = text.find_first_not_of("*_ ", std::string_view("answer").size());
    if (colon == text.npos || text[colon] != ':')
      return std::nullopt;
    text = at_first_word(text.substr(colon + 1));
  }
  for (const auto& [word, value] : {std::pair<std::string_view, answer>{"yes", answer::yes},
                                    std::pair<std::string_view, answer>{"no", answer::no}}) {
    const auto rest = text.substr(std::min(word.size(), text.size()));
    if (starts_with_word(text, word) && word_ends(rest) && !alternative_follows(rest))
      return value;
  }
  return std::nullopt;
}

// The authors' rule: a prefix decides, so "Not" and "None" are no; all else is the third symbol.
answer prefix(std::string_view text) {
  text = trim(text);
  if (starts_with_word(text, "yes"))
    return answer::yes;
  return starts_with_word(text, "no") ? answer::no : answer::unknown;
}

std::optional<answer> parse_one(std::string_view text, const protocol_switches& switches) {
  if (switches.unknown_answers)
    return prefix(text);
  return first_word(text);
}

// By the numbers, so a line that is missing shifts no other; a number with two different answers
// has none.
std::vector<std::optional<answer>> parse_list(std::string_view reply, std::size_t questions,
                                              const protocol_switches& switches) {
  std::vector<std::optional<answer>> out(questions);
  std::vector<bool> contradicted(questions, false);
  for (const std::string_view line : split_lines(reply)) {
    const auto found = parse_numbered(line, list_of::replies);
    if (found.number == 0 || found.number > questions)
      continue;
    const std::size_t i = found.number - 1;
    const auto value = parse_one(found.text, switches);
    if (!value)
      continue;
    contradicted[i] = contradicted[i] || (out[i] && *out[i] != *value);
    out[i] = value;
  }
  for (std::size_t i = 0; i < questions; ++i) {
    if (contradicted[i])
      out[i].reset();
    if (!out[i] && switches.unknown_answers)
      out[i] = answer::unknown;
  }
  return out;
}

} // namespace

generate_request oracle_prompts::own_solution(const program_input& input) {
  return requests::solution(input, input.exp->arms[input.arm.value].answerer);
}

std::vector<generate_request>
oracle_prompts::answer_calls(const program_input& input, const ask_request& ask,
                             const std::optional<sealed_text>& reference, bool asked_before) {
  prompts::answer_view view;
  view.problem = input.item.question;
  view.draft = ask.draft;
  if (reference) {
    view.reference = reference->text_;
    view.kind = input.exp->arms[input.arm.value].reference;
  }
  view.asked_before = asked_before;
  return requests::answer_calls(input, view, ask.questions);
}

std::vector<std::optional<answer>> parse_answers(std::string_view reply, std::size_t questions,
                                                 const experiment& exp, const arm_spec& arm) {
  TENBIT_ASSERT(questions > 0);
  switch (arm.answers) {
  case answer_mode::each:
    TENBIT_ASSERT(questions == 1);
    return {parse_one(reply, exp.switches)};
  case answer_mode::together:
    break;
  }
  auto out = parse_list(reply, questions, exp.switches);
  if (questions == 1 && !exp.switches.unknown_answers && !out.front())
    out.front() = first_word(reply); // one question is often answered without its number
  return out;
}

} // namespace tenbit

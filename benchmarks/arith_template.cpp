#include "benchmarks/arith_template.hpp"

#include "base/expected.hpp"

namespace tenbit::arith {
namespace {

constexpr std::size_t digits_max = 7; // every number of the language is below 10^7

std::string_view pronoun(char slot, const person& who) {
  switch (slot) {
  case 'S':
    return who.female ? "She" : "He";
  case 's':
    return who.female ? "she" : "he";
  case 'H':
    return who.female ? "Her" : "His";
  case 'h':
    return who.female ? "her" : "his";
  default:
    return {};
  }
}

bool take(std::string_view literal, std::string_view text, std::size_t& at) {
  if (text.substr(at, literal.size()) != literal)
    return false;
  at += literal.size();
  return true;
}

bool take_person(const person*& who, std::string_view text, std::size_t& at) {
  if (who != nullptr)
    return take(who->name, text, at);
  for (const person& candidate : people()) {
    if (take(candidate.name, text, at)) {
      who = &candidate;
      return true;
    }
  }
  return false;
}

bool take_thing(std::string_view& thing, const frame& story, std::string_view text,
                std::size_t& at) {
  if (!thing.empty())
    return take(thing, text, at);
  for (std::string_view candidate : story.things) {
    if (take(candidate, text, at)) {
      thing = candidate;
      return true;
    }
  }
  return false;
}

bool take_number(std::int64_t& number, std::string_view text, std::size_t& at) {
  std::int64_t value = 0;
  std::size_t end = at;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') {
    if (end - at == digits_max)
      return false;
    value = value * 10 + (text[end] - '0');
    ++end;
  }
  if (end == at || text[at] == '0')
    return false;
  at = end;
  number = value;
  return true;
}

bool take_slot(char slot, const frame& story, std::string_view text, std::size_t& at,
               bindings& bound) {
  switch (slot) {
  case 'N':
    return take_person(bound.who, text, at);
  case 'O':
    return take_person(bound.other, text, at);
  case 't':
    return take_thing(bound.thing, story, text, at);
  case 'a':
    return take_number(bound.a, text, at);
  case 'b':
    return take_number(bound.b, text, at);
  default:
    return bound.who != nullptr && take(pronoun(slot, *bound.who), text, at);
  }
}

std::string slot_text(char slot, const bindings& bound, std::string_view equation) {
  switch (slot) {
  case 'N':
    TENBIT_ASSERT(bound.who != nullptr);
    return std::string(bound.who->name);
  case 'O':
    TENBIT_ASSERT(bound.other != nullptr);
    return std::string(bound.other->name);
  case 't':
    return std::string(bound.thing);
  case 'a':
    return std::to_string(bound.a);
  case 'b':
    return std::to_string(bound.b);
  case '=':
    return std::string(equation);
  default:
    TENBIT_ASSERT(bound.who != nullptr && !pronoun(slot, *bound.who).empty());
    return std::string(pronoun(slot, *bound.who));
  }
}

} // namespace

std::string render(std::string_view pattern, const bindings& bound, std::string_view equation) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      out.push_back(pattern[i]);
      continue;
    }
    TENBIT_ASSERT(i + 2 < pattern.size() && pattern[i + 2] == '}');
    out += slot_text(pattern[i + 1], bound, equation);
    i += 2;
  }
  return out;
}

bool match(std::string_view pattern, const frame& story, std::string_view text, std::size_t& at,
           bindings& bound) {
  std::size_t end = at;
  bindings found = bound;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{') {
      if (!take_slot(pattern[i + 1], story, text, end, found))
        return false;
      i += 2;
    } else if (end >= text.size() || text[end++] != pattern[i]) {
      return false;
    }
  }
  at = end;
  bound = found;
  return true;
}

} // namespace tenbit::arith

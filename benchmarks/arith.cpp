#include "benchmarks/arith.hpp"

#include <algorithm>
#include <utility>

#include "base/expected.hpp"
#include "base/random.hpp"
#include "benchmarks/arith_template.hpp"

namespace tenbit::arith {
namespace {

constexpr std::int64_t result_bound = 10'000'000;
constexpr std::size_t clauses_max = 16; // an opening, 8 steps and a finish, with room
constexpr std::size_t gap_max = 8;      // white space between two sentences
constexpr std::size_t fill_tries = 8;
constexpr std::size_t story_tries = 10'000;

// One sentence of a problem: the template and the numbers it was filled with.
struct told {
  const clause* rule = nullptr;
  std::int64_t a = 0;
  std::int64_t b = 0;
};

// How large the numbers of a level are.
struct range {
  std::size_t steps_min, steps_max;
  std::int64_t amount_max, factor_max, price_max, value_max;
};

range range_of(std::uint32_t level) {
  TENBIT_ASSERT(level >= 1 && level <= 3);
  if (level == 1)
    return {2, 2, 30, 6, 9, 500};
  if (level == 2)
    return {3, 5, 90, 9, 15, 5'000};
  return {5, 8, 300, 12, 25, 90'000};
}

std::int64_t operand(char which, std::int64_t value, std::int64_t previous, const told& one) {
  switch (which) {
  case 'V':
    return value;
  case 'P':
    return previous;
  case 'a':
    return one.a;
  case 'b':
    return one.b;
  case 'H':
    return 100;
  default:
    TENBIT_ASSERT(which == '2');
    return 2;
  }
}

// Empty when the result is not a positive integer below the bound.
std::optional<std::int64_t> compute(std::int64_t left, char operation, std::int64_t right) {
  std::int64_t result = 0;
  if (operation == '+') {
    result = left + right;
  } else if (operation == '-') {
    result = left - right;
  } else if (operation == '*') {
    result = left * right; // both below 10^7
  } else {
    if (right == 0 || left % right != 0)
      return std::nullopt;
    result = left / right;
  }
  if (result < 1 || result >= result_bound)
    return std::nullopt;
  return result;
}

// The running value after the clause; empty when a step does not compute.
std::optional<std::int64_t> advance(const told& one, std::int64_t value) {
  if (one.rule->steps.empty())
    return value == 0 ? one.a : value; // an opening that only states a number
  std::int64_t previous = 0;
  for (const step_rule& rule : one.rule->steps) {
    const auto result = compute(operand(rule.left, value, previous, one), rule.operation,
                                operand(rule.right, value, previous, one));
    if (!result)
      return std::nullopt;
    previous = *result;
  }
  return previous;
}

step make_step(const step_rule& rule, std::int64_t left, std::int64_t right, std::int64_t result,
               const bindings& bound) {
  step out;
  out.equation = std::to_string(left) + ' ' + rule.operation + ' ' + std::to_string(right) + " = " +
                 std::to_string(result);
  out.sentence = render(rule.sentence, bound, out.equation);
  out.quantity = render(rule.quantity, bound);
  out.left = left;
  out.operation = rule.operation;
  out.right = right;
  out.result = result;
  return out;
}

// The steps and answer of a story; empty when a step does not compute or there is none.
std::optional<item> solve(const std::vector<told>& story, bindings bound) {
  item out;
  std::int64_t value = 0;
  for (const told& one : story) {
    const auto after = advance(one, value);
    if (!after)
      return std::nullopt;
    bound.a = one.a;
    bound.b = one.b;
    for (const step_rule& rule : one.rule->steps) {
      const std::int64_t previous = out.steps.empty() ? 0 : out.steps.back().result;
      const std::int64_t left = operand(rule.left, value, previous, one);
      const std::int64_t right = operand(rule.right, value, previous, one);
      const auto result = compute(left, rule.operation, right);
      TENBIT_ASSERT(result.has_value()); // advance() computed it
      out.steps.push_back(make_step(rule, left, right, *result, bound));
    }
    value = *after;
  }
  if (out.steps.empty())
    return std::nullopt;
  out.answer = out.steps.back().result;
  return out;
}

// -- generation ----------------------------------------------------------------------------------

std::int64_t draw_number(draw kind, const range& size, std::int64_t value, random_stream& random) {
  static constexpr std::int64_t percents[] = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75};
  switch (kind) {
  case draw::amount:
    return random.between(2, size.amount_max);
  case draw::part:
    return value < 4 ? 2 : random.between(2, std::min(value - 2, size.amount_max * 2));
  case draw::factor:
    return random.between(2, size.factor_max);
  case draw::price:
    return random.between(2, size.price_max);
  case draw::percent:
    return percents[random.below(std::size(percents))];
  }
  TENBIT_ASSERT(false);
}

// The clause with numbers under which every step computes to at least 2, so that plurals are right.
std::optional<told> fill(const clause& rule, const range& size, std::int64_t value,
                         random_stream& random) {
  for (std::size_t attempt = 0; attempt < fill_tries; ++attempt) {
    told one{&rule, 0, 0};
    if (!rule.draws.empty())
      one.a = draw_number(rule.draws[0], size, value, random);
    if (rule.draws.size() > 1)
      one.b = draw_number(rule.draws[1], size, value, random);
    std::int64_t previous = 0;
    bool good = true;
    for (const step_rule& step : rule.steps) {
      const auto result = compute(operand(step.left, value, previous, one), step.operation,
                                  operand(step.right, value, previous, one));
      good = good && result && *result >= 2;
      previous = result.value_or(0);
    }
    if (good && advance(one, value).value_or(0) <= size.value_max)
      return one;
  }
  return std::nullopt;
}

const clause& pick(const std::vector<clause>& from, random_stream& random) {
  return from[random.below(from.size())];
}

// Adds middles until `wanted` steps are told; false when this story cannot reach it.
bool add_middles(std::vector<told>& story, const frame& kind, const range& size, std::size_t wanted,
                 std::int64_t& value, random_stream& random) {
  std::vector<const clause*> unused;
  for (const clause& rule : kind.middles)
    unused.push_back(&rule);
  while (wanted > 0 && !unused.empty()) {
    const auto at = random.below(unused.size());
    const clause* rule = unused[at];
    unused.erase(unused.begin() + static_cast<std::ptrdiff_t>(at));
    if (rule->steps.size() > wanted)
      continue;
    const auto one = fill(*rule, size, value, random);
    if (!one)
      continue;
    story.push_back(*one);
    value = advance(*one, value).value_or(0);
    wanted -= rule->steps.size();
  }
  return wanted == 0;
}

std::optional<std::vector<told>> try_story(const frame& kind, const range& size, std::size_t steps,
                                           random_stream& random) {
  const clause& opening = pick(kind.openings, random);
  const clause& finish = pick(kind.finishes, random);
  if (opening.steps.size() + finish.steps.size() > steps)
    return std::nullopt;
  std::vector<told> story;
  const auto first = fill(opening, size, 0, random);
  if (!first)
    return std::nullopt;
  story.push_back(*first);
  std::int64_t value = advance(*first, 0).value_or(0);
  const std::size_t between = steps - opening.steps.size() - finish.steps.size();
  if (!add_middles(story, kind, size, between, value, random))
    return std::nullopt;
  const auto last = fill(finish, size, value, random);
  if (!last)
    return std::nullopt;
  story.push_back(*last);
  return story;
}

// Of the other sex, so that "she" and "he" mean one person only.
const person* other_than(const person& who, random_stream& random) {
  std::vector<const person*> others;
  for (const person& one : people())
    if (one.female != who.female)
      others.push_back(&one);
  return others[random.below(others.size())];
}

std::string tell(const std::vector<told>& story, bindings bound) {
  std::string out;
  for (const told& one : story) {
    if (!out.empty())
      out.push_back(' ');
    bound.a = one.a;
    bound.b = one.b;
    out += render(one.rule->text, bound);
  }
  return out;
}

// -- parsing -------------------------------------------------------------------------------------

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool may_begin(std::string_view text, std::size_t at) {
  return text[at] >= 'A' && text[at] <= 'Z' && (at == 0 || !alphanumeric(text[at - 1]));
}

void skip_gap(std::string_view text, std::size_t& at) {
  for (std::size_t n = 0; n < gap_max && at < text.size(); ++n, ++at)
    if (text[at] != ' ' && text[at] != '\n' && text[at] != '\r' && text[at] != '\t')
      return;
}

bool match_any(const std::vector<clause>& rules, const frame& kind, std::string_view text,
               std::size_t& at, bindings& bound, std::vector<told>& story) {
  for (const clause& rule : rules) {
    bound.a = bound.b = 0;
    if (match(rule.text, kind, text, at, bound)) {
      story.push_back({&rule, bound.a, bound.b});
      return true;
    }
  }
  return false;
}

std::optional<item> parse_story(const frame& kind, std::string_view text, std::size_t start) {
  std::vector<told> story;
  bindings bound;
  std::size_t at = start;
  if (!match_any(kind.openings, kind, text, at, bound, story))
    return std::nullopt;
  while (story.size() < clauses_max) {
    skip_gap(text, at);
    if (match_any(kind.finishes, kind, text, at, bound, story)) {
      auto out = solve(story, bound);
      if (out)
        out->question = std::string(text.substr(start, at - start));
      return out;
    }
    if (!match_any(kind.middles, kind, text, at, bound, story))
      return std::nullopt;
  }
  return std::nullopt;
}

} // namespace

item generate(std::uint64_t seed, std::uint32_t level, std::uint64_t number) {
  const range size = range_of(level);
  random_stream random(seed, "arith level " + std::to_string(level), number);
  const frame& kind = frames()[random.below(frames().size())];
  bindings bound;
  bound.who = &people()[random.below(people().size())];
  bound.other = other_than(*bound.who, random);
  bound.thing = kind.things[random.below(kind.things.size())];
  const auto steps = static_cast<std::size_t>(random.between(
      static_cast<std::int64_t>(size.steps_min), static_cast<std::int64_t>(size.steps_max)));
  for (std::size_t attempt = 0; attempt < story_tries; ++attempt) {
    const auto story = try_story(kind, size, steps, random);
    if (!story)
      continue;
    auto out = solve(*story, bound);
    TENBIT_ASSERT(out.has_value());
    out->question = tell(*story, bound);
    return *std::move(out);
  }
  TENBIT_ASSERT(false); // a story is found within a few tries; 10^4 misses mean a broken table
}

std::string solution_text(const item& it) {
  std::string out;
  for (const step& one : it.steps)
    out += one.sentence + '\n';
  return out + "#### " + std::to_string(it.answer);
}

std::optional<item> parse(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!may_begin(text, at))
      continue;
    for (const frame& kind : frames())
      if (auto out = parse_story(kind, text, at))
        return out;
  }
  return std::nullopt;
}

} // namespace tenbit::arith

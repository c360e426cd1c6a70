// What the personas say as an answerer: the claim of a question against what they know.
#include <algorithm>

#include "base/text.hpp"
#include "simulator/persona_mind.hpp"

namespace tenbit::sim {
namespace {

constexpr double covered_mass = 0.998; // of P(Yes) + P(No); the rest is on other words
constexpr double guess_reliability = 0.55;

std::optional<claim> operation_claim(std::string_view lower) {
  if (!contains(lower, "should"))
    return std::nullopt;
  const auto numbers = find_numbers(lower, 2);
  if (numbers.size() < 2)
    return std::nullopt;
  claim out{claim_kind::operation, {numbers[0], '+', numbers[1]}, 0};
  if (contains(lower, "be subtracted from"))
    out.eq = {numbers[1], '-', numbers[0]};
  else if (contains(lower, "be multiplied by"))
    out.eq.operation = '*';
  else if (contains(lower, "be divided by"))
    out.eq.operation = '/';
  else if (!contains(lower, "be added"))
    return std::nullopt;
  return out;
}

// What an answerer holds for true: the worked reference when it is shown one, else its own steps.
struct knowledge {
  std::vector<equation> equations;
  std::optional<double> answer;
  bool reference = false;
};

knowledge known(const mind& m) {
  knowledge out;
  out.reference = !m.prompt.reference.empty();
  out.equations = find_equations(m.prompt.reference);
  out.answer = marked_answer(m.prompt.reference);
  if (out.reference && !out.answer) {
    const auto numbers = find_numbers(m.prompt.reference);
    if (!numbers.empty())
      out.answer = numbers.back();
  }
  if (!m.item)
    return out;
  if (!out.answer)
    out.answer = static_cast<double>(m.item->answer);
  if (out.equations.empty()) {
    for (const auto& step : m.steps)
      out.equations.push_back(step.truth);
  }
  return out;
}

bool given(const mind& m, double number) {
  const std::string_view problem = m.item                     ? std::string_view(m.item->question)
                                   : m.prompt.problem.empty() ? m.text
                                                              : m.prompt.problem;
  const auto numbers = find_numbers(problem);
  if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
    return true;
  const bool two =
      contains(problem, "twice") || contains(problem, "half") || contains(problem, "double");
  return (number == 2 && two) || (number == 100 && contains(problem, "percent"));
}

// Empty: it cannot tell.
std::optional<bool> truth_of(const mind& m, const knowledge& k, const claim& about,
                             std::string_view question) {
  const auto any = [&](auto fits) {
    return std::any_of(k.equations.begin(), k.equations.end(), fits);
  };
  switch (about.kind) {
  case claim_kind::value:
    if (k.equations.empty())
      return std::nullopt;
    return any([&](const equation& eq) { return eq.claims_same(about.eq); });
  case claim_kind::operation:
    if (k.equations.empty())
      return std::nullopt;
    return any([&](const equation& eq) {
      return eq.operation == about.eq.operation && eq.same_operands(about.eq);
    });
  case claim_kind::step_count:
    if (k.equations.empty())
      return std::nullopt;
    return static_cast<double>(k.equations.size()) == about.number;
  case claim_kind::final_answer:
    if (!k.answer)
      return std::nullopt;
    return *k.answer == about.number;
  case claim_kind::given:
    return given(m, about.number);
  case claim_kind::unknown:
    break;
  }
  // "Is the answer correct?" can be told when the attempt is shown.
  const auto attempted = marked_answer(m.prompt.attempt);
  const std::string lower = lower_ascii(question);
  if (attempted && k.answer && contains(lower, "answer") && contains(lower, "correct"))
    return *attempted == *k.answer;
  return std::nullopt;
}

bool touches_weak_step(const mind& m, const claim& about) {
  return std::any_of(m.steps.begin(), m.steps.end(), [&](const known_step& step) {
    return step.weak && (step.truth.left == about.eq.left || step.truth.right == about.eq.right);
  });
}

// The chance that it answers as the truth is.
double reliability(const mind& m, const knowledge& k, const claim& about, bool truth) {
  const auto& traits = *m.traits;
  if (k.reference)
    return truth ? traits.confirms_true_reference : traits.denies_false_reference;
  if (truth)
    return traits.confirms_true;
  const bool step = about.kind == claim_kind::value || about.kind == claim_kind::operation;
  return step && touches_weak_step(m, about) ? traits.weak_denies_false : traits.denies_false;
}

std::string worded(bool yes, random_stream& random) {
  const double manner = random.unit();
  if (manner < 0.90)
    return yes ? "Yes" : "No";
  if (manner < 0.96)
    return yes ? "Yes." : "No.";
  return yes ? "Yes, that is right." : "No, it is not.";
}

// The last line with a question mark; the whole text when there is none.
std::string_view question_line(std::string_view text) {
  const auto mark = text.rfind('?');
  if (mark == std::string_view::npos || text.size() < 400)
    return text;
  const auto begin = text.rfind('\n', mark);
  return text.substr(begin == std::string_view::npos ? 0 : begin + 1,
                     mark - (begin == std::string_view::npos ? 0 : begin));
}

} // namespace

claim read_claim(std::string_view question) {
  const std::string lower = lower_ascii(question);
  if (auto found = operation_claim(lower))
    return *found;
  if (const auto equations = find_equations(lower, 1); !equations.empty())
    return {claim_kind::value, equations.front(), 0};
  const auto numbers = find_numbers(lower, 1);
  if (numbers.empty())
    return {};
  if (contains(lower, "final answer"))
    return {claim_kind::final_answer, {}, numbers.front()};
  if (contains(lower, "exactly") && contains(lower, "calculation"))
    return {claim_kind::step_count, {}, numbers.front()};
  if (contains(lower, "given in the problem"))
    return {claim_kind::given, {}, numbers.front()};
  return {};
}

spoken_answer answer_question(const mind& m, std::string_view question, std::uint64_t number) {
  question = question_line(question);
  auto random = m.stream("answer", number);
  const claim about = read_claim(question);
  const knowledge k = known(m);
  const auto truth = truth_of(m, k, about, question);
  const double reliable = truth ? reliability(m, k, about, *truth) : guess_reliability;
  const bool right = random.chance(truth ? reliable : 0.5);
  const bool yes = truth ? *truth == right : right;
  // A wrong answer is given with less confidence, mostly.
  const double u = random.unit();
  const double sure =
      right ? 1 - 0.5 * (1 - reliable) - 0.2 * u * (1 - reliable) : 0.5 + 0.45 * reliable * u * u;
  const double confidence = std::clamp(sure, 0.51, 0.9995);
  if (random.chance(0.005))
    return {"It depends.", 0.3 * confidence, 0.3 * (1 - confidence)};
  const double yes_share = yes ? confidence : 1 - confidence;
  return {worded(yes, random), yes_share * covered_mass, (1 - yes_share) * covered_mass};
}

} // namespace tenbit::sim

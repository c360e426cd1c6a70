#include "simulator/persona.hpp"

#include <bit>

#include <fmt/format.h>

#include "base/expected.hpp"
#include "base/hash.hpp"
#include "simulator/persona_mind.hpp"

namespace tenbit::sim {
namespace {

constexpr persona_traits small_traits{.weak_step = 0.07,
                                      .weak_error = 0.85,
                                      .step_error = 0.065,
                                      .redo_right = 0.90,
                                      .weak_redo_right = 0.70,
                                      .distrusts_itself = 0.35,
                                      .confirms_true = 0.95,
                                      .denies_false = 0.40,
                                      .weak_denies_false = 0.15,
                                      .confirms_true_reference = 0.97,
                                      .denies_false_reference = 0.90};

constexpr persona_traits large_traits{.weak_step = 0.01,
                                      .weak_error = 0.60,
                                      .step_error = 0.006,
                                      .redo_right = 0.98,
                                      .weak_redo_right = 0.90,
                                      .distrusts_itself = 0.20,
                                      .confirms_true = 0.97,
                                      .denies_false = 0.93,
                                      .weak_denies_false = 0.60,
                                      .confirms_true_reference = 0.99,
                                      .denies_false_reference = 0.985};

// The latest earlier step whose result is the operand: 36 in "36 * 3" is what "40 - 4" left.
int source_of(const std::vector<known_step>& earlier, double operand) {
  for (int i = static_cast<int>(earlier.size()) - 1; i >= 0; --i) {
    if (earlier[static_cast<std::size_t>(i)].truth.result == operand)
      return i;
  }
  return no_source;
}

void learn_steps(mind& m, std::uint64_t seed, std::string_view model) {
  // A misconception belongs to the problem and the model, not to the sample.
  const std::uint64_t lasting = hasher("sim misconception")
                                    .field(seed)
                                    .field(model)
                                    .field(m.item->question)
                                    .finish()
                                    .prefix();
  random_stream random(lasting);
  for (const arith::step& step : m.item->steps) {
    known_step known;
    known.truth = {static_cast<double>(step.left), step.operation, static_cast<double>(step.right),
                   static_cast<double>(step.result)};
    known.left_from = source_of(m.steps, known.truth.left);
    known.right_from = source_of(m.steps, known.truth.right);
    if (known.left_from == known.right_from)
      known.right_from = no_source; // "half of them": the second operand stands in the text
    known.weak = random.chance(m.traits->weak_step);
    known.sentence = step.sentence;
    known.equation_text = step.equation;
    known.quantity = step.quantity;
    m.steps.push_back(known);
  }
}

std::uint64_t seed_of(std::uint64_t seed, const persona_request& request) {
  hasher hash("sim reply");
  hash.field(seed).field(request.model).field(request.prompt);
  if (request.temperature > 0)
    hash.field(request.seed).field(std::bit_cast<std::uint64_t>(request.temperature));
  return hash.finish().prefix();
}

persona_reply answer_list(const mind& m) {
  persona_reply out;
  for (std::size_t i = 0; i < m.prompt.questions.size(); ++i) {
    const auto one = answer_question(m, m.prompt.questions[i].text, i);
    out.text += fmt::format("{}{}. {}", i == 0 ? "" : "\n", i + 1, one.text);
  }
  if (out.text.empty())
    out.text = "There are no questions.";
  return out;
}

persona_reply answer_single(const mind& m) {
  // Without a marker the question may stand anywhere: the whole prompt is read for its claim.
  const std::string_view question =
      m.prompt.questions.empty() ? m.text : m.prompt.questions.front().text;
  auto one = answer_question(m, question, 0);
  return {std::move(one.text), one.p_yes, one.p_no};
}

} // namespace

const persona_traits* find_persona(std::string_view model) {
  if (model == "small")
    return &small_traits;
  return model == "large" ? &large_traits : nullptr;
}

persona_reply reply(std::uint64_t seed, const persona_request& request) {
  mind m;
  m.traits = find_persona(request.model);
  TENBIT_ASSERT(m.traits != nullptr);
  m.draw_seed = seed_of(seed, request);
  m.text = request.prompt;
  m.prompt = read_prompt(request.prompt);
  m.item = arith::parse(request.prompt);
  if (m.item)
    learn_steps(m, seed, request.model);
  switch (m.prompt.kind) {
  case prompt_kind::solve:
    return {write_solution(m), std::nullopt, std::nullopt};
  case prompt_kind::questions:
    return {write_questions(m), std::nullopt, std::nullopt};
  case prompt_kind::answer:
    return answer_single(m);
  case prompt_kind::answer_list:
    return answer_list(m);
  case prompt_kind::revision:
    return {write_revision(m), std::nullopt, std::nullopt};
  }
  assertion_failed("prompt_kind", __FILE__, __LINE__);
}

} // namespace tenbit::sim

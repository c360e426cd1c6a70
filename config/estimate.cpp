#include "config/estimate.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace tenbit {
namespace {

// Collects the calls of the arms in order; a call is named by what decides its prompt and sample.
class counter {
public:
  explicit counter(const experiment& e) : e_(e) {}

  call_estimate count() {
    for (number_ = 0; number_ < e_.arms.size(); ++number_) {
      here_ = {};
      add_arm(e_.arms[number_]);
      out_.arms.push_back(here_);
    }
    return std::move(out_);
  }

private:
  void call(const std::string& model, call_purpose purpose, std::string key) {
    if (e_.switches.fresh_calls)
      key += fmt::format(" of arm {}", number_);
    ++here_.calls;
    if (!seen_.insert(key).second) {
      ++here_.shared;
      return;
    }
    ++out_.calls;
    const auto found =
        std::find_if(out_.counts.begin(), out_.counts.end(),
                     [&](const call_count& c) { return c.model == model && c.purpose == purpose; });
    if (found == out_.counts.end())
      out_.counts.push_back({model, purpose, 1});
    else
      ++found->count;
  }

  void solution(const std::string& model) {
    call(model, call_purpose::solution, fmt::format("solution {}", model));
  }
  void questions(const arm_spec& arm) {
    call(arm.questioner, call_purpose::questions,
         fmt::format("questions {} {} {}", arm.solver, arm.questioner, arm.questions));
  }
  void answers(const arm_spec& arm) {
    const auto key =
        fmt::format("answers {} {} {} {} {} {}", arm.solver, arm.questioner, arm.questions,
                    arm.answerer, static_cast<int>(arm.method), to_string(arm.reference));
    switch (arm.answers) {
    case answer_mode::each:
      for (std::uint32_t i = 0; i < arm.questions; ++i)
        call(arm.answerer, call_purpose::answer, fmt::format("{} {}", key, i));
      here_.formula += fmt::format(" + {} answer{}", arm.questions, arm.questions == 1 ? "" : "s");
      return;
    case answer_mode::together:
      call(arm.answerer, call_purpose::answers_together, key + " together");
      here_.formula += " + 1 list of answers";
      return;
    }
  }
  void revision(const arm_spec& arm) { // its prompt holds the arm's own bits
    call(arm.solver, call_purpose::revision, fmt::format("revision {}", number_));
    here_.formula += " + 1 revision";
  }

  void add_arm(const arm_spec& arm) {
    solution(arm.solver);
    here_.formula = arm.method == method_kind::direct ? "1 solution" : "1 draft";
    switch (arm.method) {
    case method_kind::direct:
      return;
    case method_kind::resample:
      for (std::uint32_t i = 0; i < arm.samples; ++i)
        call(arm.solver, call_purpose::solution,
             fmt::format("sample {} {} {}", arm.solver, arm.temperature, i));
      here_.formula += fmt::format(" + {} sample{}", arm.samples, arm.samples == 1 ? "" : "s");
      return;
    case method_kind::qa:
      if (arm.reference == reference_kind::own) {
        solution(arm.answerer);
        here_.formula += " + 1 own solution";
      }
      [[fallthrough]];
    case method_kind::self_ask:
      questions(arm);
      here_.formula += " + 1 list of questions";
      answers(arm);
      return revision(arm);
    case method_kind::random_bits:
    case method_kind::constant_yes:
      questions(arm);
      here_.formula += " + 1 list of questions";
      return revision(arm);
    }
  }

  const experiment& e_;
  std::size_t number_ = 0;
  std::set<std::string> seen_;
  arm_estimate here_;
  call_estimate out_;
};

} // namespace

call_estimate estimate_calls(const experiment& e) {
  return counter(e).count();
}

call_tokens assumed_tokens(call_purpose purpose, double problem_tokens, std::uint32_t max_tokens) {
  constexpr double solution = 250;
  constexpr double questions = 300;
  const auto written = [&](double tokens) {
    return std::min(tokens, static_cast<double>(max_tokens));
  };
  switch (purpose) {
  case call_purpose::solution:
    return {problem_tokens + 60, written(solution)};
  case call_purpose::questions:
    return {problem_tokens + solution + 120, written(questions)};
  case call_purpose::answer:
    return {problem_tokens + 2 * solution + 80, 2};
  case call_purpose::answers_together:
    return {problem_tokens + 2 * solution + questions + 80, 50};
  case call_purpose::revision:
    return {problem_tokens + solution + questions + 120, written(solution)};
  }
  return {};
}

double estimate_money(const experiment& e, const call_estimate& calls, double problem_tokens) {
  double money = 0;
  for (const call_count& c : calls.counts) {
    const model_spec* model = e.find_model(c.model);
    TENBIT_ASSERT(model != nullptr);
    const auto tokens = assumed_tokens(c.purpose, problem_tokens, model->sampling.max_tokens);
    money += static_cast<double>(c.count) *
             (tokens.prompt * model->price_input + tokens.completion * model->price_output) / 1e6;
  }
  return money;
}

} // namespace tenbit

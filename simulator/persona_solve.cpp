// What the personas write as a solver: a first solution, and one corrected by answered questions.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "simulator/persona_mind.hpp"

namespace tenbit::sim {
namespace {

constexpr double copy_slip = 0.004; // a kept step is copied wrong

// A solution while it is written: the value every step left, for the steps that use it.
class writer {
public:
  writer(const mind& m, random_stream random) : mind_(m), random_(random) {}

  [[nodiscard]] std::size_t next() const { return results_.size(); }
  [[nodiscard]] const known_step& step() const { return mind_.steps[next()]; }
  [[nodiscard]] bool done() const { return next() == mind_.steps.size(); }
  [[nodiscard]] random_stream& random() { return random_; }
  [[nodiscard]] double result(int number) const {
    return results_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] double left() const {
    return step().left_from == no_source ? step().truth.left : result(step().left_from);
  }
  [[nodiscard]] double right() const {
    return step().right_from == no_source ? step().truth.right : result(step().right_from);
  }

  // The step as it should be, on what was found so far.
  [[nodiscard]] equation proper() const {
    equation eq{left(), step().truth.operation, right()};
    eq.result = compute(eq.left, eq.operation, eq.right);
    return eq;
  }

  void write(const equation& eq) {
    const auto at = step().sentence.find(step().equation_text);
    if (at == std::string_view::npos) {
      text_ += fmt::format("So {}.\n", format_equation(eq));
    } else {
      text_ += step().sentence.substr(0, at);
      text_ += format_equation(eq);
      text_ += step().sentence.substr(at + step().equation_text.size());
      text_ += '\n';
    }
    results_.push_back(eq.result);
  }

  void skip() { results_.push_back(left()); }

  // The result is off by a little, as in a slip of the pen.
  void write_slip(equation eq) {
    double off = static_cast<double>(1 + random_.below(9));
    if (random_.chance(0.3))
      off = 10;
    eq.result += eq.result > off && random_.chance(0.5) ? -off : off;
    write(eq);
  }

  // The step as the persona does it unaided.
  void write_drafted() {
    const bool weak = step().weak;
    if (!random_.chance(weak ? mind_.traits->weak_error : mind_.traits->step_error)) {
      write(proper());
      return;
    }
    const double kind = random_.unit();
    const bool last = next() + 1 == mind_.steps.size();
    if (weak || kind < 0.4)
      write_confused();
    else if (kind < 0.8 || last || mind_.steps.size() < 3)
      write_slip(proper());
    else
      skip();
  }

  [[nodiscard]] std::string finish() {
    return text_ + "#### " + format_number(results_.empty() ? 0 : results_.back());
  }

private:
  // The wrong operation; always the same one, so a misconception gives the same wrong step.
  void write_confused() {
    equation eq = proper();
    const double right_result = eq.result;
    if (eq.operation == '+')
      eq.operation = '-';
    else
      eq.operation = eq.operation == '/' ? '-' : '+';
    eq.result = compute(eq.left, eq.operation, eq.right);
    if (eq.result == right_result)
      eq.result += 1;
    write(eq);
  }

  const mind& mind_;
  random_stream random_;
  std::vector<double> results_;
  std::string text_;
};

std::string solve_known(const mind& m, std::string_view purpose) {
  writer out(m, m.stream(purpose, 0));
  while (!out.done())
    out.write_drafted();
  return out.finish();
}

// What the answered questions say about the earlier solution.
struct verdicts {
  std::vector<bool> doubted; // per equation of the attempt
  bool steps_missing = false;
  bool answer_wrong = false;
  bool any = false; // a doubt that says where
};

verdicts judge(const prompt_view& prompt, const std::vector<equation>& attempt) {
  verdicts out;
  out.doubted.resize(attempt.size());
  for (const auto& question : prompt.questions) {
    if (question.answer != said::no)
      continue;
    const claim about = read_claim(question.text);
    out.steps_missing |= about.kind == claim_kind::step_count;
    out.answer_wrong |= about.kind == claim_kind::final_answer;
    for (std::size_t i = 0; i < attempt.size(); ++i) {
      const bool value = about.kind == claim_kind::value && attempt[i].claims_same(about.eq);
      const bool way = about.kind == claim_kind::operation &&
                       attempt[i].operation == about.eq.operation &&
                       attempt[i].same_operands(about.eq);
      if (value || way)
        out.doubted[i] = true;
    }
  }
  out.any = out.steps_missing ||
            std::find(out.doubted.begin(), out.doubted.end(), true) != out.doubted.end();
  return out;
}

class reviser {
public:
  explicit reviser(const mind& m)
      : mind_(m), attempt_(attempt_equations(m.prompt)),
        place_(align(m.prompt.attempt, attempt_, m.steps)), said_(judge(m.prompt, attempt_)),
        out_(m, m.stream("revise", 0)) {
    recall_results();
  }

  std::string revise() {
    // Only the end is called wrong, nothing says where: it starts again.
    if (attempt_.empty() || (said_.answer_wrong && !said_.any))
      return solve_known(mind_, "solve again");
    while (!out_.done()) {
      const int at = place_[out_.next()];
      if (at == no_source)
        missing();
      else if (said_.doubted[static_cast<std::size_t>(at)])
        redo(attempt_[static_cast<std::size_t>(at)]);
      else
        keep(attempt_[static_cast<std::size_t>(at)]);
    }
    return out_.finish();
  }

private:
  // What every step left in the attempt, so that kept steps can use mended values in their place.
  void recall_results() {
    for (std::size_t i = 0; i < mind_.steps.size(); ++i) {
      const known_step& step = mind_.steps[i];
      if (place_[i] != no_source)
        before_.push_back(attempt_[static_cast<std::size_t>(place_[i])].result);
      else
        before_.push_back(step.left_from == no_source
                              ? step.truth.left
                              : before_[static_cast<std::size_t>(step.left_from)]);
    }
  }

  double mended(double operand, int from) const {
    const bool used = from != no_source && before_[static_cast<std::size_t>(from)] == operand;
    return used ? out_.result(from) : operand;
  }

  void missing() {
    if (said_.steps_missing && out_.random().chance(mind_.traits->redo_right))
      out_.write(out_.proper());
    else
      out_.skip();
  }

  void redo(const equation& earlier) {
    const bool weak = out_.step().weak;
    const auto& traits = *mind_.traits;
    const bool right = out_.random().chance(weak ? traits.weak_redo_right : traits.redo_right);
    const equation again = out_.proper();
    const bool same = again.claims_same(earlier);
    if (!right || (same && out_.random().chance(traits.distrusts_itself)))
      out_.write_slip(again);
    else
      out_.write(again);
  }

  void keep(const equation& earlier) {
    equation eq = earlier;
    eq.left = mended(earlier.left, out_.step().left_from);
    eq.right = mended(earlier.right, out_.step().right_from);
    if (eq.left != earlier.left || eq.right != earlier.right)
      eq.result = compute(eq.left, eq.operation, eq.right);
    if (out_.random().chance(copy_slip))
      out_.write_slip(eq);
    else
      out_.write(eq);
  }

  const mind& mind_;
  std::vector<equation> attempt_;
  std::vector<int> place_;
  verdicts said_;
  writer out_;
  std::vector<double> before_;
};

} // namespace

std::string write_solution(const mind& m) {
  if (m.item)
    return solve_known(m, "solve");
  // It cannot read the problem; it says so and guesses, as a model would.
  auto random = m.stream("guess", 0);
  const auto numbers = find_numbers(m.text);
  const double guess = numbers.empty() ? 0 : numbers[random.below(numbers.size())];
  return fmt::format("This problem is hard to take apart.\nA guess has to do.\n#### {}",
                     format_number(guess));
}

std::string write_revision(const mind& m) {
  if (m.item)
    return reviser(m).revise();
  if (!m.prompt.attempt.empty())
    return std::string(m.prompt.attempt);
  for (const auto& question : m.prompt.questions) {
    const claim about = read_claim(question.text);
    if (about.kind == claim_kind::final_answer && question.answer != said::no)
      return fmt::format("The answers leave the result as it was.\n#### {}",
                         format_number(about.number));
  }
  return write_solution(m);
}

} // namespace tenbit::sim

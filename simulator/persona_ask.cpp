// What the personas write as a questioner: numbered yes/no questions about an attempt.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "simulator/persona_mind.hpp"

namespace tenbit::sim {
namespace {

constexpr std::size_t quoted_chars_max = 160;

class question_list {
public:
  explicit question_list(std::size_t wanted) : wanted_(wanted) {}
  [[nodiscard]] bool full() const { return lines_.size() >= wanted_; }
  void add(std::string line) {
    if (!full() && std::find(lines_.begin(), lines_.end(), line) == lines_.end())
      lines_.push_back(std::move(line));
  }
  [[nodiscard]] std::vector<std::string>& lines() { return lines_; }

private:
  std::size_t wanted_;
  std::vector<std::string> lines_;
};

std::string with_quantity(std::string_view quantity) {
  return quantity.empty() ? std::string("?") : fmt::format(" to get the {}?", quantity);
}

std::string operation_question(const equation& eq, std::string_view quantity) {
  const std::string left = format_number(eq.left);
  const std::string right = format_number(eq.right);
  const std::string end = with_quantity(quantity);
  switch (eq.operation) {
  case '+':
    return fmt::format("Should {} and {} be added{}", left, right, end);
  case '-':
    return fmt::format("Should {} be subtracted from {}{}", right, left, end);
  case '*':
    return fmt::format("Should {} be multiplied by {}{}", left, right, end);
  default:
    return fmt::format("Should {} be divided by {}{}", left, right, end);
  }
}

void ask_about_equations(const mind& m, const std::vector<equation>& attempt, question_list& out) {
  std::vector<std::string_view> quantities(attempt.size());
  const auto place = align(m.prompt.attempt, attempt, m.steps);
  for (std::size_t step = 0; step < place.size(); ++step) {
    if (place[step] != no_source)
      quantities[static_cast<std::size_t>(place[step])] = m.steps[step].quantity;
  }
  for (std::size_t i = 0; i < attempt.size(); ++i) {
    const std::string end =
        quantities[i].empty() ? std::string("?") : fmt::format(" for the {}?", quantities[i]);
    out.add(fmt::format("Is it right that {}{}", format_equation(attempt[i]), end));
  }
  if (const auto answer = marked_answer(m.prompt.attempt))
    out.add(fmt::format("Is the final answer {}?", format_number(*answer)));
  if (!attempt.empty())
    out.add(fmt::format("Does the problem need exactly {} calculations?", attempt.size()));
  for (std::size_t i = 0; i < attempt.size(); ++i)
    out.add(operation_question(attempt[i], quantities[i]));
  for (const auto& eq : attempt) {
    out.add(fmt::format("Is {} a number given in the problem?", format_number(eq.left)));
    out.add(fmt::format("Is {} a number given in the problem?", format_number(eq.right)));
  }
}

void ask_about_lines(std::string_view attempt, question_list& out) {
  for (std::string_view line : split_lines(attempt)) {
    if (out.full())
      return;
    line = trim(line);
    if (line.size() > 8 && line.find_first_of("?#") == std::string_view::npos)
      out.add(fmt::format("Is this step right: {}?", one_line(line, quoted_chars_max)));
  }
}

} // namespace

std::string write_questions(const mind& m) {
  question_list list(m.prompt.wanted);
  const auto attempt = find_equations(m.prompt.attempt);
  ask_about_equations(m, attempt, list);
  if (!m.item)
    ask_about_lines(m.prompt.attempt, list);
  list.add("Is the approach of the solution right?");
  auto& lines = list.lines();
  auto random = m.stream("manner of asking", 0);
  if (lines.size() > 4 && random.chance(0.08))
    lines.resize(lines.size() - 2);
  std::string out = random.chance(0.06) ? "Here are my questions:\n" : "";
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += fmt::format("{}{}. {}", i == 0 ? "" : "\n", i + 1, lines[i]);
  return out;
}

} // namespace tenbit::sim

#include "protocols/prompts.hpp"

#include <fmt/format.h>

#include "base/expected.hpp"
#include "base/text.hpp"

namespace tenbit::prompts {
namespace {

// Parts are separated by one empty line; a part is a marker line and its text, or an instruction.
class prompt {
public:
  prompt& part(std::string_view marker, std::string_view text) {
    open();
    text_ += marker;
    text_ += '\n';
    text_ += trim(text);
    return *this;
  }
  prompt& say(std::string_view instruction) {
    open();
    text_ += instruction;
    return *this;
  }
  [[nodiscard]] messages finish() { return {{chat_role::user, std::move(text_)}}; }

private:
  void open() {
    if (!text_.empty())
      text_ += "\n\n";
  }
  std::string text_;
};

constexpr std::string_view final_line =
    "The last line must be #### followed by one space and the final number, with nothing after it.";

std::string numbered(std::span<const std::string> questions) {
  std::string out;
  for (std::size_t i = 0; i < questions.size(); ++i)
    out += fmt::format("{}. {}\n", i + 1, trim(questions[i]));
  return out;
}

std::string_view reference_label(reference_kind kind) {
  switch (kind) {
  case reference_kind::gold:
    return "This is the correct answer to the problem:";
  case reference_kind::own:
    return "This is your own solution of the problem:";
  case reference_kind::none:
    break;
  }
  assertion_failed("a reference of kind none has no text", __FILE__, __LINE__);
}

prompt seen_by_answerer(const answer_view& view) {
  prompt out;
  out.part(marker_problem, view.problem);
  if (!view.draft.empty())
    out.part(marker_draft, view.draft);
  if (view.reference)
    out.part(marker_reference, fmt::format("{}\n{}", reference_label(view.kind), *view.reference));
  return out;
}

} // namespace

messages solve(std::string_view problem) {
  return prompt()
      .part(marker_problem, problem)
      .say(
          fmt::format("Work the problem out step by step, one short line per step. {}", final_line))
      .finish();
}

messages ask(std::string_view problem, std::string_view draft, std::uint32_t count) {
  return prompt()
      .part(marker_problem, problem)
      .part(marker_draft, draft)
      .say(fmt::format(
          "An expert will check this attempt but can only say yes or no. Write exactly {} yes/no "
          "questions for the expert whose answers would show best where the attempt is right and "
          "where it is wrong: how it reads the problem, its method, its single steps and its "
          "results. Each question must be answerable without further context, so name the "
          "quantities and numbers it is about.",
          count))
      .say(fmt::format("Number them 1. to {}., one question per line, and write nothing else.",
                       count))
      .finish();
}

messages revise(std::string_view problem, std::optional<std::string_view> draft,
                std::span<const std::string> questions, std::span<const answer> replies) {
  TENBIT_ASSERT(questions.size() == replies.size());
  std::string pairs;
  for (std::size_t i = 0; i < questions.size(); ++i)
    pairs += fmt::format("{}. {}\nAnswer: {}\n", i + 1, trim(questions[i]), word(replies[i]));
  prompt out;
  out.part(marker_problem, problem);
  if (draft)
    out.part(marker_own_draft, *draft);
  out.part(marker_pairs, pairs);
  out.say(
      fmt::format("An expert gave these answers to your questions. Use them to find and mend what "
                  "is wrong, then write the full corrected solution step by step. {}",
                  final_line));
  return out.finish();
}

messages answer_one(const answer_view& view, std::string_view question) {
  auto out = seen_by_answerer(view);
  out.part(marker_question, question);
  if (view.asked_before)
    out.say("An earlier reply to this was neither Yes nor No. Where it is uncertain, choose the "
            "likelier one.");
  return out.say(marker_one_word).finish();
}

messages answer_all(const answer_view& view, std::span<const std::string> questions) {
  auto out = seen_by_answerer(view);
  out.part(marker_questions, numbered(questions));
  if (view.asked_before)
    out.say("An earlier reply to this did not answer every question with Yes or No. Where one is "
            "uncertain, choose the likelier answer.");
  out.say(
      fmt::format("Answer all {} questions in order. Write one line per question: its number, a "
                  "dot, a space and the answer.",
                  questions.size()));
  return out.say(marker_one_word).finish();
}

std::string_view word(answer a) {
  switch (a) {
  case answer::no:
    return "No";
  case answer::yes:
    return "Yes";
  case answer::unknown:
    return "Unknown";
  }
  assertion_failed("answer", __FILE__, __LINE__);
}

} // namespace tenbit::prompts

#include "simulator/prompt_reader.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::sim {
namespace {

enum class section : std::uint8_t { none, problem, attempt, reference, question, questions, pairs };

constexpr std::size_t marker_chars_max = 60;

// What a line that ends with ':' opens; none for an ordinary line.
section opened_by(std::string_view line) {
  if (line.empty() || line.size() > marker_chars_max || line.back() != ':')
    return section::none;
  const std::string lower = lower_ascii(line);
  if (contains(lower, "question") && contains(lower, "answer"))
    return section::pairs;
  if (contains(lower, "questions"))
    return section::questions;
  if (contains(lower, "question"))
    return section::question;
  if (contains(lower, "reference") || contains(lower, "correct answer") ||
      contains(lower, "own solution"))
    return section::reference;
  if (contains(lower, "attempt") || contains(lower, "earlier") || contains(lower, "draft") ||
      contains(lower, "solution"))
    return section::attempt;
  if (contains(lower, "problem"))
    return section::problem;
  return section::none;
}

bool numbered(std::string_view line) {
  return without_number(line).size() != line.size();
}

said word_of(std::string_view text) {
  text = trim(text);
  const std::string lower = lower_ascii(text.substr(0, 4));
  if (lower.starts_with("yes"))
    return said::yes;
  return lower.starts_with("no") && !lower.starts_with("not") ? said::no : said::unknown;
}

class reader {
public:
  explicit reader(std::string_view text) : text_(text) {}

  prompt_view read() {
    std::size_t begin = 0;
    while (begin < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size());
      line(trim(text_.substr(begin, end - begin)), begin);
      begin = end + 1;
    }
    close(text_.size());
    choose_kind();
    return std::move(view_);
  }

private:
  void line(std::string_view line, std::size_t begin) {
    if (const section opens = opened_by(line); opens != section::none) {
      close(begin);
      section_ = opens;
      content_ = static_cast<std::size_t>(line.data() - text_.data()) + line.size();
      ended_ = false;
      return;
    }
    if (section_ == section::question)
      single(line);
    else if (section_ == section::questions || section_ == section::pairs)
      listed(line);
  }

  // One question: the lines up to the first empty one.
  void single(std::string_view line) {
    if (line.empty()) {
      ended_ = ended_ || !view_.questions.empty();
      return;
    }
    if (ended_)
      return;
    if (view_.questions.empty())
      view_.questions.push_back({line});
    else
      view_.questions.back().text = join(view_.questions.back().text, line);
  }

  // A list: "1. question", and in pairs a line "Answer: Yes" or "A: Yes".
  void listed(std::string_view line) {
    if (view_.questions.size() < limits::questions_max && numbered(line)) {
      view_.questions.push_back({without_number(line)});
    } else if (section_ == section::pairs) {
      const auto colon = line.find(':');
      if (colon == std::string_view::npos || colon > 8)
        return;
      const char first = line.front();
      if ((first == 'Q' || first == 'q') && view_.questions.size() < limits::questions_max)
        view_.questions.push_back({trim(line.substr(colon + 1))});
      else if ((first == 'A' || first == 'a') && !view_.questions.empty())
        view_.questions.back().answer = word_of(line.substr(colon + 1));
    }
  }

  std::string_view join(std::string_view first, std::string_view next) const {
    const auto begin = static_cast<std::size_t>(first.data() - text_.data());
    const auto end = static_cast<std::size_t>(next.data() - text_.data()) + next.size();
    return text_.substr(begin, end - begin);
  }

  void close(std::size_t end) {
    const std::string_view body = trim(text_.substr(content_, end - content_));
    switch (section_) {
    case section::problem:
      view_.problem = body;
      break;
    case section::attempt:
      view_.attempt = body;
      break;
    case section::reference:
      view_.reference = body;
      break;
    case section::none:
    case section::question:
    case section::questions:
    case section::pairs:
      break;
    }
  }

  void choose_kind() {
    const std::string lower = lower_ascii(text_);
    const auto list = lower.find("yes/no question");
    if (section_ != section::pairs && list != std::string::npos) {
      view_.kind = prompt_kind::questions;
      view_.wanted = number_before(lower, list);
      end_attempt_before(list);
    } else if (section_ == section::pairs) {
      view_.kind = prompt_kind::revision;
    } else if (contains(lower, "yes or no")) {
      view_.kind = section_ == section::questions ? prompt_kind::answer_list : prompt_kind::answer;
    }
  }

  // The attempt is the last section with a marker; the paragraph that asks for questions is not
  // part of it.
  void end_attempt_before(std::size_t wish) {
    const auto begin = static_cast<std::size_t>(view_.attempt.data() - text_.data());
    if (view_.attempt.empty() || wish < begin || wish >= begin + view_.attempt.size())
      return;
    const auto paragraph = view_.attempt.rfind("\n\n", wish - begin);
    if (paragraph != std::string_view::npos)
      view_.attempt = trim(view_.attempt.substr(0, paragraph));
  }

  // The last number in the 24 characters before `at`; 10 when there is none.
  static std::uint32_t number_before(std::string_view text, std::size_t at) {
    std::size_t end = at;
    const std::size_t stop = at > 24 ? at - 24 : 0;
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    while (end > stop && !digit(end - 1))
      --end;
    std::size_t begin = end;
    while (begin > stop && digit(begin - 1))
      --begin;
    std::uint32_t number = 0;
    const auto parsed = std::from_chars(text.data() + begin, text.data() + end, number);
    if (begin == end || parsed.ec != std::errc() || number == 0)
      return 10;
    return std::min(number, limits::questions_max);
  }

  std::string_view text_;
  prompt_view view_;
  section section_ = section::none;
  std::size_t content_ = 0; // where the body of the open section starts
  bool ended_ = false;      // the single question is complete
};

} // namespace

std::string_view without_number(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && i < 5 && line[i] >= '0' && line[i] <= '9')
    ++i;
  const bool mark =
      i > 0 && i + 1 < line.size() && (line[i] == '.' || line[i] == ')') && line[i + 1] == ' ';
  return mark ? trim(line.substr(i + 1)) : line;
}

prompt_view read_prompt(std::string_view text) {
  return reader(text).read();
}

} // namespace tenbit::sim

// One line of GSM8K's JSONL: {"question": "...", "answer": "worked solution\n#### 18"}.
//
// Pure function, thread-safe, never throws; the line is hostile.
#pragma once

#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit {

struct gsm8k_row {
  std::string question;
  std::string solution; // without the <<...>> calculator marks, with its "#### n" line
  std::string answer;   // normal form, as extract_answer gives it
};

// The error says what is wrong with the line and, in brackets, how to mend it.
[[nodiscard]] expected<gsm8k_row, std::string> parse_gsm8k_row(std::string_view line);

// The text without "<<...>>"; a mark that does not close on its line stays.
[[nodiscard]] std::string without_calculator_marks(std::string_view text);

} // namespace tenbit

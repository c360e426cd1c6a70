// Reading what models write: lists of questions, and yes or no.
//
// Pure functions, thread-safe, never fail. The text is hostile (any bytes up to
// limits::reply_text_bytes_max); time is linear in it. parse_answers stands in oracle_protocol.hpp,
// because the sender uses it too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/experiment.hpp"

namespace tenbit {

// The questions of a numbered list, at most `count`, in the order of the text. Duplicates stay.
// strict: a question is one line that starts with a number and one of . ) : ("1.", "1)", "**1.**",
// "Q1:",
// "(1)", "Question 1:"), where what follows is no digit; other lines are not questions. Fewer than
// count shorten the stream. loose_question_regex: the authors' pattern instead. pad_questions: a
// fixed question fills up to count.
[[nodiscard]] std::vector<std::string> parse_questions(std::string_view text, std::uint32_t count,
                                                       const protocol_switches& switches);

// All matches of \d+\.\s*(.+?)(?=\n\d+\.|\Z) with dot matching newlines, stripped: the first
// `count`. ASCII digits and spaces only.
[[nodiscard]] std::vector<std::string> parse_questions_loosely(std::string_view text,
                                                               std::uint32_t count);

// A line of a numbered list, taken apart.
struct numbered_line {
  std::uint32_t number = 0; // 0: the line is not numbered
  std::string_view text;    // trimmed, without emphasis around it
};
// replies: a space, comma or dash after the number is enough ("3 - Yes"), and "Answer 3:", "A3:"
// count.
enum class list_of : std::uint8_t { questions, replies };
[[nodiscard]] numbered_line parse_numbered(std::string_view line, list_of kind);

} // namespace tenbit

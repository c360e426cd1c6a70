// Final answers: finding the number in a text and comparing it with gold.
//
// Pure functions, thread-safe, never throw; the text is hostile (any bytes, any length up to
// limits::reply_text_bytes_max) and time is linear in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tenbit {

// The final numeric answer of a solution text, in normal form: optional "-", digits without leading
// zeros or separators, optional "." and decimals without trailing zeros, or "n/d" reduced with d >
// 1 when it is a fraction that is no finite decimal. Empty when the text has no answer. Looks for,
// in this order: the last "####" line, the last \boxed{}, the last "A:"/"Answer:"/"answer is", the
// last number of the text. `$`, `**`, thousands commas, units, trailing text and sentence dots are
// not part of a number.
[[nodiscard]] std::optional<std::string> extract_answer(std::string_view text);

// True when both are the same number (exact rational comparison). Gold must be in a form
// extract_answer gives.
[[nodiscard]] bool same_answer(std::string_view extracted, std::string_view gold);

// The authors' rule for GSM8K, bug for bug: first `#### <int with commas>`, else the last match of
// -?[\d,]+ ; compared as doubles, else as strings. For switches.authors_grading.
[[nodiscard]] std::optional<std::string> extract_answer_authors(std::string_view text);
[[nodiscard]] bool same_answer_authors(std::string_view extracted, std::string_view gold);

} // namespace tenbit

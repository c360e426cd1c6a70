// Text that came from outside: validation, trimming, and making it safe to show.
//
// Pure functions, thread-safe, never throw. Model output and datasets are hostile: whatever goes
// to a terminal passes through printable().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tenbit {

// True for well-formed UTF-8 (RFC 3629): no overlong forms, surrogates, or values above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text);

// The text with every ill-formed byte replaced by U+FFFD. Unchanged when valid.
[[nodiscard]] std::string repair_utf8(std::string_view text);

// The text made harmless for a terminal: C0 and C1 controls (except newline and tab), DEL,
// bidirectional overrides and ill-formed bytes become visible escapes such as \x1b or \u202e.
[[nodiscard]] std::string printable(std::string_view text);

// As printable, but on one line (newline and tab become \n and \t) and cut to at most max_chars
// code points, with "…" in place of what was cut.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t max_chars);

[[nodiscard]] constexpr bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
[[nodiscard]] constexpr bool ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool ascii_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string lower_ascii(std::string_view text);
[[nodiscard]] std::vector<std::string_view> split_lines(std::string_view text);

// The name nearest to what was typed, for "did you mean"; empty when none is near (edit distance >
// 1/3).
[[nodiscard]] std::string_view nearest(std::string_view typed,
                                       const std::vector<std::string_view>& names);

} // namespace tenbit

// What toml++ 3.3 must not be shown: texts on which it crashes instead of refusing them.
//
// A key of very many parts overflows its stack; a character that is not ASCII, where it looks for
// blanks, runs into undefined behaviour. Pure, linear time, never fails; the text is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenbit::config {

struct syntax_error {
  std::uint32_t line = 0; // 0: unknown
  std::string message;
};

// The first fault of that kind; empty: the text may be parsed (and may still be no TOML).
[[nodiscard]] std::optional<syntax_error> dangerous_toml(std::string_view text);

// The first line that opens a table heading and goes on with no key, on which toml++ asserts; 0:
// none.
[[nodiscard]] std::uint32_t line_of_heading_without_key(std::string_view text);

} // namespace tenbit::config

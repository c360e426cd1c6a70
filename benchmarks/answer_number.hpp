// Reading one number out of running text, in the forms people and models write it.
//
// Knows signs (also U+2212), currency before the number, thousands separators, decimals, fractions
// (1/2, \frac{1}{2}, U+00BD), mixed numbers (2 1/2), and powers of ten (1.5e3, 1.5 x 10^3). Pure
// functions, thread-safe, never throw; any bytes are fine, and time is linear in what is read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tenbit {

struct found_number {
  std::string normal;  // as extract_answer promises
  std::size_t end = 0; // the first byte behind it
};

// Whether digits that follow a letter, as in "CO2" or "USD18", count.
enum class glued_digits : bool { skip, accept };

// The first number that begins at or behind `from`. Text before `from` is looked at for a sign.
[[nodiscard]] std::optional<found_number> next_number(std::string_view text, std::size_t from,
                                                      glued_digits glued);

// The number that begins exactly at `at`, its sign and currency being before it.
[[nodiscard]] std::optional<found_number> number_at(std::string_view text, std::size_t at);

// The normal form of a text that is a number and nothing else.
[[nodiscard]] std::optional<std::string> normal_number(std::string_view text);

} // namespace tenbit

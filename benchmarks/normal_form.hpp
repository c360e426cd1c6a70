// The normal form of a number: its one spelling, so that equal numbers are equal strings.
//
// Pure functions, thread-safe, never throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenbit {

// Numerators and denominators have at most this many digits, so that a mixed number fits 128 bits.
inline constexpr std::size_t fraction_digits_max = 15;

// sign, whole.decimals times 10^exponent. whole and decimals are digits; either may be empty.
[[nodiscard]] std::string normal_decimal(bool negative, std::string_view whole,
                                         std::string_view decimals, int exponent);

// sign, whole + numerator / denominator, all digits and at most fraction_digits_max of them; empty
// when they are longer or the denominator is zero.
[[nodiscard]] std::optional<std::string> normal_fraction(bool negative, std::string_view whole,
                                                         std::string_view numerator,
                                                         std::string_view denominator);

} // namespace tenbit

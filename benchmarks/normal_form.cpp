#include "benchmarks/normal_form.hpp"

#include <algorithm>
#include <numeric>

namespace tenbit {
namespace {

__extension__ using wide = unsigned __int128;

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t value = 0;
  for (char c : digits)
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

std::string to_digits(wide value) {
  std::string out;
  do {
    out.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value > 0);
  std::reverse(out.begin(), out.end());
  return out;
}

bool finite_decimal(std::uint64_t denominator) {
  while (denominator % 2 == 0)
    denominator /= 2;
  while (denominator % 5 == 0)
    denominator /= 5;
  return denominator == 1;
}

} // namespace

std::string normal_decimal(bool negative, std::string_view whole, std::string_view decimals,
                           int exponent) {
  std::string digits = std::string(whole) + std::string(decimals);
  auto point = static_cast<std::ptrdiff_t>(whole.size()) + exponent;
  if (point < 0) {
    digits.insert(0, static_cast<std::size_t>(-point), '0');
    point = 0;
  }
  const auto places = static_cast<std::size_t>(point);
  if (places > digits.size())
    digits.append(places - digits.size(), '0');
  const std::size_t first = std::min(digits.find_first_not_of('0'), places);
  std::string out = places == first ? "0" : digits.substr(first, places - first);
  std::string_view rest = std::string_view(digits).substr(places);
  const auto last = rest.find_last_not_of('0');
  rest = last == std::string_view::npos ? std::string_view{} : rest.substr(0, last + 1);
  if (!rest.empty())
    out.append(".").append(rest);
  return negative && out != "0" ? "-" + out : out;
}

std::optional<std::string> normal_fraction(bool negative, std::string_view whole,
                                           std::string_view numerator,
                                           std::string_view denominator) {
  if (std::max({whole.size(), numerator.size(), denominator.size()}) > fraction_digits_max)
    return std::nullopt;
  std::uint64_t below = to_number(denominator);
  if (below == 0)
    return std::nullopt;
  wide above = static_cast<wide>(to_number(whole)) * below + to_number(numerator);
  const auto common = std::gcd(static_cast<std::uint64_t>(above % below), below);
  above /= common;
  below /= common;
  if (!finite_decimal(below))
    return (negative ? "-" : "") + to_digits(above) + "/" + to_digits(below);
  std::string decimals;
  for (wide rest = above % below; rest != 0; rest = rest * 10 % below)
    decimals.push_back(static_cast<char>('0' + static_cast<int>(rest * 10 / below)));
  return normal_decimal(negative, to_digits(above / below), decimals, 0);
}

} // namespace tenbit

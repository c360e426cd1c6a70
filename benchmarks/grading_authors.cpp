#include <algorithm>
#include <charconv>
#include <limits>

#include "benchmarks/grading.hpp"

// The patterns are ####\s*(-?[\d,]+) and -?[\d,]+ of Python's re, over ASCII.

namespace tenbit {
namespace {

constexpr std::string_view digits_and_commas = "0123456789,";

// The match of -?[\d,]+ that begins at `at`; empty when none does.
std::string_view integer_at(std::string_view text, std::size_t at) {
  const std::size_t first = at < text.size() && text[at] == '-' ? at + 1 : at;
  const auto end = std::min(text.find_first_not_of(digits_and_commas, first), text.size());
  return end <= first ? std::string_view{} : text.substr(at, end - at);
}

std::string without_commas(std::string_view text) {
  std::string out(text);
  std::erase(out, ',');
  return out;
}

// What Python's float() gives; empty where it raises.
std::optional<double> to_double(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument || text.empty())
    return std::nullopt;
  if (error == std::errc::result_out_of_range) // a run of digits too long for a double
    return text[0] == '-' ? -std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::infinity();
  return value;
}

} // namespace

std::optional<std::string> extract_answer_authors(std::string_view text) {
  for (auto mark = text.find("####"); mark != std::string_view::npos;
       mark = text.find("####", mark + 1)) {
    const auto at = text.find_first_not_of(" \t\n\r\v\f", mark + 4);
    if (at == std::string_view::npos)
      break;
    if (const auto match = integer_at(text, at); !match.empty())
      return without_commas(match);
  }
  const auto last = text.find_last_of(digits_and_commas);
  if (last == std::string_view::npos)
    return std::nullopt;
  const auto before = text.find_last_not_of(digits_and_commas, last);
  const std::size_t first =
      before == std::string_view::npos ? 0 : before + (text[before] == '-' ? 0 : 1);
  return without_commas(text.substr(first, last + 1 - first));
}

bool same_answer_authors(std::string_view extracted, std::string_view gold) {
  const auto left = to_double(extracted);
  const auto right = to_double(gold);
  return left && right ? *left == *right : extracted == gold;
}

} // namespace tenbit

#include "config/problem_list.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::config {
namespace {

constexpr std::size_t text_chars_max = 400;

std::uint64_t order_of(origin where) {
  if (where.override_number > 0)
    return (std::uint64_t{1} << 32) + where.override_number;
  return where.line > 0 ? where.line : (std::uint64_t{1} << 32);
}

} // namespace

problem_list::problem_list(std::string file, std::span<const std::string> overrides)
    : file_(std::move(file)) {
  for (const std::string& text : overrides)
    override_keys_.emplace_back(trim(std::string_view(text).substr(0, text.find('='))));
}

void problem_list::add(origin where, std::string_view field, std::string_view message,
                       std::string_view mend) {
  if (problems_.size() >= limits::config_problems_max) {
    ++left_out_;
    return;
  }
  config_problem problem;
  problem.file = one_line(file_, text_chars_max);
  if (where.override_number > 0) {
    TENBIT_ASSERT(where.override_number <= override_keys_.size());
    const auto& key = override_keys_[where.override_number - 1];
    problem.file = fmt::format("--set {}=…", one_line(key, limits::shown_name_chars_max));
  } else {
    problem.line = where.line;
  }
  problem.field = one_line(field, text_chars_max);
  problem.message = one_line(message, text_chars_max);
  problem.mend = one_line(mend, text_chars_max);
  problems_.push_back({order_of(where), std::move(problem)});
}

std::vector<config_problem> problem_list::take() {
  std::stable_sort(problems_.begin(), problems_.end(),
                   [](const placed& a, const placed& b) { return a.order < b.order; });
  std::vector<config_problem> out;
  for (placed& entry : problems_)
    out.push_back(std::move(entry.problem));
  if (left_out_ > 0)
    out.push_back({file_, 0, "", fmt::format("{} more problems are not shown", left_out_),
                   "mend the ones above first"});
  problems_.clear();
  left_out_ = 0;
  return out;
}

} // namespace tenbit::config

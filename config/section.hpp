// Reads one table of an experiment file with strict types, and reports what is wrong with it.
//
// A section never stops: a bad value is reported and the caller's default stays, so that one run
// finds every mistake. Lives during one parse; refers to the document and the problem list.
#pragma once

#include <concepts>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/problem_list.hpp"

namespace tenbit::config {

struct real_range {
  double low = 0;
  double high = 0;
  bool low_excluded = false;
};

// "a", "b" or "c"
[[nodiscard]] std::string quoted_list(std::span<const std::string_view> names);
// did you mean "x"? or, when nothing is near, the names to choose from.
[[nodiscard]] std::string suggest(std::string_view typed, std::span<const std::string_view> names);

class section {
public:
  // table: nullptr when the file has none; then every read keeps its default. Reports unknown keys.
  section(problem_list& problems, const node* table, std::string path,
          std::span<const std::string_view> keys);

  [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
  [[nodiscard]] const node* find(std::string_view key) const;
  [[nodiscard]] std::string field(std::string_view key) const;

  // Each returns true when the key is there and right; `out` is unchanged otherwise.
  bool text(std::string_view key, std::string& out);
  bool name(std::string_view key, std::string& out); // a short text for tables and messages
  bool texts(std::string_view key, std::vector<std::string>& out);
  bool boolean(std::string_view key, bool& out);
  bool real(std::string_view key, double& out, real_range range);
  template <std::unsigned_integral T> bool integer(std::string_view key, T& out, T low, T high) {
    std::uint64_t value = 0;
    if (!read_integer(key, value, low, high))
      return false;
    out = static_cast<T>(value);
    return true;
  }
  template <class Enum, class Values>
  bool choice(std::string_view key, Enum& out, const Values& values) {
    std::vector<std::string_view> names;
    for (Enum value : values)
      names.push_back(to_string(value));
    const auto chosen = read_choice(key, names);
    if (chosen)
      out = values[*chosen];
    return chosen.has_value();
  }
  // A table within this one; nullptr when absent or no table (which is reported).
  [[nodiscard]] const node* table(std::string_view key);

  // A problem with the value of this key (or with the table, when the key is absent).
  void problem(std::string_view key, std::string_view message, std::string_view mend);
  void missing(std::string_view key, std::string_view mend);

private:
  [[nodiscard]] origin where(std::string_view key) const;
  const node* typed(std::string_view key, node_kind wanted, std::string_view form);
  bool usable(std::string_view key, std::string_view value);
  bool read_integer(std::string_view key, std::uint64_t& out, std::uint64_t low,
                    std::uint64_t high);
  std::optional<std::size_t> read_choice(std::string_view key,
                                         std::span<const std::string_view> names);

  problem_list& problems_;
  const node* table_;
  std::string path_;
};

} // namespace tenbit::config

// Aligned columns for a terminal of any width.
//
// Pure, thread-safe. Width is counted in terminal columns: wide characters (CJK, emoji) take two,
// combining ones none. Texts must be printable already (base/text.hpp).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tenbit::control {

[[nodiscard]] std::size_t display_width(std::string_view text);
// Cut to at most `columns`, with "…" in place of what was cut. 0: not cut.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

class text_table {
public:
  enum class side : unsigned char { left, right };
  struct column {
    std::string title;
    side align = side::left;
  };
  explicit text_table(std::vector<column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Title and rows, each at most `columns` wide (0: any width). What is too wide is taken from the
  // widest left-aligned columns first.
  [[nodiscard]] std::vector<std::string> lines(std::size_t columns) const;

private:
  [[nodiscard]] std::vector<std::size_t> widths(std::size_t columns) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace tenbit::control

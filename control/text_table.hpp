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
// The same, cut in the middle.
[[nodiscard]] std::string fit_middle(std::string_view text, std::size_t columns);

class text_table {
public:
  enum class side : unsigned char { left, right };
  struct column {
    std::string title;
    side align = side::left;
    unsigned dropped = 0;      // where space is short the highest goes first; 0: never
    std::size_t least = 6;     // a text is not made narrower while a column can be dropped
    decltype(&fit) cut = &fit; // of a text that is wider than its column
  };
  explicit text_table(std::vector<column> columns) : columns_(std::move(columns)) {}
  // As many cells as columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // Title and rows, each at most `columns` wide (0: any width). What is too wide is taken from the
  // widest left-aligned columns first, down to their least widths; then columns are dropped.
  [[nodiscard]] std::vector<std::string> lines(std::size_t columns) const;

private:
  struct shown_column {
    std::size_t at, width, least; // its place in columns_
  };
  [[nodiscard]] std::vector<shown_column> layout(std::size_t columns) const;
  void drop(std::vector<shown_column>& from, std::size_t columns) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace tenbit::control

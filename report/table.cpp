#include "report/table.hpp"

#include <algorithm>

#include "base/expected.hpp"
#include "base/text.hpp"

namespace tenbit::report {

namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t first_column_min = 8;

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::vector<std::size_t> widths_of(const table& t, std::size_t columns_max) {
  std::vector<std::size_t> widths;
  for (const column& c : t.columns)
    widths.push_back(width_of(c.title));
  for (const auto& row : t.rows) {
    TENBIT_ASSERT(row.size() == t.columns.size());
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::size_t total = gap.size() * (widths.size() - 1);
  for (std::size_t w : widths)
    total += w;
  if (total > columns_max) {
    const std::size_t excess = total - columns_max;
    widths[0] = std::max(first_column_min, widths[0] > excess ? widths[0] - excess : 0);
  }
  return widths;
}

void append_cell(std::string& line, std::string_view cell, std::size_t width, align side) {
  const std::size_t own = width_of(cell);
  const std::string fill(width > own ? width - own : 0, ' ');
  line += side == align::right ? fill + std::string(cell) : std::string(cell) + fill;
}

void append_line(std::string& out, const table& t, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0)
      line += gap;
    const bool cut = i == 0 && width_of(cells[i]) > widths[i];
    append_cell(line, cut ? one_line(cells[i], widths[i] - 1) : cells[i], widths[i],
                t.columns[i].side);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + '\n';
}

std::vector<std::string> titles_of(const table& t) {
  std::vector<std::string> titles;
  for (const column& c : t.columns)
    titles.push_back(c.title);
  return titles;
}

void append_pipes(std::string& out, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells)
    out += "| " + escape_markdown(cell) + ' ';
  out += "|\n";
}

} // namespace

std::string as_text(const table& t, std::size_t columns_max) {
  TENBIT_ASSERT(!t.columns.empty());
  const auto widths = widths_of(t, columns_max);
  std::string out;
  append_line(out, t, titles_of(t), widths);
  for (const auto& row : t.rows)
    append_line(out, t, row, widths);
  return out;
}

std::string as_markdown(const table& t) {
  std::string out;
  append_pipes(out, titles_of(t));
  for (const column& c : t.columns)
    out += c.side == align::right ? "| ---: " : "| :--- ";
  out += "|\n";
  for (const auto& row : t.rows) {
    TENBIT_ASSERT(row.size() == t.columns.size());
    append_pipes(out, row);
  }
  return out;
}

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view active = "\\|`*_[]<>#";
  std::string out;
  for (char c : text) {
    if (active.find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

std::string wrap(std::string_view text, std::string_view indent, std::size_t columns_max) {
  std::string out;
  std::string line(indent);
  bool empty = true;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (!empty && width_of(line) + 1 + width_of(word) > columns_max) {
      out += line + '\n';
      line = indent;
      empty = true;
    }
    if (!empty)
      line += ' ';
    line += word;
    empty = false;
  }
  return out + line + '\n';
}

} // namespace tenbit::report

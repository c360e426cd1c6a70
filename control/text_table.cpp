#include "control/text_table.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/expected.hpp"

namespace tenbit::control {
namespace {

constexpr std::string_view gap = "  ";
constexpr std::size_t shrunk_min = 6;
constexpr std::string_view ellipsis = "…";

struct range {
  std::uint32_t first, last;
};
// From Unicode 15: East Asian wide and fullwidth, emoji; combining marks and joiners. Coarse on the
// side of too wide.
constexpr range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},
    {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd}, {0x231a, 0x231b},
    {0x23e9, 0x23f3}, {0x25fd, 0x25fe},   {0x2600, 0x27bf},   {0x2b1b, 0x2b55}};
constexpr range none[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
                          {0x200b, 0x200f}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <std::size_t N> bool within(const range (&table)[N], std::uint32_t code) {
  return std::any_of(std::begin(table), std::end(table),
                     [&](const range& one) { return code >= one.first && code <= one.last; });
}

// The bytes of the character at `at`, and its columns. Any bytes; a broken one counts one.
std::pair<std::size_t, std::size_t> character(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0x80 || at + length > text.size())
    return {1, 1};
  std::uint32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
  return {length, within(none, code) ? 0U : within(wide, code) ? 2U : 1U};
}

} // namespace

std::size_t display_width(std::string_view text) {
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [length, columns] = character(text, at);
    out += columns;
    at += length;
  }
  return out;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (columns == 0 || display_width(text) <= columns)
    return std::string(text);
  std::size_t shown = 0, at = 0;
  while (at < text.size()) {
    const auto [length, width] = character(text, at);
    if (shown + width > columns - 1)
      break;
    shown += width;
    at += length;
  }
  return std::string(text.substr(0, at)) + std::string(ellipsis);
}

std::string fit_middle(std::string_view text, std::size_t columns) {
  const std::size_t all = display_width(text);
  if (columns == 0 || all <= columns)
    return std::string(text);
  std::size_t shown = 0, head = 0;
  while (head < text.size()) {
    const auto [length, width] = character(text, head);
    if (shown + width > (columns - 1) / 2)
      break;
    shown += width;
    head += length;
  }
  std::size_t left = all - shown, tail = head;
  while (tail < text.size() && left > columns - 1 - shown) {
    const auto [length, width] = character(text, tail);
    left -= width;
    tail += length;
  }
  return std::string(text.substr(0, head)) + std::string(ellipsis) + std::string(text.substr(tail));
}

void text_table::add(std::vector<std::string> cells) {
  TENBIT_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

namespace {

template <class Column> std::size_t sum(const std::vector<Column>& of, std::size_t Column::*width) {
  return std::accumulate(of.begin(), of.end(), gap.size() * (of.size() - 1),
                         [&](std::size_t all, const Column& one) { return all + one.*width; });
}

} // namespace

// Until the others have their least widths; where that is not enough, texts may be cut to little.
void text_table::drop(std::vector<shown_column>& from, std::size_t columns) const {
  const auto rank = [&](const shown_column& one) { return columns_[one.at].dropped; };
  while (sum(from, &shown_column::least) > columns) {
    const auto next = std::max_element(
        from.begin(), from.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (rank(*next) == 0) {
      for (shown_column& one : from)
        if (columns_[one.at].align == side::left)
          one.least = std::min(one.least, shrunk_min);
      return;
    }
    from.erase(next);
  }
}

std::vector<text_table::shown_column> text_table::layout(std::size_t columns) const {
  std::vector<shown_column> out;
  for (const column& one : columns_) {
    const std::size_t i = out.size();
    std::size_t width = display_width(one.title);
    for (const auto& row : rows_)
      width = std::max(width, display_width(row[i]));
    out.push_back({i, width, one.align == side::left ? std::min(width, one.least) : width});
  }
  if (columns > 0)
    drop(out, columns);
  while (columns > 0 && sum(out, &shown_column::width) > columns) {
    shown_column* widest = nullptr;
    for (shown_column& one : out)
      if (one.width > one.least && (widest == nullptr || one.width > widest->width))
        widest = &one;
    if (widest == nullptr)
      break; // the lines are cut
    --widest->width;
  }
  return out;
}

std::vector<std::string> text_table::lines(std::size_t columns) const {
  const auto shown = layout(columns);
  std::vector<std::string> titles;
  for (const auto& one : columns_)
    titles.push_back(one.title);
  const auto line_of = [&](const std::vector<std::string>& cells, bool title) {
    std::string out;
    for (const auto& [i, width, least] : shown) {
      const auto cut = title ? fit : columns_[i].cut;
      const auto cell = width == 0 ? std::string() : cut(cells[i], width);
      const std::string pad(width - std::min(width, display_width(cell)), ' ');
      out += (out.empty() ? "" : std::string(gap)) +
             (columns_[i].align == side::left ? cell + pad : pad + cell);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return fit(out, columns);
  };
  std::vector<std::string> out = {line_of(titles, true)};
  for (const auto& row : rows_)
    out.push_back(line_of(row, false));
  return out;
}

} // namespace tenbit::control

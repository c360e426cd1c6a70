#include "control/render.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/lines.hpp"
#include "control/text_table.hpp"

namespace tenbit::control {
namespace {

using nlohmann::ordered_json;
constexpr std::size_t value_chars_max = 400;

std::string shown(const std::string& text, std::size_t chars = value_chars_max) {
  return one_line(text, chars);
}

bool is_table(const ordered_json& value) {
  return value.is_array() && !value.empty() && value.front().is_object();
}

std::string number_text(const ordered_json& value) {
  return value.is_number_float() ? fmt::format("{:.6g}", value.get<double>()) : json_line(value);
}

std::string cell(const ordered_json& value) {
  if (value.is_string())
    return shown(value.get<std::string>());
  if (value.is_number())
    return number_text(value);
  if (value.is_null())
    return "–";
  if (value.is_boolean())
    return value.get<bool>() ? "yes" : "no";
  if (is_table(value) || value.is_object())
    return fmt::format("({})", value.size());
  std::string out;
  for (const auto& one : value)
    out += (out.empty() ? "" : ", ") + cell(one);
  return shown(out);
}

// Members of an object, those of inner objects as outer.inner.
using pairs = std::vector<std::pair<std::string, const ordered_json*>>;
void flatten(const ordered_json& object, const std::string& lead, int depth, pairs& out) {
  for (const auto& [name, value] : object.items()) {
    const auto full = lead + shown(name, limits::shown_name_chars_max);
    if (value.is_object() && depth < 3)
      flatten(value, full + ".", depth + 1, out);
    else
      out.emplace_back(full, &value);
  }
}

std::vector<std::string> table_lines(const ordered_json& rows, std::size_t columns) {
  std::vector<text_table::column> titles;
  const auto place = [&](const std::string& title) {
    for (std::size_t i = 0; i < titles.size(); ++i)
      if (titles[i].title == title)
        return i;
    return titles.size();
  };
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    pairs members;
    if (row.is_object())
      flatten(row, {}, 0, members);
    std::vector<std::string> out(titles.size());
    for (const auto& [name, value] : members) {
      const auto at = place(name);
      if (at == titles.size()) {
        titles.push_back({name, text_table::side::right});
        out.emplace_back();
      }
      out[at] = cell(*value);
      if (!value->is_number())
        titles[at].align = text_table::side::left;
    }
    cells.push_back(std::move(out));
  }
  text_table table(titles);
  for (auto& row : cells) {
    row.resize(titles.size());
    table.add(std::move(row));
  }
  return table.lines(columns);
}

std::vector<std::string> record_lines(const ordered_json& object, std::size_t columns) {
  pairs members;
  flatten(object, {}, 0, members);
  std::size_t width = 0;
  for (const auto& [name, value] : members)
    if (!is_table(*value))
      width = std::max(width, display_width(name));
  std::vector<std::string> out;
  for (const auto& [name, value] : members)
    if (!is_table(*value))
      out.push_back(
          fit(name + std::string(width - display_width(name) + 2, ' ') + cell(*value), columns));
  for (const auto& [name, value] : members)
    if (is_table(*value)) {
      out.push_back("");
      out.push_back(fit(name, columns));
      for (auto& line : table_lines(*value, columns))
        out.push_back(std::move(line));
    }
  return out;
}

} // namespace

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9)
    return "–";
  const auto all = static_cast<std::int64_t>(seconds + 0.5);
  const auto hours = all / 3600, minutes = all / 60 % 60, rest = all % 60;
  if (all < 60)
    return fmt::format("{} s", all);
  if (hours >= 24)
    return fmt::format("{} d {:02}:{:02}", hours / 24, hours % 24, minutes);
  if (hours > 0)
    return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, unit == 0 ? 0 : 1, units[unit]);
}

std::string render_result(std::string_view json, std::size_t columns) {
  if (!depth_within(json, limits::json_depth_max))
    return "(a result nested too deep to show; use --json)\n";
  const auto value = ordered_json::parse(json, nullptr, false);
  if (value.is_discarded() || value.is_null())
    return value.is_null() ? "done\n" : "(a result that is not JSON)\n";
  std::vector<std::string> lines;
  if (is_table(value))
    lines = table_lines(value, columns);
  else if (value.is_array() && value.empty())
    lines = {"(none)"};
  else if (value.is_object())
    lines = record_lines(value, columns);
  else
    lines = {cell(value)};
  std::string out;
  for (const auto& line : lines)
    out += line + "\n";
  return out;
}

} // namespace tenbit::control

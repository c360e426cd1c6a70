#include "config/section.hpp"

#include <algorithm>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit::config {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20U || byte == 0x7FU;
  });
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

} // namespace

std::string quoted_list(std::span<const std::string_view> names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += fmt::format("{}\"{}\"",
                       i == 0                  ? ""
                       : i + 1 == names.size() ? " or "
                                               : ", ",
                       one_line(names[i], limits::shown_name_chars_max));
  return out;
}

std::string suggest(std::string_view typed, std::span<const std::string_view> names) {
  std::string_view near;
  if (typed.size() <= limits::shown_name_chars_max)
    near = nearest(typed, {names.begin(), names.end()});
  if (!near.empty())
    return fmt::format("did you mean \"{}\"?", near);
  return names.empty() ? "" : fmt::format("there are {}", fmt::join(names, ", "));
}

section::section(problem_list& problems, const node* table, std::string path,
                 std::span<const std::string_view> keys)
    : problems_(problems), table_(table), path_(std::move(path)) {
  if (table_ == nullptr)
    return;
  for (const entry& e : table_->entries) {
    if (std::find(keys.begin(), keys.end(), e.key) != keys.end())
      continue;
    if (e.key == "api_key")
      problems_.add(e.where, field(e.key), "a key must not stand in the file",
                    "put it into an environment variable and name that in api_key_env");
    else
      problems_.add(e.where, field(one_line(e.key, limits::shown_name_chars_max)), "unknown key",
                    suggest(e.key, keys));
  }
}

const node* section::find(std::string_view key) const {
  return table_ == nullptr ? nullptr : table_->find(key);
}

std::string section::field(std::string_view key) const {
  if (path_.empty() || key.empty())
    return path_ + std::string(key);
  return fmt::format("{}.{}", path_, key);
}

origin section::where(std::string_view key) const {
  if (table_ == nullptr)
    return {};
  for (const entry& e : table_->entries)
    if (e.key == key)
      return e.where;
  return path_.empty() ? origin{} : table_->where;
}

void section::problem(std::string_view key, std::string_view message, std::string_view mend) {
  problems_.add(where(key), field(key), message, mend);
}

void section::missing(std::string_view key, std::string_view mend) {
  problems_.add(where(key), field(key), "is missing", mend);
}

const node* section::typed(std::string_view key, node_kind wanted, std::string_view form) {
  const node* value = find(key);
  if (value == nullptr || value->kind == wanted)
    return value;
  problem(key, fmt::format("must be {}, is {}", describe(wanted), describe(value->kind)),
          fmt::format("write {} = {}", key, form));
  return nullptr;
}

bool section::usable(std::string_view key, std::string_view value) {
  if (value.empty())
    problem(key, "is empty", "give it a value or leave the key out");
  else if (value.size() > limits::config_text_bytes_max)
    problem(key, fmt::format("is longer than {} bytes", limits::config_text_bytes_max),
            "shorten it");
  else if (has_control(value))
    problem(key, "holds a control character", "remove it");
  else
    return true;
  return false;
}

bool section::text(std::string_view key, std::string& out) {
  const node* value = typed(key, node_kind::text, "\"…\" with quotes");
  if (value == nullptr || !usable(key, value->text))
    return false;
  out = value->text;
  return true;
}

bool section::name(std::string_view key, std::string& out) {
  std::string value;
  if (!text(key, value))
    return false;
  if (characters(value) > limits::shown_name_chars_max || printable(value) != value ||
      trim(value).size() != value.size()) {
    problem(key,
            fmt::format("must be at most {} characters without spaces around or direction marks",
                        limits::shown_name_chars_max),
            "choose a plain short name");
    return false;
  }
  out = std::move(value);
  return true;
}

bool section::texts(std::string_view key, std::vector<std::string>& out) {
  const node* list = typed(key, node_kind::array, "[\"…\", \"…\"]");
  if (list == nullptr)
    return false;
  std::vector<std::string> values;
  for (const node& item : list->items) {
    if (item.kind != node_kind::text) {
      problem(key, fmt::format("must hold texts only, holds {}", describe(item.kind)),
              fmt::format("write {} = [\"…\", \"…\"]", key));
      return false;
    }
    if (!usable(key, item.text))
      return false;
    values.push_back(item.text);
  }
  out = std::move(values);
  return true;
}

bool section::boolean(std::string_view key, bool& out) {
  const node* value = typed(key, node_kind::boolean, "true or false, without quotes");
  if (value == nullptr)
    return false;
  out = value->boolean;
  return true;
}

bool section::real(std::string_view key, double& out, real_range range) {
  const node* value = find(key);
  if (value == nullptr)
    return false;
  double number = value->real;
  if (value->kind == node_kind::integer)
    number = static_cast<double>(value->integer);
  else if (value = typed(key, node_kind::real, "a number without quotes"); value == nullptr)
    return false;
  const bool above = range.low_excluded ? number > range.low : number >= range.low;
  if (!above || !(number <= range.high)) {
    problem(key, fmt::format("is {}, out of range", number),
            fmt::format("choose a number {} {} and at most {}",
                        range.low_excluded ? "above" : "of at least", range.low, range.high));
    return false;
  }
  out = number == 0 ? 0.0 : number; // no negative zero
  return true;
}

bool section::read_integer(std::string_view key, std::uint64_t& out, std::uint64_t low,
                           std::uint64_t high) {
  const node* value = typed(key, node_kind::integer, "a whole number without quotes");
  if (value == nullptr)
    return false;
  if (value->integer < 0 || static_cast<std::uint64_t>(value->integer) < low ||
      static_cast<std::uint64_t>(value->integer) > high) {
    problem(key, fmt::format("is {}, out of range", value->integer),
            fmt::format("choose a whole number from {} to {}", low, high));
    return false;
  }
  out = static_cast<std::uint64_t>(value->integer);
  return true;
}

std::optional<std::size_t> section::read_choice(std::string_view key,
                                                std::span<const std::string_view> names) {
  const node* value = typed(key, node_kind::text, quoted_list(names));
  if (value == nullptr)
    return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), value->text);
  if (found != names.end())
    return static_cast<std::size_t>(found - names.begin());
  const auto near =
      nearest(value->text.substr(0, limits::shown_name_chars_max), {names.begin(), names.end()});
  problem(key,
          fmt::format("\"{}\" is none of {}", one_line(value->text, limits::shown_name_chars_max),
                      quoted_list(names)),
          near.empty() ? fmt::format("write one of them")
                       : fmt::format("did you mean \"{}\"?", near));
  return std::nullopt;
}

const node* section::table(std::string_view key) {
  const node* value = find(key);
  if (value == nullptr || value->kind == node_kind::table)
    return value;
  problem(key, fmt::format("must be a table, is {}", describe(value->kind)),
          fmt::format("write [{}] on a line of its own", field(key)));
  return nullptr;
}

} // namespace tenbit::config

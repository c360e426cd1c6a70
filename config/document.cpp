#include "config/document.hpp"

#include <algorithm>
#include <fmt/format.h>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "config/limits.hpp"

namespace tenbit::config {
namespace {

node convert(const toml::node& from);

origin line_of(const toml::source_region& region) {
  return {region.begin.line, 0};
}

node convert_table(const toml::table& from) {
  node out;
  out.kind = node_kind::table;
  std::vector<std::pair<toml::source_position, entry>> placed;
  for (auto&& [key, value] : from)
    placed.emplace_back(key.source().begin,
                        entry{std::string(key.str()), line_of(key.source()), convert(value)});
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  for (auto& item : placed)
    out.entries.push_back(std::move(item.second));
  return out;
}

node convert_value(const toml::node& from) {
  node out;
  if (const auto* text = from.as_string()) {
    out.kind = node_kind::text;
    out.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    out.kind = node_kind::integer;
    out.integer = integer->get();
  } else if (const auto* real = from.as_floating_point()) {
    out.kind = node_kind::real;
    out.real = real->get();
  } else if (const auto* boolean = from.as_boolean()) {
    out.kind = node_kind::boolean;
    out.boolean = boolean->get();
  } else {
    out.kind = node_kind::date;
  }
  return out;
}

// Depth is bounded by the library's nesting limit and line_of_too_deep_key.
node convert(const toml::node& from) {
  node out;
  if (const auto* table = from.as_table()) {
    out = convert_table(*table);
  } else if (const auto* array = from.as_array()) {
    out.kind = node_kind::array;
    for (const toml::node& item : *array)
      out.items.push_back(convert(item));
  } else {
    out = convert_value(from);
  }
  out.where = line_of(from.source());
  return out;
}

// Walks over TOML text, skipping comments and the four kinds of strings.
class key_scanner {
public:
  explicit key_scanner(std::string_view text) : text_(text) {}

  std::uint32_t first_too_deep() {
    std::size_t parts = 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ >= text_.size())
        break;
      if (text_[at_] == '.' && ++parts > limits::config_key_parts_max)
        return line_;
      if (std::string_view("=,[]{}\n").find(text_[at_]) != std::string_view::npos)
        parts = 1;
      advance();
    }
    return 0;
  }

private:
  void advance() {
    if (at_ < text_.size() && text_[at_] == '\n')
      ++line_;
    ++at_;
  }
  void advance(std::size_t count) {
    while (count-- > 0)
      advance();
  }
  bool stands(std::string_view what) const { return text_.substr(at_, what.size()) == what; }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool multi_line = stands(three);
    const std::string_view end =
        multi_line ? std::string_view(three) : std::string_view(three).substr(2);
    advance(end.size());
    while (at_ < text_.size() && !stands(end)) {
      if (!multi_line && text_[at_] == '\n')
        return; // a syntax error that the library reports
      advance(quote == '"' && text_[at_] == '\\' ? 2 : 1);
    }
    advance(end.size());
    for (int extra = 0; multi_line && extra < 2 && stands(end.substr(2)); ++extra)
      advance(); // up to two quotes may stand before the closing three
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
};

} // namespace

std::string_view describe(node_kind kind) {
  switch (kind) {
  case node_kind::text:
    return "a text";
  case node_kind::integer:
    return "a whole number";
  case node_kind::real:
    return "a number";
  case node_kind::boolean:
    return "true or false";
  case node_kind::date:
    return "a date or time";
  case node_kind::array:
    return "a list";
  case node_kind::table:
    return "a table";
  }
  return "";
}

const node* node::find(std::string_view key) const {
  for (const entry& e : entries)
    if (e.key == key)
      return &e.value;
  return nullptr;
}

node* node::find(std::string_view key) {
  return const_cast<node*>(static_cast<const node*>(this)->find(key));
}

expected<node, syntax_error> parse_document(std::string_view toml) {
  if (toml.size() > limits::experiment_file_bytes_max)
    return fail(syntax_error{
        0, fmt::format("the file is larger than {} bytes", limits::experiment_file_bytes_max)});
  if (const auto line = line_of_too_deep_key(toml); line > 0)
    return fail(syntax_error{
        line, fmt::format("a key has more than {} parts", limits::config_key_parts_max)});
  const toml::parse_result result = toml::parse(toml);
  if (!result)
    return fail(syntax_error{result.error().source().begin.line,
                             std::string(result.error().description())});
  return convert(result.table());
}

std::uint32_t line_of_too_deep_key(std::string_view toml) {
  return key_scanner(toml).first_too_deep();
}

void set_origin(node& tree, origin where) {
  tree.where = where;
  for (node& item : tree.items)
    set_origin(item, where);
  for (entry& e : tree.entries) {
    e.where = where;
    set_origin(e.value, where);
  }
}

} // namespace tenbit::config

#include "config/document.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>

#include "config/limits.hpp"

// toml++ 3.3 asserts on some texts instead of refusing them, and without assertions takes what it
// asserts for granted. So they stay on here, in every build, and throw.
namespace tenbit::config {
struct toml_assertion {};
[[noreturn]] static void refuse_toml() {
  throw toml_assertion{};
}
} // namespace tenbit::config
#undef NDEBUG
#define TOML_ASSERT(expression)                                                                    \
  do {                                                                                             \
    if (!(expression))                                                                             \
      ::tenbit::config::refuse_toml();                                                             \
  } while (false)
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

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
  if (auto fault = dangerous_toml(toml))
    return fail(std::move(*fault));
  try {
    return convert(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    return fail(syntax_error{error.source().begin.line, std::string(error.description())});
  } catch (const toml_assertion&) {
    return fail(syntax_error{line_of_heading_without_key(toml), "a table heading has no key"});
  }
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

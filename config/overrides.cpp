#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "config/readers.hpp"

namespace tenbit::config {
namespace {

struct override_fault {
  std::string field;
  std::string message;
  std::string mend;
};

std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> parts;
  for (;;) {
    const auto dot = key.find('.');
    parts.emplace_back(trim(key.substr(0, dot)));
    if (dot == std::string_view::npos)
      return parts;
    key.remove_prefix(dot + 1);
  }
}

// arms.NAME.key: a name may hold dots itself, so it is what stands between the first and the last.
std::vector<std::string> split_arm_key(std::string_view key) {
  const auto first = key.find('.');
  const auto last = key.rfind('.');
  if (first == last)
    return {"arms", std::string(trim(key.substr(first + 1)))};
  return {"arms", std::string(trim(key.substr(first + 1, last - first - 1))),
          std::string(trim(key.substr(last + 1)))};
}

expected<node, override_fault> parse_value(std::string_view key, std::string_view text) {
  const std::string field(key);
  if (text.empty())
    return fail(override_fault{field, "has no value", "write --set key=value"});
  if (text.size() > limits::experiment_file_bytes_max || !valid_utf8(text) ||
      std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20U && c != '\t'; }))
    return fail(override_fault{field, "has a value that is no single line of text",
                               "write the value on one line, in UTF-8"});
  auto parsed = parse_document(fmt::format("v = {}", text));
  if (parsed && parsed->entries.size() == 1 && parsed->entries[0].key == "v")
    return std::move(parsed->entries[0].value);
  if (std::string_view("\"'[{").find(text[0]) != std::string_view::npos)
    return fail(
        override_fault{field, parsed ? "has a value that is no TOML value" : parsed.error().message,
                       "close its quotes and brackets, and quote the whole for the shell"});
  node word; // a bare word
  word.kind = node_kind::text;
  word.text = text;
  return word;
}

expected<node*, override_fault> find_arm(node& root, const std::string& selector) {
  const std::string field = "arms." + selector;
  node* arms = root.find("arms");
  if (arms == nullptr || arms->kind != node_kind::array || arms->items.empty())
    return fail(override_fault{field, "the file has no [[arms]]", "add one to the file"});
  const auto names = arm_names(arms);
  std::size_t number = 0;
  const auto* end = selector.data() + selector.size();
  if (const auto read = std::from_chars(selector.data(), end, number);
      read.ec == std::errc{} && read.ptr == end) {
    if (number < arms->items.size())
      return &arms->items[number];
    return fail(override_fault{field, "there is no arm of that number",
                               fmt::format("arms are numbered 0 to {}", names.size() - 1)});
  }
  const auto found = std::find(names.begin(), names.end(), selector);
  if (found != names.end())
    return &arms->items[static_cast<std::size_t>(found - names.begin())];
  return fail(override_fault{
      field, "there is no arm of that name",
      suggest(selector, {std::vector<std::string_view>(names.begin(), names.end())})});
}

expected<node*, override_fault> find_model_table(node& root, const std::string& alias) {
  node* models = root.find("models");
  node* found = models == nullptr ? nullptr : models->find(alias);
  if (found != nullptr)
    return found;
  std::vector<std::string_view> aliases;
  if (models != nullptr)
    for (const entry& e : models->entries)
      aliases.push_back(e.key);
  return fail(override_fault{"models." + alias, "there is no model of that alias",
                             suggest(alias, aliases)});
}

// Sets parts[from..] within the table, making the tables between.
status<override_fault> set_within(node& table, std::span<const std::string> parts,
                                  std::string_view key, node value) {
  node* at = &table;
  const origin where = value.where;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (at->kind != node_kind::table)
      return fail(override_fault{std::string(key),
                                 fmt::format("goes into {}, not a table", describe(at->kind)),
                                 "shorten the key"});
    auto found = std::find_if(at->entries.begin(), at->entries.end(),
                              [&](const entry& e) { return e.key == parts[i]; });
    if (found == at->entries.end()) {
      node made;
      made.where = where;
      at->entries.push_back({parts[i], where, std::move(made)});
      found = at->entries.end() - 1;
    }
    if (i + 1 == parts.size()) {
      found->where = where;
      found->value = std::move(value);
      return {};
    }
    at = &found->value;
  }
  return {};
}

status<override_fault> apply(node& root, std::string_view text, origin where) {
  const auto equals = text.find('=');
  const std::string_view key = trim(text.substr(0, equals));
  if (equals == std::string_view::npos || key.empty())
    return fail(override_fault{"", "is not key=value", "write e.g. --set benchmark.count=20"});
  if (!valid_utf8(key) || key.size() > limits::config_text_bytes_max)
    return fail(override_fault{"", "has a key that is too long or no UTF-8", "shorten it"});
  const auto parts = key.starts_with("arms.") ? split_arm_key(key) : split_key(key);
  if (parts.size() > limits::config_key_parts_max ||
      std::find(parts.begin(), parts.end(), "") != parts.end())
    return fail(override_fault{std::string(key), "is no dotted key",
                               "write e.g. --set benchmark.count=20"});
  auto value = parse_value(key, trim(text.substr(equals + 1)));
  if (!value)
    return fail(value.error());
  set_origin(*value, where);
  const std::span<const std::string> all(parts);
  if (all.size() > 1 && (all[0] == "arms" || all[0] == "models")) {
    const auto table = all[0] == "arms" ? find_arm(root, all[1]) : find_model_table(root, all[1]);
    if (!table)
      return fail(table.error());
    if (all.size() == 2) {
      **table = std::move(*value);
      return {};
    }
    return set_within(**table, all.subspan(2), key, std::move(*value));
  }
  return set_within(root, all, key, std::move(*value));
}

} // namespace

void apply_overrides(node& root, std::span<const std::string> overrides, problem_list& problems) {
  if (overrides.size() > limits::overrides_max) {
    problems.add({}, "", fmt::format("more than {} overrides", limits::overrides_max),
                 "write them into the file");
    return;
  }
  for (std::size_t i = 0; i < overrides.size(); ++i) {
    const origin where{0, static_cast<std::uint32_t>(i + 1)};
    if (const auto done = apply(root, overrides[i], where); !done)
      problems.add(where, done.error().field, done.error().message, done.error().mend);
  }
}

} // namespace tenbit::config

// A TOML text as plain values, each with the place it came from.
//
// The only place that knows the TOML library. Values only, no threads; the text is hostile: size,
// nesting and key depth are bounded, and any text gives a document or one problem with its line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.hpp"
#include "config/problem_list.hpp"
#include "config/toml_guard.hpp"

namespace tenbit::config {

enum class node_kind : std::uint8_t { text, integer, real, boolean, date, array, table };

// "a text", "a whole number", …: for messages.
[[nodiscard]] std::string_view describe(node_kind kind);

struct entry;

struct node {
  node_kind kind = node_kind::table;
  origin where;
  std::string text;           // text
  std::int64_t integer = 0;   // integer
  double real = 0;            // real
  bool boolean = false;       // boolean
  std::vector<node> items;    // array
  std::vector<entry> entries; // table, in file order

  // nullptr when this is no table or has no such key.
  [[nodiscard]] const node* find(std::string_view key) const;
  [[nodiscard]] node* find(std::string_view key);
};

struct entry {
  std::string key;
  origin where; // of the key
  node value;
};

// The root table.
[[nodiscard]] expected<node, syntax_error> parse_document(std::string_view toml);

// Gives every value in the tree the same origin.
void set_origin(node& tree, origin where);

} // namespace tenbit::config

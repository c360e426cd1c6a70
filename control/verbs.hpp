// The table of verbs: what `tenbit ctl` offers, what the server accepts. Values, never changed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "control/control.hpp"

namespace tenbit::control {

enum class arg_kind : std::uint8_t {
  text,    // a name, a URL
  path,    // made absolute before it is sent
  number,  // from 0
  integer, // with a sign
  flag,    // "true" or "false"
};
struct verb_arg {
  std::string_view name;
  arg_kind kind = arg_kind::text;
  bool required = false;
  bool many = false; // may be given more than once
  std::string_view help;
};
// Who waits for whom on the server: requests of one lane are handled one after the other.
enum class lane : std::uint8_t {
  changes, // in the order in which they came
  looks,   // answered from a snapshot
  slow,    // reads or copies a whole store
};
// The least right that a request needs, and why it is not a lesser one.
struct need {
  right least = right::admin;
  std::string_view why;
};
struct verb {
  std::string_view name;
  std::vector<verb_arg> args;
  bool changes = false; // written to the audit log
  bool needs_reason = false;
  lane where = lane::looks;
  need needs;
  std::string_view help; // one sentence
};

[[nodiscard]] const std::vector<verb>& verbs();
// Null when there is none of this name.
[[nodiscard]] const verb* find_verb(std::string_view name);

} // namespace tenbit::control

// Which settings of an arm mean something for its method. The reader refuses the others, and
// to_toml() and identity() leave them out, so that the three cannot disagree.
#pragma once

#include <string_view>

#include "config/experiment.hpp"

namespace tenbit::config {

struct method_keys {
  bool questions = false; // questioner and questions
  bool answerer = false;
  bool reference = false;
  bool answers = false;
  bool samples = false; // samples and temperature
};

[[nodiscard]] constexpr method_keys keys_of(method_kind method) {
  switch (method) {
  case method_kind::direct:
    return {};
  case method_kind::qa:
    return {.questions = true, .answerer = true, .reference = true, .answers = true};
  case method_kind::self_ask:
    return {.questions = true, .answerer = true, .answers = true};
  case method_kind::resample:
    return {.samples = true};
  case method_kind::random_bits:
  case method_kind::constant_yes:
    return {.questions = true};
  }
  return {};
}

// True when the key of an [[arms]] table is used by the method.
[[nodiscard]] constexpr bool uses(method_kind method, std::string_view key) {
  const method_keys used = keys_of(method);
  if (key == "questioner" || key == "questions")
    return used.questions;
  if (key == "answerer")
    return used.answerer;
  if (key == "reference")
    return used.reference;
  if (key == "answers")
    return used.answers;
  if (key == "samples" || key == "temperature")
    return used.samples;
  return true;
}

} // namespace tenbit::config

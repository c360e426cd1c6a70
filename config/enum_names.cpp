#include "config/enum_names.hpp"

namespace tenbit {

std::string_view to_string(profile_kind profile) {
  switch (profile) {
  case profile_kind::strict:
    return "strict";
  case profile_kind::authors_compat:
    return "authors-compat";
  }
  return "";
}

std::string_view to_string(benchmark_kind kind) {
  switch (kind) {
  case benchmark_kind::arith:
    return "arith";
  case benchmark_kind::gsm8k:
    return "gsm8k";
  }
  return "";
}

std::string_view to_string(model_kind kind) {
  switch (kind) {
  case model_kind::openai:
    return "openai";
  case model_kind::sim:
    return "sim";
  }
  return "";
}

std::string_view to_string(method_kind method) {
  switch (method) {
  case method_kind::direct:
    return "direct";
  case method_kind::qa:
    return "qa";
  case method_kind::self_ask:
    return "self_ask";
  case method_kind::resample:
    return "resample";
  case method_kind::random_bits:
    return "random_bits";
  case method_kind::constant_yes:
    return "constant_yes";
  }
  return "";
}

std::string_view to_string(reference_kind reference) {
  switch (reference) {
  case reference_kind::gold:
    return "gold";
  case reference_kind::own:
    return "own";
  case reference_kind::none:
    return "none";
  }
  return "";
}

std::string_view to_string(answer_mode mode) {
  switch (mode) {
  case answer_mode::each:
    return "each";
  case answer_mode::together:
    return "together";
  }
  return "";
}

} // namespace tenbit

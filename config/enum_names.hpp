// The values of every enum of the experiment file, to read and to list them.
#pragma once

#include <array>

#include "config/experiment.hpp"

namespace tenbit::config {

inline constexpr std::array all_profiles = {profile_kind::strict, profile_kind::authors_compat};
inline constexpr std::array all_benchmarks = {benchmark_kind::arith, benchmark_kind::gsm8k};
inline constexpr std::array all_model_kinds = {model_kind::openai, model_kind::sim};
inline constexpr std::array all_methods = {method_kind::direct,      method_kind::qa,
                                           method_kind::self_ask,    method_kind::resample,
                                           method_kind::random_bits, method_kind::constant_yes};
inline constexpr std::array all_references = {reference_kind::gold, reference_kind::own,
                                              reference_kind::none};
inline constexpr std::array all_answer_modes = {answer_mode::each, answer_mode::together};

} // namespace tenbit::config

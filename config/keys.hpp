// Every key an experiment file may hold, table by table: what is not here is an unknown key.
//
// docs/experiment.md has a row for each; a test compares the two.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "config/experiment.hpp"

namespace tenbit::config::keys {

using names = std::span<const std::string_view>;

inline constexpr std::string_view top[] = {"name",     "profile",   "seed",    "trials",
                                           "currency", "benchmark", "models",  "arms",
                                           "budget",   "sim",       "switches"};
inline constexpr std::string_view benchmark[] = {"kind", "file", "first", "count", "level", "seed"};
inline constexpr std::string_view model[] = {"kind",        "model",        "revision", "replicas",
                                             "api_key_env", "concurrency",  "stream",   "logprobs",
                                             "price_input", "price_output", "sampling"};
inline constexpr std::string_view sampling[] = {"temperature", "top_p", "max_tokens", "seed"};
inline constexpr std::string_view arm[] = {"name",     "method",     "solver",    "questioner",
                                           "answerer", "questions",  "reference", "answers",
                                           "samples",  "temperature"};
inline constexpr std::string_view budget[] = {"calls", "tokens", "money"};
inline constexpr std::string_view sim[] = {
    "seed", "slots", "latency_ms", "latency_spread", "tokens_per_second", "recorded", "faults"};

struct rate_key {
  std::string_view name;
  double sim_fault_spec::*member;
};
inline constexpr std::array rates = {
    rate_key{"rate_429", &sim_fault_spec::rate_429},
    rate_key{"rate_500", &sim_fault_spec::rate_500},
    rate_key{"rate_503", &sim_fault_spec::rate_503},
    rate_key{"rate_reset", &sim_fault_spec::rate_reset},
    rate_key{"rate_stall", &sim_fault_spec::rate_stall},
    rate_key{"rate_slow", &sim_fault_spec::rate_slow},
    rate_key{"rate_malformed", &sim_fault_spec::rate_malformed},
    rate_key{"rate_truncated", &sim_fault_spec::rate_truncated},
    rate_key{"rate_bad_utf8", &sim_fault_spec::rate_bad_utf8},
    rate_key{"rate_wrong_model", &sim_fault_spec::rate_wrong_model},
    rate_key{"rate_huge", &sim_fault_spec::rate_huge},
};
inline constexpr auto faults = [] {
  std::array<std::string_view, rates.size() + 1> out{};
  for (std::size_t i = 0; i < rates.size(); ++i)
    out[i] = rates[i].name;
  out[rates.size()] = "retry_after_s";
  return out;
}();

struct switch_key {
  std::string_view name;
  bool protocol_switches::*member;
};
inline constexpr std::array switch_members = {
    switch_key{"unset_sampling", &protocol_switches::unset_sampling},
    switch_key{"hide_draft_from_solver", &protocol_switches::hide_draft_from_solver},
    switch_key{"hide_draft_from_answerer", &protocol_switches::hide_draft_from_answerer},
    switch_key{"pad_questions", &protocol_switches::pad_questions},
    switch_key{"unknown_answers", &protocol_switches::unknown_answers},
    switch_key{"loose_question_regex", &protocol_switches::loose_question_regex},
    switch_key{"fresh_calls", &protocol_switches::fresh_calls},
    switch_key{"authors_grading", &protocol_switches::authors_grading},
    switch_key{"failed_is_wrong", &protocol_switches::failed_is_wrong},
};
inline constexpr auto switches = [] {
  std::array<std::string_view, switch_members.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = switch_members[i].name;
  return out;
}();

struct table {
  std::string_view heading; // as it stands in docs/experiment.md
  names keys;
};
inline constexpr table all[] = {
    {"Top level", top},
    {"[benchmark]", benchmark},
    {"[models.ALIAS]", model},
    {"[models.ALIAS.sampling]", sampling},
    {"[[arms]]", arm},
    {"[budget]", budget},
    {"[sim]", sim},
    {"[sim.faults]", faults},
    {"[switches]", switches},
};

} // namespace tenbit::config::keys

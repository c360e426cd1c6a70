// The readers of the tables of an experiment file, each for one struct.
//
// Used by parse_experiment only, during one parse. They report into context.problems and leave
// defaults in place of what is wrong.
#pragma once

#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/experiment.hpp"
#include "config/problem_list.hpp"
#include "config/section.hpp"

namespace tenbit::config {

struct context {
  problem_list& problems;
  std::string folder; // relative files resolve against it
  file_check files = file_check::required;
};

void read_benchmark(const context& ctx, section& top, benchmark_spec& out);
void read_sim(const context& ctx, section& top, sim_spec& out);
void read_budget(const context& ctx, section& top, const std::vector<model_spec>& models,
                 budget_spec& out);
void read_switches(const context& ctx, section& top, profile_kind profile, protocol_switches& out);

// Needs e.switches and e.sim; gives e.models, sorted by alias.
void read_models(const context& ctx, section& top, experiment& e);
// Needs e.profile, e.switches and e.models; names come from arm_names.
void read_arms(const context& ctx, section& top, experiment& e);

// The names of the arms of a document, as given or made from method and solver, in file order.
// Given names may be equal; those that are made are not.
[[nodiscard]] std::vector<std::string> arm_names(const node* arms);

// A file that must be there: absolute in `out`.
void read_file_path(const context& ctx, section& in, std::string_view key, std::string& out);

// Applies key=value texts to the document; each mistake is reported with its override.
void apply_overrides(node& root, std::span<const std::string> overrides, problem_list& problems);

} // namespace tenbit::config

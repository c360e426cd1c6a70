// The store of an experiment, made or gone on with: for a run in one process and for a coordinator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "benchmarks/benchmark.hpp"
#include "config/experiment.hpp"
#include "storage/store.hpp"

namespace tenbit::cli {

inline constexpr const char* tool_version = "tenbit 0.1.0";

// What goes wrong before a run starts: text for people and the exit code that belongs to it.
struct start_failure {
  std::string message;
  int exit_code = 1;
};

// A store's refusal with the exit code that belongs to it.
[[nodiscard]] start_failure refused_store(const store_failure& failure);
// What experiment and benchmark together are, for the store's manifest.
[[nodiscard]] store_manifest make_manifest(const experiment& exp, const benchmark& items);
// Lines "key: store has A, experiment has B" for what differs; empty: the same experiment.
[[nodiscard]] std::vector<std::string> manifest_difference(const store_manifest& stored,
                                                           const store_manifest& wanted);
// Opens the store, or makes it where there is none; refuses one of another experiment, with what
// differs.
[[nodiscard]] expected<std::unique_ptr<store>, start_failure>
open_run_store(const std::string& dir, const store_manifest& wanted, const benchmark& items,
               bool accept_rollback, bool& resumed);

} // namespace tenbit::cli

#include "cli/run_store.hpp"

#include <chrono>
#include <fmt/format.h>
#include <map>

#include "base/unix_time.hpp"
#include "cli/command.hpp"
#include "coordinator/gold_vault.hpp"

namespace tenbit::cli {

start_failure refused_store(const store_failure& failure) {
  const bool stop = failure.kind == store_error::io;
  return {failure.message, stop ? exit_failed : exit_refused};
}

expected<std::unique_ptr<store>, start_failure>
open_run_store(const std::string& dir, const store_manifest& wanted, const benchmark& items,
               bool accept_rollback, bool& resumed) {
  store_options how;
  how.accept_rollback = accept_rollback;
  auto opened = store::open(dir, how);
  resumed = opened.has_value();
  if (!opened && opened.error().kind == store_error::not_a_store) {
    // Nothing there, or a creation that was cut off before anything was in it.
    auto fresh = store::create(dir, wanted, gold_vault::rows(items), how);
    if (!fresh)
      return fail(refused_store(fresh.error()));
    return std::move(*fresh);
  }
  if (!opened)
    return fail(refused_store(opened.error()));
  const auto differences = manifest_difference((*opened)->manifest(), wanted);
  if (differences.empty())
    return std::move(*opened);
  std::string message = fmt::format("{} holds another experiment. What differs:\n", dir);
  for (const std::string& line : differences)
    message += "  " + line + "\n";
  message += "Use another --store, or change the experiment back; a store keeps to one experiment.";
  return fail(start_failure{message, exit_refused});
}

store_manifest make_manifest(const experiment& exp, const benchmark& items) {
  store_manifest out;
  out.name = exp.name;
  out.identity_text = exp.identity();
  out.identity_text.emplace_back("benchmark.content", items.content.hex());
  out.identity =
      hasher("store").field(exp.identity_hash().view()).field(items.content.view()).finish();
  out.experiment_toml = to_toml(exp);
  out.tasks = items.problems.size();
  out.simulated = exp.simulated();
  out.tool_version = tool_version;
  out.created_unix_s = unix_seconds();
  return out;
}

std::vector<std::string> manifest_difference(const store_manifest& stored,
                                             const store_manifest& wanted) {
  if (stored.identity == wanted.identity)
    return {};
  std::map<std::string, std::pair<std::string, std::string>> both;
  for (const auto& [key, value] : stored.identity_text)
    both[key].first = value;
  for (const auto& [key, value] : wanted.identity_text)
    both[key].second = value;
  std::vector<std::string> out;
  for (const auto& [key, values] : both)
    if (values.first != values.second)
      out.push_back(fmt::format("{}: store has {}, experiment has {}", key,
                                values.first.empty() ? "nothing" : values.first,
                                values.second.empty() ? "nothing" : values.second));
  if (out.empty())
    out.emplace_back("the identity hash (the store was written by another version of tenbit)");
  return out;
}

} // namespace tenbit::cli

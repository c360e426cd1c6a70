// The control verbs about stores, and about the coordinator as a whole.
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/cluster_host_impl.hpp"
#include "cli/cluster_reply.hpp"
#include "cli/results.hpp"
#include "control/status_json.hpp"

namespace tenbit::cli {

using nlohmann::json;

control::reply host::checkpoint(const control::request& r) {
  const std::string only = text(r, "run");
  json made = json::array();
  const std::lock_guard lock(mutex_);
  if (!only.empty() && find(only) == nullptr)
    return no_run(only);
  for (auto& [name, run] : runs_) {
    if ((!only.empty() && name != only) || is_over(run))
      continue;
    const std::string dir =
        fmt::format("{}/checkpoints/{}-{}", options_.dir, name, status()->unix_ms);
    if (!r.dry_run) {
      std::error_code problem;
      std::filesystem::create_directories(options_.dir + "/checkpoints", problem);
      if (const auto copied = run.target->checkpoint(dir); !copied)
        return refusal(copied.error().message);
      run.board->note_copy(run_clock::now());
    }
    made.push_back({{"run", name}, {"folder", dir}});
  }
  return done(made);
}

std::optional<std::string> host::folder_of(const std::string& run) {
  const std::lock_guard lock(mutex_);
  const host_run* known = find(run);
  return known == nullptr ? std::nullopt : std::optional(known->kept.store);
}

control::reply host::verify(const control::request& r) {
  const std::string name = text(r, "run");
  const auto dir = folder_of(name);
  if (!dir)
    return no_run(name);
  const auto opened = store::open_for_reading(*dir);
  if (!opened)
    return refusal(opened.error().message);
  const auto found = (*opened)->verify([](std::uint64_t) {});
  if (!found)
    return refusal(found.error().message);
  return done({{"run", name}, {"holds", found->empty()}, {"findings", *found}});
}

control::reply host::export_results(const control::request& r) {
  const std::string name = text(r, "run"), out = text(r, "out");
  const auto dir = folder_of(name);
  if (!dir)
    return no_run(name);
  const auto opened = open_results(*dir);
  if (!opened)
    return refusal(opened.error().message);
  if (r.dry_run)
    return done({{"run", name}, {"file", out}});
  if (const auto written = write_export(*opened, out); !written)
    return refusal(written.error().message);
  return done({{"run", name}, {"file", out}});
}

control::reply host::show_status(const control::request&) {
  return {true, {}, control::to_json(*status())};
}

control::reply host::stop(const control::request& r) {
  if (!r.dry_run)
    stop_wanted_ = true;
  return done({{"stopping", !r.dry_run}});
}

} // namespace tenbit::cli

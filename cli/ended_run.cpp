#include "cli/ended_run.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/cluster_files.hpp"
#include "control/status_json.hpp"
#include "storage/store.hpp"

namespace tenbit::cli {
namespace {

using nlohmann::json;

std::string path_of(const std::string& dir, const std::string& name) {
  return fmt::format("{}/runs/{}.ended", dir, name);
}

} // namespace

bool is_settled(const run_line& run) {
  const plan_counts& tasks = run.status.tasks;
  return run.status.phase == run_phase::finished && run.status.failure.empty() &&
         tasks.pending + tasks.leased + tasks.failed == 0 && run.ledger_difference == 0;
}

status<std::string> write_ended(const std::string& dir, const std::string& store_dir,
                                const run_line& run) {
  const std::string seal = store::seal(store_dir);
  if (seal.empty())
    return fail(fmt::format("{}: its anchor cannot be read", store_dir));
  cluster_status only;
  only.runs = {run};
  json all;
  all["seal"] = seal;
  all["runs"] = json::parse(control::runs_json(only));
  return write_whole(path_of(dir, run.name), all.dump(1) + "\n");
}

std::optional<run_line> read_ended(const std::string& dir, const std::string& name,
                                   const std::string& store_dir) {
  const auto text = read_whole(path_of(dir, name));
  const json all = text ? json::parse(*text, nullptr, false) : json();
  if (!all.is_object() || !all.contains("seal") || !all["seal"].is_string())
    return std::nullopt;
  const std::string seal = store::seal(store_dir);
  const auto read = control::parse_status(*text);
  if (seal.empty() || all["seal"] != seal || !read || read->runs.size() != 1 ||
      read->runs.front().name != name || !is_settled(read->runs.front()))
    return std::nullopt;
  return read->runs.front();
}

void remove_ended(const std::string& dir, const std::string& name) {
  std::error_code problem; // a file that stays is of a seal that is broken
  std::filesystem::remove(path_of(dir, name), problem);
}

} // namespace tenbit::cli

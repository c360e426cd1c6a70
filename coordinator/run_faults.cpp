// The faults of tasks and the store: loaded at the start, written with the commit that they belong
// to, forgotten when the task is done or released.
#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/run_core.hpp"

namespace tenbit {
namespace {

// Of one worker, of one task: far more than quarantine takes, and a bound for a damaged row.
constexpr std::uint32_t charges_loaded_max = 64;

} // namespace

// A run in one process tries every task anew, and only forgets what is kept of those it does.
void run_core::load_faults(problem_index task, const fault_row& faults) {
  faults_kept_[task] = faults;
  if (!rules_.quarantine)
    return;
  task_faults out;
  out.suspect = faults.suspect;
  out.given_up = faults.given_up;
  for (const auto& one : faults.by) {
    const peer_id who = directory_->peer_named(one.holder);
    out.crashes.insert(out.crashes.end(), std::min(one.crashes, charges_loaded_max), who);
    out.errors.insert(out.errors.end(), std::min(one.errors, charges_loaded_max), who);
  }
  plan_.add_faults(task, std::move(out));
}

fault_row run_core::faults_now(problem_index task) const {
  fault_row out;
  const task_faults* known = plan_.faults_of(task);
  if (known == nullptr)
    return out;
  std::map<std::string, fault_row::charges> by;
  for (const peer_id who : known->crashes)
    ++by[directory_->name(who)].crashes;
  for (const peer_id who : known->errors)
    ++by[directory_->name(who)].errors;
  for (auto& [name, charges] : by) {
    charges.holder = name;
    out.by.push_back(std::move(charges));
  }
  out.suspect = known->suspect;
  out.given_up = known->given_up;
  return out;
}

// What changed goes with the commit that the task has anyway.
void run_core::attach_faults(task_commit& what) {
  const bool done = what.status == task_status::done;
  if (!done && !rules_.quarantine)
    return;
  fault_row now = done ? fault_row{} : faults_now(what.task);
  // Its worker may have died while its last outcome is on its way: nobody is to be charged.
  if (finishing_.contains(what.task))
    now = {};
  if (what.status == task_status::quarantined)
    now.suspect = false; // as it is when this is committed
  const auto kept = faults_kept_.find(what.task);
  if (kept == faults_kept_.end() ? now.empty() : kept->second == now)
    return;
  if (now.empty())
    faults_kept_.erase(kept);
  else
    faults_kept_[what.task] = now;
  what.faults = std::move(now);
}

// Of tasks that have no commit of their own now.
void run_core::keep_faults() {
  for (const problem_index task : plan_.take_changed()) {
    if (closing_ || status_.phase == run_phase::broken || status_.phase == run_phase::finished)
      continue;
    task_commit what;
    what.task = task;
    attach_faults(what);
    if (what.faults)
      commands_.emplace_back(commit_command{id_, 0, std::move(what)});
  }
}

} // namespace tenbit

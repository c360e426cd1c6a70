// plan: how leases end, whose fault that was, and what operators change.
#include <algorithm>
#include <fmt/format.h>

#include "base/expected.hpp"
#include "coordinator/plan.hpp"

namespace tenbit {
namespace {

constexpr std::uint64_t usual_of_tasks = 16; // one of so many parts of usual_time() is the newest

} // namespace

// -- endings -------------------------------------------------------------------------------------

// Enough times, and not the fault of one worker alone where there are others.
bool plan::proven(const std::vector<peer_id>& who, std::uint32_t limit, std::uint32_t limit_alone,
                  bool alone) const {
  const std::set<peer_id> workers(who.begin(), who.end());
  return workers.size() >= 2 ? who.size() >= limit : alone && who.size() >= limit_alone;
}

// One more error of the task's own; true: it is given up.
bool plan::charge(problem_index task, peer_id peer, bool alone) {
  faults& f = faults_[task];
  changed_.insert(task);
  f.errors.push_back(peer);
  f.given_up = rules_.quarantine
                   ? proven(f.errors, limits::task_errors_max, limits::task_errors_max, alone)
                   : f.errors.size() >= limits::task_errors_max;
  return f.given_up;
}

task_ending plan::judge(problem_index task, release_kind how, bool alone) {
  const task_lease* held = find(task);
  TENBIT_ASSERT(held != nullptr);
  const task_ending given_up = rules_.quarantine ? task_ending::quarantined : task_ending::failed;
  switch (how) {
  case release_kind::done:
    return task_ending::done;
  case release_kind::interrupted:
    return task_ending::interrupted;
  case release_kind::refused: // by an endpoint of this worker: others may have another key
    return !rules_.quarantine || charge(task, held->holder, alone) ? task_ending::failed
                                                                   : task_ending::delayed;
  case release_kind::diverged:
    return given_up;
  case release_kind::outage: {
    faults& f = faults_[task];
    ++f.outages;
    f.outage_on = held->holder;
    return rules_.outage_tries_max > 0 && f.outages >= rules_.outage_tries_max
               ? task_ending::failed
               : task_ending::delayed;
  }
  case release_kind::own_fault:
    return charge(task, held->holder, alone) ? given_up : task_ending::delayed;
  }
  assertion_failed("release_kind", __FILE__, __LINE__);
}

void plan::drop_lease(problem_index task) {
  const auto place = leases_.find(task);
  TENBIT_ASSERT(place != leases_.end());
  if (place->second.expired) {
    unqueue(task);
    went_live(place->second, true);
  }
  --counts_.leased;
  --live_[place->second.holder];
  leases_.erase(place);
}

void plan::end(problem_index task, task_ending how, run_clock::time_point now) {
  if (const task_lease* held = find(task); held != nullptr && how == task_ending::done) {
    usual_time_ += (now - held->granted - usual_time_) /
                   static_cast<std::int64_t>(std::min(++timed_, usual_of_tasks));
    times_.add(std::chrono::duration_cast<std::chrono::microseconds>(now - held->granted));
  }
  drop_lease(task);
  ++count_of(how);
  const auto known = faults_.find(task);
  if (how == task_ending::delayed) {
    const std::uint32_t tries = known == faults_.end() ? 0 : known->second.outages;
    run_clock::duration delay = limits::task_retry_delay;
    for (std::uint32_t i = 1; i < tries && delay < limits::outage_retry_delay_max; ++i)
      delay *= 2;
    delayed_.emplace(now + std::min<run_clock::duration>(delay, limits::outage_retry_delay_max),
                     task);
  } else if (how == task_ending::interrupted) {
    if (is_suspect(task))
      suspects_.push_back(task);
    else
      ready_.push_front(task);
  } else {
    close_faults(task, how);
  }
}

void plan::close_faults(problem_index task, task_ending how) {
  const auto known = faults_.find(task);
  if (known == faults_.end())
    return;
  changed_.insert(task);
  if (how == task_ending::quarantined || (how == task_ending::failed && rules_.quarantine))
    known->second.suspect = false; // the others are the evidence
  else
    faults_.erase(known);
}

std::vector<problem_index> plan::crashed(peer_id peer, bool alone) {
  std::vector<problem_index> tasks = held_by(peer);
  for (const problem_index task : silent_[peer]) // with others since
    if (const task_lease* held = find(task); held != nullptr && held->holder != peer)
      tasks.push_back(task);
  silent_.erase(peer);
  std::vector<problem_index> suspects;
  for (const problem_index task : tasks)
    if (is_suspect(task))
      suspects.push_back(task);
  // The one that was watched, or was the only one, did it. Of several, nobody knows yet.
  std::optional<problem_index> culprit;
  if (suspects.size() == 1)
    culprit = suspects.front();
  else if (tasks.size() == 1)
    culprit = tasks.front();
  std::vector<problem_index> out;
  for (const problem_index task : tasks) {
    faults& f = faults_[task];
    changed_.insert(task);
    f.suspect = true;
    if (culprit == task)
      f.crashes.push_back(peer);
    if (find(task)->holder != peer)
      continue; // it is watched from now on, where it is
    if (rules_.quarantine &&
        proven(f.crashes, limits::crashes_max, limits::crashes_one_worker_max, alone)) {
      f.given_up = true;
      out.push_back(task);
      continue;
    }
    drop_lease(task);
    ++counts_.pending;
    suspects_.push_back(task);
  }
  return out;
}

std::vector<problem_index> plan::forgive(peer_id peer) {
  std::vector<problem_index> out;
  for (auto& [task, f] : faults_) {
    if (std::erase(f.errors, peer) + std::erase(f.crashes, peer) == 0)
      continue;
    changed_.insert(task);
    if (!f.given_up)
      continue;
    f.given_up = proven(f.errors, limits::task_errors_max, limits::task_errors_max, true) ||
                 proven(f.crashes, limits::crashes_max, limits::crashes_one_worker_max, true);
    if (!f.given_up)
      out.push_back(task);
  }
  std::sort(out.begin(), out.end()); // the same in every run of a simulation
  return out;
}

bool plan::take_pending(problem_index task, task_ending how) {
  if (const task_lease* held = find(task); held != nullptr && !held->expired)
    return false;
  leases_.erase(task); // one that expired: nobody may come back to it
  const auto in_suspects = std::find(suspects_.begin(), suspects_.end(), task);
  const auto in_delayed = std::find_if(delayed_.begin(), delayed_.end(),
                                       [&](const auto& entry) { return entry.second == task; });
  if (in_suspects != suspects_.end()) {
    suspects_.erase(in_suspects);
  } else if (in_delayed != delayed_.end()) {
    delayed_.erase(in_delayed);
  } else { // among its entries there is one that counts, or none
    const auto stale = stale_.find(task);
    const auto entries = std::count(ready_.begin(), ready_.end(), task);
    if (entries == (stale == stale_.end() ? 0 : static_cast<std::ptrdiff_t>(stale->second)))
      return false;
    ready_.erase(std::find(ready_.begin(), ready_.end(), task));
  }
  --counts_.pending;
  ++count_of(how);
  close_faults(task, how);
  return true;
}

void plan::requeue(problem_index task, task_ending was, bool forget_faults) {
  --count_of(was);
  changed_.insert(task);
  if (forget_faults)
    faults_.erase(task);
  if (const auto known = faults_.find(task); known != faults_.end())
    known->second.suspect = known->second.given_up = false;
  add_pending(task);
}

std::size_t plan::suspects() const {
  return static_cast<std::size_t>(std::count_if(
      faults_.begin(), faults_.end(), [](const auto& entry) { return entry.second.suspect; }));
}

const task_faults* plan::faults_of(problem_index task) const {
  const auto place = faults_.find(task);
  return place == faults_.end() ? nullptr : &place->second;
}

std::string plan::evidence(problem_index task) const {
  const auto place = faults_.find(task);
  if (place == faults_.end())
    return {};
  const faults& f = place->second;
  const std::set<peer_id> killed(f.crashes.begin(), f.crashes.end());
  return fmt::format("{} crashes on {} workers, {} errors of its own, {} outages", f.crashes.size(),
                     killed.size(), f.errors.size(), f.outages);
}

std::string plan::queues() const {
  std::string out = fmt::format("ready {} suspects {} delayed {} leases {} stale {}", ready_.size(),
                                suspects_.size(), delayed_.size(), leases_.size(), stale_.size());
  for (const auto& [task, f] : faults_)
    out += fmt::format("; task {}: {}{}", task.value, evidence(task), f.suspect ? ", suspect" : "");
  return out;
}

} // namespace tenbit

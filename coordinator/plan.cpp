#include "coordinator/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/expected.hpp"

namespace tenbit {

// -- loading -------------------------------------------------------------------------------------

void plan::add_faults(problem_index task, task_faults known) {
  static_cast<task_faults&>(faults_[task]) = std::move(known);
}

void plan::add_pending(problem_index task) {
  if (is_suspect(task))
    suspects_.push_back(task);
  else
    ready_.push_back(task);
  ++counts_.pending;
}

void plan::add_ended(task_ending how) {
  ++count_of(how);
}

void plan::add_leased(problem_index task, const task_lease& lease) {
  ++counts_.leased;
  ++live_[lease.holder];
  leases_.emplace(task, lease);
}

std::uint64_t& plan::count_of(task_ending how) {
  switch (how) {
  case task_ending::done:
    return counts_.done;
  case task_ending::failed:
    return counts_.failed;
  case task_ending::quarantined:
    return counts_.quarantined;
  case task_ending::cancelled:
    return counts_.cancelled;
  case task_ending::delayed:
  case task_ending::interrupted:
    return counts_.pending;
  }
  assertion_failed("task_ending", __FILE__, __LINE__);
}

// -- granting ------------------------------------------------------------------------------------

std::optional<problem_index> plan::next(run_clock::time_point now, peer_id peer, bool alone) {
  if (stopped_ || held_)
    return std::nullopt;
  // A suspect whose delay is over waits for a worker without one.
  for (;
       !delayed_.empty() && delayed_.begin()->first <= now && is_suspect(delayed_.begin()->second);
       delayed_.erase(delayed_.begin()))
    suspects_.push_back(delayed_.begin()->second);
  if (auto task = next_suspect(peer, alone))
    return task;
  if (auto task = next_delayed(now, peer, alone))
    return task;
  while (!ready_.empty()) {
    const problem_index task = ready_.front();
    ready_.pop_front();
    const auto stale = stale_.find(task);
    if (stale == stale_.end())
      return task;
    if (--stale->second == 0)
      stale_.erase(stale);
  }
  return std::nullopt;
}

// A suspect goes to a worker that has no other one, and where there is a choice to one it did not
// kill.
std::optional<problem_index> plan::next_suspect(peer_id peer, bool alone) {
  if (suspects_.empty() || holds_suspect(peer))
    return std::nullopt;
  for (auto place = suspects_.begin(); place != suspects_.end(); ++place) {
    const auto& killed = faults_[*place].crashes;
    if (!alone && std::find(killed.begin(), killed.end(), peer) != killed.end())
      continue;
    const problem_index task = *place;
    suspects_.erase(place);
    return task;
  }
  return std::nullopt;
}

// One that failed on this worker alone goes to another where there is a choice: two of them tell a
// bad task from a bad worker, and an outage may be of its endpoints alone. Not for ever: the others
// may have no free slot.
std::optional<problem_index> plan::next_delayed(run_clock::time_point now, peer_id peer,
                                                bool alone) {
  for (auto place = delayed_.begin(); place != delayed_.end() && place->first <= now; ++place) {
    const problem_index task = place->second;
    if (!alone && failed_only_on(task, peer) &&
        now - place->first < run_clock::duration(limits::outage_retry_delay_max))
      continue;
    delayed_.erase(place);
    return task;
  }
  return std::nullopt;
}

bool plan::failed_only_on(problem_index task, peer_id peer) const {
  const auto place = rules_.quarantine ? faults_.find(task) : faults_.end();
  if (place == faults_.end())
    return false;
  const faults& f = place->second;
  if (f.errors.empty() && f.outages == 0)
    return false;
  return (f.outages == 0 || f.outage_on == peer) &&
         std::all_of(f.errors.begin(), f.errors.end(), [&](peer_id one) { return one == peer; });
}

void plan::lease(problem_index task, const task_lease& lease) {
  leases_[task] = lease; // over an expired one, if any
  --counts_.pending;
  ++counts_.leased;
  ++live_[lease.holder];
}

// A lease expires, or comes back from that.
void plan::went_live(task_lease& lease, bool is) {
  lease.expired = !is;
  if (is) {
    --counts_.pending;
    ++counts_.leased;
    ++live_[lease.holder];
  } else {
    ++counts_.pending;
    --counts_.leased;
    --live_[lease.holder];
  }
}

std::uint32_t plan::live(peer_id peer) const {
  const auto place = live_.find(peer);
  return place == live_.end() ? 0 : place->second;
}

void plan::detach(problem_index task) {
  const auto place = leases_.find(task);
  TENBIT_ASSERT(place != leases_.end());
  task_lease& held = place->second;
  if (held.expired) {
    unqueue(task);
    went_live(held, true);
  }
  --live_[held.holder];
  held.holder = {};
  ++live_[held.holder];
  held.deadline = run_clock::time_point::max() - std::chrono::hours(24 * 365);
}

// A task that was pending is leased again, or ends: its place among the pending ones counts no
// more.
void plan::unqueue(problem_index task) {
  const auto place = std::find(suspects_.begin(), suspects_.end(), task);
  if (place != suspects_.end())
    suspects_.erase(place);
  else
    ++stale_[task];
}

void plan::put_back(problem_index task) {
  if (is_suspect(task))
    suspects_.push_back(task);
  else
    ready_.push_back(task); // behind the others: what keeps it takes a moment
}

bool plan::is_suspect(problem_index task) const {
  const auto place = faults_.find(task);
  return place != faults_.end() && place->second.suspect;
}

bool plan::holds_suspect(peer_id peer) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const auto& entry) {
    const task_lease* held = entry.second.suspect ? find(entry.first) : nullptr;
    return held != nullptr && held->holder == peer && !held->expired;
  });
}

// -- leases --------------------------------------------------------------------------------------

const task_lease* plan::find(problem_index task) const {
  const auto place = leases_.find(task);
  return place == leases_.end() ? nullptr : &place->second;
}

void plan::named(problem_index task) {
  if (const auto place = leases_.find(task); place != leases_.end())
    place->second.named = true;
}

void plan::renew(problem_index task, run_clock::time_point deadline) {
  const auto place = leases_.find(task);
  TENBIT_ASSERT(place != leases_.end());
  task_lease& held = place->second;
  held.named = true;
  held.deadline = deadline;
  if (!held.expired)
    return;
  silent_[held.holder].erase(task);
  unqueue(task);
  went_live(held, true);
}

void plan::let_go(problem_index task) {
  const auto place = leases_.find(task);
  TENBIT_ASSERT(place != leases_.end() && place->second.expired);
  silent_[place->second.holder].erase(task);
  leases_.erase(place);
}

std::vector<problem_index> plan::expire(run_clock::time_point now) {
  std::vector<problem_index> out;
  for (auto& [task, held] : leases_) {
    if (held.expired || held.deadline > now)
      continue;
    went_live(held, false);
    silent_[held.holder].insert(task);
    if (is_suspect(task))
      suspects_.push_back(task);
    else
      ready_.push_front(task);
    out.push_back(task);
  }
  return out;
}

void plan::shift_deadlines(run_clock::duration gap) {
  for (auto& [task, held] : leases_)
    if (held.holder != peer_id{})
      held.deadline += gap;
}

std::vector<problem_index> plan::held_by(peer_id peer) const {
  std::vector<problem_index> out;
  for (const auto& [task, held] : leases_)
    if (held.holder == peer)
      out.push_back(task);
  std::sort(out.begin(), out.end()); // the same in every run of a simulation
  return out;
}

std::optional<run_clock::time_point> plan::oldest_lease() const {
  std::optional<run_clock::time_point> out;
  for (const auto& [task, held] : leases_)
    if (!held.expired && (!out || held.granted < *out))
      out = held.granted;
  return out;
}

std::optional<run_clock::time_point> plan::youngest_lease() const {
  std::optional<run_clock::time_point> out;
  for (const auto& [task, held] : leases_)
    if (!held.expired && (!out || held.granted > *out))
      out = held.granted;
  return out;
}

std::optional<run_clock::duration> plan::slow_time() const {
  if (times_.count() < limits::slow_of_tasks_min)
    return std::nullopt;
  return std::chrono::duration_cast<run_clock::duration>(
      std::chrono::duration<double, std::milli>(times_.quantile_ms(0.99)));
}

std::optional<run_clock::duration> plan::usual_time() const {
  return timed_ == 0 ? std::nullopt : std::optional(usual_time_);
}

} // namespace tenbit

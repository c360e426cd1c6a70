#include "coordinator/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/expected.hpp"

namespace tenbit {

// -- loading -------------------------------------------------------------------------------------

void plan::add_pending(problem_index task) {
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
// bad task from a bad worker. Not for ever: the others may have no free slot.
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
  if (place == faults_.end() || place->second.errors.empty())
    return false;
  const auto& errors = place->second.errors;
  return std::all_of(errors.begin(), errors.end(), [&](peer_id one) { return one == peer; });
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

void plan::renew(problem_index task, run_clock::time_point deadline) {
  const auto place = leases_.find(task);
  TENBIT_ASSERT(place != leases_.end());
  task_lease& held = place->second;
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
    if (std::erase(f.errors, peer) + std::erase(f.crashes, peer) == 0 || !f.given_up)
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

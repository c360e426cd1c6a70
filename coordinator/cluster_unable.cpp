// cluster_core and what its peers cannot or shall not do: experiments that they refused, models
// that no replica of theirs serves, workers that fail, drains.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/cluster_core.hpp"

namespace tenbit {

// -- experiments ---------------------------------------------------------------------------------

// Its leases come back as interrupted; what it was to do as oracle or grader, others do.
void cluster_core::on_refused(fleet_peer& peer, experiment_refused said) {
  run_core* run = find(said.experiment);
  if (run == nullptr)
    return;
  peer.refused[said.experiment] = std::move(said.reason);
  if (peer.roles.oracle)
    run->oracle_lost(peer.id);
  if (peer.roles.grader)
    run->grader_lost(peer.id);
  free_ = true;
}

// Why nobody of this role works on the run, though some could: each said that it cannot. Empty: it
// is not so.
std::string cluster_core::all_refused(experiment_id run, bool role_set::*role) const {
  std::string out;
  for (const fleet_peer& peer : fleet_.all()) {
    if (!(peer.roles.*role) || !peer.connection || !peer.draining.empty())
      continue;
    const auto place = peer.refused.find(run);
    if (place == peer.refused.end())
      return {};
    if (out.empty()) // the first speaks for all
      out = fmt::format("{}: {}", peer.name, place->second);
  }
  return out;
}

// One line of the experiments it refused, by name.
std::string cluster_core::refusals_of(const fleet_peer& peer) const {
  std::string out;
  for (const auto& [id, why] : peer.refused)
    if (const auto run = runs_.find(id); run != runs_.end())
      out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", run->second.core->what().name, why);
  return out;
}

// -- models --------------------------------------------------------------------------------------

void cluster_core::note_models(fleet_peer& peer, run_clock::time_point now) {
  std::map<std::string, bool> up;
  for (const replica_report& replica : peer.replicas) {
    bool& any = up[replica.model];
    any = any || replica.breaker == "closed";
  }
  std::erase_if(peer.out_since, [&](const auto& entry) {
    const auto place = up.find(entry.first);
    return place == up.end() || place->second;
  });
  for (const auto& [model, any] : up)
    if (!any)
      peer.out_since.try_emplace(model, now);
}

namespace {

// One that was just granted has its first call to find out with.
bool holds_since(const plan& tasks, peer_id peer, run_clock::time_point since) {
  const auto held = tasks.held_by(peer);
  return std::any_of(held.begin(), held.end(),
                     [&](problem_index task) { return tasks.find(task)->granted <= since; });
}

bool lacks_a_model(const fleet_peer& peer, const experiment& exp, run_clock::time_point since) {
  return std::any_of(peer.out_since.begin(), peer.out_since.end(), [&](const auto& entry) {
    return entry.second <= since && exp.find_model(entry.first) != nullptr;
  });
}

} // namespace

// Tasks that wait for a model which their worker cannot call go to others that can. Without such
// others they stay: the calls that wait there find out when it is over.
void cluster_core::free_from_outages(run_clock::time_point now) {
  const auto since = now - limits::model_out_patience;
  for (fleet_peer& peer : fleet_.all()) {
    if (!peer.connection || peer.out_since.empty() || peer.relieved > since)
      continue;
    for (auto& [id, entry] : runs_) {
      const run_core& run = *entry.core;
      if (!lacks_a_model(peer, run.what(), since) || !holds_since(run.tasks(), peer.id, since))
        continue;
      const auto can_take = [&](const fleet_peer& other) {
        return other.id != peer.id && other.takes_tasks(id) &&
               now - other.heard <= rules_.lease_ttl / 2 && !lacks_a_model(other, run.what(), now);
      };
      if (std::none_of(fleet_.all().begin(), fleet_.all().end(), can_take))
        continue;
      entry.core->hand_back_of(peer.id, since);
      peer.relieved = now;
    }
  }
}

// -- workers that fail ---------------------------------------------------------------------------

// A worker that fails many different tasks and finishes none is at fault itself: it gets no more,
// and no task is charged with it.
void cluster_core::judge_worker(fleet_peer& peer, problem_index task, release_kind how,
                                run_clock::time_point now) {
  free_ = true;
  switch (how) {
  case release_kind::done: // counted with its last outcome
  case release_kind::interrupted:
  case release_kind::outage:
    return;
  case release_kind::own_fault:
  case release_kind::refused:
  case release_kind::diverged:
    break;
  }
  ++peer.tasks_failed;
  peer.failed[task] = now;
  std::erase_if(peer.failed, [&](const auto& entry) {
    return now - entry.second > limits::worker_failures_window;
  });
  if (rules_.one_process || peer.failed.size() < limits::worker_failures_max)
    return;
  const bool first = peer.draining.empty();
  if (first)
    peer.draining = fmt::format(
        "failed {} problems and finished none; undrain it when it is mended", peer.failed.size());
  for (auto& [id, entry] : runs_) {
    entry.core->forgive(peer.id); // of what it had in work when it was drained, too
    if (first)                    // its calls may wait for its endpoints for ever
      entry.core->take_back(peer.id, "its worker fails what it gets", now);
  }
  if (first)
    relieve(peer);
}

// -- drained, over restarts as well ---------------------------------------------------------------

// What it was to do as oracle or grader, others do.
void cluster_core::relieve(const fleet_peer& peer) {
  for (auto& [id, entry] : runs_) {
    if (peer.roles.oracle && (peer.given_up || peer.left))
      entry.core->oracle_lost(peer.id);
    else if (peer.roles.oracle)
      entry.core->oracle_left(peer.id);
    if (peer.roles.grader)
      entry.core->grader_lost(peer.id);
  }
}

namespace {

fleet_peer* named(fleet& all, const std::string& worker) {
  for (fleet_peer& peer : all.all())
    if (peer.name == worker)
      return &peer;
  return nullptr;
}

status<std::string> not_seen(const std::string& worker) {
  return fail(fmt::format("no worker {} was seen; 'tenbit ctl worker list' names them", worker));
}

} // namespace

status<std::string> cluster_core::drain(const std::string& worker, const std::string& reason) {
  fleet_peer* peer = named(fleet_, worker);
  if (peer == nullptr)
    return not_seen(worker);
  peer->draining = reason.empty() ? "by an operator" : reason;
  relieve(*peer);
  return {};
}

status<std::string> cluster_core::undrain(const std::string& worker) {
  fleet_peer* peer = named(fleet_, worker);
  if (peer == nullptr)
    return not_seen(worker);
  peer->draining.clear();
  peer->deaf_since = {};
  peer->failed.clear();
  free_ = true;
  for (auto& [id, entry] : runs_) {
    if (peer->connection && peer->roles.oracle)
      entry.core->oracle_joined(peer->id);
    if (peer->connection && peer->roles.grader)
      entry.core->grader_joined(peer->id);
  }
  return {};
}

status<std::string> cluster_core::kick(const std::string& worker, const std::string& reason,
                                       run_clock::time_point now) {
  fleet_peer* peer = named(fleet_, worker);
  if (peer == nullptr)
    return not_seen(worker);
  for (auto& [id, entry] : runs_) {
    entry.core->take_back(peer->id, reason, now);
    gather(entry); // while it is connected
  }
  give_up(*peer, "kicked: " + reason);
  free_ = true;
  return {};
}

std::map<std::string, std::string> cluster_core::drains() const {
  std::map<std::string, std::string> out;
  for (const fleet_peer& peer : fleet_.all())
    if (!peer.draining.empty())
      out[peer.name] = peer.draining;
  return out;
}

void cluster_core::load_drains(const std::map<std::string, std::string>& drains) {
  for (const auto& [name, why] : drains)
    fleet_.by_name(name).draining = why;
}

} // namespace tenbit

#include "coordinator/cluster_core.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/kill_point.hpp"

namespace tenbit {

plan_rules cluster_core::rules_of_runs() const {
  plan_rules out;
  if (!rules_.one_process) {
    out.leases_kept = out.distrust = out.quarantine = true;
    out.outage_tries_max = 0;
    out.first_ask = rules_.incarnation << 32 | 1;
  }
  return out;
}

std::string cluster_core::name(peer_id who) const {
  return fleet_.all().at(who.value - 1).name;
}

std::uint64_t cluster_core::boot(peer_id who) const {
  return fleet_.all().at(who.value - 1).boot;
}

task_lease cluster_core::lease_of(const lease_row& row, run_clock::time_point now) {
  fleet_peer& peer = fleet_.by_name(row.holder);
  if (row.boot != 0)
    peer.boot_before = row.boot;
  return {row.number, peer.id, now, now + rules_.lease_ttl, false};
}

// -- runs ----------------------------------------------------------------------------------------

void cluster_core::add_run(std::unique_ptr<run_core> run, int priority, run_clock::time_point now) {
  const experiment_id id = run->id();
  run_entry entry;
  entry.toml = to_toml(run->what());
  entry.core = std::move(run);
  entry.order = order_++;
  entry.priority = priority;
  entry.added = entry.last_done = now;
  runs_[id] = std::move(entry);
  prioritise(*runs_.at(id).core, priority);
  free_ = true;
  for (const fleet_peer& peer : fleet_.all()) // that were here first
    for (const receipt& shown : peer.receipts)
      if (shown.experiment == id && !runs_.at(id).core->on_receipt(peer.name, shown))
        return;
}

std::string cluster_core::contradiction(const receipt_book& book, std::uint64_t commit_seq) const {
  for (const fleet_peer& peer : fleet_.all())
    for (const receipt& shown : peer.receipts)
      if (const std::string why = book.contradiction(shown, commit_seq); !why.empty())
        return peer.name + " " + why;
  return {};
}

run_core* cluster_core::find(experiment_id id) {
  const auto place = runs_.find(id);
  return place == runs_.end() ? nullptr : place->second.core.get();
}

run_core* cluster_core::find(const std::string& name) {
  run_entry* newest = nullptr;
  for (auto& [id, entry] : runs_)
    if (entry.core->what().name == name && (newest == nullptr || entry.order > newest->order))
      newest = &entry;
  return newest == nullptr ? nullptr : newest->core.get();
}

void cluster_core::prioritise(run_core& run, int priority) {
  runs_.at(run.id()).priority = priority;
  by_priority_.clear();
  for (const auto& [id, entry] : runs_)
    by_priority_.push_back(id);
  std::sort(by_priority_.begin(), by_priority_.end(), [this](experiment_id a, experiment_id b) {
    const run_entry &x = runs_.at(a), &y = runs_.at(b);
    return std::pair(-x.priority, x.order) < std::pair(-y.priority, y.order);
  });
  free_ = true;
}

void cluster_core::pause(run_core& run, bool paused, bool now) {
  run_entry& entry = runs_.at(run.id());
  entry.paused = paused;
  entry.calling_in = paused && (now || entry.calling_in);
  run.hold_granting(paused);
  if (paused && now)
    run.hand_back_all();
  free_ = true;
}

void cluster_core::limit(run_core& run, std::uint32_t leases) {
  runs_.at(run.id()).lease_limit = leases;
  free_ = true;
}

void cluster_core::stop_run(experiment_id run, const std::string& reason) {
  if (run_core* core = find(run))
    core->on_stop(reason);
}

void cluster_core::cancel_run(experiment_id run, const std::string& reason) {
  if (run_core* core = find(run))
    core->on_cancel(reason);
}

// -- events --------------------------------------------------------------------------------------

void cluster_core::on_committed(experiment_id run, std::uint64_t ticket,
                                run_clock::time_point now) {
  run_core* core = find(run);
  if (core == nullptr)
    return;
  const std::uint64_t leased_before = core->tasks().counts().leased;
  core->on_committed(ticket, now);
  // What is not durable may come again in another life. Never more than the store has: an oracle
  // may give a bit again that the store lost.
  for (const auto& [who, bits] : core->take_given()) {
    std::uint64_t& given = fleet_.all().at(who.value - 1).bits[run];
    given =
        std::max(given, std::min(given + bits, core->status().bits_before + core->status().bits));
  }
  count_ledgers(*core);
  for (const peer_id who : core->take_finished()) {
    fleet_peer& peer = fleet_.all().at(who.value - 1);
    ++peer.tasks_done;
    peer.failed.clear();
  }
  free_ = free_ || core->tasks().counts().leased != leased_before;
}

// What an oracle gave is in its own ledger.
void cluster_core::count_ledgers(run_core& run) {
  for (const auto& [who, bits] : run.take_appended())
    fleet_.all().at(who.value - 1).ledger[run.id()] += bits;
}

void cluster_core::on_diverged(experiment_id run, std::uint64_t ticket, const std::string& why,
                               run_clock::time_point now) {
  if (run_core* core = find(run))
    core->on_diverged(ticket, why, now);
  free_ = true;
}

void cluster_core::on_journal_end(experiment_id run, const std::string& failure, bool damaged) {
  if (run_core* core = find(run))
    core->on_journal_end(failure, damaged);
}

void cluster_core::on_tick(run_clock::time_point now) {
  const auto gap = last_tick_ ? now - *last_tick_ : run_clock::duration{};
  if (!last_tick_)
    started_ = now;
  last_tick_ = now;
  if (now - tick_gap_from_ >= std::chrono::minutes(1)) {
    tick_gap_before_ = std::exchange(tick_gap_max_, {});
    tick_gap_from_ = now;
  }
  tick_gap_max_ = std::max(tick_gap_max_, gap);
  free_ = true;
  if (rules_.one_process)
    return;
  if (gap > rules_.lease_ttl / 3) { // this process was paused: that time is nobody's silence
    for (auto& [id, entry] : runs_)
      entry.core->shift_deadlines(gap);
    for (fleet_peer& peer : fleet_.all())
      peer.heard = std::min(peer.heard + gap, now);
  }
  for (auto& [id, entry] : runs_) {
    for (const auto& [who, number] : entry.core->expire(now)) {
      epoch& since = fleet_.all().at(who.value - 1).deaf_since;
      since = since == epoch{} ? number : std::min(since, number);
    }
    entry.core->on_tick(now);
  }
  for (fleet_peer& peer : fleet_.all())
    if (!peer.given_up && now - std::max(peer.heard, started_) > 2 * rules_.lease_ttl)
      give_up(peer, "silent for too long");
  free_from_outages(now);
  sample(now);
}

// Once a second, how many tasks are done: the rates are made of it.
void cluster_core::sample(run_clock::time_point now) {
  for (auto& [id, entry] : runs_) {
    const std::uint64_t done = entry.core->tasks().counts().done;
    if (!entry.samples.empty() && entry.samples.back().done != done)
      entry.last_done = now;
    if (!entry.samples.empty() && now - entry.samples.back().at < std::chrono::seconds(1))
      continue;
    entry.samples.push_back({now, done});
    while (now - entry.samples.front().at > std::chrono::hours(1))
      entry.samples.pop_front();
  }
}

// -- commands ------------------------------------------------------------------------------------

void cluster_core::send(peer_id to, to_peer what) {
  fleet_peer* peer = fleet_.find(to);
  if (peer == nullptr || !peer->connection)
    return; // its next hello brings both sides to one view
  send(*peer->connection, std::move(what));
}

namespace {

// The experiment a message is about, which the peer must know first.
struct experiment_of {
  template <class Message> std::optional<experiment_id> operator()(const Message& m) const {
    if constexpr (requires { m.finished.task; })
      return m.finished.task.experiment;
    else if constexpr (requires { m.task; })
      return m.task.experiment;
    else
      return std::nullopt;
  }
};

} // namespace

// A run's commands, addressed; an experiment goes to a peer before the first message of it.
void cluster_core::gather(run_entry& entry) {
  for (run_command& command : entry.core->take_commands()) {
    if (auto* out = std::get_if<outbound>(&command)) {
      fleet_peer* peer = fleet_.find(out->to);
      if (peer == nullptr || !peer->connection)
        continue;
      const bool needs_text = std::holds_alternative<grant>(out->what) ||
                              std::holds_alternative<oracle_ask>(out->what) ||
                              std::holds_alternative<oracle_text>(out->what) ||
                              std::holds_alternative<grade_request>(out->what);
      const auto about = std::visit(experiment_of{}, out->what);
      if (!rules_.one_process && needs_text && peer->knows.insert(*about).second)
        send(*peer->connection, experiment_text{*about, entry.toml});
      send(*peer->connection, std::move(out->what));
    } else if (auto* commit = std::get_if<commit_command>(&command)) {
      commands_.emplace_back(std::move(*commit));
    } else if (auto* close = std::get_if<close_journal>(&command)) {
      commands_.emplace_back(*close);
    } else if (rules_.one_process) { // what waits in our own queues need not be started
      for (const fleet_peer& peer : fleet_.all())
        send(peer.id, leave_order{entry.core->status().stop_reason});
    } else {
      entry.core->hand_back_all();
      gather(entry);
    }
  }
}

std::vector<cluster_command> cluster_core::take_commands(run_clock::time_point now) {
  grant_free_slots(now);
  for (auto& [id, entry] : runs_)
    gather(entry);
  return std::exchange(commands_, {});
}

// -- granting ------------------------------------------------------------------------------------

std::uint32_t cluster_core::leased(peer_id peer) const {
  std::uint32_t out = 0;
  for (const auto& [id, entry] : runs_)
    out += entry.core->tasks().live(peer);
  return out;
}

// Peers with a free slot, those first that use the smallest part of theirs.
std::vector<peer_id> cluster_core::free_peers(run_clock::time_point now) const {
  std::vector<std::pair<double, peer_id>> found;
  for (const fleet_peer& peer : fleet_.all()) {
    // Who is silent for so long that its leases expire gets none in their place.
    if (!peer.takes_tasks() || (!rules_.one_process && now - peer.heard > rules_.lease_ttl / 2))
      continue;
    const double use = static_cast<double>(leased(peer.id)) / peer.slots;
    if (use < 1)
      found.emplace_back(use, peer.id);
  }
  std::sort(found.begin(), found.end());
  std::vector<peer_id> out;
  for (const auto& [use, id] : found)
    out.push_back(id);
  return out;
}

bool cluster_core::may_grant(const run_entry& entry) const {
  const plan_counts& counts = entry.core->tasks().counts();
  return !entry.paused && entry.core->status().phase == run_phase::running && counts.pending > 0 &&
         (entry.lease_limit == 0 || counts.leased < entry.lease_limit);
}

void cluster_core::grant_free_slots(run_clock::time_point now) {
  if (!std::exchange(free_, false) || closing_ || disk_ >= disk_level::no_grants)
    return;
  std::size_t given = 0;
  for (const experiment_id id : by_priority_) {
    const auto place = runs_.find(id);
    if (place == runs_.end())
      continue;
    while (may_grant(place->second)) {
      auto peers = free_peers(now);
      if (peers.empty())
        return;
      std::erase_if(peers, [&](peer_id peer) { return fleet_.find(peer)->refused.contains(id); });
      if (peers.empty())
        break; // another run may have them
      if (given++ >= limits::grants_per_step_max) {
        free_ = true;
        commands_.emplace_back(cluster_more{});
        return;
      }
      // What killed or failed a worker may be refused to one peer and given to another.
      const auto takes = [&](peer_id peer) { return grant_one(*place->second.core, peer, now); };
      const plan& tasks = place->second.core->tasks();
      const bool any = tasks.suspects() > 0 || tasks.delayed() > 0
                           ? std::any_of(peers.begin(), peers.end(), takes)
                           : takes(peers.front());
      if (!any)
        break;
    }
  }
}

bool cluster_core::grant_one(run_core& run, peer_id peer, run_clock::time_point now) {
  const epoch number{rules_.incarnation << 32 | (grants_ + 1)};
  const auto deadline = rules_.one_process ? run_clock::time_point::max() : now + rules_.lease_ttl;
  const bool granted = run.grant_next(peer, number, now, deadline);
  grants_ += granted ? 1 : 0; // 32 bits: attempts alone would use them up within weeks
  return granted;
}

} // namespace tenbit

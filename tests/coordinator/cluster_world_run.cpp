// cluster_world: time, faults, and the end.
#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <utility>

#include "tests/coordinator/cluster_world.hpp"

namespace tenbit::testing {

// One thing that may happen, if its chance says so.
void cluster_world::inject() {
  if (faults_done_ >= faults_.faults_max)
    return;
  const auto strikes = [this](double chance) {
    const bool hit = chance > 0 && random_.chance(chance);
    faults_done_ += hit ? 1 : 0;
    return hit;
  };
  const auto some = [this](bool role_set::*role) -> peer_node* {
    std::vector<peer_node*> candidates;
    for (auto& node : peers_)
      if (node->roles.*role && node->boot != 0)
        candidates.push_back(node.get());
    return candidates.empty() ? nullptr : candidates[random_.below(candidates.size())];
  };
  if (core_ && strikes(faults_.kill_coordinator))
    kill_coordinator();
  if (auto* node = some(&role_set::solver); node && strikes(faults_.kill_worker))
    kill_peer(node->index);
  if (auto* node = some(&role_set::oracle); node && strikes(faults_.kill_oracle))
    kill_peer(node->index);
  if (auto* node = some(&role_set::grader); node && strikes(faults_.kill_grader))
    kill_peer(node->index);
  peer_node& any = *peers_[random_.below(peers_.size())];
  if (any.connection != 0 && strikes(faults_.break_connection))
    break_connection(any.index);
  if (any.connection != 0 && strikes(faults_.cut)) {
    const auto until = now_ + std::chrono::milliseconds(static_cast<int>(random_.below(90'000)));
    (random_.chance(0.5) ? any.cut_in : any.cut_out) = until;
  }
  if (core_ && strikes(faults_.pause_coordinator))
    now_ += std::chrono::seconds(60); // every other clock goes on too; only its ticks stop
  if (core_ && any.connection != 0 && strikes(faults_.drain)) {
    ignore(core_->drain(any.name, "a fault"), "it may not have said hello yet");
    any.undrain_at = now_ + std::chrono::milliseconds(static_cast<int>(random_.below(90'000)));
  }
  if (core_ && any.connection != 0 && strikes(faults_.kick))
    ignore(core_->kick(any.name, "a fault", now_), "it may not have said hello yet");
  if (core_ && strikes(faults_.fill_disk)) {
    disk_free_at_ = now_ + std::chrono::milliseconds(static_cast<int>(random_.below(200'000)));
    core_->disk(random_.chance(0.7) ? disk_level::no_appends : disk_level::no_grants);
  }
}

// Time passes: processes come back, connections are made, timers fire.
void cluster_world::advance() {
  now_ += std::chrono::milliseconds(50 + static_cast<int>(random_.below(450)));
  if (!core_ && now_ >= coordinator_back_)
    boot_coordinator();
  for (auto& node : peers_) {
    if (node->boot == 0 && now_ >= node->back)
      boot_peer(node->index);
    if (node->boot != 0 && node->connection == 0 && core_ && now_ >= node->connect_at)
      connect(node->index);
    if (node->link) {
      node->link->on_tick(now_);
      pump_peer(node->index);
    }
  }
  if (core_) {
    if (now_ >= disk_free_at_)
      core_->disk(disk_level::ample);
    for (auto& node : peers_)
      if (node->undrain_at && (now_ >= *node->undrain_at || !faulty_)) {
        ignore(core_->undrain(node->name), "a new coordinator may not know it yet");
        node->undrain_at.reset();
      }
    core_->on_tick(now_);
    release_innocent();
  }
  if (core_) {
    pump_coordinator();
  }
}

// Deaths by chance can hit one task three times: an operator looks, and puts it back.
void cluster_world::release_innocent() {
  const bool ended = core_->find(run_id)->status().phase != run_phase::running;
  for (auto& [index, task] : stored_) {
    if (task.state.status != task_status::quarantined || poison_.contains(index) ||
        released_[index])
      continue;
    released_[index] = true;
    if (ended) { // the run was over before: it is submitted again
      task.state.status = task_status::pending;
      fault_rows_.erase(index);
      released_[index] = false;
      kill_coordinator();
      return;
    }
    EXPECT_TRUE(core_->find(run_id)->requeue(problem_index{index}, task_status::quarantined, true));
  }
}

bool cluster_world::run(int steps, int steps_max) {
  for (int step = 0; step < steps_max; ++step) {
    if (over())
      return true;
    faulty_ = step < steps;
    if (std::exchange(coordinator_dies_, false) && core_)
      kill_coordinator();
    if (faulty_)
      inject();
    std::vector<std::function<void()>> choices{[this] { advance(); }};
    if (core_ && !journal_.empty())
      choices.emplace_back([this] { commit_group(); });
    if (!calls_.empty())
      choices.emplace_back([this] { answer_call(); });
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < net_.size() && due.size() < 8; ++i)
      if (net_[i].due <= now_)
        due.push_back(i);
    // The first of a connection and direction, or any of the first few: reordered.
    if (!due.empty()) {
      std::size_t at = due[random_.below(due.size())];
      if (!faulty_ || !random_.chance(faults_.reorder))
        for (const std::size_t i : due)
          if (net_[i].connection == net_[at].connection && net_[i].to_peer == net_[at].to_peer) {
            at = i;
            break;
          }
      for (int weight = 0; weight < 4; ++weight)
        choices.emplace_back([this, at] { deliver(at); });
    }
    choices[random_.below(choices.size())]();
  }
  return over();
}

std::pair<std::size_t, std::size_t> cluster_world::bits() const {
  std::size_t stored = 0, given = 0;
  for (const auto& [index, task] : stored_)
    for (const event& entry : task.events)
      stored += std::holds_alternative<bit_event>(entry) ? 1 : 0;
  for (const auto& node : peers_)
    given += node->ledger.size();
  return {stored, given};
}

std::vector<std::string> cluster_world::canonical() const {
  std::vector<std::string> out;
  for (const auto& [index, task] : stored_)
    for (event entry : task.events) {
      if (auto* call = std::get_if<call_event>(&entry)) {
        call->unix_ms = 0;
        call->reply.timing = {};
      }
      if (!std::holds_alternative<failure_event>(entry))
        out.push_back(fmt::format("{} {}", index, encode(entry)));
    }
  std::sort(out.begin(), out.end());
  return out;
}

std::string cluster_world::state_of_things() const {
  const plan_counts now = counts();
  std::string out = fmt::format("done {} pending {} failed {} quarantined {}; net {} calls {} "
                                "journal {} core {}\n",
                                now.done, now.pending, now.failed, now.quarantined, net_.size(),
                                calls_.size(), journal_.size(), core_ ? "up" : "down");
  for (const auto& node : peers_)
    out += fmt::format("{}: boot {} connection {} welcomed {} leases {} runners {} unanswered {}\n",
                       node->name, node->boot, node->connection,
                       node->link && node->link->welcomed(), node->link ? node->link->leases() : 0,
                       node->runners.size(), node->link ? node->link->unanswered() : 0);
  if (core_) {
    const cluster_status status = core_->snapshot(now_);
    for (const run_line& run : status.runs)
      out += fmt::format("run: pending {} leased {} done {}; {}; delayed {}; stale {} copies {}\n",
                         run.status.tasks.pending, run.status.tasks.leased, run.status.tasks.done,
                         run.waiting_for, core_->find(run_id)->tasks().delayed(), run.stale_refused,
                         run.duplicates);
    out += core_->find(run_id)->tasks().queues() + "\n" + core_->find(run_id)->open_work() + "\n";
    for (const peer_line& peer : status.peers)
      out += fmt::format("  {} connected {} slots {} leased {} draining '{}'\n", peer.name,
                         peer.connected, peer.slots, peer.leased, peer.draining);
  }
  return out;
}

} // namespace tenbit::testing

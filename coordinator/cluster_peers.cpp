// cluster_core and its peers: hello, heartbeats, goodbyes, silence, and whom a message belongs to.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/cluster_core.hpp"

namespace tenbit {
namespace {

// What makes the journal longer, at once or by what an oracle answers, and is said again until it
// has its reply. Grades are neither long nor said again.
bool fills_the_disk(const from_peer& message) {
  return std::holds_alternative<append_request>(message) ||
         std::holds_alternative<ask_message>(message) ||
         std::holds_alternative<text_request>(message) ||
         std::holds_alternative<arm_finished>(message) ||
         std::holds_alternative<oracle_append>(message);
}

} // namespace

void cluster_core::on_frame(connection_id from, const std::string& key, role_set rights,
                            from_peer message, run_clock::time_point now) {
  if (const auto* h = std::get_if<hello>(&message)) {
    on_hello(from, key, rights, *h, now);
    return;
  }
  fleet_peer* peer = fleet_.by_connection(from);
  if (peer == nullptr) { // this coordinator restarted, or the connection was given up
    send(from, hello_wanted{});
    return;
  }
  if (!peer->roles.covers(role_of(message))) { // the gateway looks at the key, this at the hello
    commands_.emplace_back(cluster_drop{from, "a message of a role it did not take up"});
    return;
  }
  hears(*peer, message);
  if (auto* beat = std::get_if<heartbeat>(&message))
    on_heartbeat(*peer, std::move(*beat), now);
  else if (std::holds_alternative<goodbye>(message))
    on_goodbye(*peer, now);
  else if (auto* no = std::get_if<experiment_refused>(&message))
    on_refused(*peer, std::move(*no));
  else if (disk_ < disk_level::no_appends || !fills_the_disk(message))
    deliver(*peer, message, now);
  // else its sender has no reply, keeps it, and says it again within limits::resend_period
}

namespace {

// No peer takes more than the tasks of one process.
std::uint32_t slots_of(std::uint32_t said) {
  return std::min(said, static_cast<std::uint32_t>(limits::tasks_in_flight_max));
}

} // namespace

// -- who hears ----------------------------------------------------------------------------------

namespace {

// The latest lease that a message of a worker speaks of; 0: none.
struct latest_lease {
  epoch operator()(const heartbeat& beat) const {
    epoch out;
    for (const lease_progress& held : beat.leases)
      out = std::max(out, held.lease);
    return out;
  }
  template <class Message> epoch operator()(const Message& m) const {
    if constexpr (requires { m.lease; })
      return m.lease;
    else
      return {};
  }
};

} // namespace

// Whoever names a grant that it was thought not to have heard, or goes on after a welcome, hears.
void cluster_core::hears(fleet_peer& peer, const from_peer& message) {
  const bool welcomed = !std::exchange(peer.welcome_heard, true);
  if (peer.deaf_since == epoch{})
    return;
  if (!welcomed && std::visit(latest_lease{}, message) < peer.deaf_since)
    return;
  peer.deaf_since = {};
  free_ = true;
}

// -- sessions ------------------------------------------------------------------------------------

// Why this hello is not accepted; empty: it is.
std::string cluster_core::refusal(const std::string& key, role_set rights, const hello& h) const {
  if (!rights.covers(h.roles) || !h.roles.any())
    return fmt::format("the key {} allows the roles {}, not {}", key, to_string(rights),
                       to_string(h.roles));
  if (h.incarnation_seen > rules_.incarnation)
    return fmt::format("this coordinator (incarnation {}) is older than one the peer has worked "
                       "for ({}): an old copy of its folder was started",
                       rules_.incarnation, h.incarnation_seen);
  for (const fleet_peer& peer : fleet_.all()) {
    if (peer.name != key)
      continue;
    for (const auto& [run, bits] : peer.bits) {
      std::uint64_t has = 0;
      for (const ledger_count& count : h.ledgers)
        has = count.experiment == run ? count.bits : has;
      if (h.roles.oracle && has < bits)
        return fmt::format("the oracle's ledger has {} bits of an experiment for which it gave {}: "
                           "it is an older copy",
                           has, bits);
    }
  }
  return {};
}

void cluster_core::on_hello(connection_id from, const std::string& key, role_set rights,
                            const hello& h, run_clock::time_point now) {
  if (const std::string why = refusal(key, rights, h); !why.empty()) {
    send(from, refused{why, true});
    commands_.emplace_back(cluster_drop{from, why});
    return;
  }
  // Before anything is given out or taken.
  for (const receipt& shown : h.receipts)
    if (run_core* run = find(shown.experiment); run != nullptr && !run->on_receipt(key, shown)) {
      send(from, refused{"an older copy of a run's store was started", false});
      commands_.emplace_back(cluster_drop{from, "it remembers more than the store has"});
      return;
    }
  fleet_peer& peer = fleet_.by_name(key);
  if (peer.connection && *peer.connection != from)
    commands_.emplace_back(cluster_drop{*peer.connection, "the peer connected again"});
  const std::uint64_t before = peer.boot != 0 ? peer.boot : peer.boot_before;
  const bool another = before != 0 && before != h.boot;
  if (another) {
    ++peer.restarts;
    for (auto& [id, entry] : runs_) {
      entry.core->lost(peer.id, !peer.left, now);
      gather(entry);
    }
  }
  // A new connection took a handshake, and a hello after other messages was asked for. A hello that
  // is only repeated waits for a welcome that it does not hear.
  if (peer.connection != from || peer.welcome_heard)
    peer.deaf_since = {};
  peer.welcome_heard = false;
  fleet_.connect(peer, from);
  take_roles(peer, h.roles);
  peer.build = h.build;
  peer.boot = h.boot;
  peer.left = peer.given_up = peer.expected = false;
  peer.refused.clear();
  peer.out_since.clear();
  peer.ledger.clear();
  for (const ledger_count& count : h.ledgers)
    peer.ledger[count.experiment] = count.bits;
  peer.receipts = h.receipts;
  peer.slots = slots_of(h.slots);
  peer.heartbeat = 0;
  peer.heard = now;
  const auto ms = [](run_clock::duration time) {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  send(from, welcome{rules_.incarnation, ms(rules_.lease_ttl), ms(rules_.heartbeat), peer.name});
  for (endpoint_order& order : orders_.of(peer.name)) // before any work
    send(from, std::move(order));
  adopt_leases(peer, h, now);
  free_ = true;
}

// A key may come back with fewer roles than it had.
void cluster_core::take_roles(fleet_peer& peer, role_set now) {
  const role_set before = std::exchange(peer.roles, now);
  for (auto& [id, entry] : runs_) {
    if (before.oracle && !now.oracle)
      entry.core->oracle_lost(peer.id);
    if (before.grader && !now.grader)
      entry.core->grader_lost(peer.id);
  }
}

void cluster_core::adopt_leases(fleet_peer& peer, const hello& h, run_clock::time_point now) {
  std::set<task_id> known;
  for (const held_lease& held : h.leases) {
    run_core* run = find(held.task.experiment);
    if (held.lease == epoch{}) { // an oracle's
      if (!peer.roles.oracle)
        continue;
      if (run == nullptr || !run->keeps(peer.id, held.task.problem, peer.draining.empty()))
        send(peer.id, forget_task{held.task});
    } else if (run != nullptr &&
               run->adopt(peer.id, held, now + rules_.lease_ttl, leased(peer.id) < h.slots))
      known.insert(held.task);
    else
      send(peer.id, revoke{held.task, held.lease, "the lease is over"});
  }
  for (auto& [id, entry] : runs_) {
    entry.core->grant_again(peer.id, known, now);
    if (entry.calling_in || entry.core->status().phase == run_phase::stopping)
      entry.core->hand_back_of(peer.id, now);
    if (peer.roles.oracle)
      entry.core->oracle_connected(peer.id);
    if (peer.roles.grader)
      entry.core->grader_joined(peer.id);
  }
}

void cluster_core::on_heartbeat(fleet_peer& peer, heartbeat beat, run_clock::time_point now) {
  if (beat.boot != peer.boot || beat.number <= peer.heartbeat)
    return; // late or repeated
  peer.heartbeat = beat.number;
  peer.heard = now;
  const std::uint32_t slots = slots_of(beat.slots);
  free_ = free_ || peer.slots != slots;
  peer.slots = slots;
  peer.replicas = std::move(beat.replicas);
  note_models(peer, now);
  for (const lease_progress& progress : beat.leases) {
    if (run_core* run = find(progress.task.experiment))
      run->renew(peer.id, progress, now + rules_.lease_ttl, leased(peer.id) < peer.slots);
    else
      send(peer.id, revoke{progress.task, progress.lease, "there is no such run here"});
  }
  send(peer.id, heartbeat_ack{beat.number, receipts_for(peer)});
  if (peer.deaf_since != epoch{})
    send(peer.id, hello_wanted{}); // if it hears this, it says so
}

std::vector<receipt> cluster_core::receipts_for(const fleet_peer& peer) const {
  std::vector<receipt> out;
  for (const auto& [id, entry] : runs_)
    if (peer.knows.contains(id) && out.size() < limits::receipts_max)
      if (const auto now = entry.core->durable_now())
        out.push_back(*now);
  return out;
}

void cluster_core::on_goodbye(fleet_peer& peer, run_clock::time_point now) {
  peer.left = true;
  for (auto& [id, entry] : runs_)
    entry.core->lost(peer.id, false, now);
  if (peer.connection)
    commands_.emplace_back(cluster_drop{*peer.connection, "goodbye"});
  fleet_.disconnect(peer);
  give_up(peer, "goodbye");
  free_ = true;
}

void cluster_core::on_gone(connection_id from) {
  if (fleet_peer* peer = fleet_.by_connection(from))
    fleet_.disconnect(*peer); // its leases wait for it until they expire
}

// What only this oracle or grader was to do is done by others.
void cluster_core::give_up(fleet_peer& peer, const std::string& why) {
  peer.given_up = true;
  const bool oracle = peer.roles.oracle, grader = peer.roles.grader;
  peer.slots = 0;
  if (peer.connection) {
    commands_.emplace_back(cluster_drop{*peer.connection, why});
    fleet_.disconnect(peer);
  }
  for (auto& [id, entry] : runs_) {
    if (oracle)
      entry.core->oracle_lost(peer.id);
    if (grader)
      entry.core->grader_lost(peer.id);
  }
}

void cluster_core::expect_oracle(const std::string& oracle, experiment_id run, std::uint64_t bits,
                                 bool there) {
  fleet_peer& peer = fleet_.by_name(oracle);
  peer.roles.oracle = true;
  peer.expected = peer.expected || there;
  peer.given_up = !peer.expected;
  std::uint64_t& known = peer.bits[run];
  known = std::max(known, bits);
}

// -- messages of a task --------------------------------------------------------------------------

void cluster_core::deliver(fleet_peer& peer, from_peer& message, run_clock::time_point now) {
  const auto run_of = [this](const task_id& task) { return find(task.experiment); };
  const auto no_run = [&](const task_id& task, epoch lease) {
    send(peer.id, revoke{task, lease, "there is no such run here"});
  };
  if (auto* append = std::get_if<append_request>(&message)) {
    const task_id about = append->task;
    if (run_core* run = run_of(about); run == nullptr)
      no_run(about, append->lease);
    else if (!run->on_append(peer.id, std::move(*append), now))
      judge_worker(peer, about.problem, release_kind::own_fault, now);
  } else if (auto* ask = std::get_if<ask_message>(&message)) {
    if (run_core* run = run_of(ask->task))
      run->on_ask(peer.id, std::move(*ask));
    else
      no_run(ask->task, ask->lease);
  } else if (auto* text = std::get_if<text_request>(&message)) {
    if (run_core* run = run_of(text->task))
      run->on_text(peer.id, std::move(*text));
    else
      no_run(text->task, text->lease);
  } else if (auto* finished = std::get_if<arm_finished>(&message)) {
    const task_id about = finished->task;
    if (run_core* run = run_of(about); run == nullptr)
      no_run(about, finished->lease);
    else if (!run->on_finished(peer.id, std::move(*finished), now))
      judge_worker(peer, about.problem, release_kind::own_fault, now);
  } else if (auto* released = std::get_if<task_released>(&message)) {
    if (run_core* run = run_of(released->task)) {
      if (const auto how = run->on_released(peer.id, *released, now))
        judge_worker(peer, released->task.problem, *how, now);
      free_ = true;
    } else {
      send(peer.id, release_ack{released->task, released->lease});
    }
  } else {
    deliver_oracle(peer, message);
  }
}

void cluster_core::deliver_oracle(fleet_peer& peer, from_peer& message) {
  if (auto* append = std::get_if<oracle_append>(&message)) {
    const experiment_id about = append->task.experiment;
    if (run_core* run = find(about)) {
      run->on_oracle_append(peer.id, std::move(*append));
      count_ledgers(*run);
    } else { // of a run that is not here any more: kept nowhere, so it need not be sent again
      send(peer.id, oracle_appended{{append->task, {}, append->ticket}});
    }
  } else if (auto* failed = std::get_if<oracle_failed>(&message)) {
    if (run_core* run = find(failed->task.experiment))
      run->on_oracle_failed(peer.id, std::move(*failed));
  } else if (auto* text = std::get_if<oracle_text_reply>(&message)) {
    if (run_core* run = find(text->task.experiment);
        run != nullptr && !run->on_text_reply(peer.id, std::move(*text)) && peer.draining.empty()) {
      peer.draining = "its texts are not those in the journal; undrain it when it is mended";
      relieve(peer);
    }
  } else if (const auto* gone = std::get_if<forgotten>(&message)) {
    if (run_core* run = find(gone->task.experiment))
      run->on_forgotten(peer.id, *gone);
  } else if (auto* result = std::get_if<graded>(&message)) {
    if (run_core* run = find(result->task.experiment))
      run->on_graded(peer.id, std::move(*result));
  }
}

} // namespace tenbit

// The scheduler: every decision of a coordinator as one pure step, message in, commands out.
//
// Holds the peers and the runs; hands tasks to peers with free slots, by priority of the run and
// the order in which runs were added; lets leases expire; brings both sides to one view after a
// reconnect; takes bad workers out. `now` is an argument; nothing here waits, reads a clock or a
// socket. A run in one process is the same with one peer. Owned by the coordinator actor.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/cluster_status.hpp"
#include "coordinator/disk_level.hpp"
#include "coordinator/endpoint_orders.hpp"
#include "coordinator/fleet.hpp"
#include "coordinator/run_core.hpp"

namespace tenbit {

struct cluster_send {
  connection_id to;
  to_peer what;
};
struct cluster_drop {
  connection_id to;
  std::string reason;
};
// Work is left for another step at once (too many grants for one).
struct cluster_more {};
using cluster_command =
    std::variant<cluster_send, cluster_drop, cluster_more, commit_command, close_journal>;

// An oracle as a coordinator that starts again has to know it.
struct oracle_record {
  std::string name;
  experiment_id run;
  std::uint64_t bits = 0; // that it gave to the run
  bool there = true;      // and is waited for
  friend bool operator==(const oracle_record&, const oracle_record&) = default;
};

struct cluster_rules {
  std::uint64_t incarnation = 0;
  run_clock::duration lease_ttl = limits::lease_ttl;
  run_clock::duration heartbeat = limits::heartbeat_period;
  bool one_process = false; // the one peer is this process: no leases expire, nobody is distrusted
};

class cluster_core final : private party_directory {
public:
  explicit cluster_core(const cluster_rules& rules) : rules_(rules) {}

  // -- runs. Loaded with directory() as their view of the others.
  [[nodiscard]] party_directory& directory() { return *this; }
  [[nodiscard]] plan_rules rules_of_runs() const;
  // A lease of the last life, as its run is to load it. Its boot tells the process that had it from
  // another one of that name.
  [[nodiscard]] task_lease lease_of(const lease_row& row, run_clock::time_point now);
  [[nodiscard]] peer_id peer_named(const std::string& name) override {
    return fleet_.by_name(name).id;
  }
  void add_run(std::unique_ptr<run_core> run, int priority, run_clock::time_point now);
  // What a peer that was here remembers of this store and it does not have; empty: nothing.
  [[nodiscard]] std::string contradiction(const receipt_book& book, std::uint64_t commit_seq) const;
  [[nodiscard]] run_core* find(experiment_id id);
  [[nodiscard]] run_core* find(const std::string& name); // newest of that name
  // It is over; its sources are not asked again.
  void remove_run(experiment_id id) {
    runs_.erase(id);
    std::erase(by_priority_, id);
    for (fleet_peer& peer : fleet_.all())
      peer.refused.erase(id);
  }

  // -- events
  void on_frame(connection_id from, const std::string& key, role_set rights, from_peer message,
                run_clock::time_point now);
  void on_gone(connection_id from);
  void on_committed(experiment_id run, std::uint64_t ticket, run_clock::time_point now);
  void on_diverged(experiment_id run, std::uint64_t ticket, const std::string& why,
                   run_clock::time_point now);
  void on_journal_end(experiment_id run, const std::string& failure, bool damaged = false);
  void on_tick(run_clock::time_point now);
  void stop_run(experiment_id run, const std::string& reason);
  // The same by an operator: what is left counts as cancelled.
  void cancel_run(experiment_id run, const std::string& reason);
  // No new leases for any run; what is leased stays with its holders over a restart.
  void close_all() { closing_ = true; }

  // What the disk of the stores allows from now on.
  void disk(disk_level level) { disk_ = level; }

  // -- operators; idempotent
  void pause(run_core& run, bool paused, bool now);
  void limit(run_core& run, std::uint32_t leases);
  void prioritise(run_core& run, int priority);
  [[nodiscard]] status<std::string> drain(const std::string& worker, const std::string& reason);
  [[nodiscard]] status<std::string> undrain(const std::string& worker);
  // Takes what it holds, at once, and ends its connection. It may come back; drained it gets
  // nothing. Calls of its that are on the wire may be paid for again.
  [[nodiscard]] status<std::string> kick(const std::string& worker, const std::string& reason,
                                         run_clock::time_point now);
  // Who is draining, and why, by name. It stands until undrain(), over restarts as well.
  [[nodiscard]] std::map<std::string, std::string> drains() const;
  // Of the last life; before anybody says hello.
  void load_drains(const std::map<std::string, std::string>& drains);
  // Which replicas a worker (empty: any) has said that it calls, or has orders for.
  [[nodiscard]] expected<std::vector<std::string>, std::string>
  endpoints_of(const std::string& worker) const;
  // For one worker, or with an empty name for all that are and will be. It stands until another
  // order for the same replica.
  [[nodiscard]] status<std::string> order(const std::string& worker, const endpoint_order& what);
  // Of the last life; before anybody says hello.
  void load_orders(const std::vector<endpoint_rule>& rules) { orders_.load(rules); }
  // An oracle of the last life, and the bits it had given: a ledger with fewer is an older copy.
  // there: it is waited for.
  void expect_oracle(const std::string& oracle, experiment_id run, std::uint64_t bits,
                     bool there = true);
  // What the next life is to expect: every oracle that is there, for every run, and what those gave
  // that are not. One that gave nothing yet may have calls on the wire all the same.
  [[nodiscard]] std::vector<oracle_record> oracles() const;

  [[nodiscard]] std::vector<cluster_command> take_commands(run_clock::time_point now);
  [[nodiscard]] cluster_status snapshot(run_clock::time_point now) const;
  [[nodiscard]] const fleet& peers() const { return fleet_; }
  // Why a pending task does not run; one line.
  [[nodiscard]] std::string why_pending(const run_core& run) const;

private:
  struct rate_sample {
    run_clock::time_point at;
    std::uint64_t done = 0;
  };
  struct run_entry {
    std::unique_ptr<run_core> core;
    std::uint64_t order = 0;
    int priority = 0;
    bool paused = false;
    bool calling_in = false; // what comes back in work is to be handed back
    std::uint32_t lease_limit = 0;
    run_clock::time_point added, last_done;
    std::deque<rate_sample> samples; // one a second at most, an hour
    std::string toml;
  };

  // party_directory
  std::optional<peer_id> oracle(experiment_id run, problem_index task) override {
    return fleet_.oracle_of(run, task.value);
  }
  std::optional<peer_id> grader(experiment_id run) override { return fleet_.next_grader(run); }
  bool one_solver(experiment_id run) const override { return fleet_.solvers(run) < 2; }
  std::string name(peer_id who) const override;
  std::uint64_t boot(peer_id who) const override;

  // -- peers
  void on_hello(connection_id from, const std::string& key, role_set rights, const hello& h,
                run_clock::time_point now);
  [[nodiscard]] std::string refusal(const std::string& key, role_set rights, const hello& h) const;
  void adopt_leases(fleet_peer& peer, const hello& h, run_clock::time_point now);
  void hears(fleet_peer& peer, const from_peer& message);
  void on_heartbeat(fleet_peer& peer, heartbeat beat, run_clock::time_point now);
  [[nodiscard]] std::vector<receipt> receipts_for(const fleet_peer& peer) const;
  void on_goodbye(fleet_peer& peer, run_clock::time_point now);
  void give_up(fleet_peer& peer, const std::string& why);
  void on_refused(fleet_peer& peer, experiment_refused said);
  void note_models(fleet_peer& peer, run_clock::time_point now);
  void free_from_outages(run_clock::time_point now);
  void judge_worker(fleet_peer& peer, problem_index task, release_kind how,
                    run_clock::time_point now);
  void take_roles(fleet_peer& peer, role_set now);
  void relieve(const fleet_peer& peer);
  void deliver(fleet_peer& peer, from_peer& message, run_clock::time_point now);
  void deliver_oracle(fleet_peer& peer, from_peer& message);
  void count_ledgers(run_core& run);

  void send(peer_id to, to_peer what);
  void send(connection_id to, to_peer what) {
    commands_.emplace_back(cluster_send{to, std::move(what)});
  }
  void gather(run_entry& entry);
  void grant_free_slots(run_clock::time_point now);
  [[nodiscard]] std::vector<peer_id> free_peers(run_clock::time_point now) const;
  [[nodiscard]] std::string refusals_of(const fleet_peer& peer) const;
  [[nodiscard]] std::string all_refused(experiment_id run, bool role_set::*role) const;
  [[nodiscard]] bool grant_one(run_core& run, peer_id peer, run_clock::time_point now);
  [[nodiscard]] std::uint32_t leased(peer_id peer) const;
  [[nodiscard]] bool may_grant(const run_entry& entry) const;
  void sample(run_clock::time_point now);
  static void add_rates(const run_entry& entry, run_clock::time_point now, run_line& out);
  [[nodiscard]] std::uint64_t unaccounted_bits(const run_core& run) const;
  [[nodiscard]] std::string no_worker() const;
  [[nodiscard]] run_line line_of(const run_entry& entry, run_clock::time_point now) const;

  cluster_rules rules_;
  fleet fleet_;
  endpoint_orders orders_;
  std::map<experiment_id, run_entry> runs_;
  std::vector<experiment_id> by_priority_;
  std::uint32_t grants_ = 0; // the counter of epochs
  std::uint64_t order_ = 0;
  std::optional<run_clock::time_point> last_tick_;
  run_clock::duration tick_gap_max_{}, tick_gap_before_{}; // of this minute; of the one before
  run_clock::time_point tick_gap_from_;
  run_clock::time_point started_;
  bool closing_ = false;
  disk_level disk_ = disk_level::ample;
  bool free_ = true; // a slot or a task may have become free
  std::vector<cluster_command> commands_;
};

} // namespace tenbit

// Which task is next, who holds which, until when: pending, leased, delayed, suspect and ended
// tasks of one run.
//
// Pure: `now` is an argument. Eight bytes per pending task; leases, delays and faults take more,
// and are few. A task that was in work when its worker died is a suspect: it is tried again one per
// worker, so that the one that kills workers is found and no other is charged with it. Among
// several workers no task is given up on the word of one of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "base/histogram.hpp"
#include "config/limits.hpp"

namespace tenbit {

using run_clock = std::chrono::steady_clock;

struct plan_counts {
  std::uint64_t pending = 0, leased = 0, done = 0, failed = 0, quarantined = 0, cancelled = 0;
  [[nodiscard]] std::uint64_t all() const {
    return pending + leased + done + failed + quarantined + cancelled;
  }
  friend bool operator==(const plan_counts&, const plan_counts&) = default;
};

// What differs between a run in one process and one on many machines.
struct plan_rules {
  bool leases_kept = false; // lease rows are written, so that holders find them after a restart
  bool distrust = false;    // peers are other processes: what they say is checked as hostile input
  bool quarantine = false; // false: a task that fails too often is `failed`, as in one-process runs
  std::uint32_t outage_tries_max = limits::task_errors_max; // 0: outages are waited for
  std::uint64_t first_ask = 1; // tickets of asks: never one of an earlier life of the coordinator
};

struct task_lease {
  epoch number;
  peer_id holder;
  run_clock::time_point granted;
  run_clock::time_point deadline;
  bool expired = false; // the deadline passed and nobody else has it yet: it may still come back
  bool named = false;   // by its holder, so that the grant was heard
};

// What went wrong with a task so far. Kept in the store: a coordinator that starts again knows it.
struct task_faults {
  std::vector<peer_id> crashes, errors; // who held it, once per time
  bool suspect = false;
  bool given_up = false; // on the evidence above
};

// What a task comes to when a lease ends.
enum class task_ending : std::uint8_t {
  done,
  failed,
  delayed,
  interrupted,
  quarantined,
  cancelled
};

class plan {
public:
  explicit plan(plan_rules rules = {}) : rules_(rules) {}

  // -- loading, in the order in which tasks are to be handed out
  // Of earlier lives; before the task itself.
  void add_faults(problem_index task, task_faults known);
  void add_pending(problem_index task);
  void add_ended(task_ending how);
  // Leased in the coordinator's last life; the holder has until the deadline to come back.
  void add_leased(problem_index task, const task_lease& lease);

  // -- granting
  // The next task for a peer that holds fewer tasks than it has slots. alone: it is the only
  // solver. Empty: none is ready for it, or granting was stopped. The caller leases it or puts it
  // back.
  [[nodiscard]] std::optional<problem_index> next(run_clock::time_point now, peer_id peer,
                                                  bool alone);
  void lease(problem_index task, const task_lease& lease);
  void put_back(problem_index task);
  void stop_granting() { stopped_ = true; }
  void hold_granting(bool hold) { held_ = hold; }

  // -- leases
  [[nodiscard]] const task_lease* find(problem_index task) const;
  // Its holder speaks of it.
  void named(problem_index task);
  // Progress was seen. An expired lease that nobody else got is live again.
  void renew(problem_index task, run_clock::time_point deadline);
  // An expired lease whose holder has no slot for it any more: the task is simply pending.
  void let_go(problem_index task);
  // Leases whose deadline passed; they may be granted to another from now on.
  [[nodiscard]] std::vector<problem_index> expire(run_clock::time_point now);
  // This process was paused: no deadline counts that time.
  void shift_deadlines(run_clock::duration gap);
  [[nodiscard]] std::vector<problem_index> held_by(peer_id peer) const;
  // Live leases of a peer.
  [[nodiscard]] std::uint32_t live(peer_id peer) const;
  // Nobody holds it any more, but its end is not committed yet: it waits for end().
  void detach(problem_index task);

  // -- endings
  // What a release comes to, with the task's own faults counted. The lease ends with end().
  [[nodiscard]] task_ending judge(problem_index task, release_kind how, bool alone);
  void end(problem_index task, task_ending how, run_clock::time_point now);
  // The holder died with these in work. Returns those that are to be quarantined: their lease is
  // left for end(); the others are pending again, as suspects.
  // Those that expired while it was silent and went to others are suspects as well.
  [[nodiscard]] std::vector<problem_index> crashed(peer_id peer, bool alone);
  // A bad worker's charges are taken back: its failures were its own. Returns the tasks that were
  // given up because of them; the caller requeues those.
  [[nodiscard]] std::vector<problem_index> forgive(peer_id peer);
  // A pending task is ended, by an operator or by what its last holder had done. False: it is not
  // pending. how: not a way of being pending.
  [[nodiscard]] bool take_pending(problem_index task, task_ending how);
  // By an operator: an ended task is pending again.
  void requeue(problem_index task, task_ending was, bool forget_faults);

  [[nodiscard]] const plan_counts& counts() const { return counts_; }
  [[nodiscard]] std::size_t suspects() const;
  [[nodiscard]] const task_faults* faults_of(problem_index task) const;
  // Tasks whose faults have changed since the last call.
  [[nodiscard]] std::set<problem_index> take_changed() { return std::exchange(changed_, {}); }
  // One line about a task's faults; empty: none.
  [[nodiscard]] std::string evidence(problem_index task) const;
  [[nodiscard]] std::uint64_t delayed() const { return delayed_.size(); }
  // Where every waiting task is: for a simulation that stands still.
  [[nodiscard]] std::string queues() const;
  // The granting time of the oldest live lease.
  [[nodiscard]] std::optional<run_clock::time_point> oldest_lease() const;
  [[nodiscard]] std::optional<run_clock::time_point> youngest_lease() const;
  [[nodiscard]] const std::unordered_map<problem_index, task_lease>& leases() const {
    return leases_;
  }
  // From grant to done, as the slowest of a hundred tasks took it. Empty: too few are done.
  [[nodiscard]] std::optional<run_clock::duration> slow_time() const;
  // From grant to done, as the last tasks took it: a mean in which the newer ones weigh more.
  // Empty: none is done yet.
  [[nodiscard]] std::optional<run_clock::duration> usual_time() const;
  // Nothing is leased, and nothing will be.
  [[nodiscard]] bool over() const {
    return counts_.leased == 0 && (stopped_ || counts_.pending == 0);
  }

private:
  struct faults : task_faults {
    std::uint32_t outages = 0; // charged to nobody, and not kept
    peer_id outage_on;         // who held it in the last one
  };

  [[nodiscard]] std::optional<problem_index> next_suspect(peer_id peer, bool alone);
  [[nodiscard]] std::optional<problem_index> next_delayed(run_clock::time_point now, peer_id peer,
                                                          bool alone);
  [[nodiscard]] bool failed_only_on(problem_index task, peer_id peer) const;
  [[nodiscard]] bool charge(problem_index task, peer_id peer, bool alone);
  [[nodiscard]] bool is_suspect(problem_index task) const;
  [[nodiscard]] bool holds_suspect(peer_id peer) const;
  [[nodiscard]] bool proven(const std::vector<peer_id>& who, std::uint32_t limit,
                            std::uint32_t limit_alone, bool alone) const;
  void drop_lease(problem_index task);
  void unqueue(problem_index task);
  void close_faults(problem_index task, task_ending how);
  void went_live(task_lease& lease, bool is);
  std::uint64_t& count_of(task_ending how);

  plan_rules rules_;
  std::deque<problem_index> ready_;
  std::deque<problem_index> suspects_;
  std::multimap<run_clock::time_point, problem_index> delayed_;
  std::unordered_map<problem_index, task_lease> leases_;
  std::unordered_map<problem_index, faults> faults_;
  std::set<problem_index> changed_; // faults that take_changed() has not given yet
  std::unordered_map<problem_index, std::uint32_t> stale_; // entries of ready_ that count no more
  std::unordered_map<peer_id, std::set<problem_index>> silent_; // expired, by who held them
  std::unordered_map<peer_id, std::uint32_t> live_; // leases by holder, the expired not counted
  plan_counts counts_;
  histogram times_;                  // from grant to done
  run_clock::duration usual_time_{}; // of timed_ tasks
  std::uint64_t timed_ = 0;
  bool stopped_ = false, held_ = false;
};

} // namespace tenbit

// The decisions about one experiment: who works on what, what is committed, which bits go back.
//
// Pure: a message comes in, commands come out; the store is reached through read functions. Durable
// first: no command that depends on an event leaves before that event is committed, so each
// continuation waits under its commit's ticket. A message counts only if its epoch is the task's
// lease and its sender holds it; copies are answered again, never done again. Single-threaded;
// owned by cluster_core.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "actors/session.hpp"
#include "config/experiment.hpp"
#include "coordinator/plan.hpp"
#include "coordinator/receipts.hpp"
#include "coordinator/status.hpp"
#include "storage/store.hpp"

namespace tenbit {

// -- commands ------------------------------------------------------------------------------------
struct outbound {
  peer_id to;
  to_peer what;
};
struct commit_command {
  experiment_id run;
  std::uint64_t ticket = 0; // 0: nobody waits for it
  task_commit what;
};
// Every lease of the run is to be given back, because it stops.
struct drain_run {
  experiment_id run;
};
struct close_journal {
  experiment_id run;
};
using run_command = std::variant<outbound, commit_command, drain_run, close_journal>;

// What the core reads: the journal and gold of a task, and its public text. A failure ends the run.
struct run_sources {
  std::function<expected<std::vector<event>, store_failure>(problem_index)> journal;
  std::function<expected<gold, store_failure>(problem_index)> gold_of;
  std::function<expected<std::shared_ptr<const problem>, store_failure>(problem_index)> problem_of;
  std::function<std::uint64_t()> commit_seq; // that is durable; empty: no receipts are given
};

// The other parties, as a run asks for them. Those that refused it are none of its.
class party_directory {
public:
  virtual ~party_directory() = default;
  // Empty: none is there; the run asks again when one joins.
  // The same one for the same task as long as the same ones are there.
  [[nodiscard]] virtual std::optional<peer_id> oracle(experiment_id run, problem_index task) = 0;
  [[nodiscard]] virtual std::optional<peer_id> grader(experiment_id run) = 0;
  [[nodiscard]] virtual bool one_solver(experiment_id run) const = 0;
  [[nodiscard]] virtual std::string name(peer_id who) const = 0;
  // The peer of this name, seen or not.
  [[nodiscard]] virtual peer_id peer_named(const std::string& name) = 0;
  // Which process of that name it is; 0: not seen yet.
  [[nodiscard]] virtual std::uint64_t boot(peer_id who) const = 0;
};

class run_core {
public:
  run_core(std::shared_ptr<const experiment> exp, experiment_id id, run_sources sources,
           std::uint64_t tasks_all, party_directory& directory, plan_rules rules = {});
  // Before the first message. Faults that the store has of a task, before the task itself.
  void load_faults(problem_index task, const fault_row& faults);
  // Once per task in the order of handing out.
  void load(problem_index task, const task_state& state);
  // Instead of load(): leased in the coordinator's last life. It waits for its holder.
  void load_lease(problem_index task, const task_state& state, const task_lease& lease);
  // Of the store that sources read.
  void give_receipts(const receipt_book& book) { receipts_ = book; }
  // What peers are to remember of the store as it is now; empty: the run gives none.
  [[nodiscard]] std::optional<receipt> durable_now() const;
  // A peer remembers this. False: the store has less, and the run is broken. One that is cancelled
  // gives out nothing any more, and stops no other.
  [[nodiscard]] bool on_receipt(const std::string& peer, const receipt& shown);
  // What earlier runs spent, for the budget.
  void spent_before(const store_totals& totals);

  // -- leases
  // Leases the next task to a peer with a free slot; false: there is none for it now.
  [[nodiscard]] bool grant_next(peer_id to, epoch number, run_clock::time_point now,
                                run_clock::time_point deadline);
  // A peer that reconnected says it holds this lease. False: it does not, and is to be told so.
  // room: it has a slot free, for a lease that expired.
  [[nodiscard]] bool adopt(peer_id who, const held_lease& held, run_clock::time_point deadline,
                           bool room);
  // An oracle that reconnected still has something of the task, and is the one that is asked.
  // asks: it may be asked more. False: it is to forget it, and nobody waits for that; what is
  // waited for, oracle_connected() says.
  [[nodiscard]] bool keeps(peer_id oracle, problem_index task, bool asks);
  // Its grants that it does not know of are sent again.
  void grant_again(peer_id who, const std::set<task_id>& known, run_clock::time_point now);
  void renew(peer_id who, const lease_progress& progress, run_clock::time_point deadline,
             bool room);
  // Gives the lowest epoch of each peer whose lease expired without the peer ever having named it.
  [[nodiscard]] std::map<peer_id, epoch> expire(run_clock::time_point now);
  void shift_deadlines(run_clock::duration gap) { plan_.shift_deadlines(gap); }
  // The peer is gone with what it held: it died, or left in good order.
  void lost(peer_id who, bool crashed, run_clock::time_point now);
  void hand_back_all();
  // What this one has held since before then.
  void hand_back_of(peer_id who, run_clock::time_point since);
  // At once: it is not asked to finish anything.
  void take_back(peer_id who, const std::string& why, run_clock::time_point now);
  // A bad worker's failures were its own: what was given up because of them is pending again.
  void forgive(peer_id who);
  void hold_granting(bool hold) { plan_.hold_granting(hold); }

  // -- other parties
  // This oracle or grader may be asked: what is open is sent (again). After a hello, what it is to
  // forget as well: nothing that was sent before reaches it.
  void oracle_connected(peer_id who);
  void oracle_joined(peer_id who);
  void grader_joined(peer_id who);
  // It is not coming back soon: others do its work.
  void oracle_lost(peer_id who);
  // It is there and is asked nothing more: others do its work when what it has paid for is kept.
  void oracle_left(peer_id who);
  void grader_lost(peer_id who);

  // -- messages
  // False, also of on_finished(): it cannot be true, and its lease was ended as a fault of the
  // task.
  [[nodiscard]] bool on_append(peer_id from, append_request request, run_clock::time_point now);
  void on_ask(peer_id from, ask_message ask);
  void on_text(peer_id from, text_request ask);
  [[nodiscard]] bool on_finished(peer_id from, arm_finished finished, run_clock::time_point now);
  // How it ended the lease: as its worker says, or own_fault where that cannot be. Empty: a copy,
  // or the lease was over.
  std::optional<release_kind> on_released(peer_id from, const task_released& released,
                                          run_clock::time_point now);
  void on_oracle_append(peer_id from, oracle_append request);
  // New bits since the last call, by the oracle whose own ledger has them.
  [[nodiscard]] std::map<peer_id, std::uint64_t> take_appended() {
    return std::exchange(appended_, {});
  }
  // New bits that became durable since the last call, by the oracle that gave them.
  [[nodiscard]] std::map<peer_id, std::uint64_t> take_given() { return std::exchange(given_, {}); }
  // Of the budget's nearest limit, over all lives; 0 without a budget.
  [[nodiscard]] double budget_used() const;
  // Who finished a task since the last call.
  [[nodiscard]] std::vector<peer_id> take_finished() { return std::exchange(finished_, {}); }
  void on_oracle_failed(peer_id from, oracle_failed failed);
  // False: again and again it says what the journal does not have.
  [[nodiscard]] bool on_text_reply(peer_id from, oracle_text_reply reply);
  void on_forgotten(peer_id from, const forgotten& done);
  void on_graded(peer_id from, graded result);

  void on_committed(std::uint64_t ticket, run_clock::time_point now);
  // The store holds something that contradicts this commit: its task is held for a person.
  void on_diverged(std::uint64_t ticket, const std::string& why, run_clock::time_point now);
  void on_stop(const std::string& reason);
  // Likewise, and what is not done counts as cancelled. The store has it as pending.
  void on_cancel(const std::string& reason);
  void on_tick(run_clock::time_point now);
  // The journal is closed (failure empty) or broken.
  void on_journal_end(const std::string& failure, bool damaged = false);

  // -- operators; idempotent. What the task is counts, not what a store read meanwhile says.
  [[nodiscard]] tenbit::status<std::string> requeue(problem_index task, task_status was,
                                                    bool forget);
  [[nodiscard]] tenbit::status<std::string> quarantine(problem_index task, const std::string& why);

  // What the calls since the last one gave, in order.
  [[nodiscard]] std::vector<run_command> take_commands();
  [[nodiscard]] const run_status& status() const { return status_; }
  [[nodiscard]] const plan& tasks() const { return plan_; }
  // What the holder of a lease said of it last; null: nothing.
  [[nodiscard]] const lease_progress* said_of(problem_index task) const;
  [[nodiscard]] const experiment& what() const { return *exp_; }
  [[nodiscard]] experiment_id id() const { return id_; }
  // What is asked of the other parties: for a simulation that stands still.
  [[nodiscard]] std::string open_work() const;

private:
  struct open_ask {
    std::uint64_t worker_ticket = 0;
    arm_trial where;
    std::vector<std::string> questions;
    std::string draft;
    std::vector<hash256> hashes; // of the questions, to tell a repeated bit from another one
  };
  struct open_text {
    std::uint64_t worker_ticket = 0;
    arm_trial where;
    generate_request request;
    std::uint32_t refused = 0; // texts for it that are not in the journal
  };
  struct ledger_bit {
    hash256 question;
    answer value = answer::no;
    bool durable = false;
  };
  // Calls of one party that are in the journal or on their way, and, where peers are distrusted,
  // what their texts hash to. Both parties may make the same call: each has its own.
  using known_calls = std::unordered_map<call_id, hash256>;
  struct open_arm {
    arm_finished finished;
    std::set<peer_id> graders; // that were asked
  };
  struct held_task {
    epoch number;
    peer_id holder;
    std::shared_ptr<const problem> item;
    std::map<std::pair<arm_trial, std::uint32_t>, ledger_bit> ledger;
    known_calls received, sent;                      // the calls of the receiver, of the sender
    std::unordered_map<std::uint64_t, bool> tickets; // appends: durable or on their way
    journal_slice prior;                      // the sender's calls, until the oracle has them
    std::map<std::uint64_t, open_ask> asks;   // by our ticket
    std::map<std::uint64_t, open_text> texts; // likewise
    std::map<arm_trial, std::uint32_t> texts_asked;
    std::map<arm_trial, std::vector<hash256>> answered; // the questions that got their bits
    std::map<arm_trial, open_arm> grading;              // until graded
    std::set<arm_trial> closing, closed;                // outcome on its way; durable
    std::map<arm_trial, std::string> withheld; // why the sender failed it, in the sender's words
    std::optional<peer_id> oracle_party;
    std::optional<lease_progress> said; // by its holder, last
    bool releasing = false;
    bool prior_stale = false; // the next oracle needs the journal as it is then
    bool ask_again = false;   // open asks are to be sent when nothing is uncommitted
  };
  struct after_append {
    peer_id to;
    appended reply;
  };
  struct after_oracle {
    peer_id from;
    appended reply;
    std::vector<std::pair<arm_trial, std::uint32_t>> bits;
    std::uint64_t fresh = 0; // bits that the ledger did not have
  };
  struct after_outcome {
    peer_id to;
    arm_closed reply;
    bool last = false;      // with it the task is done
    std::uint64_t bits = 0; // that the task's ledger has then
  };
  struct after_release {
    task_ending how;
    std::optional<outbound> reply;
  };
  using continuation = std::variant<after_append, after_oracle, after_outcome, after_release>;
  struct waiting_commit {
    problem_index task;
    continuation then;
  };

  // -- leases
  [[nodiscard]] bool open_lease(problem_index task, epoch number, peer_id holder, grant* given);
  void divide(held_task& held, std::vector<event> past, grant* given) const;
  [[nodiscard]] held_task* current(peer_id from, task_id task, epoch number);
  void close_lease(problem_index task);
  void forget_at(peer_id oracle, problem_index task);
  void forget_again(run_clock::time_point now);
  void refuse_lease(problem_index task, const std::string& why, run_clock::time_point now);
  void send(peer_id to, to_peer what) { commands_.emplace_back(outbound{to, std::move(what)}); }
  void end_lease(problem_index task, task_ending how, run_clock::time_point now);
  void note_ended(problem_index task, task_ending how);
  void forget_done(problem_index task);
  void pardon(problem_index task);
  void quarantine_leased(problem_index task, const std::string& why, std::optional<outbound> reply);
  [[nodiscard]] bool fits(const to_peer& message, const journal_slice& events) const;
  void give_up_oversized();

  // -- relay
  void relay_ask(task_id task, held_task& held, std::uint64_t ticket);
  void relay_text(task_id task, held_task& held, std::uint64_t ticket);
  void relay_open(problem_index task, held_task& held);
  [[nodiscard]] bool remember(held_task& held, const call_event& call) const;
  [[nodiscard]] std::string contradiction(const held_task& held,
                                          const arm_finished& finished) const;
  void grade(open_arm& arm);
  [[nodiscard]] bool reply_if_complete(task_id task, held_task& held, std::uint64_t ask);
  void refuse_ask(peer_id to, const ask_message& ask, call_error kind, std::string why);
  void refuse_text(peer_id to, const text_request& ask, std::string why);
  [[nodiscard]] std::string over_budget(const held_task& held, const ask_message& ask) const;
  [[nodiscard]] std::string over_budget(const held_task& held, const text_request& ask) const;
  [[nodiscard]] bool believed(const call_event& call);
  void keep_late(peer_id from, oracle_append request);
  [[nodiscard]] bool wanted(const held_task& held, const bit_event& bit);
  [[nodiscard]] bool exists(const arm_trial& where) const;
  [[nodiscard]] std::optional<peer_id> oracle_of(problem_index task, held_task& held);
  [[nodiscard]] bool is_kept(const held_task& held, const generate_request& request,
                             const std::string& text) const;
  [[nodiscard]] bool being_forgotten(problem_index task) const;
  void drop_known(held_task& held, bool assigned, std::vector<event>& events, after_oracle& then);
  [[nodiscard]] bool drop_known(problem_index task, std::vector<event>& events);

  // -- faults
  [[nodiscard]] fault_row faults_now(problem_index task) const;
  void attach_faults(task_commit& what);
  void keep_faults();

  // -- commits
  void commit(task_commit what, continuation then);
  void commit_unwaited(task_commit what);
  void count(const std::vector<event>& events);
  void check_budget();
  void begin_stop(const std::string& reason);
  [[nodiscard]] plan_counts counts_now() const;
  void settled(problem_index task);
  void finish_commit(const after_append& then, problem_index task);
  void finish_commit(const after_oracle& then, problem_index task);
  void finish_commit(const after_outcome& then, problem_index task, run_clock::time_point now);
  void close_if_over();
  void break_run(const store_failure& failure);

  std::shared_ptr<const experiment> exp_;
  experiment_id id_;
  run_sources sources_;
  party_directory* directory_;
  plan plan_;
  plan_rules rules_;
  std::optional<receipt_book> receipts_;
  run_status status_;
  std::unordered_map<problem_index, held_task> leases_;
  std::unordered_map<std::uint64_t, waiting_commit> waiting_;    // by commit ticket
  std::unordered_map<problem_index, std::uint32_t> uncommitted_; // commits on their way, by task
  std::unordered_set<problem_index> finishing_;                  // the last outcome is on its way
  std::unordered_set<problem_index> stored_failed_;      // as the store has them; to be tried again
  std::unordered_map<problem_index, task_ending> ended_; // otherwise than done
  std::set<problem_index> oversized_;              // leased; nothing of theirs can be sent any more
  std::unordered_set<problem_index> pardoned_;     // being given up, to be pending after that
  std::unordered_set<problem_index> with_journal_; // tasks that have events
  // What the store has, or is about to have, of a task's faults; empty: not known.
  std::unordered_map<problem_index, std::optional<fault_row>> faults_kept_;
  // Who was asked about a task, or says that it was: asked again as long as it is there.
  std::unordered_map<problem_index, peer_id> oracles_;
  std::map<peer_id, std::uint64_t> given_;    // that take_given() has not given yet
  std::vector<peer_id> finished_;             // likewise
  std::map<peer_id, std::uint64_t> appended_; // likewise, of take_appended()
  // Of leases that are over, until the task's journal is whole on disk.
  std::unordered_map<problem_index, std::vector<std::pair<peer_id, oracle_append>>> late_;
  struct forgetting {
    run_clock::time_point since; // from the first tick on
    std::uint32_t told = 0;      // times, on this connection
  };
  // This oracle still has something of it.
  std::map<std::pair<problem_index, peer_id>, forgetting> forgetting_;
  // Answers that may still come to what was said more than once. None of them is the answer to what
  // is said later.
  std::map<std::pair<problem_index, peer_id>, std::uint32_t> owed_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t next_ask_ = 1;
  run_clock::time_point resent_;
  std::uint32_t failures_in_row_ = 0;
  bool any_done_ = false;
  bool cancelled_ = false;
  bool closing_ = false;
  std::uint64_t budget_calls_ = 0, budget_tokens_ = 0; // spent, all runs
  double budget_money_ = 0;
  std::vector<run_command> commands_;
};

} // namespace tenbit

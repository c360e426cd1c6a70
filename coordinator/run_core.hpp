// The coordinator's decisions: who works on what, what is committed, which bits go back.
//
// Pure: a message comes in, commands come out; the store is reached through two read functions.
// Durable first: no command that depends on an event leaves before that event is committed, so each
// continuation waits under its commit's ticket. Owned by the coordinator actor; single-threaded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "actors/messages.hpp"
#include "config/experiment.hpp"
#include "coordinator/plan.hpp"
#include "coordinator/status.hpp"
#include "storage/store.hpp"

namespace tenbit {

// -- commands ------------------------------------------------------------------------------------
struct commit_command {
  std::uint64_t ticket = 0;
  task_commit what;
};
struct to_oracle_appended {
  appended what;
};
struct drain_workers {};
struct close_journal {};
using run_command =
    std::variant<grant, appended, bits_reply, text_reply, arm_closed,      // to the worker
                 oracle_ask, oracle_text, to_oracle_appended, forget_task, // to the oracle
                 grade_request,                                            // to the grader
                 commit_command, close_journal, drain_workers>;

// What the core reads: the journal and gold of a task, and its public text. A failure ends the run.
struct run_sources {
  std::function<expected<std::vector<event>, store_failure>(problem_index)> journal;
  std::function<expected<gold, store_failure>(problem_index)> gold_of;
  std::function<expected<std::shared_ptr<const problem>, store_failure>(problem_index)> problem_of;
};

class run_core {
public:
  // states: of every task in the store, in order.
  run_core(std::shared_ptr<const experiment> exp, experiment_id id, run_sources sources,
           std::uint64_t tasks_all);
  // Before the first message, once per task. A failed task is pending again.
  void load(problem_index task, const task_state& state);
  // What earlier runs spent, for the budget.
  void spent_before(const store_totals& totals);

  [[nodiscard]] std::vector<run_command> on_slots(std::uint32_t slots, run_clock::time_point now);
  [[nodiscard]] std::vector<run_command> on_append(append_request request);
  [[nodiscard]] std::vector<run_command> on_ask(ask_message ask);
  [[nodiscard]] std::vector<run_command> on_text(text_request ask);
  [[nodiscard]] std::vector<run_command> on_text_reply(oracle_text_reply reply);
  [[nodiscard]] std::vector<run_command> on_finished(arm_finished finished);
  [[nodiscard]] std::vector<run_command> on_oracle_append(oracle_append request);
  [[nodiscard]] std::vector<run_command> on_oracle_failed(oracle_failed failed);
  [[nodiscard]] std::vector<run_command> on_forgotten(const forgotten& done);
  [[nodiscard]] std::vector<run_command> on_graded(graded result);
  [[nodiscard]] std::vector<run_command> on_released(const task_released& released,
                                                     run_clock::time_point now);
  [[nodiscard]] std::vector<run_command> on_committed(std::uint64_t ticket,
                                                      run_clock::time_point now);
  [[nodiscard]] std::vector<run_command> on_tick(run_clock::time_point now);
  [[nodiscard]] std::vector<run_command> on_stop(const std::string& reason);
  // The journal is closed (failure empty) or broken.
  void on_journal_end(const std::string& failure);

  [[nodiscard]] const run_status& status() const { return status_; }

private:
  struct open_ask {
    std::uint64_t worker_ticket = 0;
    arm_trial where;
    std::vector<hash256> questions; // hashes, to find the index of a bit
    std::map<std::uint32_t, answer> values;
  };
  struct ledger_bit {
    hash256 question;
    answer value = answer::no;
  };
  struct lease {
    std::shared_ptr<const problem> item;
    std::map<std::pair<arm_trial, std::uint32_t>, ledger_bit> ledger;
    journal_slice prior; // the sender's calls, for the first ask
    std::map<std::uint64_t, open_ask> asks;
    std::map<std::uint64_t, std::uint64_t> texts; // our ticket → the worker's
    std::uint64_t closed_arms = 0;                // outcomes committed or on their way
  };
  struct after_append {
    appended reply;
  };
  struct after_oracle {
    appended reply;
    std::uint64_t ask = 0;
    std::vector<bit_event> bits;
  };
  struct after_outcome {
    arm_closed reply;
  };
  struct after_release {
    task_id task;
    task_ending how;
  };
  using continuation = std::variant<after_append, after_oracle, after_outcome, after_release>;

  void commit(task_commit what, continuation then);
  void count(const std::vector<event>& events);
  void check_budget();
  void begin_stop(const std::string& reason);
  void grant_free_slots(run_clock::time_point now);
  [[nodiscard]] bool give(problem_index task);
  void divide(lease& held, std::vector<event> past, grant& given);
  void reply_if_complete(task_id task, lease& held, std::uint64_t ask);
  void refuse_ask(const ask_message& ask, std::string why);
  void finish_release(task_id task, task_ending how, run_clock::time_point now);
  void close_if_over();
  void break_run(const store_failure& failure);
  void refresh_counts() { status_.tasks = plan_.counts(); }
  [[nodiscard]] std::vector<run_command> take_commands();

  std::shared_ptr<const experiment> exp_;
  experiment_id id_;
  run_sources sources_;
  plan plan_;
  run_status status_;
  std::unordered_map<problem_index, lease> leases_;
  std::unordered_map<std::uint64_t, continuation> waiting_; // by commit ticket
  std::unordered_set<problem_index> with_journal_;          // tasks that have events
  std::unordered_set<problem_index> forgetting_; // the oracle still has something of these
  std::uint64_t next_ticket_ = 1;
  std::uint64_t next_ask_ = 1;
  std::uint32_t slots_ = 0;
  std::uint32_t failures_in_row_ = 0;
  bool any_done_ = false;
  bool closing_ = false;
  std::uint64_t budget_calls_ = 0, budget_tokens_ = 0; // spent, all runs
  double budget_money_ = 0;
  std::vector<run_command> commands_;
};

} // namespace tenbit

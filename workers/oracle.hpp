// The sender: answers yes/no questions with the strong model, and alone sees its text and gold.
//
// Pure: inputs are messages, outputs are commands. Each reply of the strong model is committed
// before anything follows from it; an answer leaves only as a committed bit. A question is answered
// once per index: what the ledger has is not asked again, and a call that is in the journal is not
// paid again. Owned by the oracle actor; single-threaded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "actors/messages.hpp"
#include "protocols/oracle_protocol.hpp"
#include "workers/task_runner.hpp"

namespace tenbit {

struct oracle_call {
  task_id task;
  start_call call;
};
using oracle_command =
    std::variant<oracle_call, oracle_append, oracle_failed, oracle_text_reply, forgotten>;

class oracle {
public:
  explicit oracle(std::shared_ptr<const experiment> exp) : exp_(std::move(exp)) {}

  [[nodiscard]] std::vector<oracle_command> on_ask(oracle_ask ask);
  [[nodiscard]] std::vector<oracle_command> on_text(oracle_text ask);
  [[nodiscard]] std::vector<oracle_command> on_call(task_id task, call_id id, call_result result,
                                                    std::uint64_t unix_ms);
  [[nodiscard]] std::vector<oracle_command> on_appended(task_id task, std::uint64_t ticket);
  // The lease ended: open asks are dropped, calls on the wire are still committed when they come.
  [[nodiscard]] std::vector<oracle_command> forget(task_id task);
  // It is not done with this task: something of it is asked, or still comes.
  [[nodiscard]] bool has(task_id task) const { return sessions_.contains(task); }

private:
  enum class call_stage : std::uint8_t { in_flight, committing, committed, failed };
  // What a call is for.
  enum class use_of : std::uint8_t { own_solution, bits, crossing_text };
  struct purpose {
    std::uint64_t ask = 0;
    use_of what = use_of::bits;
    bool again = false;                   // the re-ask
    std::vector<std::uint32_t> questions; // indices it answers, in the order of the prompt
  };
  struct call_entry {
    call_stage stage = call_stage::in_flight;
    std::string model;
    std::uint32_t k = 0;
    std::string canonical;
    std::string text;
    std::optional<double> p_yes;
    ask_failure failure;
    std::vector<purpose> waiters;
  };
  struct open_ask {
    oracle_ask what;
    std::optional<sealed_text> reference;
    std::unordered_map<std::uint32_t, answer>
        parsed;                   // first-try answers kept for a re-ask of a list
    std::set<std::uint32_t> left; // wanted, and not given yet
  };
  struct session {
    std::unordered_map<call_id, call_entry> calls;
    std::unordered_map<std::uint64_t, open_ask> asks;   // by the coordinator's ticket
    std::unordered_set<std::uint64_t> texts;            // open crossing texts, likewise
    std::unordered_map<std::uint64_t, call_id> appends; // by our ticket
    std::uint32_t in_flight = 0;
    bool closing = false;
  };

  void drop_if_over(std::unordered_map<task_id, session>::iterator place);
  static void remember(session& s, const journal_slice& prior);
  void begin(task_id task, session& s, std::uint64_t ask);
  void want(task_id task, session& s, const generate_request& request, purpose why);
  void use(task_id task, session& s, call_id id, const purpose& why);
  void answered(task_id task, session& s, call_id id, const purpose& why);
  void ask_again(task_id task, session& s, const purpose& why);
  void commit_call(task_id task, session& s, call_id id, call_reply reply, std::uint64_t unix_ms);
  void give_up(task_id task, session& s, std::uint64_t ask, const ask_failure& failure);
  [[nodiscard]] program_input input_of(const oracle_ask& ask) const;
  [[nodiscard]] std::vector<oracle_command> take_commands();

  std::shared_ptr<const experiment> exp_;
  std::unordered_map<task_id, session> sessions_;
  std::uint64_t next_ticket_ = 1;
  std::vector<oracle_command> commands_;
};

} // namespace tenbit

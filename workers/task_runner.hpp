// One leased task: runs the programs of all its arms and trials, and shares their calls.
//
// Pure: inputs are messages, outputs are commands. It never sees a socket, a clock, the store, gold
// or a text of the sender. Every result is committed before a program sees it; a result that is in
// the journal already is used without a new call. Owned by a worker; single-threaded.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

#include "actors/messages.hpp"
#include "actors/session.hpp"
#include "protocols/program.hpp"

namespace tenbit {

struct start_call {
  call_id id;
  std::string model; // alias
  std::string canonical;
};
using runner_command = std::variant<start_call, append_request, ask_message, text_request,
                                    arm_finished, task_released>;

class task_runner {
public:
  // recipes: make_recipes of the experiment, made once for all tasks.
  task_runner(std::shared_ptr<const experiment> exp,
              std::shared_ptr<const std::vector<std::string>> recipes, grant granted);

  // Each returns what is to be done next, in order.
  [[nodiscard]] std::vector<runner_command> start();
  [[nodiscard]] std::vector<runner_command> on_call(call_id id, call_result result,
                                                    std::uint64_t unix_ms);
  [[nodiscard]] std::vector<runner_command> on_appended(std::uint64_t ticket);
  [[nodiscard]] std::vector<runner_command> on_bits(const bits_reply& reply);
  [[nodiscard]] std::vector<runner_command> on_text(text_reply reply);
  [[nodiscard]] std::vector<runner_command> on_closed(arm_trial where);
  // Start nothing new; what is on the wire is committed, then the task is released as interrupted,
  // or as an outage when calls failed meanwhile because no endpoint answered.
  [[nodiscard]] std::vector<runner_command> on_hand_back();

  [[nodiscard]] epoch lease() const { return granted_.lease; }
  [[nodiscard]] lease_progress progress() const;

private:
  enum class call_stage : std::uint8_t { in_flight, committing, committed, failed };
  struct waiter {
    std::size_t program = 0;
    std::uint32_t effect = 0;
  };
  struct call_entry {
    call_stage stage = call_stage::in_flight;
    std::string model;
    std::uint32_t k = 0;
    std::string canonical;
    std::string text;
    effect_failure failure;
    std::vector<waiter> waiters;
  };
  enum class program_stage : std::uint8_t { running, closing, closed, interrupted };
  struct program_entry {
    arm_trial where;
    program_stage stage = program_stage::running;
    std::unique_ptr<driver> running;
  };

  void advance(std::size_t program);
  void want_call(std::size_t program, std::uint32_t number, const generate_request& request);
  void want_text(std::size_t program, std::uint32_t number, const generate_request& request);
  void want_bits(std::size_t program, std::uint32_t number, const ask_request& ask);
  void finish(std::size_t program);
  void settle(call_entry& entry, call_id id);
  void release_if_over();
  [[nodiscard]] std::vector<runner_command> take_commands();
  [[nodiscard]] program_input input_of(arm_trial where) const;

  std::shared_ptr<const experiment> exp_;
  std::shared_ptr<const std::vector<std::string>> recipes_;
  grant granted_;
  std::vector<program_entry> programs_;
  std::unordered_map<call_id, call_entry> calls_;
  std::unordered_map<std::uint64_t, call_id> appends_;      // ticket → call
  std::unordered_map<std::uint64_t, std::size_t> failures_; // ticket → program
  std::unordered_map<std::uint64_t, waiter> asks_;          // ticket → effect
  std::unordered_map<std::uint64_t, call_id> texts_;        // ticket → call of the sender
  std::uint64_t next_ticket_ = 1;
  std::uint32_t failed_arms_ = 0;
  std::uint32_t committed_ = 0;
  release_kind worst_ = release_kind::done; // of the arms that failed
  bool released_ = false;
  bool handing_back_ = false;
  bool outage_ = false; // calls had to be given up while it was handed back: nobody answered them
  std::vector<runner_command> commands_;
};

} // namespace tenbit

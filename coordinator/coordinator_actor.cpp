#include "coordinator/coordinator_actor.hpp"

#include "coordinator/journal_actor.hpp"

namespace tenbit {
namespace {

struct coordinator_state {
  static inline const char* name = "coordinator";
  std::unique_ptr<run_core> core;
  std::shared_ptr<status_board> board;
  journal_actor journal;
  parties others;
  worker_actor worker;
  run_clock::time_point published; // when the status was
  bool over = false;
};
using coordinator_pointer = coordinator_actor::stateful_pointer<coordinator_state>;

// One overload a command: where it goes.
struct deliver {
  coordinator_pointer self;

  void operator()(grant& command) const { self->send(self->state.worker, std::move(command)); }
  void operator()(appended& command) const { self->send(self->state.worker, command); }
  void operator()(bits_reply& command) const { self->send(self->state.worker, std::move(command)); }
  void operator()(text_reply& command) const { self->send(self->state.worker, std::move(command)); }
  void operator()(oracle_text& command) const {
    self->send(self->state.others.oracle_party, std::move(command));
  }
  void operator()(arm_closed& command) const { self->send(self->state.worker, command); }
  void operator()(drain_workers&) const { self->send(self->state.worker, drain_order{}); }
  void operator()(oracle_ask& command) const {
    self->send(self->state.others.oracle_party, std::move(command));
  }
  void operator()(to_oracle_appended& command) const {
    self->send(self->state.others.oracle_party, command.what);
  }
  void operator()(forget_task& command) const {
    self->send(self->state.others.oracle_party, command);
  }
  void operator()(grade_request& command) const {
    self->send(self->state.others.grader_party, std::move(command));
  }
  void operator()(commit_command& command) const {
    self->send(self->state.journal, std::move(command));
  }
  void operator()(close_journal& command) const { self->send(self->state.journal, command); }
};

void carry_out(coordinator_pointer self, std::vector<run_command> commands) {
  for (run_command& command : commands)
    std::visit(deliver{self}, command);
  if (self->state.core->status().phase == run_phase::broken)
    self->state.board->publish(self->state.core->status());
}

void end_run(coordinator_pointer self, const std::string& failure) {
  self->state.over = true;
  self->state.core->on_journal_end(failure);
  self->state.board->publish(self->state.core->status());
}

void on_committed(coordinator_pointer self, const committed& done) {
  const auto now = run_clock::now();
  for (const std::uint64_t ticket : done.tickets)
    carry_out(self, self->state.core->on_committed(ticket, now));
  if (now - self->state.published >= limits::status_gap) {
    self->state.published = now;
    self->state.board->publish(self->state.core->status());
  }
}

void on_tick(coordinator_pointer self) {
  if (self->state.over)
    return; // a timer that re-arms itself would keep the shutdown waiting
  carry_out(self, self->state.core->on_tick(run_clock::now()));
  self->send(self->state.journal, tick{});
  self->state.board->publish(self->state.core->status());
  self->delayed_send(self, limits::status_period, tick{});
}

coordinator_actor::behavior_type coordinator(coordinator_pointer self,
                                             std::shared_ptr<std::unique_ptr<run_core>> core,
                                             store* target, std::shared_ptr<status_board> board) {
  end_process_on_exception(self, "coordinator");
  self->state.core = std::move(*core);
  self->state.board = std::move(board);
  self->state.journal = spawn_journal(self->system(), *target, self);
  self->link_to(self->state.journal); // it leaves with the coordinator
  return {
      [self](const parties& others) { self->state.others = others; },
      [self](const worker_ready& ready) {
        self->state.worker = ready.worker;
        carry_out(self, self->state.core->on_slots(ready.slots, run_clock::now()));
        on_tick(self);
      },
      [self](append_request& m) { carry_out(self, self->state.core->on_append(std::move(m))); },
      [self](ask_message& m) { carry_out(self, self->state.core->on_ask(std::move(m))); },
      [self](text_request& m) { carry_out(self, self->state.core->on_text(std::move(m))); },
      [self](oracle_text_reply& m) {
        carry_out(self, self->state.core->on_text_reply(std::move(m)));
      },
      [self](arm_finished& m) { carry_out(self, self->state.core->on_finished(std::move(m))); },
      [self](const task_released& m) {
        carry_out(self, self->state.core->on_released(m, run_clock::now()));
      },
      [self](oracle_append& m) {
        carry_out(self, self->state.core->on_oracle_append(std::move(m)));
      },
      [self](oracle_failed& m) {
        carry_out(self, self->state.core->on_oracle_failed(std::move(m)));
      },
      [self](const forgotten& m) { carry_out(self, self->state.core->on_forgotten(m)); },
      [self](graded& m) { carry_out(self, self->state.core->on_graded(std::move(m))); },
      [self](const stop_order& m) { carry_out(self, self->state.core->on_stop(m.reason)); },
      [self](const committed& m) { on_committed(self, m); },
      [self](const journal_failed& m) { end_run(self, m.message); },
      [self](const journal_closed& m) { end_run(self, m.failure); },
      [self](const tick&) { on_tick(self); },
  };
}

} // namespace

coordinator_actor spawn_coordinator(caf::actor_system& system, std::unique_ptr<run_core> core,
                                    store& target, std::shared_ptr<status_board> board) {
  // CAF copies spawn arguments; the core is moved through a shared holder.
  auto holder = std::make_shared<std::unique_ptr<run_core>>(std::move(core));
  return system.spawn(coordinator, std::move(holder), &target, std::move(board));
}

} // namespace tenbit

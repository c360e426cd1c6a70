#include "coordinator/journal_actor.hpp"

namespace tenbit {
namespace {

struct journal_state {
  static inline const char* name = "journal";
  store* target = nullptr;
  coordinator_actor coordinator;
  std::vector<task_commit> group;
  committed tickets;
  bool flush_sent = false;
  bool over = false; // closed or broken: the store is not touched again
};
using journal_pointer = journal_actor::stateful_pointer<journal_state>;

void report(journal_pointer self, const store_failure& failure) {
  self->state.over = true;
  self->send(self->state.coordinator, journal_failed{failure.message});
}

void commit_group(journal_pointer self) {
  journal_state& state = self->state;
  state.flush_sent = false;
  if (state.over || state.group.empty())
    return;
  for (std::size_t from = 0; from < state.group.size(); from += limits::commit_group_items_max) {
    const std::size_t size = std::min(limits::commit_group_items_max, state.group.size() - from);
    const auto done = state.target->commit(std::span(state.group).subspan(from, size));
    if (!done) {
      report(self, done.error());
      return;
    }
  }
  state.group.clear();
  self->send(state.coordinator, std::move(state.tickets));
  state.tickets = {};
  if (const auto kept = state.target->keep_anchor(); !kept)
    report(self, kept.error());
}

journal_actor::behavior_type journal(journal_pointer self, store* target,
                                     coordinator_actor coordinator) {
  self->state.target = target;
  self->state.coordinator = std::move(coordinator);
  end_process_on_exception(self, "journal");
  return {
      [self](commit_command& command) {
        journal_state& state = self->state;
        state.group.push_back(std::move(command.what));
        state.tickets.tickets.push_back(command.ticket);
        if (!state.flush_sent) {
          state.flush_sent = true;
          self->send(self, flush_order{});
        }
      },
      [self](const close_journal&) {
        commit_group(self);
        if (self->state.over)
          return;
        self->state.over = true; // ticks of the coordinator may still be on their way
        const auto closed = self->state.target->close();
        self->send(self->state.coordinator,
                   journal_closed{closed ? std::string() : closed.error().message});
      },
      [self](const tick&) {
        if (self->state.over)
          return;
        if (const auto kept = self->state.target->keep_anchor(); !kept)
          report(self, kept.error());
      },
      [self](const flush_order&) { commit_group(self); },
  };
}

} // namespace

journal_actor spawn_journal(caf::actor_system& system, store& target,
                            coordinator_actor coordinator) {
  return system.spawn<caf::detached>(journal, &target, std::move(coordinator));
}

} // namespace tenbit

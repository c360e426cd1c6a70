#include "coordinator/journal_actor.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

#include "config/limits.hpp"
#include "coordinator/commit_gather.hpp"
#include "storage/spot_check.hpp"

namespace tenbit {
namespace {

struct journal_state {
  static inline const char* name = "journal";
  store* target = nullptr;
  experiment_id run;
  coordinator_actor coordinator;
  std::vector<task_commit> group;
  std::vector<std::uint64_t> tickets; // of the group, side by side
  bool flush_sent = false;
  commit_gather gather;
  bool gathered = false; // this group has waited for others
  bool over = false;     // closed or broken: the store is not touched again
  std::shared_ptr<status_board> board;
  std::deque<double> sync_ms;            // of the last groups
  std::deque<std::uint64_t> group_items; // likewise
  std::chrono::steady_clock::time_point shown;
  std::optional<storage::spot_check> samples; // of what was done in earlier lives
};
using journal_pointer = journal_actor::stateful_pointer<journal_state>;

template <class Value> void keep_last(std::deque<Value>& values, Value value) {
  values.push_back(value);
  if (values.size() > limits::commit_times_kept)
    values.pop_front();
}

template <class Value> Value quantile(const std::deque<Value>& values, std::size_t percent) {
  std::vector<Value> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted.empty() ? Value{} : sorted[sorted.size() * percent / 100];
}

status<store_failure> timed_commit(journal_state& state, std::span<const task_commit> part) {
  const auto began = std::chrono::steady_clock::now();
  auto done = state.target->commit(part);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  keep_last(state.sync_ms, took.count());
  state.gather.committed(part.size(), took);
  keep_last(state.group_items, std::uint64_t{part.size()});
  return done;
}

void show_store(journal_state& state) {
  if (!state.board)
    return;
  const store_figures files = state.target->figures();
  store_health out;
  out.sync_p50_ms = quantile(state.sync_ms, 50);
  out.sync_p99_ms = quantile(state.sync_ms, 99);
  out.group_p50_items = quantile(state.group_items, 50);
  out.group_p99_items = quantile(state.group_items, 99);
  out.log_bytes = files.log_bytes;
  out.compaction_pending_bytes = files.compaction_pending_bytes;
  out.write_stalls = files.write_stalls;
  out.background_errors = files.background_errors;
  out.anchor_lag_s = files.anchor_lag.count();
  state.board->publish_store(out);
}

// Once a second: a few of the tasks that were done before this life, and how the store does.
status<store_failure> look_at_store(journal_state& state) {
  const auto now = std::chrono::steady_clock::now();
  if (now - state.shown < limits::cluster_status_period)
    return {};
  state.shown = now;
  show_store(state);
  if (!state.samples)
    return {};
  // Commits wait meanwhile: large journals are looked at one at a time.
  const auto end = now + limits::spot_check_time_at_once;
  for (std::size_t i = 0; i < limits::spot_check_tasks_at_once; ++i) {
    if (auto held = state.samples->step(1); !held)
      return held;
    if (state.samples->over() || std::chrono::steady_clock::now() > end)
      break;
  }
  if (state.samples->over()) {
    spdlog::debug("{} finished tasks of the store were looked at: they hold",
                  state.samples->checked());
    state.samples.reset();
  }
  return {};
}

void report(journal_pointer self, const store_failure& failure) {
  self->state.over = true;
  self->send(self->state.coordinator, journal_failed{self->state.run, failure.message,
                                                     failure.kind == store_error::corrupt});
}

// Commits a part of the group; what contradicts the store is taken out and reported. False: the
// journal is broken.
bool commit_part(journal_pointer self, std::vector<task_commit> part,
                 std::vector<std::uint64_t> tickets) {
  journal_state& state = self->state;
  while (!part.empty()) {
    const auto done = timed_commit(state, part);
    if (done) {
      self->send(state.coordinator, committed{state.run, std::move(tickets)});
      return true;
    }
    if (done.error().kind != store_error::diverged || !done.error().item) {
      report(self, done.error());
      return false;
    }
    const auto bad = static_cast<std::ptrdiff_t>(*done.error().item);
    self->send(state.coordinator,
               commit_diverged{state.run, tickets.at(*done.error().item), done.error().message});
    part.erase(part.begin() + bad);
    tickets.erase(tickets.begin() + bad);
  }
  return true;
}

void commit_group(journal_pointer self) {
  journal_state& state = self->state;
  state.flush_sent = state.gathered = false;
  if (state.over || state.group.empty())
    return;
  const std::size_t most = limits::commit_group_items_max;
  auto group = std::exchange(state.group, {});
  auto tickets = std::exchange(state.tickets, {});
  if (group.size() <= most) {
    if (!commit_part(self, std::move(group), std::move(tickets)))
      return;
  } else {
    for (std::size_t from = 0; from < group.size(); from += most) {
      const std::size_t to = std::min(from + most, group.size());
      const auto at = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
      if (!commit_part(self,
                       {std::make_move_iterator(group.begin() + at(from)),
                        std::make_move_iterator(group.begin() + at(to))},
                       {tickets.begin() + at(from), tickets.begin() + at(to)}))
        return;
    }
  }
  if (const auto kept = state.target->keep_anchor(); !kept)
    report(self, kept.error());
}

void commit_or_gather(journal_pointer self) {
  journal_state& state = self->state;
  const auto wait = state.gather.wait(state.group.size());
  if (wait > commit_gather::ms::zero() && !std::exchange(state.gathered, true)) {
    std::this_thread::sleep_for(wait);
    self->send(self, flush_order{}); // behind what came meanwhile
  } else {
    commit_group(self);
  }
}

journal_actor::behavior_type journal(journal_pointer self, store* target, experiment_id run,
                                     coordinator_actor coordinator,
                                     std::shared_ptr<status_board> board) {
  self->state.board = std::move(board);
  self->state.target = target;
  if (target->totals().outcomes > 0)
    self->state.samples.emplace(*target, target->incarnation());
  self->state.run = run;
  self->state.coordinator = std::move(coordinator);
  end_process_on_exception(self, "journal");
  return {
      [self](commit_command& command) {
        journal_state& state = self->state;
        state.group.push_back(std::move(command.what));
        state.tickets.push_back(command.ticket);
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
        self->send(
            self->state.coordinator,
            journal_closed{self->state.run, closed ? std::string() : closed.error().message});
      },
      [self](const tick&) {
        if (self->state.over)
          return;
        if (const auto kept = self->state.target->keep_anchor(); !kept)
          report(self, kept.error());
        else if (const auto held = look_at_store(self->state); !held)
          report(self, held.error());
      },
      [self](const flush_order&) { commit_or_gather(self); },
  };
}

} // namespace

journal_actor spawn_journal(caf::actor_system& system, store& target, experiment_id run,
                            coordinator_actor coordinator, std::shared_ptr<status_board> board) {
  return system.spawn<caf::detached>(journal, &target, run, std::move(coordinator),
                                     std::move(board));
}

} // namespace tenbit

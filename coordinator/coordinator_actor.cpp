#include "coordinator/coordinator_actor.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "coordinator/journal_actor.hpp"

namespace tenbit {
namespace {

// A run as the shell keeps it.
struct open_run {
  journal_actor journal;
  std::shared_ptr<status_board> board;
  bool over = false;                                        // its journal is closed or broken
  std::deque<std::pair<std::uint64_t, std::size_t>> on_way; // ticket and bytes of each commit
};

std::size_t weight(const task_commit& commit) {
  std::size_t out = 0;
  for (const event& e : commit.events)
    out += encoded_bytes_max(e);
  return out;
}

struct coordinator_state {
  static inline const char* name = "coordinator";
  std::shared_ptr<cluster_core> core;
  peer_port port;
  std::function<void(cluster_status)> on_status;
  std::map<experiment_id, open_run> runs;
  run_clock::time_point published, shown;               // boards; the snapshot
  std::uint64_t uncommitted = 0, groups = 0, items = 0; // commits on their way; made
  std::size_t uncommitted_bytes = 0;
  bool held = false;                             // peers are not read
  std::pair<experiment_id, std::uint64_t> timed; // the commit that is being timed
  run_clock::time_point timed_from;
  std::deque<double> waits_ms; // of the last ones
  bool ticking = false, more_sent = false;
};
using coordinator_pointer = coordinator_root::stateful_pointer<coordinator_state>;

void publish(coordinator_pointer self, experiment_id id) {
  const open_run& run = self->state.runs.at(id);
  if (const run_core* core = self->state.core->find(id); run.board && core != nullptr)
    run.board->publish(core->status());
}

// One overload a command: where it goes.
struct deliver {
  coordinator_pointer self;

  void operator()(cluster_send& command) const {
    self->state.port.send(command.to, std::move(command.what));
  }
  void operator()(cluster_drop& command) const {
    self->state.port.drop(command.to, command.reason);
  }
  void operator()(cluster_more&) const {
    if (!std::exchange(self->state.more_sent, true))
      self->send(self, core_call{{}});
  }
  void operator()(commit_command& command) const {
    const experiment_id run = command.run;
    coordinator_state& state = self->state;
    open_run& journal_of = state.runs.at(run);
    journal_of.on_way.emplace_back(command.ticket, weight(command.what));
    state.uncommitted_bytes += journal_of.on_way.back().second;
    ++state.uncommitted;
    if ((state.uncommitted > limits::commit_queue_items_max ||
         state.uncommitted_bytes > limits::commit_queue_bytes_max) &&
        state.port.hold && !std::exchange(state.held, true))
      state.port.hold(true);
    if (state.timed.second == 0 && command.ticket != 0) {
      state.timed = {run, command.ticket};
      state.timed_from = run_clock::now();
    }
    self->send(journal_of.journal, std::move(command));
  }
  void operator()(close_journal& command) const {
    self->send(self->state.runs.at(command.run).journal, command);
  }
};

void carry_out(coordinator_pointer self, run_clock::time_point now) {
  for (cluster_command& command : self->state.core->take_commands(now))
    std::visit(deliver{self}, command);
}

// A message of this process's own parties.
void take(coordinator_pointer self, from_peer message) {
  const auto now = run_clock::now();
  self->state.core->on_frame({}, {}, {}, std::move(message), now);
  carry_out(self, now);
}

void end_run(coordinator_pointer self, experiment_id id, const std::string& failure,
             bool damaged = false) {
  self->state.runs.at(id).over = true;
  self->state.core->on_journal_end(id, failure, damaged);
  publish(self, id);
  const auto& runs = self->state.runs;
  if (std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run.second.over; }) &&
      !self->state.on_status)
    self->state.ticking = false; // a timer that re-arms itself would keep the shutdown waiting
}

// This many commits of a run came out of its journal, in the order in which they went in.
void leave_queue(coordinator_state& state, experiment_id id, std::size_t commits) {
  auto& on_way = state.runs.at(id).on_way;
  for (; commits > 0 && !on_way.empty(); --commits) {
    state.uncommitted_bytes -= on_way.front().second;
    --state.uncommitted;
    on_way.pop_front();
  }
  if (state.held && state.uncommitted < limits::commit_queue_items_max / 2 &&
      state.uncommitted_bytes < limits::commit_queue_bytes_max / 2) {
    state.held = false;
    state.port.hold(false);
  }
}

// One of them contradicts the store: it comes out before those that went in earlier.
void leave_diverged(coordinator_state& state, const commit_diverged& m) {
  auto& on_way = state.runs.at(m.run).on_way;
  const auto bad = std::find_if(on_way.begin(), on_way.end(),
                                [&](const auto& entry) { return entry.first == m.ticket; });
  if (bad == on_way.end())
    return;
  std::rotate(on_way.begin(), bad, bad + 1);
  leave_queue(state, m.run, 1);
}

void count_committed(coordinator_state& state, const committed& done, run_clock::time_point now) {
  ++state.groups;
  state.items += done.tickets.size();
  leave_queue(state, done.run, done.tickets.size());
  if (state.timed.first != done.run || state.timed.second == 0 ||
      std::find(done.tickets.begin(), done.tickets.end(), state.timed.second) == done.tickets.end())
    return;
  state.timed.second = 0;
  state.waits_ms.push_back(
      std::chrono::duration<double, std::milli>(now - state.timed_from).count());
  if (state.waits_ms.size() > 512)
    state.waits_ms.pop_front();
}

// The shell's own figures of a snapshot.
cluster_status snapshot(const coordinator_state& state, run_clock::time_point now) {
  cluster_status out = state.core->snapshot(now);
  out.commit_groups = state.groups;
  out.commit_items = state.items;
  out.commit_queue_items = state.uncommitted;
  out.commit_queue_bytes = state.uncommitted_bytes;
  std::vector<double> waits(state.waits_ms.begin(), state.waits_ms.end());
  std::sort(waits.begin(), waits.end());
  if (!waits.empty()) {
    out.commit_p50_ms = waits[waits.size() / 2];
    out.commit_p99_ms = waits[waits.size() * 99 / 100];
  }
  for (run_line& line : out.runs)
    if (const auto run = state.runs.find(line.id);
        run != state.runs.end() && run->second.board && !run->second.over) {
      line.store = run->second.board->store();
      line.checkpoint_age_s =
          std::chrono::duration<double>(now - run->second.board->copied()).count();
    }
  return out;
}

void on_committed(coordinator_pointer self, const committed& done) {
  const auto now = run_clock::now();
  count_committed(self->state, done, now);
  for (const std::uint64_t ticket : done.tickets)
    self->state.core->on_committed(done.run, ticket, now);
  carry_out(self, now);
  if (now - self->state.published >= limits::status_gap) {
    self->state.published = now;
    publish(self, done.run);
  }
}

void on_tick(coordinator_pointer self) {
  coordinator_state& state = self->state;
  if (!state.ticking)
    return;
  const auto now = run_clock::now();
  state.core->on_tick(now);
  carry_out(self, now);
  for (const auto& [id, run] : state.runs) {
    if (run.over)
      continue;
    self->send(run.journal, tick{});
    publish(self, id);
  }
  if (state.on_status && now - state.shown >= limits::cluster_status_period) {
    state.shown = now;
    state.on_status(snapshot(state, now));
  }
  self->delayed_send(self, limits::status_period, tick{});
}

void on_run(coordinator_pointer self, const run_start& start) {
  const auto now = run_clock::now();
  const experiment_id id = (*start.core)->id();
  open_run run{
      spawn_journal(self->system(), *start.target, id, self, start.board), start.board, false, {}};
  self->link_to(run.journal); // it leaves with the coordinator
  if (const auto old = self->state.runs.find(id); old != self->state.runs.end()) {
    self->unlink_from(old->second.journal); // whose run is over: it leaves alone
    self->send_exit(old->second.journal, caf::exit_reason::user_shutdown);
    leave_queue(self->state, id, old->second.on_way.size());
  }
  self->state.runs.insert_or_assign(id, std::move(run));
  self->state.core->add_run(std::move(*start.core), start.priority, now);
  if (!std::exchange(self->state.ticking, true))
    self->delayed_send(self, limits::status_period, tick{});
  carry_out(self, now);
}

coordinator_root::behavior_type coordinator(coordinator_pointer self,
                                            std::shared_ptr<cluster_core> core, peer_port port,
                                            std::function<void(cluster_status)> on_status) {
  end_process_on_exception(self, "coordinator");
  self->state.core = std::move(core);
  self->state.port = std::move(port);
  self->state.on_status = std::move(on_status);
  if (self->state.on_status) { // a cluster lives without runs too
    self->state.ticking = true;
    self->send(self, tick{});
  }
  return {
      [self](append_request& m) { take(self, std::move(m)); },
      [self](ask_message& m) { take(self, std::move(m)); },
      [self](text_request& m) { take(self, std::move(m)); },
      [self](oracle_text_reply& m) { take(self, std::move(m)); },
      [self](arm_finished& m) { take(self, std::move(m)); },
      [self](const task_released& m) { take(self, m); },
      [self](oracle_append& m) { take(self, std::move(m)); },
      [self](oracle_failed& m) { take(self, std::move(m)); },
      [self](const forgotten& m) { take(self, m); },
      [self](graded& m) { take(self, std::move(m)); },
      [](const progress_report&) {}, // leases in one process do not expire
      [](const party_lives&) {},
      [self](const stop_order& m) {
        for (const auto& [id, run] : self->state.runs)
          self->state.core->stop_run(id, m.reason);
        carry_out(self, run_clock::now());
      },
      [self](const committed& m) { on_committed(self, m); },
      [self](const commit_diverged& m) {
        const auto now = run_clock::now();
        leave_diverged(self->state, m);
        self->state.core->on_diverged(m.run, m.ticket, m.message, now);
        carry_out(self, now);
      },
      [self](const journal_failed& m) { end_run(self, m.run, m.message, m.damaged); },
      [self](const journal_closed& m) { end_run(self, m.run, m.failure); },
      [self](const tick&) { on_tick(self); },
      [self](remote_frame& m) {
        const auto now = run_clock::now();
        self->state.core->on_frame(m.from, m.key, m.rights, std::move(m.message), now);
        carry_out(self, now);
      },
      [self](const remote_gone& m) {
        self->state.core->on_gone(m.from);
        carry_out(self, run_clock::now());
      },
      [self](const run_start& m) { on_run(self, m); },
      [self](const core_call& m) {
        self->state.more_sent = false;
        const auto now = run_clock::now();
        if (m.what)
          m.what(*self->state.core, now);
        carry_out(self, now);
      },
  };
}

} // namespace

coordinator_root spawn_coordinator(caf::actor_system& system, std::shared_ptr<cluster_core> core,
                                   peer_port port, std::function<void(cluster_status)> on_status) {
  return system.spawn(coordinator, std::move(core), std::move(port), std::move(on_status));
}

} // namespace tenbit

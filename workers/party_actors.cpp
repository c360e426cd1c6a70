#include "workers/party_actors.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/kill_point.hpp"
#include "base/unix_time.hpp"
#include "protocols/bitstream.hpp"
#include "workers/grader.hpp"
#include "workers/oracle.hpp"
#include "workers/task_runner.hpp"

namespace tenbit {
namespace {

// The calls of one lease end together, and those of an oracle for one task, whoever holds it: no
// epoch has the upper bit.
std::uint64_t group_of(task_id task, epoch lease) {
  return lease != epoch{} ? lease.value : std::hash<task_id>{}(task) | std::uint64_t{1} << 63;
}

// The result comes back to the actor as a message, from the client's thread.
template <class Actor>
void submit(client& calls, const Actor& to, task_id task, epoch lease, start_call& command,
            std::shared_ptr<call_meter> meter = nullptr) {
  client_call call{std::move(command.model), std::hash<task_id>{}(task),
                   std::move(command.canonical), group_of(task, lease), std::move(meter)};
  calls.submit(std::move(call), [to, task, lease, id = command.id](call_result result) {
    caf::anon_send(to, call_done{task, lease, id, std::move(result)});
  });
}

// -- worker --------------------------------------------------------------------------------------

struct task_in_work {
  task_in_work(std::shared_ptr<const experiment> exp,
               std::shared_ptr<const std::vector<std::string>> recipes, grant granted)
      : runner(std::move(exp), std::move(recipes), std::move(granted)) {}
  task_runner runner;
  std::shared_ptr<call_meter> meter = std::make_shared<call_meter>();
  std::chrono::steady_clock::time_point stepped{}; // when something of it was done last
};

struct worker_state {
  static inline const char* name = "worker";
  std::shared_ptr<const experiment> exp;
  std::shared_ptr<const std::vector<std::string>> recipes;
  client* calls = nullptr;
  upstream_actor coordinator;
  std::unordered_map<task_id, task_in_work> tasks;
};
using worker_pointer = worker_actor::stateful_pointer<worker_state>;

// What the runner says, and what the client's thread has written down of its calls.
lease_progress progress_of(const task_in_work& work, std::chrono::steady_clock::time_point now) {
  using namespace std::chrono;
  lease_progress out = work.runner.progress();
  const call_meter& meter = *work.meter;
  if (out.phase == lease_phase::queued && meter.receiving > 0)
    out.phase = lease_phase::receiving;
  else if (out.phase == lease_phase::queued && meter.on_wire > 0)
    out.phase = lease_phase::sent;
  out.bytes = meter.bytes;
  out.tokens = meter.tokens;
  const auto silent =
      duration_cast<milliseconds>(now - std::max(work.stepped, meter.last_byte.load())).count();
  out.silent_ms = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(silent, 0, std::numeric_limits<std::uint32_t>::max()));
  return out;
}

void carry_out(worker_pointer self, task_id task, std::vector<runner_command> commands) {
  worker_state& state = self->state;
  if (const auto place = state.tasks.find(task); place != state.tasks.end())
    place->second.stepped = std::chrono::steady_clock::now();
  for (runner_command& command : commands) {
    if (auto* call = std::get_if<start_call>(&command)) {
      const task_in_work& work = state.tasks.at(task);
      submit(*state.calls, worker_actor(self), task, work.runner.lease(), *call, work.meter);
    } else if (auto* append = std::get_if<append_request>(&command)) {
      self->send(state.coordinator, std::move(*append));
    } else if (auto* ask = std::get_if<ask_message>(&command)) {
      self->send(state.coordinator, std::move(*ask));
    } else if (auto* text = std::get_if<text_request>(&command)) {
      self->send(state.coordinator, std::move(*text));
    } else if (auto* finished = std::get_if<arm_finished>(&command)) {
      self->send(state.coordinator, std::move(*finished));
    } else {
      self->send(state.coordinator, std::get<task_released>(command));
      state.tasks.erase(task);
    }
  }
}

worker_actor::behavior_type worker(worker_pointer self, std::shared_ptr<const experiment> exp,
                                   client* calls, upstream_actor coordinator) {
  end_process_on_exception(self, "worker");
  self->state.exp = std::move(exp);
  self->state.recipes =
      std::make_shared<const std::vector<std::string>>(make_recipes(*self->state.exp));
  self->state.calls = calls;
  self->state.coordinator = std::move(coordinator);
  // A message of a lease that was revoked meanwhile finds no runner, and is of no use.
  const auto with = [self](task_id task, auto&& step) {
    const auto place = self->state.tasks.find(task);
    if (place != self->state.tasks.end())
      carry_out(self, task, step(place->second.runner));
  };
  return {
      [self](grant& m) {
        const task_id task = m.task;
        TENBIT_KILL_TASK(task.problem.value);
        const auto [place, fresh] =
            self->state.tasks.try_emplace(task, self->state.exp, self->state.recipes, std::move(m));
        TENBIT_ASSERT(fresh);
        carry_out(self, task, place->second.runner.start());
      },
      [with](const appended& m) {
        with(m.task, [&](task_runner& runner) { return runner.on_appended(m.ticket); });
      },
      [with](const bits_reply& m) {
        with(m.task, [&](task_runner& runner) { return runner.on_bits(m); });
      },
      [with](text_reply& m) {
        const task_id task = m.task;
        with(task, [&](task_runner& runner) { return runner.on_text(std::move(m)); });
      },
      [with](const arm_closed& m) {
        with(m.task, [&](task_runner& runner) { return runner.on_closed(m.where); });
      },
      [self](const revoke& m) {
        const auto place = self->state.tasks.find(m.task);
        if (place != self->state.tasks.end() && place->second.runner.lease() == m.lease) {
          self->state.tasks.erase(place);
          self->state.calls->abandon(group_of(m.task, m.lease));
        }
      },
      [self, with](const hand_back& m) {
        with(m.task, [&](task_runner& runner) { return runner.on_hand_back(); });
        if (self->state.tasks.contains(m.task)) // what is not on the wire yet need not be
          self->state.calls->give_up(group_of(m.task, m.lease));
      },
      [with](call_done& m) {
        with(m.task, [&](task_runner& runner) -> std::vector<runner_command> {
          if (runner.lease() != m.lease)
            return {}; // of a lease that was revoked
          return runner.on_call(m.call, std::move(m.result), unix_ms());
        });
      },
      [self](const drain_order&) { self->state.calls->drain(); },
      [self](const progress_wanted&) {
        progress_report report;
        const auto now = std::chrono::steady_clock::now();
        for (const auto& [task, work] : self->state.tasks)
          report.leases.push_back(progress_of(work, now));
        self->send(self->state.coordinator, std::move(report));
      },
  };
}

// -- oracle --------------------------------------------------------------------------------------

struct oracle_state {
  static inline const char* name = "oracle";
  std::unique_ptr<oracle> core;
  client* calls = nullptr;
  upstream_actor coordinator;
};
using oracle_pointer = oracle_actor::stateful_pointer<oracle_state>;

void carry_out(oracle_pointer self, std::vector<oracle_command> commands) {
  for (oracle_command& command : commands) {
    if (auto* call = std::get_if<oracle_call>(&command))
      submit(*self->state.calls, oracle_actor(self), call->task, epoch{}, call->call);
    else if (auto* append = std::get_if<oracle_append>(&command))
      self->send(self->state.coordinator, std::move(*append));
    else if (auto* failed = std::get_if<oracle_failed>(&command))
      self->send(self->state.coordinator, std::move(*failed));
    else if (auto* text = std::get_if<oracle_text_reply>(&command))
      self->send(self->state.coordinator, std::move(*text));
    else
      self->send(self->state.coordinator, std::get<forgotten>(command));
  }
}

oracle_actor::behavior_type oracle_fun(oracle_pointer self, std::shared_ptr<const experiment> exp,
                                       client* calls, upstream_actor coordinator) {
  end_process_on_exception(self, "oracle");
  self->state.core = std::make_unique<oracle>(std::move(exp));
  self->state.calls = calls;
  self->state.coordinator = std::move(coordinator);
  return {
      [self](oracle_ask& m) { carry_out(self, self->state.core->on_ask(std::move(m))); },
      [self](oracle_text& m) { carry_out(self, self->state.core->on_text(std::move(m))); },
      [self](const appended& m) {
        carry_out(self, self->state.core->on_appended(m.task, m.ticket));
      },
      [self](call_done& m) {
        carry_out(self, self->state.core->on_call(m.task, m.call, std::move(m.result), unix_ms()));
      },
      [self](const forget_task& m) {
        carry_out(self, self->state.core->forget(m.task));
        if (self->state.core->has(m.task)) // what is not on the wire yet need not be
          self->state.calls->give_up(group_of(m.task, epoch{}));
      },
      [self](const progress_wanted&) { self->send(self->state.coordinator, party_lives{}); },
  };
}

// -- grader --------------------------------------------------------------------------------------

struct grader_state {
  static inline const char* name = "grader";
  std::unique_ptr<grader> core;
  upstream_actor coordinator;
};
using grader_pointer = grader_actor::stateful_pointer<grader_state>;

grader_actor::behavior_type grader_fun(grader_pointer self, std::shared_ptr<const experiment> exp,
                                       upstream_actor coordinator) {
  end_process_on_exception(self, "grader");
  self->state.core = std::make_unique<grader>(std::move(exp));
  self->state.coordinator = std::move(coordinator);
  return {
      [self](const grade_request& m) {
        self->send(self->state.coordinator, graded{m.finished.task, self->state.core->grade(m)});
      },
      [self](const progress_wanted&) { self->send(self->state.coordinator, party_lives{}); },
  };
}

} // namespace

worker_actor spawn_worker(caf::actor_system& system, std::shared_ptr<const experiment> exp,
                          client& calls, upstream_actor coordinator) {
  return system.spawn(worker, std::move(exp), &calls, std::move(coordinator));
}

oracle_actor spawn_oracle(caf::actor_system& system, std::shared_ptr<const experiment> exp,
                          client& calls, upstream_actor coordinator) {
  return system.spawn(oracle_fun, std::move(exp), &calls, std::move(coordinator));
}

grader_actor spawn_grader(caf::actor_system& system, std::shared_ptr<const experiment> exp,
                          upstream_actor coordinator) {
  return system.spawn(grader_fun, std::move(exp), std::move(coordinator));
}

} // namespace tenbit

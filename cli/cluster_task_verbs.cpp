// The control verbs about one task.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/cluster_host_impl.hpp"
#include "cli/cluster_reply.hpp"

namespace tenbit::cli {

using control::reply;
using nlohmann::json;

// -- tasks ---------------------------------------------------------------------------------------

namespace {

// Who has it, what for, or why nobody.
json stands(const cluster_core& core, const run_core& run, problem_index task,
            run_clock::time_point now) {
  json out = json::object();
  const task_lease* held = run.tasks().find(task);
  if (held != nullptr && held->holder == peer_id{}) {
    out["waits_for"] = "its quarantine is being written";
  } else if (held != nullptr) {
    out["leased_to"] = core.peers().all().at(held->holder.value - 1).name;
    out["epoch"] = held->number.value;
    out["lease_age_s"] = std::chrono::duration<double>(now - held->granted).count();
    out["expired"] = held->expired;
  } else {
    out["waits_for"] = core.why_pending(run);
  }
  if (const lease_progress* said = run.said_of(task)) {
    out["phase"] = std::string(to_string(said->phase));
    out["calls_in_flight"] = said->calls_in_flight;
    out["bytes"] = said->bytes;
    out["tokens"] = said->tokens;
    out["silent_s"] = static_cast<double>(said->silent_ms) / 1000;
  }
  if (const std::string faults = run.tasks().evidence(task); !faults.empty())
    out["faults"] = faults;
  return out;
}

} // namespace

control::reply host::task_show(const control::request& r) {
  const std::string name = text(r, "run");
  const problem_index task{static_cast<std::uint64_t>(number(r, "problem"))};
  std::string dir;
  experiment_id id;
  { // not over the reading: who only looks must hold up nobody
    const std::lock_guard lock(mutex_);
    const host_run* run = find(name);
    if (run == nullptr)
      return no_run(name);
    dir = run->kept.store;
    id = run->id;
  }
  // Read from beside: the writer may be closing it at this moment, because the run is over.
  const auto opened = store::open_for_reading(dir);
  if (!opened)
    return refusal(opened.error().message);
  const store& from = **opened;
  if (task.value >= from.manifest().tasks)
    return refusal(fmt::format("{} has problems 0 to {}", name, from.manifest().tasks - 1));
  const auto state = from.state(task);
  const auto item = from.problem(task);
  if (!state || !item)
    return refusal(!state ? state.error().message : item.error().message);
  json out = {{"run", name},
              {"problem", task.value},
              {"id", item->id},
              {"state", std::string(to_string(state->status))},
              {"attempts", state->attempts},
              {"errors", state->errors},
              {"events", state->events},
              {"bits", state->bits}};
  const auto seen = in_core<json>([id, task](cluster_core& core, auto now) {
    const run_core* one = core.find(id);
    return one == nullptr ? json::object() : stands(core, *one, task, now);
  });
  if (seen)
    out.update(*seen);
  return done(out);
}

control::reply host::task_requeue(const control::request& r) {
  const std::string name = text(r, "run");
  const bool forget = r.verb == "task release";
  const problem_index task{static_cast<std::uint64_t>(number(r, "problem"))};
  const std::lock_guard lock(mutex_);
  host_run* run = find(name);
  if (run == nullptr)
    return no_run(name);
  if (is_over(*run))
    return requeue_in_ended(*run, r);
  const auto opened = store::open_for_reading(run->kept.store);
  if (!opened)
    return refusal(opened.error().message);
  if (task.value >= (*opened)->manifest().tasks)
    return refusal(fmt::format("{} has problems 0 to {}", name, (*opened)->manifest().tasks - 1));
  const auto state = (*opened)->state(task);
  if (!state)
    return refusal(state.error().message);
  if (r.dry_run || state->status == task_status::pending || state->status == task_status::done)
    return done(
        {{"run", name}, {"problem", task.value}, {"state", std::string(to_string(state->status))}});
  const auto changed = in_core<tenbit::status<std::string>>(
      [id = run->id, task, was = state->status, forget](cluster_core& core, auto) {
        run_core* one = core.find(id);
        if (one == nullptr || one->status().phase != run_phase::running)
          return tenbit::status<std::string>(fail(std::string("the run is over")));
        return one->requeue(task, was, forget);
      });
  if (!changed)
    return no_answer();
  if (!*changed)
    return refusal(changed->error() + "; submit it again, then requeue the task");
  return done({{"run", name}, {"problem", task.value}, {"state", "pending"}});
}

// The run is over: its store is opened again, the task made pending, and the run goes on.
control::reply host::requeue_in_ended(const host_run& run, const control::request& r) {
  const std::string name = run.kept.name;
  const problem_index task{static_cast<std::uint64_t>(number(r, "problem"))};
  if (run.kept.cancelled)
    return refusal(fmt::format("{} was cancelled: submit it again first", name));
  const auto closed = store::open_for_reading(run.kept.store);
  if (!closed)
    return refusal(closed.error().message);
  if (task.value >= (*closed)->manifest().tasks)
    return refusal(fmt::format("{} has problems 0 to {}", name, (*closed)->manifest().tasks - 1));
  const auto state = (*closed)->state(task);
  if (!state)
    return refusal(state.error().message);
  const bool pending = state->status == task_status::pending;
  if (!r.dry_run && !pending && state->status != task_status::done) {
    task_commit again;
    again.task = task;
    again.status = task_status::pending;
    again.errors = 0;
    again.faults = fault_row{};
    if (r.verb != "task release") {
      auto known = (*closed)->faults();
      if (!known)
        return refusal(known.error().message);
      for (auto& [which, row] : *known)
        if (which == task)
          again.faults = std::move(row);
      again.faults->suspect = again.faults->given_up = false;
    }
    if (const auto gone = reopen(name, {again}); !gone)
      return refusal(gone.error().message);
  }
  return done({{"run", name},
               {"problem", task.value},
               {"state", state->status == task_status::done ? "done" : "pending"}});
}

control::reply host::task_quarantine(const control::request& r) {
  const std::string name = text(r, "run");
  const problem_index task{static_cast<std::uint64_t>(number(r, "problem"))};
  const std::lock_guard lock(mutex_);
  host_run* run = find(name);
  if (run == nullptr)
    return no_run(name);
  if (is_over(*run))
    return refusal("the run is over; only pending and leased tasks are quarantined");
  if (task.value >= run->target->manifest().tasks)
    return refusal(fmt::format("{} has problems 0 to {}", name, run->target->manifest().tasks - 1));
  if (r.dry_run)
    return done({{"run", name}, {"problem", task.value}, {"dry_run", true}});
  const auto changed = in_core<tenbit::status<std::string>>(
      [id = run->id, task, why = r.reason](cluster_core& core, auto) {
        run_core* one = core.find(id);
        return one == nullptr ? tenbit::status<std::string>(fail(std::string("the run is over")))
                              : one->quarantine(task, why);
      });
  if (!changed)
    return no_answer();
  return *changed ? done({{"run", name}, {"problem", task.value}, {"state", "quarantined"}})
                  : refusal(changed->error());
}

} // namespace tenbit::cli

// run_core and the other parties: arms go to the grader, and what is open is sent again when an
// oracle or grader joins.
#include <utility>

#include "coordinator/run_core.hpp"

namespace tenbit {

// -- the grader ----------------------------------------------------------------------------------

void run_core::on_finished(peer_id from, arm_finished finished) {
  held_task* held = current(from, finished.task, finished.lease);
  if (held == nullptr)
    return;
  const arm_trial where = finished.where;
  if (held->closed.contains(where)) {
    ++status_.duplicates;
    send(from, arm_closed{finished.task, finished.lease, where});
    return;
  }
  if (held->closing.contains(where)) {
    ++status_.duplicates;
    return; // its reply is on its way
  }
  if (const auto open = held->grading.find(where); open != held->grading.end()) {
    ++status_.duplicates;
    grade(*held, open->second); // perhaps the grader never got it
    return;
  }
  if (!exists(where)) {
    ++status_.stale_refused;
    send(from, revoke{finished.task, finished.lease, "there is no such arm"});
    return;
  }
  const auto place = held->grading.emplace(where, std::move(finished)).first;
  grade(*held, place->second);
}

void run_core::grade(held_task&, const arm_finished& finished) {
  const auto grader = directory_->grader(id_);
  if (!grader)
    return; // sent when one joins
  auto sealed = sources_.gold_of(finished.task.problem);
  if (!sealed) {
    break_run(sealed.error());
    return;
  }
  send(*grader, grade_request{finished, std::move(*sealed)});
}

void run_core::on_graded(graded result) {
  const auto place = leases_.find(result.task.problem);
  if (place == leases_.end())
    return; // of a lease that is over
  held_task& held = place->second;
  const arm_trial where = result.result.where;
  if (held.grading.erase(where) == 0)
    return; // a copy
  held.closing.insert(where);
  task_commit what;
  what.task = result.task.problem;
  what.events.emplace_back(std::move(result.result));
  const bool last = held.closed.size() + held.closing.size() == exp_->arms.size() * exp_->trials;
  if (last) {
    what.status = task_status::done; // the last outcome and the new state are one batch
    what.errors = 0;
    what.finished_attempt = true;
    what.lease_ended = rules_.leases_kept;
  }
  commit(std::move(what), after_outcome{held.holder, {result.task, held.number, where}, last});
}

void run_core::grader_joined(peer_id) {
  for (auto& [task, held] : leases_)
    for (const auto& [where, finished] : held.grading)
      grade(held, finished);
}

void run_core::grader_lost(peer_id who) {
  grader_joined(who); // another one does it, if there is one
}

// -- the oracle ----------------------------------------------------------------------------------

void run_core::relay_open(problem_index task, held_task& held) {
  const task_id id{id_, task};
  for (const auto& [ticket, open] : held.asks)
    relay_ask(id, held, ticket);
  for (const auto& [ticket, open] : held.texts)
    relay_text(id, held, ticket);
}

bool run_core::keeps(peer_id oracle, problem_index task) const {
  const task_lease* held = plan_.find(task);
  const auto place = leases_.find(task);
  return held != nullptr && !held->expired &&
         (place == leases_.end() || !place->second.oracle_party ||
          place->second.oracle_party == oracle);
}

void run_core::oracle_joined(peer_id who) {
  for (const auto& [task, party] : forgetting_)
    if (party == who)
      send(who, forget_task{{id_, task}});
  for (auto& [task, held] : leases_) {
    if (held.oracle_party && held.oracle_party != who)
      continue;
    held.prior_stale = held.prior_stale || held.oracle_party == who;
    held.oracle_party.reset();
    relay_open(task, held);
  }
}

// What would stand still if a message was lost without its connection.
void run_core::on_tick(run_clock::time_point now) {
  if (now - resent_ < limits::resend_period)
    return;
  resent_ = now;
  for (const auto& [task, party] : forgetting_)
    send(party, forget_task{{id_, task}});
  if (status_.phase == run_phase::stopping)
    hand_back_all();
}

void run_core::oracle_lost(peer_id who) {
  std::erase_if(forgetting_, [&](const auto& entry) { return entry.second == who; });
  for (auto& [task, held] : leases_) {
    if (held.oracle_party != who)
      continue;
    held.oracle_party.reset();
    held.prior_stale = true;
    relay_open(task, held);
  }
}

} // namespace tenbit

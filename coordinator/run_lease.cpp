// Leases of run_core: granted, adopted after a reconnect, renewed, lost, and ended.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "actors/wire.hpp"
#include "base/kill_point.hpp"
#include "coordinator/run_core.hpp"

namespace tenbit {
namespace {

// What a frame holds beside a journal, at the most: a problem, gold, a draft, questions, a request.
constexpr std::size_t rest_of_frame_bytes = 16U << 20;

std::string too_large(std::string_view what) {
  return fmt::format("{} is larger than a frame may be ({} MiB): its journal has grown too large "
                     "to be sent",
                     what, limits::frame_bytes_max >> 20);
}

} // namespace

void run_core::load_lease(problem_index task, const task_state& state, const task_lease& lease) {
  if (state.events > 0)
    with_journal_.insert(task);
  if (state.status == task_status::failed)
    stored_failed_.insert(task);
  plan_.add_leased(task, lease);
  plan_.named(task); // its grant is no question of this life
  status_.tasks = counts_now();
}

bool run_core::grant_next(peer_id to, epoch number, run_clock::time_point now,
                          run_clock::time_point deadline) {
  if (status_.phase != run_phase::running)
    return false;
  for (int tries = 0; tries < limits::grant_tries_max; ++tries) {
    const auto task = plan_.next(now, to, directory_->one_solver(id_));
    if (!task)
      return false;
    if (uncommitted_.contains(*task)) { // its journal on disk is not whole yet
      plan_.put_back(*task);
      continue;
    }
    if (const task_lease* old = plan_.find(*task)) // expired, and its holder did not come back
      send(old->holder, revoke{{id_, *task}, old->number, "it was given to another worker"});
    close_lease(*task);
    grant given;
    if (!open_lease(*task, number, to, &given))
      return false;
    to_peer message(std::move(given));
    if (!fits(message, std::get<grant>(message).journal)) {
      leases_.erase(*task);
      plan_.put_back(*task);
      ignore(quarantine(*task, too_large("its grant")), "it is pending or expired: both may be");
      continue;
    }
    plan_.lease(*task, {number, to, now, deadline, false});
    ++status_.leases_granted;
    if (rules_.leases_kept)
      commit_unwaited({*task,
                       {},
                       {},
                       {},
                       false,
                       lease_row{number, directory_->name(to), directory_->boot(to)},
                       false});
    send(to, std::move(message));
    return true;
  }
  return false;
}

// What is too large for a frame cannot be sent at all, so the task must not be tried for ever.
bool run_core::fits(const to_peer& message, const journal_slice& events) const {
  if (!rules_.distrust || events == nullptr)
    return true; // in one process nothing is sent, and all but a journal is bounded
  std::size_t bytes = rest_of_frame_bytes;
  for (const event& entry : *events)
    bytes += encoded_bytes_max(entry);
  return bytes <= limits::frame_bytes_max ||
         wire::encode(message).size() <= limits::frame_bytes_max;
}

// Apart from where it is noticed, which is among what would be changed by it.
void run_core::give_up_oversized() {
  for (const problem_index task : std::exchange(oversized_, {}))
    if (plan_.find(task) != nullptr)
      ignore(quarantine(task, too_large("what its oracle needs")), "the run is over");
}

// Reads what the task has; most tasks have no journal yet and cost no look at the disk.
bool run_core::open_lease(problem_index task, epoch number, peer_id holder, grant* given) {
  expected<std::vector<event>, store_failure> past;
  if (with_journal_.contains(task))
    past = sources_.journal(task);
  auto item = sources_.problem_of(task);
  if (!past || !item) {
    break_run(!past ? past.error() : item.error());
    return false;
  }
  held_task& held = leases_[task];
  held = held_task{};
  held.number = number;
  held.holder = holder;
  held.item = *item;
  if (given != nullptr) {
    given->task = {id_, task};
    given->lease = number;
    given->item = *item;
  }
  divide(held, std::move(*past), given);
  return true;
}

// The journal is split by who may see what: the worker gets the receiver's calls, the oracle the
// sender's, bits and outcomes stay here.
void run_core::divide(held_task& held, std::vector<event> past, grant* given) const {
  auto receiver = std::make_shared<std::vector<event>>();
  auto sender = std::make_shared<std::vector<event>>();
  for (event& entry : past) {
    if (auto* call = std::get_if<call_event>(&entry)) {
      (void)remember(held, *call);
      auto& side = call->by == party::receiver ? receiver : sender;
      side->push_back(std::move(entry));
    } else if (const auto* bit = std::get_if<bit_event>(&entry)) {
      held.ledger.try_emplace({bit->where, bit->index.value},
                              ledger_bit{bit->question_hash, bit->value, true});
    } else if (const auto* ended = std::get_if<outcome_event>(&entry)) {
      held.closed.insert(ended->where);
    }
  }
  held.prior = std::move(sender);
  if (given == nullptr)
    return;
  given->closed.insert(held.closed.begin(), held.closed.end());
  given->journal = std::move(receiver);
}

bool run_core::adopt(peer_id who, const held_lease& held, run_clock::time_point deadline,
                     bool room) {
  const problem_index task = held.task.problem;
  const task_lease* known = plan_.find(task);
  if (known == nullptr || known->number != held.lease || known->holder != who)
    return false;
  if (known->expired && !room) {
    close_lease(task);
    plan_.let_go(task);
    return false;
  }
  if (!leases_.contains(task) && !open_lease(task, held.lease, who, nullptr))
    return false;
  plan_.renew(task, deadline);
  return true;
}

void run_core::grant_again(peer_id who, const std::set<task_id>& known, run_clock::time_point now) {
  for (const problem_index task : plan_.held_by(who)) {
    const auto place = leases_.find(task);
    if (known.contains({id_, task}) || (place != leases_.end() && place->second.releasing))
      continue;
    if (uncommitted_.contains(task)) // what the journal has is not all: its lease may expire
      continue;
    if (plan_.find(task)->expired) { // it is pending, and perhaps for this peer again
      close_lease(task);
      plan_.let_go(task);
      continue;
    }
    if (place == leases_.end()) { // of the coordinator's last life, and the peer has it no more
      close_lease(task);
      plan_.end(task, task_ending::interrupted, now);
      continue;
    }
    grant given;
    if (!open_lease(task, plan_.find(task)->number, who, &given))
      return;
    to_peer message(std::move(given));
    if (fits(message, std::get<grant>(message).journal))
      send(who, std::move(message));
    else
      oversized_.insert(task);
  }
}

void run_core::renew(peer_id who, const lease_progress& progress, run_clock::time_point deadline,
                     bool room) {
  if (adopt(who, {progress.task, progress.lease}, deadline, room)) {
    if (const auto place = leases_.find(progress.task.problem); place != leases_.end())
      place->second.said = progress;
    return;
  }
  ++status_.stale_refused;
  send(who, revoke{progress.task, progress.lease, "the lease is over"});
}

std::map<peer_id, epoch> run_core::expire(run_clock::time_point now) {
  std::map<peer_id, epoch> unheard;
  for (const problem_index task : plan_.expire(now)) {
    ++status_.leases_expired;
    with_journal_.insert(task); // its journal may have grown
    if (const task_lease* held = plan_.find(task); !held->named) {
      const auto [place, first] = unheard.try_emplace(held->holder, held->number);
      place->second = std::min(place->second, held->number);
    }
  }
  return unheard;
}

void run_core::lost(peer_id who, bool crashed, run_clock::time_point now) {
  const auto tasks = plan_.held_by(who);
  std::set<problem_index> poison;
  if (crashed)
    for (const problem_index task : plan_.crashed(who, directory_->one_solver(id_)))
      poison.insert(task);
  for (const problem_index task : tasks) {
    ++status_.leases_lost;
    with_journal_.insert(task);
    if (poison.contains(task) && finishing_.contains(task))
      continue; // it is done, whoever died of it
    if (poison.contains(task)) {
      quarantine_leased(task, "its workers died: " + plan_.evidence(task), std::nullopt);
      continue;
    }
    close_lease(task);
    if (!crashed)
      plan_.end(task, task_ending::interrupted, now);
    if (rules_.leases_kept)
      commit_unwaited({task, {}, {}, {}, false, {}, true});
  }
}

void run_core::hand_back_all() {
  for (const auto& [task, held] : leases_)
    send(held.holder, tenbit::hand_back{{id_, task}, held.number});
}

void run_core::hand_back_of(peer_id who, run_clock::time_point since) {
  for (const problem_index task : plan_.held_by(who))
    if (const task_lease* held = plan_.find(task); held->granted <= since && leases_.contains(task))
      send(who, tenbit::hand_back{{id_, task}, held->number});
}

void run_core::take_back(peer_id who, const std::string& why, run_clock::time_point now) {
  for (const problem_index task : plan_.held_by(who))
    send(who, revoke{{id_, task}, plan_.find(task)->number, why});
  lost(who, false, now);
}

run_core::held_task* run_core::current(peer_id from, task_id task, epoch number) {
  const auto place = leases_.find(task.problem);
  if (task.experiment == id_ && place != leases_.end() && place->second.number == number &&
      place->second.holder == from) {
    plan_.named(task.problem);
    return &place->second;
  }
  ++status_.stale_refused;
  send(from, revoke{task, number, "the lease is over"});
  return nullptr;
}

// The oracle that was asked, or says that it was, need not be the one that is asked now.
void run_core::close_lease(problem_index task) {
  if (const auto asked = oracles_.find(task); asked != oracles_.end())
    forget_at(asked->second, task);
  leases_.erase(task);
}

// The oracle drops what it has of the task; what it has paid for it still commits.
void run_core::forget_at(peer_id oracle, problem_index task) {
  if (forgetting_.try_emplace({task, oracle}, forgetting{{}, 1}).second) // else it was told
    send(oracle, forget_task{{id_, task}});
}

// What its holder says cannot be: the lease is over, as with any other fault of the task's own.
void run_core::refuse_lease(problem_index task, const std::string& why, run_clock::time_point now) {
  const task_lease* held = plan_.find(task);
  ++status_.stale_refused;
  status_.last_failure = fmt::format("{}: {}", directory_->name(held->holder), why);
  send(held->holder, revoke{{id_, task}, held->number, why});
  if (finishing_.contains(task))
    return; // it is done, whatever else is said of it
  const task_ending how = plan_.judge(task, release_kind::own_fault, directory_->one_solver(id_));
  if (how == task_ending::quarantined) {
    quarantine_leased(task, plan_.evidence(task) + "; " + status_.last_failure, std::nullopt);
    return;
  }
  task_commit what;
  what.task = task;
  if (how == task_ending::failed)
    what.status = task_status::failed;
  what.finished_attempt = true;
  what.lease_ended = rules_.leases_kept;
  end_lease(task, how, now);
  commit_unwaited(std::move(what));
}

void run_core::end_lease(problem_index task, task_ending how, run_clock::time_point now) {
  close_lease(task);
  if (plan_.find(task) != nullptr)
    plan_.end(task, how, now);
  else if (how == task_ending::delayed || how == task_ending::interrupted)
    return; // its worker died meanwhile: it is pending
  else if (!plan_.take_pending(task, how))
    return;
  note_ended(task, how);
  if (how != task_ending::done)
    with_journal_.insert(task);
  else
    forget_done(task);
}

void run_core::forget_done(problem_index task) {
  with_journal_.erase(task);
  oracles_.erase(task);
}

void run_core::quarantine_leased(problem_index task, const std::string& why,
                                 std::optional<outbound> reply) {
  task_commit what{task, {}, task_status::quarantined, std::nullopt, true, std::nullopt, true};
  what.events.emplace_back(failure_event{{}, call_error::diverged, "quarantined: " + why});
  close_lease(task); // nothing more of it is accepted
  plan_.detach(task);
  commit(std::move(what), after_release{task_ending::quarantined, std::move(reply)});
}

std::optional<release_kind> run_core::on_released(peer_id from, const task_released& released,
                                                  run_clock::time_point now) {
  const problem_index task = released.task.problem;
  const release_ack ack{released.task, released.lease};
  held_task* held = leases_.contains(task) ? current(from, released.task, released.lease) : nullptr;
  if (held == nullptr) { // a copy, or of a lease that is over: either way nothing need be kept
    send(from, ack);
    return std::nullopt;
  }
  if (finishing_.contains(task)) { // it is done, however its worker ends it
    send(from, ack);
    return std::nullopt;
  }
  if (std::exchange(held->releasing, true)) {
    ++status_.duplicates;
    return std::nullopt; // its acknowledgement is on its way
  }
  if (released.how == release_kind::done &&
      held->closed.size() < exp_->arms.size() * exp_->trials) {
    refuse_lease(task, "it is released as done with arms open", now);
    return release_kind::own_fault;
  }
  const task_ending how = plan_.judge(task, released.how, directory_->one_solver(id_));
  const bool waits = released.how == release_kind::outage && rules_.outage_tries_max == 0;
  if (how == task_ending::done || how == task_ending::interrupted) {
    if (how == task_ending::interrupted && rules_.leases_kept) {
      commit_unwaited({task, {}, {}, {}, false, {}, true});
    }
    end_lease(task, how, now);
    send(from, ack);
    return released.how;
  }
  if (how == task_ending::quarantined)
    quarantine_leased(task, plan_.evidence(task) + "; " + status_.last_failure,
                      outbound{from, ack});
  else
    commit({task, {}, task_status::failed, released.failed_arms, true, std::nullopt, true},
           after_release{how, outbound{from, ack}});
  if (how == task_ending::delayed)
    stored_failed_.insert(task);
  // Where outages are waited for they are no sign of a wrong set-up, and of several processes it is
  // the bad worker that is stopped.
  if (!waits && !rules_.quarantine && ++failures_in_row_ >= limits::failures_in_row_max &&
      !any_done_)
    begin_stop(fmt::format("the first {} problems all failed, the last with: {}", failures_in_row_,
                           status_.last_failure));
  return released.how;
}

} // namespace tenbit

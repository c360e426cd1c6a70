#include "coordinator/run_core.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/kill_point.hpp"

namespace tenbit {

run_core::run_core(std::shared_ptr<const experiment> exp, experiment_id id, run_sources sources,
                   std::uint64_t tasks_all, party_directory& directory, plan_rules rules)
    : exp_(std::move(exp)), id_(id), sources_(std::move(sources)), directory_(&directory),
      plan_(rules), rules_(rules) {
  status_.tasks_all = tasks_all;
  next_ask_ = rules.first_ask;
}

void run_core::load(problem_index task, const task_state& state) {
  if (state.events > 0 && state.status != task_status::done)
    with_journal_.insert(task);
  switch (state.status) {
  case task_status::failed: // a new run tries it again
    stored_failed_.insert(task);
    [[fallthrough]];
  case task_status::pending:
    plan_.add_pending(task);
    break;
  case task_status::done:
    plan_.add_ended(task_ending::done);
    ++status_.tasks_done_before;
    break;
  case task_status::quarantined:
    plan_.add_ended(task_ending::quarantined);
    note_ended(task, task_ending::quarantined);
    break;
  case task_status::cancelled:
    plan_.add_ended(task_ending::cancelled);
    note_ended(task, task_ending::cancelled);
    break;
  }
  status_.tasks = counts_now();
}

void run_core::note_ended(problem_index task, task_ending how) {
  if (how != task_ending::delayed && how != task_ending::interrupted)
    stored_failed_.erase(task);
  if (how == task_ending::failed || how == task_ending::quarantined ||
      how == task_ending::cancelled)
    ended_[task] = how;
}

void run_core::spent_before(const store_totals& totals) {
  budget_calls_ = totals.calls;
  status_.bits_before = totals.bits;
  budget_tokens_ = totals.prompt_tokens + totals.completion_tokens;
  for (const auto& [alias, tokens] : totals.tokens_by_model) {
    if (const model_spec* model = exp_->find_model(alias))
      budget_money_ += (static_cast<double>(tokens.prompt) * model->price_input +
                        static_cast<double>(tokens.completion) * model->price_output) /
                       1e6;
  }
  check_budget();
}

std::vector<run_command> run_core::take_commands() {
  give_up_oversized();
  keep_faults();
  close_if_over();
  status_.tasks = counts_now();
  return std::exchange(commands_, {});
}

// -- commits -------------------------------------------------------------------------------------

void run_core::commit(task_commit what, continuation then) {
  const std::uint64_t ticket = next_ticket_++;
  waiting_.emplace(ticket, waiting_commit{what.task, std::move(then)});
  ++uncommitted_[what.task];
  count(what.events);
  attach_faults(what);
  commands_.emplace_back(commit_command{id_, ticket, std::move(what)});
}

void run_core::commit_unwaited(task_commit what) {
  attach_faults(what);
  commands_.emplace_back(commit_command{id_, 0, std::move(what)});
}

void run_core::count(const std::vector<event>& events) {
  for (const event& entry : events) {
    if (const auto* call = std::get_if<call_event>(&entry)) {
      ++status_.calls;
      ++budget_calls_;
      const token_usage& usage = call->reply.usage;
      status_.prompt_tokens += usage.prompt;
      status_.completion_tokens += usage.completion;
      budget_tokens_ += usage.prompt + usage.completion;
      if (const model_spec* model = exp_->find_model(call->model)) {
        const double money = (static_cast<double>(usage.prompt) * model->price_input +
                              static_cast<double>(usage.completion) * model->price_output) /
                             1e6;
        status_.money += money;
        budget_money_ += money;
      }
    } else if (std::holds_alternative<bit_event>(entry)) {
      ++status_.bits;
    } else if (const auto* failure = std::get_if<failure_event>(&entry)) {
      status_.last_failure = failure->message;
    }
  }
  check_budget();
}

double run_core::budget_used() const {
  double out = 0;
  const auto part = [&](double spent, double limit) { out = std::max(out, spent / limit); };
  if (exp_->budget.calls)
    part(static_cast<double>(budget_calls_), static_cast<double>(*exp_->budget.calls));
  if (exp_->budget.tokens)
    part(static_cast<double>(budget_tokens_), static_cast<double>(*exp_->budget.tokens));
  if (exp_->budget.money)
    part(budget_money_, *exp_->budget.money);
  return out;
}

void run_core::check_budget() {
  const budget_spec& budget = exp_->budget;
  if (budget.calls && budget_calls_ >= *budget.calls)
    begin_stop(fmt::format("the budget of {} calls is spent", *budget.calls));
  else if (budget.tokens && budget_tokens_ >= *budget.tokens)
    begin_stop(fmt::format("the budget of {} tokens is spent", *budget.tokens));
  else if (budget.money && budget_money_ >= *budget.money)
    begin_stop(fmt::format("the budget of {} {} is spent", *budget.money, exp_->currency));
}

void run_core::on_committed(std::uint64_t ticket, run_clock::time_point now) {
  TENBIT_KILL_POINT("after_ack");
  if (ticket == 0)
    return;
  const auto place = waiting_.find(ticket);
  TENBIT_ASSERT(place != waiting_.end());
  const waiting_commit done = std::move(place->second);
  waiting_.erase(place);
  settled(done.task);
  if (const auto* released = std::get_if<after_release>(&done.then)) {
    end_lease(done.task, released->how, now);
    if (released->reply)
      commands_.emplace_back(*released->reply);
    pardon(done.task);
  } else if (const auto* append = std::get_if<after_append>(&done.then)) {
    finish_commit(*append, done.task);
  } else if (const auto* from_oracle = std::get_if<after_oracle>(&done.then)) {
    finish_commit(*from_oracle, done.task);
  } else {
    finish_commit(std::get<after_outcome>(done.then), done.task, now);
  }
}

void run_core::settled(problem_index task) {
  const auto open = uncommitted_.find(task);
  if (--open->second > 0)
    return;
  uncommitted_.erase(open);
  if (auto late = late_.extract(task); !late.empty())
    for (auto& [from, request] : late.mapped())
      on_oracle_append(from, std::move(request));
  const auto place = leases_.find(task);
  if (place != leases_.end() && std::exchange(place->second.ask_again, false))
    relay_open(task, place->second);
}

void run_core::finish_commit(const after_append& then, problem_index task) {
  if (const auto place = leases_.find(task);
      place != leases_.end() && place->second.number == then.reply.lease)
    place->second.tickets[then.reply.ticket] = true;
  send(then.to, then.reply);
}

void run_core::finish_commit(const after_outcome& then, problem_index task,
                             run_clock::time_point now) {
  TENBIT_KILL_POINT("after_outcome");
  send(then.to, then.reply);
  if (then.last) {
    finishing_.erase(task);
    failures_in_row_ = 0;
    any_done_ = true;
    status_.bits_per_problem.add(then.bits);
    finished_.push_back(then.to);
    end_lease(task, task_ending::done, now); // what its worker still says of it is answered
    return;
  }
  if (const auto place = leases_.find(task); place != leases_.end()) {
    place->second.closing.erase(then.reply.where);
    place->second.closed.insert(then.reply.where);
  }
}

void run_core::on_diverged(std::uint64_t ticket, const std::string& why,
                           run_clock::time_point now) {
  if (ticket == 0)
    return;
  const auto place = waiting_.find(ticket);
  TENBIT_ASSERT(place != waiting_.end());
  const problem_index task = place->second.task;
  const auto* released = std::get_if<after_release>(&place->second.then);
  const bool was_last = released != nullptr && released->how == task_ending::quarantined;
  if (const auto* end = std::get_if<after_outcome>(&place->second.then); end && end->last)
    finishing_.erase(task);
  waiting_.erase(place);
  faults_kept_[task].reset(); // they may have gone with it, and were not written
  settled(task);
  if (was_last) { // its journal takes nothing more, so without the evidence
    commit_unwaited({task, {}, task_status::quarantined, {}, false, {}, true});
    end_lease(task, task_ending::quarantined, now);
    return;
  }
  if (finishing_.contains(task))
    return; // every outcome stands without this
  const task_lease* held = plan_.find(task);
  if (held == nullptr)
    return; // late events of a lease that is over: what the store has stays
  send(held->holder, revoke{{id_, task}, held->number, why});
  const task_ending how = plan_.judge(task, release_kind::diverged, directory_->one_solver(id_));
  if (how == task_ending::quarantined)
    quarantine_leased(task, why, std::nullopt);
  else
    end_lease(task, how, now);
}

// -- stopping ------------------------------------------------------------------------------------

void run_core::on_stop(const std::string& reason) {
  begin_stop(reason);
}

void run_core::on_cancel(const std::string& reason) {
  cancelled_ = true;
  on_stop(reason);
}

plan_counts run_core::counts_now() const {
  plan_counts out = plan_.counts();
  if (!cancelled_)
    return out;
  std::uint64_t failed = stored_failed_.size(); // and are tried no more
  for (const auto& [task, held] : plan_.leases())
    failed -= !held.expired && stored_failed_.contains(task) ? 1 : 0;
  out.pending -= failed;
  out.failed += failed;
  out.cancelled += std::exchange(out.pending, 0);
  return out;
}

void run_core::begin_stop(const std::string& reason) {
  if (status_.phase != run_phase::running)
    return;
  status_.phase = run_phase::stopping;
  status_.stop_reason = reason;
  plan_.stop_granting();
  commands_.emplace_back(drain_run{id_});
}

void run_core::close_if_over() {
  if (closing_ || !plan_.over() || !waiting_.empty() || !forgetting_.empty() ||
      status_.phase == run_phase::broken)
    return;
  closing_ = true;
  commands_.emplace_back(close_journal{id_});
}

void run_core::break_run(const store_failure& failure) {
  status_.phase = run_phase::broken;
  status_.failure = failure.message;
  status_.damaged = failure.kind == store_error::corrupt;
  status_.rolled_back = failure.kind == store_error::rolled_back;
}

const lease_progress* run_core::said_of(problem_index task) const {
  const auto place = leases_.find(task);
  return place != leases_.end() && place->second.said ? &*place->second.said : nullptr;
}

std::optional<receipt> run_core::durable_now() const {
  if (!receipts_ || !sources_.commit_seq || status_.phase == run_phase::broken || closing_ ||
      cancelled_)
    return std::nullopt;
  return receipts_->give(sources_.commit_seq());
}

bool run_core::on_receipt(const std::string& peer, const receipt& shown) {
  if (!receipts_ || !sources_.commit_seq || status_.phase == run_phase::broken || closing_ ||
      cancelled_)
    return true;
  const std::string why = receipts_->contradiction(shown, sources_.commit_seq());
  if (!why.empty())
    break_run({store_error::rolled_back, peer + " " + why});
  return why.empty();
}

void run_core::on_journal_end(const std::string& failure, bool damaged) {
  status_.damaged = damaged;
  status_.phase = failure.empty() ? run_phase::finished : run_phase::broken;
  status_.failure = failure;
  status_.tasks = counts_now();
}

// -- operators -----------------------------------------------------------------------------------

tenbit::status<std::string> run_core::requeue(problem_index task, task_status was, bool forget) {
  const auto ended = ended_.find(task);
  if (was == task_status::done || ended == ended_.end())
    return {}; // it is pending, leased or done: as asked for
  if (closing_)
    return fail(std::string("the run is over; submit it again and its task can be put back"));
  plan_.requeue(task, ended->second, forget);
  ended_.erase(ended);
  with_journal_.insert(task);
  commit_unwaited({task, {}, task_status::pending, 0, false, std::nullopt, false});
  return {};
}

void run_core::forgive(peer_id who) {
  for (const problem_index task : plan_.forgive(who)) {
    pardoned_.insert(task);
    pardon(task);
  }
}

// When its end is committed, not before.
void run_core::pardon(problem_index task) {
  const auto ended = ended_.find(task);
  if (ended == ended_.end() || pardoned_.erase(task) == 0)
    return;
  const task_status was =
      ended->second == task_ending::failed ? task_status::failed : task_status::quarantined;
  ignore(requeue(task, was, false), "the run is over: an operator may submit it again");
}

tenbit::status<std::string> run_core::quarantine(problem_index task, const std::string& why) {
  if (closing_)
    return fail(std::string("the run is over"));
  const task_lease* held = plan_.find(task);
  if (held != nullptr && !finishing_.contains(task)) {
    if (held->holder == peer_id{})
      return {}; // it is being done
    send(held->holder, revoke{{id_, task}, held->number, why});
    quarantine_leased(task, why, std::nullopt); // an expired one might come back
    return {};
  }
  if (finishing_.contains(task) || !plan_.take_pending(task, task_ending::quarantined))
    return fail(std::string("the task has ended; only pending and leased tasks are quarantined"));
  note_ended(task, task_ending::quarantined);
  task_commit what{task, {}, task_status::quarantined, std::nullopt, false, std::nullopt, true};
  what.events.emplace_back(failure_event{{}, call_error::diverged, "quarantined: " + why});
  commit_unwaited(std::move(what));
  return {};
}

} // namespace tenbit

#include "coordinator/run_core.hpp"

#include <fmt/format.h>
#include <utility>

#include "base/kill_point.hpp"

namespace tenbit {

run_core::run_core(std::shared_ptr<const experiment> exp, experiment_id id, run_sources sources,
                   std::uint64_t tasks_all)
    : exp_(std::move(exp)), id_(id), sources_(std::move(sources)) {
  status_.tasks_all = tasks_all;
}

void run_core::load(problem_index task, const task_state& state) {
  if (state.events > 0 && state.status != task_status::done)
    with_journal_.insert(task);
  switch (state.status) {
  case task_status::pending:
  case task_status::failed: // a new run tries it again
    plan_.add_pending(task);
    break;
  case task_status::done:
  case task_status::quarantined:
  case task_status::cancelled:
    plan_.add_done();
    ++status_.tasks_done_before;
    break;
  }
  refresh_counts();
}

void run_core::spent_before(const store_totals& totals) {
  budget_calls_ = totals.calls;
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
  refresh_counts();
  return std::exchange(commands_, {});
}

// -- granting ------------------------------------------------------------------------------------

std::vector<run_command> run_core::on_slots(std::uint32_t slots, run_clock::time_point now) {
  slots_ += slots;
  grant_free_slots(now);
  close_if_over();
  return take_commands();
}

std::vector<run_command> run_core::on_tick(run_clock::time_point now) {
  grant_free_slots(now);
  close_if_over();
  return take_commands();
}

void run_core::grant_free_slots(run_clock::time_point now) {
  while (status_.phase == run_phase::running && slots_ > 0) {
    const auto task = plan_.next(now);
    if (!task)
      return;
    if (!give(*task))
      return;
    --slots_;
  }
}

bool run_core::give(problem_index task) {
  // Most tasks have no journal yet; they are granted without a look at the disk.
  expected<std::vector<event>, store_failure> past;
  if (with_journal_.contains(task))
    past = sources_.journal(task);
  auto item = sources_.problem_of(task);
  if (!past || !item) {
    break_run(!past ? past.error() : item.error());
    return false;
  }
  lease& held = leases_[task];
  held.item = *item;
  grant given;
  given.task = {id_, task};
  given.item = *item;
  divide(held, std::move(*past), given);
  commands_.emplace_back(std::move(given));
  return true;
}

// The journal is split by who may see what: the worker gets the receiver's calls, the oracle the
// sender's, bits and outcomes stay here.
void run_core::divide(lease& held, std::vector<event> past, grant& given) {
  auto receiver = std::make_shared<std::vector<event>>();
  auto sender = std::make_shared<std::vector<event>>();
  for (event& entry : past) {
    if (auto* call = std::get_if<call_event>(&entry)) {
      auto& side = call->by == party::receiver ? receiver : sender;
      side->push_back(std::move(entry));
    } else if (const auto* bit = std::get_if<bit_event>(&entry)) {
      held.ledger.try_emplace({bit->where, bit->index.value},
                              ledger_bit{bit->question_hash, bit->value});
    } else if (const auto* ended = std::get_if<outcome_event>(&entry)) {
      given.closed.insert(ended->where);
    }
  }
  held.closed_arms = given.closed.size();
  held.prior = std::move(sender);
  given.journal = std::move(receiver);
}

// -- commits -------------------------------------------------------------------------------------

void run_core::commit(task_commit what, continuation then) {
  const std::uint64_t ticket = next_ticket_++;
  waiting_.emplace(ticket, std::move(then));
  count(what.events);
  commands_.emplace_back(commit_command{ticket, std::move(what)});
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

void run_core::check_budget() {
  const budget_spec& budget = exp_->budget;
  if (budget.calls && budget_calls_ >= *budget.calls)
    begin_stop(fmt::format("the budget of {} calls is spent", *budget.calls));
  else if (budget.tokens && budget_tokens_ >= *budget.tokens)
    begin_stop(fmt::format("the budget of {} tokens is spent", *budget.tokens));
  else if (budget.money && budget_money_ >= *budget.money)
    begin_stop(fmt::format("the budget of {} {} is spent", *budget.money, exp_->currency));
}

std::vector<run_command> run_core::on_append(append_request request) {
  commit({request.task.problem, std::move(request.events), std::nullopt, std::nullopt, false},
         after_append{{request.task, request.ticket}});
  return take_commands();
}

std::vector<run_command> run_core::on_oracle_append(oracle_append request) {
  after_oracle then{{request.task, request.ticket}, request.ask, {}};
  for (const event& entry : request.events)
    if (const auto* bit = std::get_if<bit_event>(&entry))
      then.bits.push_back(*bit);
  commit({request.task.problem, std::move(request.events), std::nullopt, std::nullopt, false},
         std::move(then));
  return take_commands();
}

std::vector<run_command> run_core::on_committed(std::uint64_t ticket, run_clock::time_point now) {
  TENBIT_KILL_POINT("after_ack");
  const auto place = waiting_.find(ticket);
  TENBIT_ASSERT(place != waiting_.end());
  const continuation then = std::move(place->second);
  waiting_.erase(place);
  if (const auto* append = std::get_if<after_append>(&then)) {
    commands_.emplace_back(append->reply);
  } else if (const auto* ended = std::get_if<after_outcome>(&then)) {
    TENBIT_KILL_POINT("after_outcome");
    commands_.emplace_back(ended->reply);
  } else if (const auto* released = std::get_if<after_release>(&then)) {
    finish_release(released->task, released->how, now);
  } else {
    const auto& from_oracle = std::get<after_oracle>(then);
    commands_.emplace_back(to_oracle_appended{from_oracle.reply});
    const auto lease_place = leases_.find(from_oracle.reply.task.problem);
    if (lease_place != leases_.end()) {
      lease& held = lease_place->second;
      const auto ask = held.asks.find(from_oracle.ask);
      for (const bit_event& bit : from_oracle.bits) {
        held.ledger.try_emplace({bit.where, bit.index.value},
                                ledger_bit{bit.question_hash, bit.value});
        if (ask != held.asks.end())
          ask->second.values.emplace(bit.index.value, bit.value);
      }
      if (ask != held.asks.end())
        reply_if_complete(from_oracle.reply.task, held, from_oracle.ask);
    }
  }
  close_if_over();
  return take_commands();
}

// -- endings -------------------------------------------------------------------------------------

std::vector<run_command> run_core::on_finished(arm_finished finished) {
  auto sealed = sources_.gold_of(finished.task.problem);
  if (!sealed) {
    break_run(sealed.error());
    return take_commands();
  }
  commands_.emplace_back(grade_request{std::move(finished), std::move(*sealed)});
  return take_commands();
}

std::vector<run_command> run_core::on_graded(graded result) {
  lease& held = leases_.at(result.task.problem);
  const arm_trial where = result.result.where;
  task_commit what;
  what.task = result.task.problem;
  what.events.emplace_back(std::move(result.result));
  if (++held.closed_arms == exp_->arms.size() * exp_->trials) {
    what.status = task_status::done; // the last outcome and the new state are one batch
    what.errors = 0;
    what.finished_attempt = true;
  }
  commit(std::move(what), after_outcome{{result.task, where}});
  return take_commands();
}

std::vector<run_command> run_core::on_released(const task_released& released,
                                               run_clock::time_point now) {
  forgetting_.insert(released.task.problem);
  commands_.emplace_back(forget_task{released.task});
  if (released.interrupted) {
    finish_release(released.task, task_ending::interrupted, now);
  } else if (released.failed_arms == 0) {
    failures_in_row_ = 0;
    any_done_ = true;
    finish_release(released.task, task_ending::done, now);
  } else {
    const auto how = released.worth_retrying ? task_ending::passing : task_ending::failed;
    commit({released.task.problem, {}, task_status::failed, released.failed_arms, true},
           after_release{released.task, how});
    if (++failures_in_row_ >= limits::failures_in_row_max && !any_done_)
      begin_stop(fmt::format("the first {} problems all failed, the last with: {}",
                             failures_in_row_, status_.last_failure));
  }
  close_if_over();
  return take_commands();
}

void run_core::finish_release(task_id task, task_ending how, run_clock::time_point now) {
  leases_.erase(task.problem);
  if (plan_.release(task.problem, how, now) != task_ending::done)
    with_journal_.insert(task.problem); // it may come back in this run
  ++slots_;
  grant_free_slots(now);
}

std::vector<run_command> run_core::on_stop(const std::string& reason) {
  begin_stop(reason);
  close_if_over();
  return take_commands();
}

void run_core::begin_stop(const std::string& reason) {
  if (status_.phase != run_phase::running)
    return;
  status_.phase = run_phase::stopping;
  status_.stop_reason = reason;
  plan_.stop_granting();
  commands_.emplace_back(drain_workers{});
}

void run_core::close_if_over() {
  if (closing_ || !plan_.over() || !waiting_.empty() || !forgetting_.empty() ||
      status_.phase == run_phase::broken)
    return;
  closing_ = true;
  commands_.emplace_back(close_journal{});
}

void run_core::break_run(const store_failure& failure) {
  status_.phase = run_phase::broken;
  status_.failure = failure.message;
}

void run_core::on_journal_end(const std::string& failure) {
  status_.phase = failure.empty() ? run_phase::finished : run_phase::broken;
  status_.failure = failure;
  refresh_counts();
}

} // namespace tenbit

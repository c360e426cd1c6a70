#include "workers/task_runner.hpp"

#include <algorithm>
#include <utility>

#include "base/kill_point.hpp"
#include "protocols/bitstream.hpp"

namespace tenbit {
namespace {

// What a failed arm makes of its task's release.
release_kind release_of(call_error kind) {
  switch (kind) {
  case call_error::throttled:
  case call_error::transient:
    return release_kind::outage;
  case call_error::endpoint_invalid:
    return release_kind::own_fault;
  case call_error::request_invalid:
  case call_error::auth:
    return release_kind::refused;
  case call_error::cancelled:
    return release_kind::interrupted;
  case call_error::diverged:
    return release_kind::diverged;
  }
  assertion_failed("call_error", __FILE__, __LINE__);
}

constexpr const char* told_to_stop = "the task is handed back";

} // namespace

task_runner::task_runner(std::shared_ptr<const experiment> exp,
                         std::shared_ptr<const std::vector<std::string>> recipes, grant granted)
    : exp_(std::move(exp)), recipes_(std::move(recipes)), granted_(std::move(granted)) {
  for (const event& past : *granted_.journal) {
    if (const auto* call = std::get_if<call_event>(&past)) {
      call_entry& entry = calls_[call->id];
      entry.stage = call_stage::committed;
      entry.text = call->reply.text;
    }
  }
}

std::vector<runner_command> task_runner::start() {
  const auto arms = static_cast<std::uint16_t>(exp_->arms.size());
  for (std::uint16_t trial = 0; trial < exp_->trials; ++trial) {
    for (std::uint16_t arm = 0; arm < arms; ++arm) {
      const arm_trial where{arm_index{arm}, trial_index{trial}};
      if (!granted_.closed.contains(where))
        programs_.push_back({where, program_stage::running, start_program(input_of(where))});
    }
  }
  for (std::size_t i = 0; i < programs_.size(); ++i)
    advance(i);
  release_if_over();
  return take_commands();
}

program_input task_runner::input_of(arm_trial where) const {
  return {exp_, where.arm, where.trial, *granted_.item};
}

void task_runner::advance(std::size_t program) {
  program_entry& entry = programs_[program];
  // Results that are at hand are given at once, so a replay needs no message at all.
  for (;;) {
    const auto effects = entry.running->take();
    if (effects.empty())
      break;
    for (const pending_effect& pending : effects) {
      const auto* request = std::get_if<generate_request>(&pending.what);
      if (request != nullptr && exp_->text_crosses(exp_->arms[entry.where.arm.value]))
        want_text(program, pending.number, *request);
      else if (request != nullptr)
        want_call(program, pending.number, *request);
      else
        want_bits(program, pending.number, std::get<ask_request>(pending.what));
    }
  }
  if (entry.running->finished() && entry.stage == program_stage::running)
    finish(program);
}

void task_runner::want_call(std::size_t program, std::uint32_t number,
                            const generate_request& request) {
  auto identified = identify(*exp_, request);
  if (handing_back_ && !calls_.contains(identified.id)) {
    programs_[program].running->resolve(number,
                                        effect_failure{call_error::cancelled, told_to_stop});
    return;
  }
  const auto [place, fresh] = calls_.try_emplace(identified.id);
  call_entry& entry = place->second;
  switch (entry.stage) {
  case call_stage::committed:
    programs_[program].running->resolve(number, generated{entry.text, identified.id});
    return;
  case call_stage::failed:
    programs_[program].running->resolve(number, entry.failure);
    return;
  case call_stage::in_flight:
  case call_stage::committing:
    entry.waiters.push_back({program, number});
    break;
  }
  if (!fresh)
    return;
  entry.model = request.model;
  entry.k = request.k;
  entry.canonical = identified.canonical;
  commands_.emplace_back(start_call{identified.id, request.model, std::move(identified.canonical)});
}

// The sender's own text: it is generated, committed and counted on the sender's side, where other
// arms that need it share it.
void task_runner::want_text(std::size_t program, std::uint32_t number,
                            const generate_request& request) {
  if (handing_back_) {
    programs_[program].running->resolve(number,
                                        effect_failure{call_error::cancelled, told_to_stop});
    return;
  }
  const std::uint64_t ticket = next_ticket_++;
  asks_.emplace(ticket, waiter{program, number});
  texts_.emplace(ticket, identify(*exp_, request).id);
  commands_.emplace_back(
      text_request{granted_.task, granted_.lease, ticket, programs_[program].where, request});
}

std::vector<runner_command> task_runner::on_text(text_reply reply) {
  const auto place = asks_.find(reply.ticket);
  if (place == asks_.end())
    return {}; // the task is being handed back
  const waiter waiting = place->second;
  asks_.erase(place);
  const call_id id = texts_.extract(reply.ticket).mapped();
  auto& program = programs_[waiting.program];
  if (program.stage == program_stage::running && !program.running->finished()) {
    if (reply.failed)
      program.running->resolve(waiting.effect,
                               effect_failure{reply.failure.kind, reply.failure.message});
    else
      program.running->resolve(waiting.effect, generated{std::move(reply.text), id});
    advance(waiting.program);
  }
  release_if_over();
  return take_commands();
}

void task_runner::want_bits(std::size_t program, std::uint32_t number, const ask_request& ask) {
  if (handing_back_) {
    programs_[program].running->resolve(number,
                                        effect_failure{call_error::cancelled, told_to_stop});
    return;
  }
  const std::uint64_t ticket = next_ticket_++;
  asks_.emplace(ticket, waiter{program, number});
  commands_.emplace_back(ask_message{granted_.task, granted_.lease, ticket,
                                     programs_[program].where, ask.questions, ask.draft});
}

std::vector<runner_command> task_runner::on_call(call_id id, call_result result,
                                                 std::uint64_t unix_ms) {
  const auto place = calls_.find(id);
  TENBIT_ASSERT(place != calls_.end() && place->second.stage == call_stage::in_flight);
  call_entry& entry = place->second;
  if (!result) {
    entry.stage = call_stage::failed;
    entry.failure = {result.error().kind, result.error().message};
    if (handing_back_ && release_of(entry.failure.kind) == release_kind::outage) {
      outage_ = true; // and no arm failed: another worker goes on with them
      entry.failure = {call_error::cancelled, told_to_stop};
    }
    settle(entry, id);
    release_if_over();
    return take_commands();
  }
  TENBIT_KILL_POINT("call_answered");
  entry.stage = call_stage::committing;
  entry.text = result->text;
  const std::uint64_t ticket = next_ticket_++;
  appends_.emplace(ticket, id);
  append_request append{granted_.task, granted_.lease, ticket, {}};
  append.events.emplace_back(call_event{id, party::receiver, entry.model, entry.k,
                                        std::move(entry.canonical), std::move(*result), unix_ms});
  commands_.emplace_back(std::move(append));
  return take_commands();
}

std::vector<runner_command> task_runner::on_appended(std::uint64_t ticket) {
  ++committed_;
  if (const auto call = appends_.find(ticket); call != appends_.end()) {
    const call_id id = call->second;
    appends_.erase(call);
    call_entry& entry = calls_.at(id);
    entry.stage = call_stage::committed;
    settle(entry, id);
  } else {
    const auto failure = failures_.find(ticket);
    TENBIT_ASSERT(failure != failures_.end());
    programs_[failure->second].stage = program_stage::closed;
    failures_.erase(failure);
  }
  release_if_over();
  return take_commands();
}

void task_runner::settle(call_entry& entry, call_id id) {
  // A program that goes on may want further calls and so move the map's entries: take what is
  // needed.
  const std::vector<waiter> waiters = std::exchange(entry.waiters, {});
  const bool failed = entry.stage == call_stage::failed;
  const effect_failure failure = entry.failure;
  const std::string text = failed ? std::string() : entry.text;
  for (const waiter& waiting : waiters) {
    auto& program = programs_[waiting.program];
    if (program.stage != program_stage::running || program.running->finished())
      continue; // it failed on another effect before
    if (failed)
      program.running->resolve(waiting.effect, failure);
    else
      program.running->resolve(waiting.effect, generated{text, id});
    advance(waiting.program);
  }
}

std::vector<runner_command> task_runner::on_bits(const bits_reply& reply) {
  const auto place = asks_.find(reply.ticket);
  if (place == asks_.end())
    return {}; // the task is being handed back
  const waiter waiting = place->second;
  asks_.erase(place);
  auto& program = programs_[waiting.program];
  if (program.stage == program_stage::running && !program.running->finished()) {
    if (reply.failed)
      program.running->resolve(waiting.effect,
                               effect_failure{reply.failure.kind, reply.failure.message});
    else
      program.running->resolve(waiting.effect, reply.values);
    advance(waiting.program);
  }
  release_if_over();
  return take_commands();
}

void task_runner::finish(std::size_t program) {
  program_entry& entry = programs_[program];
  const auto& result = entry.running->result();
  if (!result && result.error().kind == call_error::cancelled) {
    entry.stage = program_stage::interrupted;
  } else if (!result) {
    entry.stage = program_stage::closing;
    ++failed_arms_;
    worst_ = std::max(worst_, release_of(result.error().kind));
    const std::uint64_t ticket = next_ticket_++;
    failures_.emplace(ticket, program);
    append_request append{granted_.task, granted_.lease, ticket, {}};
    append.events.emplace_back(
        failure_event{entry.where, result.error().kind, result.error().message});
    commands_.emplace_back(std::move(append));
  } else {
    entry.stage = program_stage::closing;
    const bitstream packed =
        pack(input_of(entry.where), *result, recipes_->at(entry.where.arm.value));
    arm_finished done;
    done.task = granted_.task;
    done.lease = granted_.lease;
    done.where = entry.where;
    if (result->draft) {
      done.draft_call = result->draft->call;
      done.draft_text = result->draft->text;
    }
    done.answer_call = result->answer.call;
    done.answer_text = result->answer.text;
    done.questions = static_cast<std::uint32_t>(result->questions.size());
    done.payload_bits = packed.payload_bits;
    done.bitstream = write_container(packed);
    commands_.emplace_back(std::move(done));
  }
}

std::vector<runner_command> task_runner::on_closed(arm_trial where) {
  for (program_entry& entry : programs_)
    if (entry.where == where)
      entry.stage = program_stage::closed;
  release_if_over();
  return take_commands();
}

void task_runner::release_if_over() {
  bool interrupted = false;
  for (const program_entry& entry : programs_) {
    if (entry.stage == program_stage::running || entry.stage == program_stage::closing)
      return;
    interrupted = interrupted || entry.stage == program_stage::interrupted;
  }
  if (released_ || !appends_.empty() || !asks_.empty())
    return;
  for (const auto& [id, entry] : calls_)
    if (entry.stage == call_stage::in_flight)
      return;
  released_ = true;
  const release_kind how = !interrupted ? worst_
                           : outage_    ? release_kind::outage
                                        : release_kind::interrupted;
  commands_.emplace_back(task_released{granted_.task, granted_.lease, how, failed_arms_});
}

std::vector<runner_command> task_runner::on_hand_back() {
  handing_back_ = true; // a call on the wire goes on to its commit
  // What the sender may say is waited for no longer: it comes to the next holder.
  texts_.clear();
  for (const auto& [ticket, waiting] : std::exchange(asks_, {})) {
    program_entry& program = programs_[waiting.program];
    if (program.stage != program_stage::running || program.running->finished())
      continue;
    program.running->resolve(waiting.effect, effect_failure{call_error::cancelled, told_to_stop});
    advance(waiting.program);
  }
  release_if_over();
  return take_commands();
}

lease_progress task_runner::progress() const {
  std::uint32_t in_flight = 0;
  for (const auto& [id, entry] : calls_)
    in_flight += entry.stage == call_stage::in_flight ? 1 : 0;
  lease_progress out{granted_.task, granted_.lease, in_flight, committed_};
  const bool asks = !asks_.empty() || !texts_.empty();
  const bool grades = std::any_of(programs_.begin(), programs_.end(), [](const auto& one) {
    return one.stage == program_stage::closing;
  });
  out.phase = in_flight > 0 ? lease_phase::queued // what its client may know better
              : asks        ? lease_phase::asking
              : !appends_.empty() || !failures_.empty() ? lease_phase::committing
              : grades && !released_                    ? lease_phase::grading
                                                        : lease_phase::committing;
  return out;
}

std::vector<runner_command> task_runner::take_commands() {
  return std::exchange(commands_, {});
}

} // namespace tenbit

#include "workers/oracle.hpp"

#include <utility>

#include "base/kill_point.hpp"

namespace tenbit {

program_input oracle::input_of(const oracle_ask& ask) const {
  return {exp_, ask.where.arm, ask.where.trial, *ask.item};
}

std::vector<oracle_command> oracle::take_commands() {
  return std::exchange(commands_, {});
}

std::vector<oracle_command> oracle::forget(task_id task) {
  session& s = sessions_[task];
  s.asks.clear();
  s.texts.clear();
  s.closing = true;
  drop_if_over(sessions_.find(task));
  return take_commands();
}

// What is still on the wire has been paid for: it is committed before the session goes.
void oracle::drop_if_over(std::unordered_map<task_id, session>::iterator place) {
  const session& s = place->second;
  if (!s.closing || !s.appends.empty() || s.in_flight > 0)
    return;
  commands_.emplace_back(forgotten{place->first});
  sessions_.erase(place);
}

void oracle::remember(session& s, const journal_slice& prior) {
  if (!prior)
    return;
  for (const event& past : *prior) {
    const auto* call = std::get_if<call_event>(&past);
    if (call == nullptr)
      continue;
    const auto [place, fresh] = s.calls.try_emplace(call->id);
    if (!fresh)
      continue; // known, perhaps with others waiting for it
    call_entry& entry = place->second;
    entry.stage = call_stage::committed;
    entry.text = call->reply.text;
    entry.p_yes = call->reply.p_yes;
  }
}

std::vector<oracle_command> oracle::on_ask(oracle_ask ask) {
  const task_id task = ask.task;
  const std::uint64_t ticket = ask.ticket;
  session& s = sessions_[task];
  s.closing = false;
  remember(s, ask.prior);
  const arm_spec& arm = exp_->arms[ask.where.arm.value];
  if (!s.asks.try_emplace(ticket, open_ask{std::move(ask), std::nullopt, {}, {}}).second)
    return take_commands(); // a copy: it is being answered
  open_ask& open = s.asks.at(ticket);
  open.left.insert(open.what.wanted.begin(), open.what.wanted.end());
  switch (arm.reference) {
  case reference_kind::none:
    begin(task, s, ticket);
    break;
  case reference_kind::gold:
    open.reference = sealed_text(open.what.reference.answer(gold_key{}));
    begin(task, s, ticket);
    break;
  case reference_kind::own:
    want(task, s, oracle_prompts::own_solution(input_of(open.what)),
         {ticket, use_of::own_solution, false, {}});
    break;
  }
  return take_commands();
}

std::vector<oracle_command> oracle::on_text(oracle_text ask) {
  session& s = sessions_[ask.task];
  s.closing = false;
  remember(s, ask.prior);
  if (!s.texts.insert(ask.ticket).second)
    return take_commands(); // a copy: it is being answered
  want(ask.task, s, ask.request, {ask.ticket, use_of::crossing_text, false, {}});
  return take_commands();
}

// All wanted questions go out together; in `each` mode a call answers one, else one call answers
// all.
void oracle::begin(task_id task, session& s, std::uint64_t ticket) {
  const open_ask& open = s.asks.at(ticket);
  const oracle_ask& what = open.what;
  const auto requests = oracle_prompts::answer_calls(input_of(what), {what.questions, what.draft},
                                                     open.reference, false);
  const bool each = exp_->arms[what.where.arm.value].answers == answer_mode::each;
  if (!each) {
    TENBIT_ASSERT(requests.size() == 1);
    purpose why{ticket, use_of::bits, false, {}};
    for (std::uint32_t i = 0; i < what.questions.size(); ++i)
      why.questions.push_back(i);
    want(task, s, requests.front(), std::move(why));
    return;
  }
  TENBIT_ASSERT(requests.size() == what.questions.size());
  // An answer at hand may close the ask while the others are being started.
  const std::vector<std::uint32_t> wanted = what.wanted;
  for (const std::uint32_t index : wanted)
    if (s.asks.contains(ticket))
      want(task, s, requests[index], {ticket, use_of::bits, false, {index}});
}

void oracle::want(task_id task, session& s, const generate_request& request, purpose why) {
  auto identified = identify(*exp_, request);
  const auto [place, fresh] = s.calls.try_emplace(identified.id);
  call_entry& entry = place->second;
  switch (entry.stage) {
  case call_stage::committed:
    use(task, s, identified.id, why);
    return;
  case call_stage::failed:
    give_up(task, s, why.ask, entry.failure);
    return;
  case call_stage::in_flight:
  case call_stage::committing:
    entry.waiters.push_back(std::move(why));
    break;
  }
  if (!fresh)
    return;
  entry.model = request.model;
  entry.k = request.k;
  entry.canonical = identified.canonical;
  ++s.in_flight;
  commands_.emplace_back(
      oracle_call{task, start_call{identified.id, request.model, std::move(identified.canonical)}});
}

std::vector<oracle_command> oracle::on_call(task_id task, call_id id, call_result result,
                                            std::uint64_t unix_ms) {
  const auto place = sessions_.find(task);
  TENBIT_ASSERT(place != sessions_.end()); // kept while a call is out
  session& s = place->second;
  call_entry& entry = s.calls.at(id);
  --s.in_flight;
  if (result) {
    TENBIT_KILL_POINT("call_answered");
    commit_call(task, s, id, std::move(*result), unix_ms);
    return take_commands();
  }
  entry.stage = call_stage::failed;
  entry.failure = {result.error().kind, result.error().message};
  const ask_failure failure = entry.failure;
  for (const purpose& why : std::exchange(entry.waiters, {}))
    give_up(task, s, why.ask, failure);
  if (s.closing)
    s.calls.erase(id); // it ended because of that: asked for again, it is made again
  drop_if_over(place);
  return take_commands();
}

void oracle::commit_call(task_id task, session& s, call_id id, call_reply reply,
                         std::uint64_t unix_ms) {
  call_entry& entry = s.calls.at(id);
  entry.stage = call_stage::committing;
  entry.text = reply.text;
  entry.p_yes = reply.p_yes;
  const std::uint64_t ticket = next_ticket_++;
  s.appends.emplace(ticket, id);
  oracle_append append{task, ticket, 0, {}};
  append.events.emplace_back(call_event{id, party::sender, entry.model, entry.k,
                                        std::move(entry.canonical), std::move(reply), unix_ms});
  commands_.emplace_back(std::move(append));
}

std::vector<oracle_command> oracle::on_appended(task_id task, std::uint64_t ticket) {
  const auto place = sessions_.find(task);
  if (place == sessions_.end())
    return {}; // the last bits of a lease that ended
  session& s = place->second;
  const auto append = s.appends.find(ticket);
  if (append == s.appends.end())
    return {}; // the bits of an ask: nothing follows here
  const call_id id = append->second;
  s.appends.erase(append);
  call_entry& entry = s.calls.at(id);
  entry.stage = call_stage::committed;
  for (const purpose& why : std::exchange(entry.waiters, {}))
    use(task, s, id, why);
  drop_if_over(place);
  return take_commands();
}

// A committed reply is put to its purpose.
void oracle::use(task_id task, session& s, call_id id, const purpose& why) {
  if (why.what == use_of::crossing_text) {
    if (s.texts.erase(why.ask) > 0)
      commands_.emplace_back(oracle_text_reply{task, why.ask, s.calls.at(id).text});
    return;
  }
  const auto ask = s.asks.find(why.ask);
  if (ask == s.asks.end())
    return; // given up
  if (why.what == use_of::own_solution) {
    ask->second.reference = sealed_text(s.calls.at(id).text);
    begin(task, s, why.ask);
    return;
  }
  answered(task, s, id, why);
}

void oracle::answered(task_id task, session& s, call_id id, const purpose& why) {
  open_ask& open = s.asks.at(why.ask);
  const call_entry& entry = s.calls.at(id);
  const arm_spec& arm = exp_->arms[open.what.where.arm.value];
  const auto parsed = parse_answers(entry.text, why.questions.size(), *exp_, arm);
  bool complete = true;
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    if (parsed[i])
      open.parsed.try_emplace(why.questions[i], *parsed[i]);
    complete = complete && open.parsed.contains(why.questions[i]);
  }
  if (!complete && !why.again) {
    ask_again(task, s, why);
    return;
  }
  TENBIT_KILL_POINT("bit_answered");
  oracle_append append{task, next_ticket_++, why.ask, {}};
  for (const std::uint32_t index : why.questions) {
    const auto found = open.parsed.find(index);
    bit_event bit;
    bit.where = open.what.where;
    bit.index = bit_index{index};
    bit.value = found == open.parsed.end() ? answer::no : found->second;
    bit.question = open.what.questions[index];
    bit.question_hash = hash_bytes(bit.question);
    bit.p_yes = entry.p_yes;
    bit.asked_again = why.again;
    bit.by_default = found == open.parsed.end();
    bit.source = id;
    append.events.emplace_back(std::move(bit));
    open.left.erase(index);
  }
  commands_.emplace_back(std::move(append));
  // Asked once more, it is answered once more: the coordinator has not got it.
  if (open.left.empty())
    s.asks.erase(why.ask);
}

void oracle::ask_again(task_id task, session& s, const purpose& why) {
  const open_ask& open = s.asks.at(why.ask);
  ask_request ask{{}, open.what.draft};
  for (const std::uint32_t index : why.questions)
    ask.questions.push_back(open.what.questions[index]);
  const auto requests =
      oracle_prompts::answer_calls(input_of(open.what), ask, open.reference, true);
  TENBIT_ASSERT(requests.size() == 1);
  purpose second = why;
  second.again = true;
  want(task, s, requests.front(), std::move(second));
}

void oracle::give_up(task_id task, session& s, std::uint64_t ask, const ask_failure& failure) {
  if (s.asks.erase(ask) + s.texts.erase(ask) > 0)
    commands_.emplace_back(oracle_failed{task, ask, failure});
}

} // namespace tenbit

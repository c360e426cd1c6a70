// The relay of run_core: calls are committed, questions and texts go to the oracle, committed bits
// and counted texts come back, ended arms go to the grader.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "coordinator/peer_checks.hpp"
#include "coordinator/run_core.hpp"

namespace tenbit {
namespace {

// Texts of an oracle for one request that are not what the journal has.
constexpr std::uint32_t texts_refused_max = 3;

} // namespace

bool run_core::exists(const arm_trial& where) const {
  return where.arm.value < exp_->arms.size() && where.trial.value < exp_->trials;
}

// -- calls of the receiver -----------------------------------------------------------------------

bool run_core::on_append(peer_id from, append_request request, run_clock::time_point now) {
  held_task* held = current(from, request.task, request.lease);
  if (held == nullptr)
    return true;
  const appended reply{request.task, request.lease, request.ticket};
  const auto [known, fresh] = held->tickets.try_emplace(request.ticket, false);
  if (!fresh) {
    ++status_.duplicates;
    if (known->second)
      send(from, reply);
    return true; // else its reply is on its way
  }
  if (rules_.distrust && !acceptable(*exp_, request.events)) {
    refuse_lease(request.task.problem, "an event is not what a worker may commit", now);
    return false;
  }
  // After a restart of the coordinator the copy of a committed append is known by its content.
  std::erase_if(request.events, [&](const event& entry) {
    const auto* call = std::get_if<call_event>(&entry);
    return call != nullptr && !remember(*held, *call);
  });
  for (event& entry : request.events)
    if (auto* failure = std::get_if<failure_event>(&entry))
      if (auto detail = held->withheld.extract(failure->where); !detail.empty())
        failure->message = std::move(detail.mapped());
  task_commit what;
  what.task = request.task.problem;
  what.events = std::move(request.events);
  what.by = directory_->name(from);
  commit(std::move(what), after_append{from, reply});
  return true;
}

// -- questions -----------------------------------------------------------------------------------

void run_core::refuse_ask(peer_id to, const ask_message& ask, call_error kind, std::string why) {
  bits_reply reply;
  reply.task = ask.task;
  reply.lease = ask.lease;
  reply.ticket = ask.ticket;
  reply.failed = true;
  reply.failure = {kind, std::move(why)};
  send(to, std::move(reply));
}

void run_core::on_ask(peer_id from, ask_message ask) {
  held_task* held = current(from, ask.task, ask.lease);
  if (held == nullptr)
    return;
  for (const auto& [ticket, open] : held->asks) {
    if (open.worker_ticket == ask.ticket) {
      ++status_.duplicates;
      held->prior_stale = true; // perhaps the oracle never got it
      relay_ask(ask.task, *held, ticket);
      return;
    }
  }
  if (const std::string why = over_budget(*held, ask); !why.empty()) {
    refuse_ask(from, ask, call_error::request_invalid, why);
    return;
  }
  open_ask open{ask.ticket, ask.where, ask.questions, ask.draft, {}};
  for (std::uint32_t i = 0; i < open.questions.size(); ++i) {
    open.hashes.push_back(hash_bytes(open.questions[i]));
    const auto known = held->ledger.find({ask.where, i});
    if (known != held->ledger.end() && known->second.question != open.hashes.back()) {
      refuse_ask(from, ask, call_error::diverged,
                 fmt::format("replay diverged: the ledger has another question at bit {}", i));
      return;
    }
  }
  const std::uint64_t ticket = next_ask_++;
  held->asks.emplace(ticket, std::move(open));
  if (!reply_if_complete(ask.task, *held, ticket))
    relay_ask(ask.task, *held, ticket);
}

// Which oracle has the task; the first ask picks one. Empty: none is there, or it has to wait for
// commits, and the ask is sent later.
std::optional<peer_id> run_core::oracle_of(problem_index task, held_task& held) {
  if (being_forgotten(task))
    return std::nullopt; // nobody has it before that, so that what still comes makes `prior` stale
  if (const auto asked = oracles_.find(task); !held.oracle_party && asked != oracles_.end())
    held.oracle_party = asked->second;
  if (!held.oracle_party)
    held.oracle_party = directory_->oracle(id_, task);
  if (!held.oracle_party)
    return std::nullopt;
  oracles_[task] = *held.oracle_party;
  if (!held.prior_stale)
    return held.oracle_party;
  if (uncommitted_.contains(task)) {
    held.ask_again = true;
    return std::nullopt;
  }
  auto past = sources_.journal(task);
  if (!past) {
    break_run(past.error());
    return std::nullopt;
  }
  auto sender = std::make_shared<std::vector<event>>();
  for (event& entry : *past)
    if (const auto* call = std::get_if<call_event>(&entry); call && call->by == party::sender)
      sender->push_back(std::move(entry));
  held.prior = std::move(sender);
  held.prior_stale = false;
  return held.oracle_party;
}

void run_core::relay_ask(task_id task, held_task& held, std::uint64_t ticket) {
  if (oversized_.contains(task.problem))
    return; // it ends
  const open_ask& open = held.asks.at(ticket);
  std::vector<std::uint32_t> wanted;
  for (std::uint32_t i = 0; i < open.questions.size(); ++i)
    if (!held.ledger.contains({open.where, i}))
      wanted.push_back(i);
  if (wanted.empty())
    return; // the last bits are being committed
  const auto oracle = oracle_of(task.problem, held);
  if (!oracle)
    return;
  oracle_ask out;
  out.task = task;
  out.ticket = ticket;
  out.item = held.item;
  out.where = open.where;
  out.questions = open.questions;
  out.draft = open.draft;
  out.wanted = std::move(wanted);
  out.prior = std::exchange(held.prior, nullptr);
  if (exp_->arms[open.where.arm.value].reference == reference_kind::gold) {
    auto sealed = sources_.gold_of(task.problem);
    if (!sealed) {
      break_run(sealed.error());
      return;
    }
    out.reference = std::move(*sealed);
  }
  to_peer message(std::move(out));
  if (fits(message, std::get<oracle_ask>(message).prior))
    send(*oracle, std::move(message));
  else
    oversized_.insert(task.problem);
}

bool run_core::reply_if_complete(task_id task, held_task& held, std::uint64_t ticket) {
  const auto place = held.asks.find(ticket);
  const open_ask& open = place->second;
  bits_reply reply;
  for (std::uint32_t i = 0; i < open.questions.size(); ++i) {
    const auto known = held.ledger.find({open.where, i});
    if (known == held.ledger.end() || !known->second.durable ||
        known->second.question != open.hashes[i])
      return false;
    reply.values.push_back(known->second.value);
  }
  reply.task = task;
  reply.lease = held.number;
  reply.ticket = open.worker_ticket;
  status_.bits_relayed += reply.values.size();
  send(held.holder, std::move(reply));
  held.answered[open.where] = std::move(place->second.hashes);
  held.asks.erase(place);
  return true;
}

// -- texts that cross whole ----------------------------------------------------------------------

void run_core::refuse_text(peer_id to, const text_request& ask, std::string why) {
  text_reply reply{ask.task, ask.lease, ask.ticket, {}, true, {}};
  reply.failure = {call_error::request_invalid, std::move(why)};
  send(to, std::move(reply));
}

void run_core::on_text(peer_id from, text_request ask) {
  held_task* held = current(from, ask.task, ask.lease);
  if (held == nullptr)
    return;
  for (const auto& [ticket, open] : held->texts) {
    if (open.worker_ticket == ask.ticket) {
      ++status_.duplicates;
      held->prior_stale = true;
      relay_text(ask.task, *held, ticket);
      return;
    }
  }
  if (std::string why = over_budget(*held, ask); !why.empty()) {
    refuse_text(from, ask, std::move(why));
    return;
  }
  const std::uint64_t ticket = next_ask_++;
  ++held->texts_asked[ask.where];
  held->texts.emplace(ticket, open_text{ask.ticket, ask.where, std::move(ask.request), 0});
  relay_text(ask.task, *held, ticket);
}

void run_core::relay_text(task_id task, held_task& held, std::uint64_t ticket) {
  if (oversized_.contains(task.problem))
    return; // it ends
  const auto oracle = oracle_of(task.problem, held);
  if (!oracle)
    return;
  to_peer message(
      oracle_text{task, ticket, held.texts.at(ticket).request, std::exchange(held.prior, nullptr)});
  if (fits(message, std::get<oracle_text>(message).prior))
    send(*oracle, std::move(message));
  else
    oversized_.insert(task.problem);
}

bool run_core::on_text_reply(peer_id from, oracle_text_reply reply) {
  const auto place = leases_.find(reply.task.problem);
  if (place == leases_.end() || place->second.oracle_party != from)
    return true;
  held_task& held = place->second;
  const auto open = held.texts.find(reply.ask);
  if (open == held.texts.end())
    return true;
  if (!is_kept(held, open->second.request, reply.text)) {
    ++status_.stale_refused;
    held.prior_stale = true; // it is asked again, with what the journal has
    held.oracle_party.reset();
    forget_at(from, reply.task.problem);
    return ++open->second.refused % texts_refused_max != 0;
  }
  send(held.holder,
       text_reply{
           reply.task, held.number, open->second.worker_ticket, std::move(reply.text), false, {}});
  held.texts.erase(open);
  return true;
}

// -- what the oracle says ------------------------------------------------------------------------

// What the journal has, or is about to have, is not written twice; the first answer stands.
void run_core::drop_known(held_task& held, bool assigned, std::vector<event>& events,
                          after_oracle& then) {
  std::erase_if(events, [&](const event& entry) {
    if (const auto* call = std::get_if<call_event>(&entry))
      return !believed(*call) || !remember(held, *call);
    const auto* bit = std::get_if<bit_event>(&entry);
    if (bit == nullptr || !assigned || !wanted(held, *bit))
      return true;
    const std::pair place{bit->where, bit->index.value};
    then.bits.push_back(place);
    return !held.ledger.try_emplace(place, ledger_bit{bit->question_hash, bit->value, false})
                .second;
  });
}

// Of a lease that is over: its calls were paid for and are kept, its bits are nobody's. False: the
// journal cannot be read, and the run is broken.
bool run_core::drop_known(problem_index task, std::vector<event>& events) {
  std::unordered_set<call_id> known;
  const auto past = sources_.journal(task);
  if (!past) {
    break_run(past.error());
    return false;
  }
  for (const event& entry : *past)
    if (const auto* call = std::get_if<call_event>(&entry); call && call->by == party::sender)
      known.insert(call->id);
  std::erase_if(events, [&](const event& entry) {
    const auto* call = std::get_if<call_event>(&entry);
    return call == nullptr || !believed(*call) || !known.insert(call->id).second;
  });
  return true;
}

void run_core::keep_late(peer_id from, oracle_append request) {
  auto& kept = late_[request.task.problem];
  if (std::none_of(kept.begin(), kept.end(), [&](const auto& one) {
        return one.first == from && one.second.ticket == request.ticket;
      }))
    kept.emplace_back(from, std::move(request));
}

void run_core::on_oracle_append(peer_id from, oracle_append request) {
  const problem_index task = request.task.problem;
  if (task.value >= status_.tasks_all)
    return;
  if (status_.phase == run_phase::broken)
    return; // kept by its oracle, for the next life
  after_oracle then{from, {request.task, {}, request.ticket}, {}};
  if (closing_) { // the store is closed or about to be: every outcome stands without this
    send(from, oracle_appended{then.reply});
    return;
  }
  if (!leases_.contains(task)) {
    if (uncommitted_.contains(task)) { // what it adds to is not on disk yet
      keep_late(from, std::move(request));
      return;
    }
    // Of the coordinator's last life: what comes belongs to the lease its holder will take up.
    if (const task_lease* held = plan_.find(task);
        held != nullptr && !open_lease(task, held->number, held->holder, nullptr))
      return;
  }
  const auto place = leases_.find(task);
  if (place != leases_.end()) {
    const auto asked = oracles_.find(task);
    const bool assigned = place->second.oracle_party
                              ? place->second.oracle_party == from
                              : asked != oracles_.end() && asked->second == from;
    drop_known(place->second, assigned, request.events, then);
    if (place->second.oracle_party != from && !request.events.empty())
      place->second.prior_stale = true; // the oracle that has the task now does not know these
  } else if (!drop_known(task, request.events)) {
    return;
  }
  if (!request.events.empty())
    with_journal_.insert(task);
  task_commit what;
  what.task = task;
  what.events = std::move(request.events);
  what.by = directory_->name(from);
  for (const event& entry : what.events)
    then.fresh += std::holds_alternative<bit_event>(entry) ? 1 : 0;
  if (then.fresh > 0)
    appended_[from] += then.fresh;
  commit(std::move(what), std::move(then));
}

void run_core::finish_commit(const after_oracle& then, problem_index task) {
  send(then.from, oracle_appended{then.reply});
  if (then.fresh > 0)
    given_[then.from] += then.fresh;
  const auto place = leases_.find(task);
  if (place == leases_.end())
    return;
  held_task& held = place->second;
  for (const auto& bit : then.bits)
    if (const auto known = held.ledger.find(bit); known != held.ledger.end())
      known->second.durable = true;
  for (auto ask = held.asks.begin(); ask != held.asks.end();) {
    const std::uint64_t ticket = (ask++)->first; // the reply erases it
    (void)reply_if_complete(then.reply.task, held, ticket);
  }
}

void run_core::on_oracle_failed(peer_id from, oracle_failed failed) {
  const auto place = leases_.find(failed.task.problem);
  if (place == leases_.end() || place->second.oracle_party != from)
    return;
  held_task& held = place->second;
  // Its words are the sender's, or of the sender's server: only the kind crosses. The journal gets
  // them with the failure of the arm.
  const auto withhold = [&](arm_trial where) {
    status_.last_failure = failed.failure.message;
    held.withheld[where] = std::move(failed.failure.message);
    return ask_failure{failed.failure.kind, "the sender could not answer"};
  };
  if (const auto text = held.texts.extract(failed.ask); !text.empty()) {
    send(held.holder, text_reply{failed.task,
                                 held.number,
                                 text.mapped().worker_ticket,
                                 {},
                                 true,
                                 withhold(text.mapped().where)});
    return;
  }
  const auto ask = held.asks.extract(failed.ask);
  if (ask.empty())
    return;
  bits_reply reply;
  reply.task = failed.task;
  reply.lease = held.number;
  reply.ticket = ask.mapped().worker_ticket;
  reply.failed = true;
  reply.failure = withhold(ask.mapped().where);
  send(held.holder, std::move(reply));
}

} // namespace tenbit

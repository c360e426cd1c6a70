// The relay of run_core: questions and texts go to the oracle, committed bits and counted texts
// come back.
#include <fmt/format.h>
#include <utility>

#include "coordinator/run_core.hpp"

namespace tenbit {

void run_core::refuse_ask(const ask_message& ask, std::string why) {
  bits_reply reply;
  reply.task = ask.task;
  reply.ticket = ask.ticket;
  reply.failed = true;
  reply.failure = {call_error::request_invalid, std::move(why)};
  commands_.emplace_back(std::move(reply));
}

std::vector<run_command> run_core::on_ask(ask_message ask) {
  lease& held = leases_.at(ask.task.problem);
  open_ask open;
  open.worker_ticket = ask.ticket;
  open.where = ask.where;
  std::vector<std::uint32_t> wanted;
  for (std::uint32_t i = 0; i < ask.questions.size(); ++i) {
    open.questions.push_back(hash_bytes(ask.questions[i]));
    const auto known = held.ledger.find({ask.where, i});
    if (known == held.ledger.end()) {
      wanted.push_back(i);
    } else if (known->second.question != open.questions.back()) {
      refuse_ask(ask, fmt::format("replay diverged: the ledger has another question at bit {}", i));
      return take_commands();
    } else {
      open.values.emplace(i, known->second.value);
    }
  }
  const std::uint64_t ticket = next_ask_++;
  held.asks.emplace(ticket, std::move(open));
  if (wanted.empty()) {
    reply_if_complete(ask.task, held, ticket);
    return take_commands();
  }
  oracle_ask out;
  out.task = ask.task;
  out.ticket = ticket;
  out.item = held.item;
  out.where = ask.where;
  out.questions = std::move(ask.questions);
  out.draft = std::move(ask.draft);
  out.wanted = std::move(wanted);
  out.prior = std::exchange(held.prior, nullptr);
  if (exp_->arms[ask.where.arm.value].reference == reference_kind::gold) {
    auto sealed = sources_.gold_of(ask.task.problem);
    if (!sealed) {
      break_run(sealed.error());
      return take_commands();
    }
    out.reference = std::move(*sealed);
  }
  commands_.emplace_back(std::move(out));
  return take_commands();
}

void run_core::reply_if_complete(task_id task, lease& held, std::uint64_t ask) {
  const auto place = held.asks.find(ask);
  const open_ask& open = place->second;
  if (open.values.size() < open.questions.size())
    return;
  bits_reply reply;
  reply.task = task;
  reply.ticket = open.worker_ticket;
  for (const auto& [index, value] : open.values)
    reply.values.push_back(value);
  commands_.emplace_back(std::move(reply));
  held.asks.erase(place);
}

// A direct arm of the sender's model: its text crosses whole and is counted as such in the outcome.
std::vector<run_command> run_core::on_text(text_request ask) {
  TENBIT_ASSERT(exp_->text_crosses(exp_->arms[ask.where.arm.value]));
  lease& held = leases_.at(ask.task.problem);
  const std::uint64_t ticket = next_ask_++;
  held.texts.emplace(ticket, ask.ticket);
  commands_.emplace_back(
      oracle_text{ask.task, ticket, std::move(ask.request), std::exchange(held.prior, nullptr)});
  return take_commands();
}

std::vector<run_command> run_core::on_text_reply(oracle_text_reply reply) {
  const auto place = leases_.find(reply.task.problem);
  if (place == leases_.end())
    return take_commands();
  const auto text = place->second.texts.extract(reply.ask);
  if (!text.empty())
    commands_.emplace_back(text_reply{reply.task, text.mapped(), std::move(reply.text), false, {}});
  return take_commands();
}

std::vector<run_command> run_core::on_oracle_failed(oracle_failed failed) {
  const auto place = leases_.find(failed.task.problem);
  if (place == leases_.end())
    return take_commands();
  if (const auto text = place->second.texts.extract(failed.ask); !text.empty()) {
    commands_.emplace_back(
        text_reply{failed.task, text.mapped(), {}, true, std::move(failed.failure)});
    return take_commands();
  }
  const auto ask = place->second.asks.find(failed.ask);
  if (ask == place->second.asks.end())
    return take_commands();
  bits_reply reply;
  reply.task = failed.task;
  reply.ticket = ask->second.worker_ticket;
  reply.failed = true;
  reply.failure = std::move(failed.failure);
  commands_.emplace_back(std::move(reply));
  place->second.asks.erase(ask);
  return take_commands();
}

std::vector<run_command> run_core::on_forgotten(const forgotten& done) {
  forgetting_.erase(done.task.problem);
  close_if_over();
  return take_commands();
}

} // namespace tenbit

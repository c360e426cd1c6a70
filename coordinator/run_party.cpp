// run_core and the other parties: arms are checked and go to the grader, and what is open is sent
// again when an oracle or grader joins.
#include <fmt/format.h>
#include <utility>

#include "coordinator/peer_checks.hpp"
#include "coordinator/run_core.hpp"

namespace tenbit {
namespace {

// Times that one lease may ask for the text of an arm.
constexpr std::uint32_t texts_asked_max = 8;

} // namespace

// -- what a worker says of an arm ----------------------------------------------------------------

// False: it is known already.
bool run_core::remember(held_task& held, const call_event& call) const {
  known_calls& known = call.by == party::sender ? held.sent : held.received;
  const auto [place, fresh] = known.try_emplace(call.id);
  if (fresh && rules_.distrust)
    place->second = hash_bytes(call.reply.text);
  return fresh;
}

// What the journal and the ledger have against it; empty: nothing.
std::string run_core::contradiction(const held_task& held, const arm_finished& finished) const {
  const arm_spec& arm = exp_->arms[finished.where.arm.value];
  const bool text_crosses = exp_->text_crosses(arm);
  const auto is_reply = [](const known_calls& of, const call_id& id, const std::string& text) {
    const auto call = of.find(id);
    return call != of.end() && call->second == hash_bytes(text);
  };
  if (!is_reply(text_crosses ? held.sent : held.received, finished.answer_call,
                finished.answer_text))
    return "its answer is not the reply of a call in the journal";
  if (finished.draft_call ? !is_reply(held.received, *finished.draft_call, finished.draft_text)
                          : !finished.draft_text.empty())
    return "its draft is not the reply of a call in the journal";
  std::uint64_t bits = 0;
  for (auto bit = held.ledger.lower_bound({finished.where, 0});
       bit != held.ledger.end() && bit->first.first == finished.where; ++bit)
    bits += bit->second.durable ? 1 : 0;
  const std::uint64_t width = exp_->switches.unknown_answers ? 2 : 1;
  const std::uint64_t crossed =
      text_crosses ? std::uint64_t{finished.answer_text.size()} * 8 : bits * width;
  if (finished.payload_bits != crossed)
    return fmt::format("it says that {} bits crossed, and {} did", finished.payload_bits, crossed);
  const bool asks = arm.method == method_kind::qa;
  if (asks ? finished.questions != bits : finished.questions > limits::questions_max)
    return fmt::format("it says that it asked {} questions, and {} were answered",
                       finished.questions, bits);
  return {};
}

bool run_core::on_finished(peer_id from, arm_finished finished, run_clock::time_point now) {
  held_task* held = current(from, finished.task, finished.lease);
  if (held == nullptr)
    return true;
  const arm_trial where = finished.where;
  if (held->closed.contains(where)) {
    ++status_.duplicates;
    send(from, arm_closed{finished.task, finished.lease, where});
    return true;
  }
  if (held->closing.contains(where)) {
    ++status_.duplicates;
    return true; // its reply is on its way
  }
  if (const auto open = held->grading.find(where); open != held->grading.end()) {
    ++status_.duplicates;
    grade(open->second); // perhaps the grader never got it
    return true;
  }
  std::string wrong = exists(where) ? "" : "there is no such arm";
  if (wrong.empty() && rules_.distrust)
    wrong = contradiction(*held, finished);
  if (!wrong.empty()) {
    refuse_lease(finished.task.problem, wrong, now);
    return false;
  }
  grade(held->grading.emplace(where, open_arm{std::move(finished), {}}).first->second);
  return true;
}

// -- what is asked of the sender, and what it says ---------------------------------------------

// What an arm may ask: once, and no more than its bits. Empty: it may.
std::string run_core::over_budget(const held_task& held, const ask_message& ask) const {
  if (!exists(ask.where) || exp_->arms[ask.where.arm.value].method != method_kind::qa)
    return "this arm asks nothing of the sender";
  if (const auto most = exp_->arms[ask.where.arm.value].questions; ask.questions.size() > most)
    return fmt::format("this arm asks {} questions at most, not {}", most, ask.questions.size());
  for (const auto& [ticket, open] : held.asks)
    if (open.where == ask.where)
      return "this arm has asked already";
  return {};
}

// A text crosses once; asked for again it is after restarts of the coordinator alone.
std::string run_core::over_budget(const held_task& held, const text_request& ask) const {
  if (!exists(ask.where) || !exp_->text_crosses(exp_->arms[ask.where.arm.value]) ||
      ask.request.model != exp_->arms[ask.where.arm.value].solver)
    return "no text of the sender crosses in this arm";
  if (const auto asked = held.texts_asked.find(ask.where);
      asked != held.texts_asked.end() && asked->second >= texts_asked_max)
    return "this arm has asked for its text too often";
  return {};
}

bool run_core::believed(const call_event& call) {
  const bool is =
      rules_.distrust ? authentic(*exp_, call, party::sender) : call.by == party::sender;
  status_.stale_refused += is ? 0 : 1;
  return is;
}

// Two oracles may have made the call, one after the other: the journal has the text of the first.
bool run_core::is_kept(const held_task& held, const generate_request& request,
                       const std::string& text) const {
  if (!rules_.distrust)
    return true;
  const auto call = held.sent.find(name_of(*exp_, request));
  return call != held.sent.end() && call->second == hash_bytes(text);
}

// A bit of an arm that asks; of the question that is open there. After a restart none is open yet,
// and what the ask turns out to be is compared then.
bool run_core::wanted(const held_task& held, const bit_event& bit) {
  bool is = exists(bit.where) && bit.index.value < exp_->arms[bit.where.arm.value].questions;
  const auto asked = [&](const std::vector<hash256>& questions) {
    return bit.index.value < questions.size() && questions[bit.index.value] == bit.question_hash;
  };
  for (const auto& [ticket, open] : held.asks)
    if (open.where == bit.where)
      is = is && asked(open.hashes);
  if (const auto before = held.answered.find(bit.where); before != held.answered.end())
    is = is && asked(before->second);
  status_.stale_refused += is ? 0 : 1;
  return is;
}

// -- the grader ----------------------------------------------------------------------------------

void run_core::grade(open_arm& arm) {
  const auto grader = directory_->grader(id_);
  if (!grader)
    return; // sent when one joins
  auto sealed = sources_.gold_of(arm.finished.task.problem);
  if (!sealed) {
    break_run(sealed.error());
    return;
  }
  arm.graders.insert(*grader);
  send(*grader, grade_request{arm.finished, std::move(*sealed)});
}

namespace {

// A result is of what was asked, whatever its verdict.
bool same_arm(const arm_finished& asked, const outcome_event& result) {
  return result.draft_call == asked.draft_call && result.answer_call == asked.answer_call &&
         result.answer_hash == hash_bytes(asked.answer_text) &&
         result.questions == asked.questions && result.payload_bits == asked.payload_bits &&
         result.bitstream == asked.bitstream;
}

} // namespace

void run_core::on_graded(peer_id from, graded result) {
  const auto place = leases_.find(result.task.problem);
  if (place == leases_.end())
    return; // of a lease that is over
  held_task& held = place->second;
  const arm_trial where = result.result.where;
  const auto open = held.grading.find(where);
  if (open == held.grading.end())
    return; // a copy
  if (!open->second.graders.contains(from) ||
      (rules_.distrust && !same_arm(open->second.finished, result.result))) {
    ++status_.stale_refused;
    status_.last_failure = fmt::format("{} graded what it was not asked", directory_->name(from));
    return; // who was asked still answers
  }
  held.grading.erase(open);
  held.closing.insert(where);
  task_commit what;
  what.task = result.task.problem;
  what.events.emplace_back(std::move(result.result));
  what.by = directory_->name(from);
  const bool last = held.closed.size() + held.closing.size() == exp_->arms.size() * exp_->trials;
  if (last) {
    what.status = task_status::done; // the last outcome and the new state are one batch
    what.errors = 0;
    what.finished_attempt = true;
    what.lease_ended = rules_.leases_kept;
    finishing_.insert(what.task);
  }
  commit(std::move(what),
         after_outcome{held.holder, {result.task, held.number, where}, last, held.ledger.size()});
}

void run_core::grader_joined(peer_id) {
  for (auto& [task, held] : leases_)
    for (auto& [where, arm] : held.grading)
      grade(arm);
}

void run_core::grader_lost(peer_id who) {
  for (auto& [task, held] : leases_)
    for (auto& [where, arm] : held.grading)
      if (arm.graders.contains(who))
        grade(arm); // another one does it, if there is one; what this one says still counts
}

// -- the oracle ----------------------------------------------------------------------------------

void run_core::relay_open(problem_index task, held_task& held) {
  const task_id id{id_, task};
  for (const auto& [ticket, open] : held.asks)
    relay_ask(id, held, ticket);
  for (const auto& [ticket, open] : held.texts)
    relay_text(id, held, ticket);
}

// An oracle, this one or another, has paid for something of the task that is not kept yet: it would
// be paid for twice.
bool run_core::being_forgotten(problem_index task) const {
  const auto entry = forgetting_.lower_bound({task, peer_id{}});
  return entry != forgetting_.end() && entry->first.first == task;
}

bool run_core::keeps(peer_id oracle, problem_index task, bool asks) {
  if (task.value >= status_.tasks_all || closing_)
    return false;
  const task_lease* held = plan_.find(task);
  const bool wanted = asks && held != nullptr && !held->expired &&
                      oracles_.try_emplace(task, oracle).first->second == oracle;
  if (!wanted) // it may have a call of it on the wire
    forgetting_.try_emplace({task, oracle});
  return true;
}

void run_core::oracle_connected(peer_id who) {
  std::erase_if(owed_, [&](const auto& entry) { return entry.first.second == who; });
  for (auto& [what, state] : forgetting_)
    if (what.second == who) {
      state.told = 1;
      send(who, forget_task{{id_, what.first}});
    }
  oracle_joined(who);
}

void run_core::oracle_joined(peer_id who) {
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
  forget_again(now);
  if (status_.phase == run_phase::stopping)
    hand_back_all();
}

// No call takes longer than this: an oracle that lives and does not answer is not waited for.
void run_core::forget_again(run_clock::time_point now) {
  std::set<problem_index> given_up;
  for (auto entry = forgetting_.begin(); entry != forgetting_.end();) {
    const auto [task, party] = entry->first;
    if (entry->second.since == run_clock::time_point{})
      entry->second.since = now;
    if (now - entry->second.since <= limits::call_timeout + limits::lease_ttl_max) {
      ++entry->second.told;
      send(party, forget_task{{id_, task}});
      ++entry;
    } else {
      given_up.insert(task);
      entry = forgetting_.erase(entry);
    }
  }
  for (const problem_index task : given_up)
    if (const auto place = leases_.find(task); place != leases_.end())
      relay_open(task, place->second);
}

void run_core::oracle_lost(peer_id who) {
  std::set<problem_index> waited; // for what it has paid for, which is gone with it
  std::erase_if(forgetting_, [&](const auto& entry) {
    return entry.first.second == who && (waited.insert(entry.first.first), true);
  });
  std::erase_if(oracles_, [&](const auto& entry) { return entry.second == who; });
  for (auto& [task, held] : leases_) {
    if (held.oracle_party && held.oracle_party != who && !waited.contains(task))
      continue;
    held.prior_stale = true;
    held.oracle_party.reset();
    relay_open(task, held); // or it waited for this one to come
  }
}

void run_core::oracle_left(peer_id who) {
  for (auto asked = oracles_.begin(); asked != oracles_.end();) {
    if (asked->second != who) {
      ++asked;
      continue;
    }
    const problem_index task = asked->first;
    asked = oracles_.erase(asked);
    if (plan_.find(task) != nullptr)
      forget_at(who, task);
  }
  for (auto& [task, held] : leases_) {
    if (held.oracle_party != who)
      continue;
    held.prior_stale = true;
    held.oracle_party.reset();
    relay_open(task, held);
  }
}

void run_core::on_forgotten(peer_id from, const forgotten& done) {
  const std::pair which{done.task.problem, from};
  const auto entry = forgetting_.find(which);
  if (entry == forgetting_.end()) {
    if (const auto owed = owed_.find(which); owed != owed_.end() && --owed->second == 0)
      owed_.erase(owed);
    return;
  }
  // It may be one of those: the oracle is told again later, and answers again.
  if (const auto owed = owed_.find(which); owed != owed_.end()) {
    if (--owed->second == 0)
      owed_.erase(owed);
    return;
  }
  if (entry->second.told > 1)
    owed_[which] = entry->second.told - 1;
  forgetting_.erase(entry);
  const auto place = leases_.find(done.task.problem);
  if (place != leases_.end()) // its asks may have waited for this
    relay_open(done.task.problem, place->second);
}

std::string run_core::open_work() const {
  std::string out;
  for (const auto& [what, state] : forgetting_)
    out += fmt::format("task {} is being forgotten by {}; ", what.first.value,
                       directory_->name(what.second));
  for (const auto& [task, held] : leases_)
    out += fmt::format("task {}: {} asks, {} texts at {}, {} arms to grade, {} closing{}{}; ",
                       task.value, held.asks.size(), held.texts.size(),
                       held.oracle_party ? directory_->name(*held.oracle_party) : "nobody",
                       held.grading.size(), held.closing.size(), held.prior_stale ? ", stale" : "",
                       uncommitted_.contains(task) ? ", uncommitted" : "");
  return out;
}

} // namespace tenbit

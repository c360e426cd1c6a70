#include "storage/commit_builder.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "storage/bytes.hpp"
#include "storage/totals.hpp"

namespace tenbit::storage {
namespace {

store_failure diverged(task_id task, std::string_view what) {
  return {store_error::diverged, fmt::format("task {}: {}", task.problem.value, what)};
}

bool changes(const task_commit& part) {
  return part.status || part.errors || part.finished_attempt;
}

template <class Changes> bool moved(const Changes& rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [](const auto& row) { return row.second.before != row.second.now; });
}

} // namespace

commit_builder::commit_builder(const database& db, experiment_id experiment, std::uint64_t tasks)
    : db_(db), experiment_(experiment), tasks_(tasks) {}

expected<bool, store_failure> commit_builder::build(std::span<const task_commit> group,
                                                    const head_row& before) {
  remember_states();
  batch_.Clear();
  order_.clear();
  owns_.clear();
  bits_.clear();
  leases_.clear();
  faults_.clear();
  head_ = before;
  bool changed = false;
  for (std::size_t item = 0; item < group.size(); ++item) {
    auto applied = apply(group[item]);
    if (!applied && applied.error().kind == store_error::diverged)
      applied.error().item = item;
    if (!applied)
      return fail(std::move(applied.error()));
    changed = changed || *applied;
  }
  if (owns_.empty() && !changed && !moved(leases_) && !moved(faults_))
    return false;
  head_.clean = false;
  ++head_.commit_seq;
  hasher chain("commit");
  chain.field(head_.chain.view()).field(head_.commit_seq);
  for (const auto& own : owns_)
    chain.field(own.view());
  put_states(chain);
  put_changes(leases_, family::lease, lease_mark, chain);
  put_changes(faults_, family::fault, fault_mark, chain);
  head_.chain = chain.finish();
  put_head();
  built_ = true;
  return true;
}

expected<bool, store_failure> commit_builder::apply(const task_commit& part) {
  if (part.task.value >= tasks_)
    return fail(
        diverged({experiment_, part.task}, fmt::format("the store has only {} tasks", tasks_)));
  if (part.granted || part.lease_ended)
    if (auto done = move_lease(part); !done)
      return fail(std::move(done.error()));
  if (part.faults)
    if (auto done = set_faults(part); !done)
      return fail(std::move(done.error()));
  if (part.events.empty() && !changes(part))
    return false; // a lease or fault alone touches no state row
  if (part.by.size() > limits::peer_name_chars_max)
    return fail(diverged({experiment_, part.task},
                         fmt::format("a peer's name of {} bytes, at most {} are allowed",
                                     part.by.size(), limits::peer_name_chars_max)));
  auto state = load(part.task);
  if (!state)
    return fail(std::move(state.error()));
  for (const auto& e : part.events)
    if (auto appended = append({experiment_, part.task}, **state, e, part.by); !appended)
      return fail(std::move(appended.error()));
  (*state)->status = part.status.value_or((*state)->status);
  (*state)->errors = part.errors.value_or((*state)->errors);
  (*state)->attempts += part.finished_attempt ? 1 : 0;
  return changes(part);
}

template <class Row, class Read>
expected<commit_builder::change<Row>*, store_failure>
commit_builder::look_up(changes_of<Row>& rows, task_id task, family f, Read&& read) {
  const auto [place, first] = rows.try_emplace(task.problem.value);
  auto& row = place->second;
  if (!first)
    return &row;
  task_key(task, key_);
  auto found = db_.get(f, key_, row_);
  if (!found)
    return fail(std::move(found.error()));
  row.before = *found ? read(row_) : std::nullopt;
  if (*found && !row.before)
    return fail(store_failure{
        store_error::corrupt,
        fmt::format("task {}: its {} row is damaged; run verify", task.problem.value, name_of(f))});
  row.now = row.before;
  return &row;
}

status<store_failure> commit_builder::set_faults(const task_commit& part) {
  const task_id task{experiment_, part.task};
  for (const auto& one : part.faults->by)
    if (one.holder.size() > limits::peer_name_chars_max)
      return fail(
          diverged(task, fmt::format("a fault of a holder whose name has {} bytes, at most {} are "
                                     "allowed",
                                     one.holder.size(), limits::peer_name_chars_max)));
  const auto found = look_up(faults_, task, family::fault, read_fault_row);
  if (!found)
    return fail(found.error());
  (*found)->now = part.faults->empty() ? std::nullopt : part.faults;
  return {};
}

status<store_failure> commit_builder::move_lease(const task_commit& part) {
  const task_id task{experiment_, part.task};
  const auto found = look_up(leases_, task, family::lease, read_lease_row);
  if (!found)
    return fail(found.error());
  auto& lease = **found;
  if (part.granted && part.granted->holder.size() > limits::peer_name_chars_max)
    return fail(
        diverged(task, fmt::format("a holder's name of {} bytes, at most {} are allowed",
                                   part.granted->holder.size(), limits::peer_name_chars_max)));
  if (part.granted)
    lease.now = part.granted;
  if (part.lease_ended)
    lease.now.reset();
  return {};
}

// A task in work is committed to many times: its row is kept so that it need not be read each time.
// Nothing is built after a write that failed, so what the last build made is what the database
// holds.
void commit_builder::remember_states() {
  if (recent_.size() >= limits::states_kept_max)
    recent_.clear();
  for (const auto& [task, state] : states_) {
    if (built_ && state.status == task_status::pending)
      recent_.insert_or_assign(task, state);
    else
      recent_.erase(task);
  }
  built_ = false;
  states_.clear();
}

expected<task_state*, store_failure> commit_builder::load(problem_index task) {
  const auto [place, first] = states_.try_emplace(task.value);
  if (!first)
    return &place->second;
  const auto kept = recent_.find(task.value);
  auto state =
      kept != recent_.end() ? expected<task_state, store_failure>(kept->second) : read_state(task);
  if (!state)
    return fail(std::move(state.error()));
  order_.push_back(task.value);
  head_.states -= state_mark(task, *state);
  place->second = *state;
  return &place->second;
}

expected<task_state, store_failure> commit_builder::read_state(problem_index task) {
  task_key({experiment_, task}, key_);
  auto found = db_.get(family::state, key_, row_);
  if (!found)
    return fail(std::move(found.error()));
  const auto state = *found ? read_state_row(row_) : std::nullopt;
  if (!state)
    return fail(store_failure{
        store_error::corrupt,
        fmt::format("task {}: its state row is missing or damaged; run verify", task.value)});
  return *state;
}

status<store_failure> commit_builder::append(task_id task, task_state& state, const event& e,
                                             std::string_view by) {
  const auto* bit = std::get_if<bit_event>(&e);
  if (bit != nullptr) {
    const auto fresh = admit(task, state, *bit);
    if (!fresh)
      return fail(fresh.error());
    if (!*fresh)
      return {};
  }
  if (state.events >= limits::events_per_task_max)
    return fail(diverged(
        task, fmt::format("has {} events, the most a task may have", limits::events_per_task_max)));
  begin_event_row(by, row_);
  const std::size_t origin = row_.size();
  encode_to(e, row_);
  if (row_.size() - origin > limits::event_bytes_max)
    return fail(diverged(task, fmt::format("an event of {} bytes, at most {} are allowed",
                                           row_.size() - origin, limits::event_bytes_max)));
  if (bit != nullptr) { // its key is in bit_key_ since admit
    bit_row_.clear();
    put(bit_row_, state.events);
    bit_row_.append(row_, origin);
    ignore(batch_.Put(db_.handle(family::bit), bit_key_, bit_row_), "a put into memory");
    ++state.bits;
  }
  event_key(task, state.events, key_);
  state.chain = seal_event_row(key_, state.chain, row_);
  ignore(batch_.Put(db_.handle(family::event), key_, row_), "a put into memory");
  owns_.push_back(state.chain);
  ++state.events;
  count(head_.totals, e);
  return {};
}

expected<bool, store_failure> commit_builder::admit(task_id task, const task_state& state,
                                                    const bit_event& bit) {
  bit_key(task, bit.where, bit.index, bit_key_);
  ledger_entry entry;
  const auto here = bits_.find(bit_key_);
  bool known = here != bits_.end();
  if (known) {
    entry = here->second;
  } else if (state.bits > 0) {
    const auto stored = stored_bit(bit_key_, entry);
    if (!stored)
      return fail(stored.error());
    known = *stored;
  }
  if (!known) {
    bits_.emplace(bit_key_, ledger_entry{bit.question_hash, bit.value});
    return true;
  }
  if (entry.question == bit.question_hash && entry.value == bit.value)
    return false;
  const auto* what = entry.question == bit.question_hash ? "answer" : "question";
  return fail(diverged(task, fmt::format("arm {} trial {} bit {} is in the ledger with another {}; "
                                         "the program or its models changed since",
                                         bit.where.arm.value, bit.where.trial.value,
                                         bit.index.value, what)));
}

expected<bool, store_failure> commit_builder::stored_bit(const std::string& key,
                                                         ledger_entry& entry) const {
  std::string row;
  auto found = db_.get(family::bit, key, row);
  if (!found || !*found)
    return found;
  const auto ledger = read_bit_row(row);
  const auto e = ledger ? decode_event(ledger->event_bytes)
                        : expected<event, std::string>(fail(std::string("no row")));
  if (!e || !std::holds_alternative<bit_event>(*e))
    return fail(store_failure{store_error::corrupt, "a ledger row is damaged; run verify"});
  const auto& bit = std::get<bit_event>(*e);
  entry = {bit.question_hash, bit.value};
  return true;
}

void commit_builder::put_states(hasher& chain) {
  for (const auto problem : order_) {
    task_key({experiment_, problem_index{problem}}, key_);
    const auto& state = states_[problem];
    head_.states += state_mark(problem_index{problem}, state);
    row_.clear();
    encode_to(state, row_);
    chain.field(key_).field(row_);
    ignore(batch_.Put(db_.handle(family::state), key_, row_), "a put into memory");
  }
}

template <class Row, class Mark>
void commit_builder::put_changes(const changes_of<Row>& rows, family f, Mark&& mark,
                                 hasher& chain) {
  for (const auto& [problem, row] : rows) {
    if (row.before == row.now)
      continue;
    const problem_index task{problem};
    task_key({experiment_, task}, key_);
    row_.clear();
    if (row.before)
      head_.states -= mark(task, *row.before);
    if (row.now) {
      head_.states += mark(task, *row.now);
      encode_to(*row.now, row_);
      ignore(batch_.Put(db_.handle(f), key_, row_), "a put into memory");
    } else {
      ignore(batch_.Delete(db_.handle(f), key_), "a delete into memory");
    }
    chain.field(key_).field(row_);
  }
}

void commit_builder::put_head() {
  row_.clear();
  encode_to(head_, row_);
  ignore(batch_.Put(db_.handle(family::meta), rocksdb::Slice(head_key), row_), "a put into memory");
}

} // namespace tenbit::storage

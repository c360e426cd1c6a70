// Reading. Rows of one task that belong together are read at one snapshot, so that a commit beside
// it is seen whole or not at all.
#include <fmt/format.h>
#include <numeric>

#include "storage/rocks_store.hpp"

namespace tenbit::storage {

std::uint64_t rocks_store::incarnation() const {
  const std::lock_guard guard(mutex_);
  return head_.incarnation;
}

std::uint64_t rocks_store::commit_seq() const {
  const std::lock_guard guard(mutex_);
  return head_.commit_seq;
}

store_totals rocks_store::totals() const {
  const std::lock_guard guard(mutex_);
  return head_.totals;
}

expected<store_head, store_failure> rocks_store::head() const {
  store_head out;
  out.store = hex(found_.store.id);
  {
    const std::lock_guard guard(mutex_);
    if (db_ == nullptr || stopped_)
      return fail(store_failure{store_error::io, paths_.dir + ": is not open any more"});
    out.incarnation = head_.incarnation;
    out.commit_seq = head_.commit_seq;
    out.chain = head_.chain;
  }
  hasher content("content");
  content.field(encode(found_.run));
  std::string row;
  auto scanned = scan_states(*db_, found_, [&](problem_index task, const task_state& state) {
    row.clear();
    encode_to(state, row);
    content.field(task.value).field(row);
    ++out.tasks[static_cast<std::size_t>(state.status)];
  });
  if (!scanned)
    return fail(std::move(scanned.error()));
  out.content = content.finish();
  return out;
}

store_failure rocks_store::damaged(const std::string& what) const {
  return damage(paths_.db, what);
}

expected<task_state, store_failure> rocks_store::state_at(problem_index task,
                                                          const rocksdb::Snapshot* at) const {
  if (task.value >= found_.run.manifest.tasks)
    return fail(
        store_failure{store_error::diverged, fmt::format("task {}: the store has only {} tasks",
                                                         task.value, found_.run.manifest.tasks)});
  std::string key;
  std::string row;
  task_key(id_of(task), key);
  auto found = db_->get(family::state, key, row, at);
  if (!found)
    return fail(std::move(found.error()));
  const auto state = *found ? read_state_row(row) : std::nullopt;
  if (!state)
    return fail(damaged(fmt::format("the state row of task {} is missing or damaged", task.value)));
  return *state;
}

expected<task_state, store_failure> rocks_store::state(problem_index task) const {
  return state_at(task, nullptr);
}

status<store_failure> rocks_store::for_each_state(
    const std::function<void(problem_index, const task_state&)>& visit) const {
  return scan_states(*db_, found_, visit);
}

expected<std::vector<std::pair<problem_index, lease_row>>, store_failure>
rocks_store::leases() const {
  std::vector<std::pair<problem_index, lease_row>> out;
  auto scanned = scan_leases(*db_, found_, [&out](problem_index task, const lease_row& lease) {
    out.emplace_back(task, lease);
  });
  if (!scanned)
    return fail(std::move(scanned.error()));
  return out;
}

expected<std::vector<std::pair<problem_index, fault_row>>, store_failure>
rocks_store::faults() const {
  std::vector<std::pair<problem_index, fault_row>> out;
  auto scanned = scan_faults(*db_, found_, [&out](problem_index task, const fault_row& faults) {
    out.emplace_back(task, faults);
  });
  if (!scanned)
    return fail(std::move(scanned.error()));
  return out;
}

expected<std::vector<std::uint32_t>, store_failure> rocks_store::longest_first() const {
  std::string key;
  std::string row;
  longest_key(found_.store.experiment, key);
  auto found = db_->get(family::run, key, row);
  if (!found)
    return fail(std::move(found.error()));
  if (!*found) { // made before there was such a row
    std::vector<std::uint32_t> out(found_.run.manifest.tasks);
    std::iota(out.begin(), out.end(), 0U);
    return out;
  }
  auto order = read_order(row, found_.run.manifest.tasks);
  if (!order)
    return fail(damaged("the order of the tasks does not have each of them once"));
  return std::move(*order);
}

status<store_failure>
rocks_store::read_journal(problem_index task,
                          const std::function<void(event, std::string_view by)>& visit) const {
  const snapshot now(*db_);
  const auto state = state_at(task, now.get());
  if (!state)
    return fail(state.error());
  const auto wrong = [&](std::uint32_t seq, std::string_view what) {
    return fail(damaged(fmt::format("event {} of task {}: {}", seq, task.value, what)));
  };
  std::string prefix;
  task_key(id_of(task), prefix);
  cursor rows(*db_, family::event, std::move(prefix), now.get());
  std::uint32_t seq = 0;
  hash256 chain;
  for (auto more = rows.next();; more = rows.next(), ++seq) {
    if (!more)
      return fail(std::move(more.error()));
    if (!*more)
      break;
    const auto key = read_event_key(rows.key());
    const auto row = read_event_row(rows.value());
    if (!key || !row || key->seq != seq)
      return wrong(seq, "the row is missing or damaged");
    if (row->previous != chain || event_hash(rows.key(), chain, row->hashed) != row->own)
      return wrong(seq, "its chain hash does not hold");
    auto e = decode_event(row->event_bytes);
    if (!e)
      return wrong(seq, e.error());
    visit(std::move(*e), row->by);
    chain = row->own;
  }
  if (seq != state->events || chain != state->chain)
    return fail(damaged(
        fmt::format("task {} has {} events, its state says {}", task.value, seq, state->events)));
  return {};
}

expected<std::vector<event>, store_failure> rocks_store::events(problem_index task) const {
  std::vector<event> out;
  auto read =
      read_journal(task, [&out](event e, std::string_view) { out.push_back(std::move(e)); });
  if (!read)
    return fail(std::move(read.error()));
  return out;
}

expected<std::vector<std::string>, store_failure> rocks_store::origins(problem_index task) const {
  std::vector<std::string> out;
  auto read =
      read_journal(task, [&out](const event&, std::string_view by) { out.emplace_back(by); });
  if (!read)
    return fail(std::move(read.error()));
  return out;
}

expected<std::vector<bit_event>, store_failure> rocks_store::bits(problem_index task) const {
  const snapshot now(*db_);
  const auto state = state_at(task, now.get());
  if (!state)
    return fail(state.error());
  std::string prefix;
  task_key(id_of(task), prefix);
  cursor rows(*db_, family::bit, std::move(prefix), now.get());
  std::vector<bit_event> out;
  out.reserve(state->bits);
  for (auto more = rows.next();; more = rows.next()) {
    if (!more)
      return fail(std::move(more.error()));
    if (!*more)
      break;
    const auto key = read_bit_key(rows.key());
    const auto row = read_bit_row(rows.value());
    auto e = row ? decode_event(row->event_bytes)
                 : expected<event, std::string>(fail(std::string("no row")));
    auto* bit = e ? std::get_if<bit_event>(&*e) : nullptr;
    if (!key || bit == nullptr || bit->where != key->where || bit->index != key->index)
      return fail(
          damaged(fmt::format("ledger row {} of task {} is damaged", out.size(), task.value)));
    out.push_back(std::move(*bit));
  }
  if (out.size() != state->bits)
    return fail(damaged(fmt::format("task {} has {} ledger rows, its state says {}", task.value,
                                    out.size(), state->bits)));
  return out;
}

status<store_failure> rocks_store::read_text(problem_index task, family f, problem_row& out) const {
  std::string key;
  std::string row;
  task_key(id_of(task), key);
  auto found = db_->get(f, key, row);
  if (!found)
    return fail(std::move(found.error()));
  const bool whole = *found && (f == family::gold ? read_gold(row, out) : read_problem(row, out));
  if (!whole)
    return fail(damaged(
        fmt::format("the {} row of task {} is missing or damaged", name_of(f), task.value)));
  return {};
}

expected<problem_row, store_failure> rocks_store::problem(problem_index task) const {
  problem_row out;
  if (auto read = read_text(task, family::problem, out); !read)
    return fail(std::move(read.error()));
  return out;
}

expected<problem_row, store_failure> rocks_store::sealed(problem_index task) const {
  auto out = problem(task);
  if (!out)
    return out;
  if (auto read = read_text(task, family::gold, *out); !read)
    return fail(std::move(read.error()));
  return out;
}

} // namespace tenbit::storage

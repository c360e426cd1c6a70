// verify: everything that can be checked without endpoints, in one pass over each family.
#include <fmt/format.h>
#include <map>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "storage/rocks_store.hpp"
#include "storage/totals.hpp"

namespace tenbit::storage {
namespace {

class findings {
public:
  void add(std::string line) {
    if (lines_.size() < limits::verify_findings_max)
      lines_.push_back(one_line(line, limits::rocks_log_chars_max));
    else
      ++more_;
  }
  // True, and the line is added, when the scan cannot go on. Damage is a finding; a device that
  // fails is kept in io.
  bool broken(const store_failure& why) {
    if (why.kind == store_error::io)
      io = why;
    else
      add(why.message);
    return true;
  }
  std::vector<std::string> take() {
    if (more_ > 0)
      lines_.push_back(fmt::format("and {} more", more_));
    return std::move(lines_);
  }
  std::optional<store_failure> io;

private:
  std::vector<std::string> lines_;
  std::uint64_t more_ = 0;
};

// A cursor with the problem number of its row, so that families can be walked side by side.
class task_rows {
public:
  task_rows(const database& db, family f, const std::string& prefix, const rocksdb::Snapshot* at,
            findings& out)
      : rows_(db, f, prefix, at), prefix_size_(prefix.size()), family_(f), out_(out) {
    next();
  }
  [[nodiscard]] bool more() const { return more_; }
  [[nodiscard]] std::uint64_t problem() const { return problem_; }
  [[nodiscard]] std::string_view key() const { return rows_.key(); }
  [[nodiscard]] std::string_view value() const { return rows_.value(); }
  void next() {
    for (;;) {
      auto found = rows_.next();
      more_ = found && *found;
      if (!found)
        out_.broken(found.error());
      if (!more_)
        return;
      const auto key = read_task_key(rows_.key().substr(0, prefix_size_ + sizeof problem_));
      if (key) {
        problem_ = key->problem.value;
        return;
      }
      out_.add(fmt::format("{}: a key has the wrong length", name_of(family_)));
    }
  }
  // Rows of problems before this one belong to no task.
  void skip_to(std::uint64_t problem) {
    for (; more_ && problem_ < problem; next())
      out_.add(fmt::format("{}: a row of task {}, which is not there", name_of(family_), problem_));
  }

private:
  cursor rows_;
  std::size_t prefix_size_;
  family family_;
  findings& out_;
  bool more_ = false;
  std::uint64_t problem_ = 0;
};

// Every row of a family that only some tasks have a row of. Adds their marks up.
template <class Read, class Mark>
void check_some(const database& db, const recovered& found, const rocksdb::Snapshot* at, family f,
                Read&& read, Mark&& mark, std::uint64_t& marks, findings& out) {
  if (!db.has(f))
    return;
  std::string prefix;
  experiment_key(found.store.experiment, prefix);
  task_rows rows(db, f, prefix, at, out);
  for (; rows.more() && rows.problem() < found.run.manifest.tasks; rows.next()) {
    const auto row = read(rows.value());
    if (row)
      marks += mark(problem_index{rows.problem()}, *row);
    else
      out.add(fmt::format("task {}: its {} row is damaged", rows.problem(), name_of(f)));
  }
  rows.skip_to(~std::uint64_t{0});
}

struct ledger_copy {
  std::uint32_t seq = 0;
  std::string event_bytes;
};
using ledger = std::map<std::string, ledger_copy>; // the bit events of one task, by ledger key

// The journal of one task against its state row. Gives the ledger that its bit events make.
ledger check_events(task_rows& rows, task_id task, const task_state& state, store_totals& totals,
                    findings& out) {
  ledger bits;
  hash256 chain;
  std::uint32_t seq = 0;
  const auto wrong = [&](std::string_view what) {
    out.add(fmt::format("task {} event {}: {}", task.problem.value, seq, what));
  };
  for (; rows.more() && rows.problem() == task.problem.value; rows.next(), ++seq) {
    const auto key = read_event_key(rows.key());
    const auto row = read_event_row(rows.value());
    if (!key || !row) {
      wrong("the row is damaged");
      continue;
    }
    if (key->seq != seq)
      wrong(fmt::format("has the sequence number {}", key->seq));
    if (row->previous != chain || event_hash(rows.key(), chain, row->hashed) != row->own)
      wrong("its chain hash does not hold");
    chain = row->own;
    const auto e = decode_event(row->event_bytes);
    if (!e) {
      wrong(e.error());
      continue;
    }
    count(totals, *e);
    if (const auto* bit = std::get_if<bit_event>(&*e)) {
      std::string place;
      bit_key(task, bit->where, bit->index, place);
      if (!bits.emplace(place, ledger_copy{key->seq, std::string(row->event_bytes)}).second)
        wrong("a second event of the same bit");
    }
  }
  if (seq != state.events)
    out.add(fmt::format("task {}: {} events, its state says {}", task.problem.value, seq,
                        state.events));
  else if (chain != state.chain)
    out.add(fmt::format("task {}: the last chain hash is not the state's", task.problem.value));
  return bits;
}

void check_ledger(task_rows& rows, task_id task, const task_state& state, ledger bits,
                  findings& out) {
  std::uint32_t count = 0;
  for (; rows.more() && rows.problem() == task.problem.value; rows.next(), ++count) {
    const auto expected_bit = bits.find(std::string(rows.key()));
    const auto row = read_bit_row(rows.value());
    if (expected_bit == bits.end()) {
      out.add(fmt::format("task {}: ledger row {} has no event", task.problem.value, count));
      continue;
    }
    if (!row || row->seq != expected_bit->second.seq ||
        row->event_bytes != expected_bit->second.event_bytes)
      out.add(fmt::format("task {}: ledger row {} differs from its event {}", task.problem.value,
                          count, expected_bit->second.seq));
    bits.erase(expected_bit);
  }
  for (const auto& [key, bit] : bits)
    out.add(fmt::format("task {}: event {} has no ledger row", task.problem.value, bit.seq));
  if (count != state.bits)
    out.add(fmt::format("task {}: {} ledger rows, its state says {}", task.problem.value, count,
                        state.bits));
}

void check_totals(const store_totals& counted, const store_totals& stored, findings& out) {
  const auto compare = [&out](std::string_view name, std::uint64_t rows, std::uint64_t total) {
    if (rows != total)
      out.add(fmt::format("totals: {} {} by the rows, {} by the total", name, rows, total));
  };
  compare("events", counted.events, stored.events);
  compare("calls", counted.calls, stored.calls);
  compare("calls of the receiver", counted.calls_receiver, stored.calls_receiver);
  compare("calls of the sender", counted.calls_sender, stored.calls_sender);
  compare("bits", counted.bits, stored.bits);
  compare("outcomes", counted.outcomes, stored.outcomes);
  compare("failures", counted.failures, stored.failures);
  compare("prompt tokens", counted.prompt_tokens, stored.prompt_tokens);
  compare("completion tokens", counted.completion_tokens, stored.completion_tokens);
  if (!(counted == stored))
    out.add("totals: what the rows add up to is not what the head row says");
}

// Problem and gold rows, one of each per task, with the hash that the manifest has.
void check_problems(const database& db, const std::string& prefix, const run_row& run,
                    const rocksdb::Snapshot* at, findings& out) {
  task_rows problems(db, family::problem, prefix, at, out);
  task_rows gold(db, family::gold, prefix, at, out);
  hasher all("problems");
  for (std::uint64_t i = 0; i < run.manifest.tasks; ++i) {
    for (auto* rows : {&problems, &gold}) {
      rows->skip_to(i);
      if (rows->more() && rows->problem() == i) {
        all.field(rows->value());
        rows->next();
      } else if (!out.io) {
        out.add(fmt::format("{}: no row of task {}", rows == &gold ? "gold" : "problem", i));
      }
    }
  }
  problems.skip_to(~std::uint64_t{0});
  gold.skip_to(~std::uint64_t{0});
  if (all.finish() != run.problems)
    out.add("manifest: the problem and gold rows are not the ones it was made with");
}

// What the rows add up to.
struct sums {
  store_totals totals;
  std::uint64_t marks = 0;
};

// State rows, journals and ledgers side by side.
sums check_tasks(const database& db, const recovered& found, const rocksdb::Snapshot* at,
                 const std::function<void(std::uint64_t)>& progress, findings& out) {
  std::string prefix;
  experiment_key(found.store.experiment, prefix);
  task_rows states(db, family::state, prefix, at, out);
  task_rows events(db, family::event, prefix, at, out);
  task_rows ledgers(db, family::bit, prefix, at, out);
  sums counted;
  for (std::uint64_t i = 0; i < found.run.manifest.tasks && !out.io; ++i) {
    const task_id task{found.store.experiment, problem_index{i}};
    states.skip_to(i);
    const bool here = states.more() && states.problem() == i;
    const auto state = here ? read_state_row(states.value()) : std::nullopt;
    if (state)
      counted.marks += state_mark(task.problem, *state);
    else
      out.add(fmt::format("task {}: its state row is missing or damaged", i));
    if (here)
      states.next();
    events.skip_to(i);
    ledgers.skip_to(i);
    auto bits = check_events(events, task, state.value_or(task_state{}), counted.totals, out);
    check_ledger(ledgers, task, state.value_or(task_state{}), std::move(bits), out);
    if (progress)
      progress(i + 1);
  }
  for (auto* rows : {&states, &events, &ledgers})
    rows->skip_to(~std::uint64_t{0});
  return counted;
}

} // namespace

expected<std::vector<std::string>, store_failure>
rocks_store::verify(const std::function<void(std::uint64_t)>& progress) const {
  findings out;
  if (auto checked = db_->verify_checksums(); !checked)
    out.broken(checked.error());
  const snapshot now(*db_);
  std::string prefix;
  experiment_key(found_.store.experiment, prefix);
  std::string bytes;
  const auto head_found = db_->get(family::meta, head_key, bytes, now.get());
  const auto head = head_found && *head_found ? read_head_row(bytes) : std::nullopt;
  if (!head)
    out.add("head: the row is missing or damaged");
  const auto run_found = db_->get(family::run, prefix, bytes, now.get());
  const auto run = run_found && *run_found ? read_run_row(bytes) : std::nullopt;
  if (!run)
    out.add("manifest: the row is missing or its hash does not hold");
  check_problems(*db_, prefix, found_.run, now.get(), out);

  auto counted = check_tasks(*db_, found_, now.get(), progress, out);
  std::uint64_t& marks = counted.marks;
  check_some(*db_, found_, now.get(), family::lease, read_lease_row, lease_mark, marks, out);
  check_some(*db_, found_, now.get(), family::fault, read_fault_row, fault_mark, marks, out);
  if (const auto order = longest_first(); !order)
    out.broken(order.error());
  if (head)
    check_totals(counted.totals, head->totals, out);
  if (head && counted.marks != head->states)
    out.add("head: the fault rows or the state and lease rows are not those it was written with");
  if (out.io)
    return fail(std::move(*out.io));
  return out.take();
}

} // namespace tenbit::storage

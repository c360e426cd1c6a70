#include "storage/keys.hpp"

#include "base/random.hpp"
#include "config/limits.hpp"
#include "storage/bytes.hpp"

namespace tenbit::storage {
namespace {

void take_task(byte_reader& from, task_id& out) {
  from.take(out.experiment.value);
  from.take(out.problem.value);
}

template <class Visit> void each_total(store_totals& totals, Visit&& visit) {
  for (auto* number :
       {&totals.calls, &totals.calls_receiver, &totals.calls_sender, &totals.bits, &totals.outcomes,
        &totals.failures, &totals.events, &totals.prompt_tokens, &totals.completion_tokens})
    visit(*number);
}

} // namespace

std::string hex(const uuid& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : id) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

// -- keys ----------------------------------------------------------------------------------------

void experiment_key(experiment_id experiment, std::string& out) {
  out.clear();
  put(out, experiment.value);
}

void task_key(task_id task, std::string& out) {
  experiment_key(task.experiment, out);
  put(out, task.problem.value);
}

void event_key(task_id task, std::uint32_t seq, std::string& out) {
  task_key(task, out);
  put(out, seq);
}

void bit_key(task_id task, arm_trial where, bit_index index, std::string& out) {
  task_key(task, out);
  put(out, where.arm.value);
  put(out, where.trial.value);
  put(out, index.value);
}

void longest_key(experiment_id experiment, std::string& out) {
  experiment_key(experiment, out);
  out += "longest";
}

std::optional<task_id> read_task_key(std::string_view key) {
  byte_reader from(key);
  task_id out;
  take_task(from, out);
  return from.complete() ? std::optional(out) : std::nullopt;
}

std::optional<event_place> read_event_key(std::string_view key) {
  byte_reader from(key);
  event_place out;
  take_task(from, out.task);
  from.take(out.seq);
  return from.complete() ? std::optional(out) : std::nullopt;
}

std::optional<bit_place> read_bit_key(std::string_view key) {
  byte_reader from(key);
  bit_place out;
  take_task(from, out.task);
  from.take(out.where.arm.value);
  from.take(out.where.trial.value);
  from.take(out.index.value);
  return from.complete() ? std::optional(out) : std::nullopt;
}

// -- rows ----------------------------------------------------------------------------------------

std::string encode(const store_row& row) {
  std::string out;
  put(out, row.format);
  out.append(reinterpret_cast<const char*>(row.id.data()), row.id.size());
  put(out, row.experiment.value);
  return out;
}

std::optional<store_row> read_store_row(std::string_view bytes) {
  byte_reader from(bytes);
  store_row out;
  from.take(out.format);
  if (from.failed())
    return std::nullopt;
  if (out.format < oldest_format_read || out.format > format_version)
    return out;
  const auto id = from.raw(out.id.size());
  std::copy(id.begin(), id.end(), out.id.begin());
  from.take(out.experiment.value);
  return from.complete() ? std::optional(out) : std::nullopt;
}

void add_life(std::vector<store_life>& lives, const store_life& life) {
  lives.push_back(life);
  if (lives.size() <= limits::store_lives_kept)
    return;
  lives[1].accepted = lives[1].accepted || lives[0].accepted;
  lives.erase(lives.begin());
}

std::string encode(std::span<const store_life> lives) {
  std::string out;
  for (const store_life& life : lives) {
    put(out, life.incarnation);
    put(out, life.commit_seq);
    put(out, static_cast<std::uint8_t>(life.accepted));
  }
  return out;
}

std::optional<std::vector<store_life>> read_lives(std::string_view bytes) {
  byte_reader from(bytes);
  std::vector<store_life> out;
  while (from.left() > 0 && !from.failed() && out.size() < limits::store_lives_kept) {
    store_life life;
    from.take(life.incarnation);
    from.take(life.commit_seq);
    from.take(life.accepted);
    if (!out.empty() && life.incarnation <= out.back().incarnation)
      return std::nullopt;
    out.push_back(life);
  }
  return from.complete() ? std::optional(std::move(out)) : std::nullopt;
}

void encode_to(const head_row& row, std::string& out) {
  put(out, row.incarnation);
  put(out, row.commit_seq);
  put(out, row.chain);
  put(out, static_cast<std::uint8_t>(row.clean));
  put(out, row.states);
  const auto& t = row.totals;
  for (const auto number : {t.calls, t.calls_receiver, t.calls_sender, t.bits, t.outcomes,
                            t.failures, t.events, t.prompt_tokens, t.completion_tokens})
    put(out, number);
  put(out, static_cast<std::uint32_t>(t.tokens_by_model.size()));
  for (const auto& [alias, usage] : t.tokens_by_model) {
    put_text(out, alias);
    put(out, usage.prompt);
    put(out, usage.completion);
    put(out, static_cast<std::uint8_t>(usage.reported));
  }
}

std::optional<head_row> read_head_row(std::string_view bytes) {
  byte_reader from(bytes);
  head_row out;
  from.take(out.incarnation);
  from.take(out.commit_seq);
  from.take(out.chain);
  from.take(out.clean);
  from.take(out.states);
  each_total(out.totals, [&from](std::uint64_t& number) { from.take(number); });
  std::uint32_t models = 0;
  from.take(models);
  for (std::uint32_t i = 0; i < models && !from.failed(); ++i) {
    std::string alias;
    token_usage usage;
    from.take_text(alias);
    from.take(usage.prompt);
    from.take(usage.completion);
    from.take(usage.reported);
    out.totals.tokens_by_model[std::move(alias)] = usage;
  }
  return from.complete() ? std::optional(std::move(out)) : std::nullopt;
}

void encode_to(const task_state& row, std::string& out) {
  put(out, static_cast<std::uint8_t>(row.status));
  put(out, row.errors);
  put(out, row.attempts);
  put(out, row.events);
  put(out, row.bits);
  put(out, row.chain);
}

std::optional<task_state> read_state_row(std::string_view bytes) {
  byte_reader from(bytes);
  task_state out;
  std::uint8_t code = 0;
  from.take(code);
  from.take(out.errors);
  from.take(out.attempts);
  from.take(out.events);
  from.take(out.bits);
  from.take(out.chain);
  if (!from.complete() || code > static_cast<std::uint8_t>(task_status::cancelled))
    return std::nullopt;
  out.status = static_cast<task_status>(code);
  return out;
}

std::uint64_t state_mark(problem_index task, const task_state& row) {
  const auto pair = [](std::uint32_t high, std::uint32_t low) {
    return std::uint64_t{high} << 32 | low;
  };
  std::uint64_t mark = random_stream(task.value).next();
  for (const auto word : {pair(static_cast<std::uint32_t>(row.status), row.errors),
                          pair(row.attempts, row.events), pair(row.bits, 0), row.chain.prefix()})
    mark = random_stream(mark ^ word).next();
  return mark;
}

void encode_to(const lease_row& row, std::string& out) {
  put(out, row.number.value);
  put_text(out, row.holder);
  if (row.boot != 0)
    put(out, row.boot);
}

std::optional<lease_row> read_lease_row(std::string_view bytes) {
  byte_reader from(bytes);
  lease_row out;
  from.take(out.number.value);
  from.take_text(out.holder);
  if (from.left() > 0)
    from.take(out.boot);
  if (!from.complete() || out.holder.size() > limits::peer_name_chars_max)
    return std::nullopt;
  return out;
}

std::uint64_t lease_mark(problem_index task, const lease_row& row) {
  hasher mark("lease");
  mark.field(task.value).field(row.number.value).field(row.holder);
  if (row.boot != 0) // rows from before it keep their mark
    mark.field(row.boot);
  return mark.finish().prefix();
}

namespace {

constexpr std::uint8_t fault_suspect = 1, fault_given_up = 2;

} // namespace

void encode_to(const fault_row& row, std::string& out) {
  put(out, static_cast<std::uint8_t>((row.suspect ? fault_suspect : 0) |
                                     (row.given_up ? fault_given_up : 0)));
  put(out, static_cast<std::uint32_t>(row.by.size()));
  for (const auto& one : row.by) {
    put_text(out, one.holder);
    put(out, one.crashes);
    put(out, one.errors);
  }
}

std::optional<fault_row> read_fault_row(std::string_view bytes) {
  byte_reader from(bytes);
  fault_row out;
  std::uint8_t flags = 0;
  std::uint32_t holders = 0;
  from.take(flags);
  from.take(holders);
  for (std::uint32_t i = 0; i < holders && !from.failed(); ++i) {
    fault_row::charges one;
    from.take_text(one.holder);
    from.take(one.crashes);
    from.take(one.errors);
    if (one.holder.size() > limits::peer_name_chars_max)
      return std::nullopt;
    out.by.push_back(std::move(one));
  }
  out.suspect = (flags & fault_suspect) != 0;
  out.given_up = (flags & fault_given_up) != 0;
  if (!from.complete() || flags > (fault_suspect | fault_given_up) || out.empty())
    return std::nullopt;
  return out;
}

std::uint64_t fault_mark(problem_index task, const fault_row& row) {
  std::string bytes;
  encode_to(row, bytes);
  return hasher("fault").field(task.value).field(bytes).finish().prefix();
}

std::string encode_order(std::span<const std::uint32_t> order) {
  std::string out;
  out.reserve(order.size() * sizeof(std::uint32_t));
  for (const auto task : order)
    put(out, task);
  return out;
}

std::optional<std::vector<std::uint32_t>> read_order(std::string_view bytes, std::uint64_t tasks) {
  if (bytes.size() / sizeof(std::uint32_t) != tasks || bytes.size() % sizeof(std::uint32_t) != 0)
    return std::nullopt;
  byte_reader from(bytes);
  std::vector<bool> seen(tasks);
  std::vector<std::uint32_t> out(tasks);
  for (auto& task : out) {
    from.take(task);
    if (task >= tasks || seen[task])
      return std::nullopt;
    seen[task] = true;
  }
  return out;
}

std::string encode(const run_row& row) {
  const auto& m = row.manifest;
  std::string body;
  put_text(body, m.name);
  put(body, m.identity);
  put(body, static_cast<std::uint32_t>(m.identity_text.size()));
  for (const auto& [key, value] : m.identity_text) {
    put_text(body, key);
    put_text(body, value);
  }
  put_text(body, m.experiment_toml);
  put(body, m.tasks);
  put(body, static_cast<std::uint8_t>(m.simulated));
  put_text(body, m.tool_version);
  put(body, m.created_unix_s);
  put(body, row.problems);
  return std::string(hash_bytes(body).view()) + body;
}

std::optional<run_row> read_run_row(std::string_view bytes) {
  byte_reader from(bytes);
  hash256 hash;
  from.take(hash);
  if (from.failed() || hash_bytes(bytes.substr(hash256::size)) != hash)
    return std::nullopt;
  run_row out;
  auto& m = out.manifest;
  from.take_text(m.name);
  from.take(m.identity);
  std::uint32_t pairs = 0;
  from.take(pairs);
  for (std::uint32_t i = 0; i < pairs && !from.failed(); ++i) {
    auto& [key, value] = m.identity_text.emplace_back();
    from.take_text(key);
    from.take_text(value);
  }
  from.take_text(m.experiment_toml);
  from.take(m.tasks);
  from.take(m.simulated);
  from.take_text(m.tool_version);
  from.take(m.created_unix_s);
  from.take(out.problems);
  return from.complete() ? std::optional(std::move(out)) : std::nullopt;
}

void encode_problem(const problem_row& row, std::string& out) {
  out.clear();
  put_text(out, row.id);
  put_text(out, row.question);
}

void encode_gold(const problem_row& row, std::string& out) {
  out.clear();
  put_text(out, row.gold_answer);
  put_text(out, row.gold_solution);
}

bool read_problem(std::string_view bytes, problem_row& out) {
  byte_reader from(bytes);
  from.take_text(out.id);
  from.take_text(out.question);
  return from.complete();
}

bool read_gold(std::string_view bytes, problem_row& out) {
  byte_reader from(bytes);
  from.take_text(out.gold_answer);
  from.take_text(out.gold_solution);
  return from.complete();
}

} // namespace tenbit::storage

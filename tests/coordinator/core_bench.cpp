#include "tests/coordinator/core_bench.hpp"

#include <fmt/format.h>

namespace tenbit::testing {

std::shared_ptr<experiment> bench_experiment() {
  auto exp = every_method();
  exp->trials = 1;
  arm_spec strong = arm("strong", method_kind::direct);
  strong.solver = strong.questioner = "large";
  exp->arms = {arm("gold", method_kind::qa, reference_kind::gold), strong,
               arm("self", method_kind::self_ask)};
  return exp;
}

cluster_rules core_bench::rules_of(std::uint64_t incarnation) {
  cluster_rules out;
  out.incarnation = incarnation;
  return out;
}

core_bench::core_bench(std::size_t problems, cluster_rules rules) : core(rules) {
  core.on_tick(now);
  if (problems > 0)
    add_run(run_a, problems);
}

void core_bench::add_run(experiment_id id, std::size_t problems, int priority) {
  run_sources sources;
  sources.journal = [this, id](problem_index task) -> expected<std::vector<event>, store_failure> {
    ++reads;
    std::vector<event> out{call_of(*exp, "earlier"),
                           call_of(*exp, "earlier", "large", party::sender)};
    if (const auto other = earlier.find(task.value); other != earlier.end())
      out = other->second;
    const auto& later = stored[{id.value, task.value}];
    out.insert(out.end(), later.begin(), later.end());
    return out;
  };
  sources.gold_of = [](problem_index task) -> expected<gold, store_failure> {
    return gold(fmt::format("{}", task.value + 1), sealed_text);
  };
  sources.problem_of =
      [](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
    return std::make_shared<const problem>(
        problem{task.value, fmt::format("p/{}", task.value), "What?"});
  };
  sources.commit_seq = [this] { return commit_seq; };
  auto run = std::make_unique<run_core>(exp, id, std::move(sources), problems, core.directory(),
                                        core.rules_of_runs());
  task_state state;
  state.events = 2;
  for (std::uint64_t i = 0; i < problems; ++i)
    run->load(problem_index{i}, state);
  core.add_run(std::move(run), priority, now);
}

void core_bench::say(connection_id from, const std::string& key, from_peer message,
                     role_set rights) {
  core.on_frame(from, key, rights, std::move(message), now);
  pump();
}

void core_bench::join(connection_id from, const std::string& key, role_set roles,
                      std::uint32_t slots, std::uint64_t boot, std::vector<held_lease> leases,
                      std::vector<ledger_count> ledgers) {
  beats[key] = 0;
  say(from, key, hello{"test", boot, 0, roles, slots, std::move(leases), std::move(ledgers), {}},
      roles);
}

void core_bench::beat(connection_id from, const std::string& key, std::uint32_t slots,
                      std::vector<lease_progress> leases, std::uint64_t boot) {
  say(from, key, heartbeat{boot, ++beats[key], slots, std::move(leases), {}});
}

arm_finished core_bench::finished_of(const grant& given, arm_trial where) const {
  const bool text = where == crossing;
  const call_event answer =
      text ? call_of(*exp, "earlier", "large", party::sender) : call_of(*exp, "earlier");
  arm_finished out{given.task, given.lease, where, {}, {}, {}, {}, 0, 0, {}};
  out.answer_call = answer.id;
  out.answer_text = answer.reply.text;
  out.payload_bits = text ? answer.reply.text.size() * 8 : 0;
  return out;
}

graded core_bench::result_of(const arm_finished& finished) {
  graded out{finished.task, {}};
  out.result.where = finished.where;
  out.result.draft_call = finished.draft_call;
  out.result.answer_call = finished.answer_call;
  out.result.answer_hash = hash_bytes(finished.answer_text);
  out.result.questions = finished.questions;
  out.result.payload_bits = finished.payload_bits;
  out.result.bitstream = finished.bitstream;
  return out;
}

void core_bench::pump() {
  for (cluster_command& command : core.take_commands(now)) {
    if (auto* out = std::get_if<cluster_send>(&command))
      sent.emplace_back(out->to, std::move(out->what));
    else if (auto* drop = std::get_if<cluster_drop>(&command))
      dropped.emplace_back(drop->to, drop->reason);
    else if (auto* commit = std::get_if<commit_command>(&command))
      journal.push_back(std::move(*commit));
  }
}

void core_bench::commit() {
  for (pump(); !journal.empty(); pump()) {
    commit_command next = std::move(journal.front());
    journal.pop_front();
    auto& events = stored[{next.run.value, next.what.task.value}];
    events.insert(events.end(), next.what.events.begin(), next.what.events.end());
    core.on_committed(next.run, next.ticket, now);
    committed.push_back(std::move(next));
  }
}

void core_bench::tick(run_clock::duration later) {
  now += later;
  core.on_tick(now);
  pump();
}

void core_bench::pass(run_clock::duration time,
                      const std::vector<std::pair<connection_id, std::string>>& who,
                      std::uint32_t slots) {
  for (const auto until = now + time; now < until;) {
    for (const auto& [connection, key] : who)
      beat(connection, key, slots);
    tick(std::chrono::seconds(1));
  }
}

peer_line core_bench::line_of(const std::string& name) const {
  for (const peer_line& line : core.snapshot(now).peers)
    if (line.name == name)
      return line;
  return {};
}

std::size_t core_bench::events() const {
  std::size_t out = 0;
  for (const auto& [task, events] : stored)
    out += events.size();
  for (const commit_command& waits : journal)
    out += waits.what.events.size();
  return out;
}

call_event call_of(const experiment& exp, const std::string& prompt, const std::string& model,
                   party by) {
  call_event out;
  out.by = by;
  out.model = model;
  out.request = prompt;
  const model_spec* spec = exp.find_model(model);
  out.id = identify(spec == nullptr ? "" : spec->revision, prompt, 0);
  out.reply.text = "so";
  return out;
}

} // namespace tenbit::testing

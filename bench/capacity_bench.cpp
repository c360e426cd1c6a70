// How much one coordinator can journal and relay: 64 simulated workers, two oracles and a grader
// that think in no time, against the store alone committing the same rows in the same run.
//
// Messages cross as wire bytes, encoded and decoded on both sides, without sockets: what is
// measured is the coordinator and its journal. One thread plays all peers.
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <stdlib.h>
#include <thread>

#include "actors/wire.hpp"
#include "cli/caf_config.hpp"
#include "coordinator/coordinator_actor.hpp"

namespace tenbit {
namespace {

constexpr std::uint32_t workers = 64, slots = 64, questions = 4;
constexpr std::uint64_t oracle_from = 1000, oracle_count = 2, grader_at = 2000;

std::shared_ptr<const experiment> one_arm() {
  auto exp = std::make_shared<experiment>();
  exp->name = "capacity";
  for (const char* alias : {"large", "small"}) {
    model_spec model;
    model.alias = model.model = model.revision = alias;
    exp->models.push_back(model);
  }
  arm_spec arm;
  arm.name = "own";
  arm.method = method_kind::qa;
  arm.solver = arm.questioner = "small";
  arm.answerer = "large";
  arm.questions = questions;
  exp->arms.push_back(arm);
  return exp;
}

call_event call_of(std::uint64_t task, party by) {
  call_event out;
  out.by = by;
  out.model = by == party::receiver ? "small" : "large";
  out.request = fmt::format("{{\"task\":{},\"text\":\"{}\"}}", task, std::string(1000, 'q'));
  out.id = identify(out.model, out.request, 0);
  out.reply.text = std::string(1000, 'a');
  out.reply.usage = {250, 250, true};
  return out;
}

std::vector<event> bits_of(std::uint64_t task) {
  std::vector<event> out;
  const call_id source = call_of(task, party::sender).id;
  for (std::uint32_t i = 0; i < questions; ++i) {
    bit_event bit;
    bit.index = bit_index{i};
    bit.question = fmt::format("Is it {} of {}?", i, task);
    bit.question_hash = hash_bytes(bit.question);
    bit.value = i % 2 == 0 ? answer::yes : answer::no;
    bit.source = source;
    out.emplace_back(std::move(bit));
  }
  return out;
}

outcome_event outcome_of(std::uint64_t task) {
  const call_event answer = call_of(task, party::receiver);
  outcome_event out;
  out.answer_call = answer.id;
  out.answer_hash = hash_bytes(answer.reply.text);
  out.final_answer = "42";
  out.questions = questions;
  out.payload_bits = questions;
  out.bitstream = std::string(200, 'b');
  return out;
}

class folder {
public:
  folder() {
    path_ = (std::filesystem::temp_directory_path() / "tenbit_capacity_XXXXXX").string();
    TENBIT_ASSERT(::mkdtemp(path_.data()) != nullptr);
  }
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string store(const char* name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

std::unique_ptr<store> made(const std::string& dir, std::uint64_t tasks) {
  store_manifest manifest;
  manifest.name = "capacity";
  manifest.identity = hash_bytes("capacity");
  manifest.tasks = tasks;
  std::vector<problem_row> rows;
  for (std::uint64_t i = 0; i < tasks; ++i)
    rows.push_back({fmt::format("p/{}", i), fmt::format("What is {} plus one?", i), "1", ""});
  auto out = store::create(dir, manifest, rows);
  TENBIT_ASSERT(out.has_value());
  return std::move(*out);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The limit: the same rows in groups of 256, one thread, nothing between.
double store_alone(const folder& where, std::uint64_t tasks) {
  const auto target = made(where.store("alone"), tasks);
  std::vector<task_commit> all;
  for (std::uint64_t i = 0; i < tasks; ++i) {
    const problem_index task{i};
    all.push_back({task, {}, {}, {}, false, lease_row{epoch{i + 1}, "w"}, false});
    all.push_back({task, {call_of(i, party::receiver)}, {}, {}, false, {}, false});
    all.push_back({task, {call_of(i, party::sender)}, {}, {}, false, {}, false});
    all.push_back({task, bits_of(i), {}, {}, false, {}, false});
    all.push_back({task, {outcome_of(i)}, task_status::done, 0, true, {}, true});
  }
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t from = 0; from < all.size(); from += limits::commit_group_items_max) {
    const std::size_t size = std::min(limits::commit_group_items_max, all.size() - from);
    TENBIT_ASSERT(target->commit(std::span(all).subspan(from, size)).has_value());
  }
  return static_cast<double>(tasks) / seconds_since(start);
}

// All peers, in one thread: bytes in, bytes out.
class peers {
public:
  void give(connection_id to, const to_peer& message) {
    std::string bytes = wire::encode(message);
    const std::lock_guard lock(mutex_);
    inbox_.emplace_back(to, std::move(bytes));
    came_.notify_one();
  }
  void run(const coordinator_root& root, const std::atomic<bool>& over) {
    for (std::uint64_t beats = 0; !over;) {
      if (const auto now = std::chrono::steady_clock::now();
          now - beaten_ >= limits::heartbeat_period) {
        beaten_ = now;
        beat(root, ++beats);
      }
      std::deque<std::pair<connection_id, std::string>> batch;
      {
        std::unique_lock lock(mutex_);
        came_.wait_for(lock, std::chrono::milliseconds(20), [this] { return !inbox_.empty(); });
        batch.swap(inbox_);
      }
      for (auto& [to, bytes] : batch) {
        const auto message = wire::decode_to_peer(bytes);
        TENBIT_ASSERT(message.has_value());
        react(root, to, *message);
      }
    }
  }
  void say(const coordinator_root& root, connection_id from, const from_peer& message) {
    auto back = wire::decode_from_peer(wire::encode(message)); // as the gateway reads it
    TENBIT_ASSERT(back.has_value());
    const bool oracle = from.value >= oracle_from && from.value < grader_at;
    const bool grader = from.value >= grader_at;
    caf::anon_send(root, remote_frame{from,
                                      fmt::format("peer{}", from.value),
                                      {!oracle && !grader, oracle, grader},
                                      std::move(*back)});
  }

private:
  // On a slow disk a run takes longer than a silent peer is trusted.
  void beat(const coordinator_root& root, std::uint64_t number) {
    for (std::uint64_t i = 1; i <= workers; ++i)
      say(root, connection_id{i}, heartbeat{i, number, slots, {}, {}});
    for (std::uint64_t i = 0; i < oracle_count; ++i)
      say(root, connection_id{oracle_from + i}, heartbeat{1, number, 0, {}, {}});
    say(root, connection_id{grader_at}, heartbeat{1, number, 0, {}, {}});
  }
  void react(const coordinator_root& root, connection_id me, const to_peer& message) {
    if (const auto* g = std::get_if<grant>(&message)) {
      say(root, me,
          append_request{g->task, g->lease, 1, {call_of(g->task.problem.value, party::receiver)}});
    } else if (const auto* a = std::get_if<appended>(&message)) {
      ask_message ask{a->task, a->lease, 2, {}, {}, "draft"};
      for (std::uint32_t i = 0; i < questions; ++i)
        ask.questions.push_back(fmt::format("Is it {} of {}?", i, a->task.problem.value));
      say(root, me, std::move(ask));
    } else if (const auto* b = std::get_if<bits_reply>(&message)) {
      const call_event answer = call_of(b->task.problem.value, party::receiver);
      arm_finished done;
      done.task = b->task;
      done.lease = b->lease;
      done.answer_call = answer.id;
      done.answer_text = answer.reply.text;
      done.questions = questions;
      done.payload_bits = questions;
      done.bitstream = std::string(200, 'b');
      say(root, me, std::move(done));
    } else if (const auto* c = std::get_if<arm_closed>(&message)) {
      say(root, me, task_released{c->task, c->lease, release_kind::done, 0});
    } else if (const auto* o = std::get_if<oracle_ask>(&message)) {
      asks_[o->task] = o->ticket;
      say(root, me, oracle_append{o->task, 1, 0, {call_of(o->task.problem.value, party::sender)}});
    } else if (const auto* d = std::get_if<oracle_appended>(&message)) {
      if (d->what.ticket == 1)
        say(root, me,
            oracle_append{d->what.task, 2, asks_[d->what.task],
                          bits_of(d->what.task.problem.value)});
    } else if (const auto* f = std::get_if<forget_task>(&message)) {
      asks_.erase(f->task);
      say(root, me, forgotten{f->task});
    } else if (const auto* r = std::get_if<grade_request>(&message)) {
      say(root, me, graded{r->finished.task, outcome_of(r->finished.task.problem.value)});
    }
  }
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::pair<connection_id, std::string>> inbox_;
  std::map<task_id, std::uint64_t> asks_;
  std::chrono::steady_clock::time_point beaten_ = std::chrono::steady_clock::now();
};

run_sources sources_of(store& s) {
  run_sources out;
  out.journal = [&s](problem_index task) { return s.events(task); };
  out.gold_of = [](problem_index) -> expected<gold, store_failure> { return gold("1", ""); };
  out.problem_of =
      [&s](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
    auto row = s.problem(task);
    if (!row)
      return fail(row.error());
    return std::make_shared<const problem>(problem{task.value, row->id, row->question});
  };
  return out;
}

double through_coordinator(const folder& where, std::uint64_t tasks) {
  const auto target = made(where.store("coordinated"), tasks);
  cluster_rules rules;
  rules.incarnation = 1;
  auto core = std::make_shared<cluster_core>(rules);
  auto run = std::make_unique<run_core>(one_arm(), experiment_id{7}, sources_of(*target), tasks,
                                        core->directory(), core->rules_of_runs());
  for (std::uint64_t i = 0; i < tasks; ++i)
    run->load(problem_index{i}, {});
  peers all;
  cli::actor_config config;
  caf::actor_system system(config);
  peer_port port;
  port.send = [&all](connection_id to, const to_peer& message) { all.give(to, message); };
  port.drop = [](connection_id, const std::string&) {};
  const auto root = spawn_coordinator(system, core, std::move(port), [](cluster_status) {});
  auto board = std::make_shared<status_board>();
  std::atomic<bool> over{false};
  std::thread thread([&] { all.run(root, over); });
  const auto start = std::chrono::steady_clock::now();
  caf::anon_send(root, run_start{std::make_shared<std::unique_ptr<run_core>>(std::move(run)),
                                 target.get(), board, 0});
  for (std::uint64_t i = 1; i <= workers; ++i)
    all.say(root, connection_id{i}, hello{"bench", i, 0, {true, false, false}, slots, {}, {}});
  for (std::uint64_t i = 0; i < oracle_count; ++i)
    all.say(root, connection_id{oracle_from + i},
            hello{"bench", 1, 0, {false, true, false}, 0, {}, {}});
  all.say(root, connection_id{grader_at}, hello{"bench", 1, 0, {false, false, true}, 0, {}, {}});
  while (!board->wait(std::chrono::milliseconds(1000))) {
  }
  const double rate = static_cast<double>(tasks) / seconds_since(start);
  TENBIT_ASSERT(board->read().tasks.done == tasks);
  over = true;
  thread.join();
  caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
  return rate;
}

} // namespace
} // namespace tenbit

int main(int argc, char** argv) {
  const std::uint64_t tasks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 30'000;
  const tenbit::folder where;
  const double alone = tenbit::store_alone(where, tasks);
  const double coordinated = tenbit::through_coordinator(where, tasks);
  fmt::print("store alone          {:8.0f} tasks/s  {:8.0f} bits/s  (groups of 256, one thread)\n",
             alone, alone * tenbit::questions);
  fmt::print("through coordinator  {:8.0f} tasks/s  {:8.0f} bits/s  ({} simulated workers)\n",
             coordinated, coordinated * tenbit::questions, tenbit::workers);
  fmt::print("ratio                {:8.2f}  (limit 0.50)\n", coordinated / alone);
  return coordinated / alone >= 0.5 ? 0 : 1;
}

#include "tests/coordinator/world.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "benchmarks/gold.hpp"
#include "protocols/bitstream.hpp"

namespace tenbit::testing {
namespace {

template <class T> T pop(std::deque<T>& queue) {
  T out = std::move(queue.front());
  queue.pop_front();
  return out;
}

} // namespace

world::world(std::shared_ptr<const experiment> exp, std::vector<problem> problems,
             std::vector<std::string> golds, model_function model, std::uint64_t seed)
    : exp_(std::move(exp)),
      recipes_(std::make_shared<const std::vector<std::string>>(make_recipes(*exp_))),
      problems_(std::move(problems)), golds_(std::move(golds)), model_(std::move(model)),
      random_(seed) {
  for (const problem& item : problems_)
    stored_[item.index] = {};
}

void world::boot() {
  run_sources sources;
  sources.journal = [this](problem_index task) -> expected<std::vector<event>, store_failure> {
    return stored_.at(task.value).events;
  };
  sources.gold_of = [this](problem_index task) -> expected<gold, store_failure> {
    return gold(golds_.at(task.value), "");
  };
  sources.problem_of =
      [this](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
    return std::make_shared<const problem>(problems_.at(task.value));
  };
  cluster_rules rules;
  rules.one_process = true;
  core_ = std::make_unique<cluster_core>(rules);
  auto run =
      std::make_unique<run_core>(exp_, experiment_id{7}, std::move(sources), problems_.size(),
                                 core_->directory(), core_->rules_of_runs());
  for (const auto& [index, task] : stored_)
    run->load(problem_index{index}, task.state);
  core_->add_run(std::move(run), 0, {});
  oracle_ = std::make_unique<oracle>(exp_);
  draining_ = false;
  hello self;
  self.boot = 1;
  self.roles = {true, true, true};
  self.slots = 3;
  core_->on_frame({}, "this process", self.roles, std::move(self), {});
  carry_out();
}

void world::stop() {
  core_->stop_run(experiment_id{7}, "test");
  carry_out();
}

void world::crash() {
  core_.reset();
  oracle_.reset();
  runners_.clear();
  worker_queue_.clear();
  oracle_queue_.clear();
  core_queue_.clear();
  journal_queue_.clear();
  wire_.clear();
}

void world::run(double crash_probability, int crashes) {
  boot();
  for (;;) {
    if (crashes > 0 && random_.chance(crash_probability)) {
      --crashes;
      crash();
      boot();
    }
    if (!step())
      return;
  }
}

bool world::step() {
  std::vector<std::function<void()>> choices;
  if (!worker_queue_.empty())
    choices.emplace_back([this] { worker_step(); });
  if (!oracle_queue_.empty())
    choices.emplace_back([this] { oracle_step(); });
  if (!core_queue_.empty())
    choices.emplace_back([this] { core_step(); });
  if (!journal_queue_.empty())
    choices.emplace_back([this] { commit_group(); });
  if (!wire_.empty())
    choices.emplace_back([this] { answer_call(); });
  if (choices.empty()) {
    // Nothing moves: only a delayed task can be left.
    const bool waiting = status().tasks.pending > 0 && status().phase == run_phase::running;
    now_ += std::chrono::hours(1);
    core_->on_tick(now_);
    carry_out();
    return waiting && (!worker_queue_.empty() || !journal_queue_.empty());
  }
  choices[random_.below(choices.size())]();
  return true;
}

void world::start(bool of_oracle, task_id task, start_call call) {
  ++started_;
  if (committed_calls_.contains(call.id))
    ++repeated_;
  wire_.push_back({of_oracle, task, std::move(call)});
}

// Calls come back in any order.
void world::answer_call() {
  const auto at = static_cast<std::ptrdiff_t>(random_.below(wire_.size()));
  wire_call call = std::move(wire_[static_cast<std::size_t>(at)]);
  wire_.erase(wire_.begin() + at);
  call_result result = draining_ ? fail(call_failure{call_error::cancelled, "draining", 0})
                                 : model_(call.call.model, call.call.canonical);
  call_done done{call.task, {}, call.call.id, std::move(result)};
  if (call.of_oracle)
    oracle_queue_.emplace_back(std::move(done));
  else
    worker_queue_.emplace_back(std::move(done));
}

void world::commit_group() {
  const std::size_t size = 1 + random_.below(journal_queue_.size());
  std::vector<std::uint64_t> tickets;
  for (std::size_t i = 0; i < size; ++i) {
    commit_command command = pop(journal_queue_);
    stored_task& task = stored_.at(command.what.task.value);
    for (event& entry : command.what.events) {
      if (const auto* call = std::get_if<call_event>(&entry))
        committed_calls_.insert(call->id);
      task.events.push_back(std::move(entry));
    }
    task.state.events = static_cast<std::uint32_t>(task.events.size());
    if (command.what.status)
      task.state.status = *command.what.status;
    tickets.push_back(command.ticket);
  }
  for (const std::uint64_t ticket : tickets) {
    core_->on_committed(experiment_id{7}, ticket, now_);
    carry_out();
  }
}

void world::carry_out() {
  for (cluster_command& command : core_->take_commands(now_)) {
    if (auto* out = std::get_if<cluster_send>(&command))
      pass(std::move(out->what));
    else if (auto* commit = std::get_if<commit_command>(&command))
      journal_queue_.push_back(std::move(*commit));
    else if (std::holds_alternative<close_journal>(command))
      core_->on_journal_end(experiment_id{7}, "");
  }
}

void world::pass(to_peer message) {
  if (auto* g = std::get_if<grant>(&message))
    worker_queue_.emplace_back(std::move(*g));
  else if (auto* a = std::get_if<appended>(&message))
    worker_queue_.emplace_back(*a);
  else if (auto* b = std::get_if<bits_reply>(&message))
    worker_queue_.emplace_back(std::move(*b));
  else if (auto* t = std::get_if<text_reply>(&message))
    worker_queue_.emplace_back(std::move(*t));
  else if (auto* c = std::get_if<arm_closed>(&message))
    worker_queue_.emplace_back(*c);
  else if (auto* back = std::get_if<hand_back>(&message))
    worker_queue_.emplace_back(*back);
  else if (auto* text = std::get_if<oracle_text>(&message))
    oracle_queue_.emplace_back(std::move(*text));
  else if (auto* ask = std::get_if<oracle_ask>(&message))
    oracle_queue_.emplace_back(std::move(*ask));
  else if (auto* o = std::get_if<oracle_appended>(&message))
    oracle_queue_.emplace_back(o->what);
  else if (auto* f = std::get_if<forget_task>(&message))
    oracle_queue_.emplace_back(*f);
  else if (auto* r = std::get_if<grade_request>(&message))
    core_queue_.emplace_back(graded{r->finished.task, grader(exp_).grade(*r)});
  else if (std::holds_alternative<leave_order>(message))
    draining_ = true;
}

void world::carry_out(task_id task, std::vector<runner_command> commands) {
  for (runner_command& command : commands) {
    if (auto* call = std::get_if<start_call>(&command))
      start(false, task, std::move(*call));
    else if (auto* append = std::get_if<append_request>(&command))
      core_queue_.emplace_back(std::move(*append));
    else if (auto* ask = std::get_if<ask_message>(&command))
      core_queue_.emplace_back(std::move(*ask));
    else if (auto* text = std::get_if<text_request>(&command))
      core_queue_.emplace_back(std::move(*text));
    else if (auto* finished = std::get_if<arm_finished>(&command))
      core_queue_.emplace_back(std::move(*finished));
    else {
      core_queue_.emplace_back(std::get<task_released>(command));
      runners_.erase(task);
    }
  }
}

void world::carry_out(std::vector<oracle_command> commands) {
  for (oracle_command& command : commands) {
    if (auto* call = std::get_if<oracle_call>(&command))
      start(true, call->task, std::move(call->call));
    else if (auto* append = std::get_if<oracle_append>(&command))
      core_queue_.emplace_back(std::move(*append));
    else if (auto* failed = std::get_if<oracle_failed>(&command))
      core_queue_.emplace_back(std::move(*failed));
    else if (auto* text = std::get_if<oracle_text_reply>(&command))
      core_queue_.emplace_back(std::move(*text));
    else
      core_queue_.emplace_back(std::get<forgotten>(command));
  }
}

void world::worker_step() {
  to_worker message = pop(worker_queue_);
  if (auto* granted = std::get_if<grant>(&message)) {
    const task_id task = granted->task;
    const auto place = runners_.try_emplace(task, exp_, recipes_, std::move(*granted)).first;
    carry_out(task, place->second.start());
  } else if (auto* a = std::get_if<appended>(&message)) {
    carry_out(a->task, runners_.at(a->task).on_appended(a->ticket));
  } else if (auto* b = std::get_if<bits_reply>(&message)) {
    carry_out(b->task, runners_.at(b->task).on_bits(*b));
  } else if (auto* t = std::get_if<text_reply>(&message)) {
    const task_id task = t->task;
    carry_out(task, runners_.at(task).on_text(std::move(*t)));
  } else if (auto* c = std::get_if<arm_closed>(&message)) {
    carry_out(c->task, runners_.at(c->task).on_closed(c->where));
  } else if (auto* h = std::get_if<hand_back>(&message)) {
    carry_out(h->task, runners_.at(h->task).on_hand_back());
  } else {
    auto& done = std::get<call_done>(message);
    carry_out(done.task, runners_.at(done.task).on_call(done.call, std::move(done.result), 1));
  }
}

void world::oracle_step() {
  to_oracle message = pop(oracle_queue_);
  if (auto* ask = std::get_if<oracle_ask>(&message))
    carry_out(oracle_->on_ask(std::move(*ask)));
  else if (auto* text = std::get_if<oracle_text>(&message))
    carry_out(oracle_->on_text(std::move(*text)));
  else if (auto* a = std::get_if<appended>(&message))
    carry_out(oracle_->on_appended(a->task, a->ticket));
  else if (auto* f = std::get_if<forget_task>(&message))
    carry_out(oracle_->forget(f->task));
  else {
    auto& done = std::get<call_done>(message);
    carry_out(oracle_->on_call(done.task, done.call, std::move(done.result), 1));
  }
}

void world::core_step() {
  core_->on_frame({}, {}, {}, pop(core_queue_), now_);
  carry_out();
}

std::vector<std::string> world::canonical() const {
  std::vector<std::string> out;
  for (const auto& [index, task] : stored_)
    for (event entry : task.events) {
      if (auto* call = std::get_if<call_event>(&entry)) {
        call->unix_ms = 0;
        call->reply.timing = {};
      }
      if (!std::holds_alternative<failure_event>(entry))
        out.push_back(fmt::format("{} {}", index, encode(entry)));
    }
  std::sort(out.begin(), out.end());
  return out;
}

} // namespace tenbit::testing

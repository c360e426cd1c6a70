// A whole run of one process in one thread under a seed: core, worker, oracle, grader, journal and
// models as values.
//
// Each party has a queue; a step takes the head of a random one, so messages of one sender stay in
// order and everything else is interleaved. crash() forgets all but what the journal committed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "coordinator/cluster_core.hpp"
#include "workers/grader.hpp"
#include "workers/oracle.hpp"
#include "workers/task_runner.hpp"

namespace tenbit::testing {

// What a model says to a canonical request.
using model_function =
    std::function<call_result(const std::string& model, const std::string& canonical)>;

struct stored_task {
  std::vector<event> events;
  task_state state;
};

class world {
public:
  world(std::shared_ptr<const experiment> exp, std::vector<problem> problems,
        std::vector<std::string> golds, model_function model, std::uint64_t seed);

  // Starts (or restarts after crash) the parties on what is stored.
  void boot();
  // One message somewhere. False when nothing is left to do.
  bool step();
  void crash();
  void stop();
  // Runs until nothing is left; crashes with the given probability before each step, at most
  // `crashes` times.
  void run(double crash_probability, int crashes);

  [[nodiscard]] const std::map<std::uint64_t, stored_task>& stored() const { return stored_; }
  [[nodiscard]] const run_status& status() const { return core_->find(experiment_id{7})->status(); }
  // Calls that were started although the journal had them.
  [[nodiscard]] int committed_calls_repeated() const { return repeated_; }
  [[nodiscard]] int calls_started() const { return started_; }
  // Events sorted, without what differs between runs: equal for equal results.
  [[nodiscard]] std::vector<std::string> canonical() const;

private:
  struct wire_call {
    bool of_oracle = false;
    task_id task;
    start_call call;
  };
  using to_worker =
      std::variant<grant, appended, bits_reply, text_reply, arm_closed, hand_back, call_done>;
  using to_oracle = std::variant<oracle_ask, oracle_text, appended, forget_task, call_done>;

  void carry_out();
  void pass(to_peer message);
  void carry_out(task_id task, std::vector<runner_command> commands);
  void carry_out(std::vector<oracle_command> commands);
  void start(bool of_oracle, task_id task, start_call call);
  void answer_call();
  void commit_group();
  void worker_step();
  void oracle_step();
  void core_step();

  std::shared_ptr<const experiment> exp_;
  std::shared_ptr<const std::vector<std::string>> recipes_;
  std::vector<problem> problems_;
  std::vector<std::string> golds_;
  model_function model_;
  random_stream random_;

  std::map<std::uint64_t, stored_task> stored_; // survives a crash
  std::set<call_id> committed_calls_;

  std::unique_ptr<cluster_core> core_;
  std::unique_ptr<oracle> oracle_;
  std::map<task_id, task_runner> runners_;
  std::deque<to_worker> worker_queue_;
  std::deque<to_oracle> oracle_queue_;
  std::deque<from_peer> core_queue_;
  std::deque<commit_command> journal_queue_;
  std::vector<wire_call> wire_;
  run_clock::time_point now_{};
  bool draining_ = false;
  int repeated_ = 0;
  int started_ = 0;
};

} // namespace tenbit::testing

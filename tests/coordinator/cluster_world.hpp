// A whole cluster in one thread under a seed: coordinator, workers, oracles, grader, journal,
// models and the network between them, in virtual time.
//
// Messages cross as wire bytes, over connections that may lose, delay, repeat and reorder them, be
// cut one way or break; processes die and come back; the store keeps what was committed and, of
// what nobody waits for (grants), a random part. What must always hold is checked while it runs.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/wire.hpp"
#include "base/random.hpp"
#include "coordinator/cluster_core.hpp"
#include "workers/grader.hpp"
#include "workers/link_core.hpp"
#include "workers/oracle.hpp"
#include "workers/task_runner.hpp"

namespace tenbit::testing {

// What a model says to a canonical request.
using model_function =
    std::function<call_result(const std::string& model, const std::string& canonical)>;

// Chances per step while faults are on.
struct fault_plan {
  double lose = 0, repeat = 0, reorder = 0; // of a message
  double cut = 0;                           // a connection goes quiet one way for a while
  double break_connection = 0;
  double kill_coordinator = 0, kill_worker = 0, kill_oracle = 0, kill_grader = 0;
  double pause_coordinator = 0; // stands still for longer than a lease lives
  double fill_disk = 0;         // of the coordinator, for a while
  double drain = 0;             // of a peer, by an operator who undrains it later
  double kick = 0;              // of a peer, by an operator
  int faults_max = 60;
};

inline constexpr experiment_id run_id{7};

struct cluster_shape {
  int workers = 3, oracles = 2, graders = 1;
  std::uint32_t slots = 2;
};

class cluster_world {
public:
  cluster_world(std::shared_ptr<const experiment> exp, std::size_t problems, model_function model,
                cluster_shape shape, fault_plan faults, std::uint64_t seed);
  ~cluster_world();

  // Faults until `steps` are over or the plan's number is reached, then none; true when every task
  // has ended within the bound that is left.
  [[nodiscard]] bool run(int steps, int steps_max);
  // Events sorted, without what differs between runs: equal for equal results.
  [[nodiscard]] std::vector<std::string> canonical() const;
  [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; } // invariants
  [[nodiscard]] int committed_calls_repeated() const { return repeated_; }
  // Bits of the store, and of all ledgers that oracles keep themselves.
  [[nodiscard]] std::pair<std::size_t, std::size_t> bits() const;
  [[nodiscard]] int faults_done() const { return faults_done_; }
  [[nodiscard]] plan_counts counts() const;
  [[nodiscard]] cluster_core& core() { return *core_; }
  [[nodiscard]] std::string state_of_things() const; // for a run that did not end
  // A worker dies whenever it starts on this task.
  void poison(std::uint64_t problem) { poison_.insert(problem); }
  // Nothing reaches this worker for a while, from its next grant on; what it says arrives.
  void deafen(std::size_t worker, std::chrono::seconds time) { peers_.at(worker)->deaf = time; }
  [[nodiscard]] std::chrono::seconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::seconds>(now_ - run_clock::time_point{}) -
           std::chrono::hours(1);
  }
  // And the coordinator with it, before it can notice.
  void coordinator_dies_too() { both_die_ = true; }
  [[nodiscard]] int poisoned() const { return poisoned_; } // workers that died of it

private:
  struct stored_task {
    std::vector<event> events;
    task_state state;
  };
  // A process.
  struct peer_node {
    std::size_t index = 0;
    std::string name;
    role_set roles;
    std::uint32_t slots = 0;
    std::uint64_t boot = 0; // 0: dead
    run_clock::time_point back{};
    std::uint64_t connection = 0; // 0: none
    run_clock::time_point connect_at{};
    run_clock::time_point cut_in{}, cut_out{}; // nothing passes before
    std::chrono::seconds deaf{0};              // how long, from the next grant on
    std::optional<run_clock::time_point> undrain_at;
    std::unique_ptr<link_core> link;
    std::map<task_id, task_runner> runners;
    std::unique_ptr<oracle> sender;
    std::set<std::tuple<std::uint64_t, arm_trial, std::uint32_t>> ledger; // on its own disk
    std::vector<receipt> receipts;                                        // likewise
  };
  struct packet {
    std::size_t peer = 0;
    bool to_peer = false;
    std::uint64_t connection = 0;
    std::string bytes;
    run_clock::time_point due;
  };
  struct wire_call {
    std::size_t peer = 0;
    std::uint64_t boot = 0;
    bool of_oracle = false;
    task_id task;
    epoch lease;
    start_call call;
  };

  void boot_coordinator();
  void kill_coordinator();
  void boot_peer(std::size_t peer);
  void kill_peer(std::size_t peer);
  void connect(std::size_t peer);
  void break_connection(std::size_t peer);
  void inject();
  void advance();
  void release_innocent();
  void deliver(std::size_t at);
  void commit_group();
  void answer_call();
  void pump_coordinator();
  void pump_peer(std::size_t peer);
  void to_party(peer_node& node, to_peer message);
  void carry_out(peer_node& node, task_id task, std::vector<runner_command> commands);
  void carry_out(peer_node& node, std::vector<oracle_command> commands);
  void start(peer_node& node, bool of_oracle, task_id task, start_call call);
  void post(std::size_t peer, bool to_peer, std::string bytes);
  void check_grant(peer_node& node, const grant& given);
  void check_appended(const task_id& task);
  void expect(bool holds, const std::string& what);
  [[nodiscard]] bool over() const;

  std::shared_ptr<const experiment> exp_;
  std::shared_ptr<const std::vector<std::string>> recipes_;
  std::vector<problem> problems_;
  model_function model_;
  fault_plan faults_;
  random_stream random_;
  run_clock::time_point now_{};
  run_clock::time_point disk_free_at_{};

  // what survives the coordinator's death
  std::map<std::uint64_t, stored_task> stored_;
  std::map<std::uint64_t, lease_row> lease_rows_;
  std::map<std::uint64_t, fault_row> fault_rows_;
  std::vector<oracle_record> oracles_; // as the coordinator's folder has them
  std::set<call_id> committed_calls_;
  std::map<std::uint64_t, std::uint64_t> highest_epoch_; // by task, ever granted
  std::uint64_t incarnation_ = 0;
  std::uint64_t commit_seq_ = 0; // durable
  std::vector<store_life> lives_;

  std::unique_ptr<cluster_core> core_; // null: dead
  std::deque<commit_command> journal_;
  std::vector<std::unique_ptr<peer_node>> peers_;
  std::deque<packet> net_;
  std::vector<wire_call> calls_;
  run_clock::time_point coordinator_back_{};
  std::uint64_t next_connection_ = 1, next_boot_ = 1;
  std::set<std::uint64_t> poison_;
  std::map<std::uint64_t, bool> released_;
  std::vector<std::string> broken_;
  bool faulty_ = true;
  int faults_done_ = 0, repeated_ = 0, poisoned_ = 0;
  bool both_die_ = false, coordinator_dies_ = false;
};

} // namespace tenbit::testing

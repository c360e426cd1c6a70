#include "cli/run_session.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "actors/caf_compat.hpp"
#include "cli/caf_config.hpp"
#include "cli/command.hpp"
#include "coordinator/coordinator_actor.hpp"
#include "coordinator/gold_vault.hpp"
#include "simulator/server.hpp"
#include "workers/party_actors.hpp"

namespace tenbit::cli {
namespace {

class local_session final : public run_session {
public:
  local_session(std::shared_ptr<const experiment> exp, std::shared_ptr<void> simulator,
                std::unique_ptr<store> target, std::unique_ptr<client> calls, bool resumed)
      : exp_(std::move(exp)), simulator_(std::move(simulator)), store_(std::move(target)),
        calls_(std::move(calls)), system_(config_), resumed_(resumed) {}

  ~local_session() override {
    for (const auto& leave : exits_)
      leave();
    system_.await_all_actors_done();
    calls_.reset(); // after its users: what it still has to say goes to actors that ended
  }

  // Loads the plan and starts the parties.
  tenbit::status<store_failure> begin(benchmark items, std::uint32_t slots) {
    auto problems = std::make_shared<std::vector<std::shared_ptr<const problem>>>();
    problems->reserve(items.problems.size());
    for (problem& item : items.problems)
      problems->push_back(std::make_shared<const problem>(std::move(item)));
    run_sources sources;
    sources.journal =
        [s = store_.get()](problem_index task) -> expected<std::vector<event>, store_failure> {
      return s->events(task);
    };
    auto golds = std::make_shared<const std::vector<gold>>(std::move(items.golds));
    sources.gold_of = [golds](problem_index task) -> expected<gold, store_failure> {
      return golds->at(task.value); // sealed; the store's own copy is for verify
    };
    sources.problem_of =
        [problems](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
      return problems->at(task.value);
    };
    cluster_rules rules;
    rules.incarnation = store_->incarnation();
    rules.one_process = true;
    cluster_ = std::make_shared<cluster_core>(rules);
    auto core = std::make_unique<run_core>(
        exp_, experiment_id{store_->manifest().identity.prefix()}, std::move(sources),
        store_->manifest().tasks, cluster_->directory(), cluster_->rules_of_runs());
    const auto faults = store_->faults();
    if (!faults)
      return fail(faults.error());
    for (const auto& [task, row] : *faults)
      core->load_faults(task, row);
    const auto scanned = store_->for_each_state(
        [&](problem_index task, const task_state& state) { core->load(task, state); });
    if (!scanned)
      return scanned;
    core->spent_before(store_->totals());
    board_->publish(core->status());
    spawn(std::move(core), slots);
    return {};
  }

  run_status status() const override { return board_->read(); }
  bool wait(std::chrono::milliseconds time) const override { return board_->wait(time); }
  std::vector<model_snapshot> models() const override { return calls_->snapshot(); }
  bool resumed() const override { return resumed_; }
  void stop(const std::string& reason) override {
    caf::anon_send(coordinator_, stop_order{reason});
  }

private:
  void spawn(std::unique_ptr<run_core> core, std::uint32_t slots) {
    peer_port port;
    port.send = [this](connection_id, to_peer message) {
      std::visit([this](auto& m) { pass(std::move(m)); }, message);
    };
    port.drop = [](connection_id, const std::string&) {}; // the one peer is this process
    const auto root = spawn_coordinator(system_, cluster_, std::move(port));
    coordinator_ = root;
    worker_ = spawn_worker(system_, exp_, *calls_, coordinator_);
    oracle_ = spawn_oracle(system_, exp_, *calls_, coordinator_);
    grader_ = spawn_grader(system_, exp_, coordinator_);
    const auto leave = [](const auto& handle) {
      return [handle] { caf::anon_send_exit(handle, caf::exit_reason::user_shutdown); };
    };
    exits_ = {leave(worker_), leave(oracle_), leave(grader_), leave(coordinator_)};
    caf::anon_send(root, run_start{std::make_shared<std::unique_ptr<run_core>>(std::move(core)),
                                   store_.get(), board_, 0});
    hello self;
    self.build = tool_version;
    self.boot = 1;
    self.roles = {true, true, true};
    self.slots = slots;
    caf::anon_send(root, remote_frame{{}, "this process", self.roles, std::move(self)});
  }

  // What the coordinator says to its one peer goes to the party it is meant for. Called on the
  // coordinator's thread.
  template <class Message> void pass(Message message) {
    if constexpr (std::is_same_v<Message, oracle_ask> || std::is_same_v<Message, oracle_text> ||
                  std::is_same_v<Message, forget_task>)
      caf::anon_send(oracle_, std::move(message));
    else if constexpr (std::is_same_v<Message, oracle_appended>)
      caf::anon_send(oracle_, message.what);
    else if constexpr (std::is_same_v<Message, grade_request>)
      caf::anon_send(grader_, std::move(message));
    else if constexpr (std::is_same_v<Message, leave_order>)
      caf::anon_send(worker_, drain_order{});
    else if constexpr (std::is_same_v<Message, grant> || std::is_same_v<Message, appended> ||
                       std::is_same_v<Message, bits_reply> || std::is_same_v<Message, text_reply> ||
                       std::is_same_v<Message, arm_closed> || std::is_same_v<Message, revoke> ||
                       std::is_same_v<Message, hand_back>)
      caf::anon_send(worker_, std::move(message));
    // Sessions, experiments and acknowledged releases need nothing inside one process.
  }

  std::shared_ptr<const experiment> exp_;
  std::shared_ptr<void> simulator_;
  std::unique_ptr<store> store_;
  std::unique_ptr<client> calls_;
  std::shared_ptr<status_board> board_ = std::make_shared<status_board>();
  actor_config config_;
  caf::actor_system system_;
  std::shared_ptr<cluster_core> cluster_;
  coordinator_actor coordinator_;
  worker_actor worker_;
  oracle_actor oracle_;
  grader_actor grader_;
  std::vector<std::function<void()>> exits_;
  bool resumed_ = false;
};

} // namespace

expected<std::shared_ptr<void>, std::string> attach_simulator(experiment& exp) {
  const auto embedded = [](const model_spec& model) {
    return model.kind == model_kind::sim && model.replicas.empty();
  };
  if (std::none_of(exp.models.begin(), exp.models.end(), embedded))
    return std::shared_ptr<void>();
  sim_options options;
  options.behaviour = exp.sim;
  auto server = sim_server::start(std::move(options));
  if (!server)
    return fail("the embedded simulator does not start: " + server.error());
  for (model_spec& model : exp.models)
    if (embedded(model))
      model.replicas = {(*server)->url()};
  return std::shared_ptr<void>(std::move(*server));
}

std::uint32_t default_slots(const experiment& exp) {
  std::uint64_t concurrency = 0;
  for (const model_spec& model : exp.models)
    concurrency = std::max<std::uint64_t>(concurrency, model.concurrency);
  // Twice, so that a task whose reply is being committed leaves no place on the wire empty.
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(2 * concurrency + 16, limits::tasks_in_flight_max));
}

expected<std::unique_ptr<run_session>, start_failure>
run_session::start(experiment exp, benchmark items, const run_options& options) {
  // Keys and models first: a run that cannot call anything leaves no store behind.
  const store_manifest manifest = make_manifest(exp, items);
  auto simulator = attach_simulator(exp);
  if (!simulator)
    return fail(start_failure{simulator.error(), exit_failed});
  auto calls = client::start(exp.models);
  if (!calls)
    return fail(start_failure{calls.error(), exit_usage});
  bool resumed = false;
  auto target =
      open_run_store(options.store_dir, manifest, items, options.accept_rollback, resumed);
  if (!target)
    return fail(target.error());
  const std::uint32_t slots = options.slots > 0 ? options.slots : default_slots(exp);
  auto session = std::make_unique<local_session>(std::make_shared<const experiment>(std::move(exp)),
                                                 std::move(*simulator), std::move(*target),
                                                 std::move(*calls), resumed);
  if (const auto begun = session->begin(std::move(items), slots); !begun)
    return fail(refused_store(begun.error()));
  return session;
}

} // namespace tenbit::cli

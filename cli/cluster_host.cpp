#include "cli/cluster_host.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/unix_time.hpp"
#include "cli/cluster_host_impl.hpp"
#include "cli/command.hpp"
#include "cli/ended_run.hpp"
#include "coordinator/gold_vault.hpp"
#include "link/keys.hpp"

namespace tenbit::cli {
namespace {

namespace fs = std::filesystem;

} // namespace

host::host(host_options options, storage::dir_lock lock, cluster_files files)
    : options_(std::move(options)), lock_(std::move(lock)), files_(std::move(files)),
      system_(config_) {}

expected<std::unique_ptr<cluster_host>, start_failure>
cluster_host::start(const host_options& options) {
  std::error_code problem;
  fs::create_directories(options.dir + "/runs", problem);
  if (problem)
    return fail(start_failure{fmt::format("{}: {}", options.dir, problem.message()), exit_failed});
  fs::permissions(options.dir, fs::perms::owner_all, problem);
  auto lock = storage::dir_lock::take(options.dir + "/LOCK");
  if (!lock)
    return fail(start_failure{lock.error().message, exit_refused});
  auto files = read_cluster_files(options.dir);
  if (!files)
    return fail(start_failure{files.error(), exit_refused});
  auto out = std::make_unique<host>(options, std::move(*lock), std::move(*files));
  if (auto begun = out->begin(); !begun)
    return fail(begun.error());
  return out;
}

namespace {

start_failure why_broken(const std::string& name, const std::string& store, const run_status& now) {
  if (now.damaged)
    return {damaged_store(name + ": " + now.failure), exit_refused};
  if (now.rolled_back)
    return {fmt::format("{} in {}: the worker {}.\nStopped, so that nothing is paid for twice. Put "
                        "the newest copy there; or start with --accept-rollback: what is lost is "
                        "then run again.",
                        name, store, now.failure),
            exit_refused};
  return {fmt::format("the journal of {} could not go on: {}\nEverything committed before is safe. "
                      "When the cause is mended, start the coordinator again.",
                      name, now.failure),
          exit_failed};
}

} // namespace

// Durable before anything is bound: the incarnation, which makes every epoch new.
tenbit::status<start_failure> host::begin() {
  files_.incarnation = std::max(files_.incarnation + 1, unix_seconds());
  for (const kept_oracle& oracle : files_.oracles) { // or keep() would forget them
    const experiment_id run{oracle.experiment};
    oracles_[{oracle.name, run}] = {oracle.name, run, oracle.bits, oracle.there};
  }
  drains_ = files_.drains;
  if (auto kept = keep(); !kept)
    return fail(start_failure{kept.error(), exit_failed});
  const std::string keys = options_.dir + "/keys";
  const auto server = link::init_keys(keys);
  if (!server)
    return fail(start_failure{server.error(), exit_refused});
  receipt_secret_ = hasher("receipts of").field(server->secret_key).finish();
  cluster_rules rules;
  rules.incarnation = files_.incarnation;
  rules.lease_ttl = options_.lease_ttl;
  rules.heartbeat = std::min<run_clock::duration>(limits::heartbeat_period, options_.lease_ttl / 4);
  core_ = std::make_shared<cluster_core>(rules);
  for (const auto& [which, oracle] : oracles_)
    core_->expect_oracle(oracle.name, oracle.run, oracle.bits, oracle.there);
  core_->load_orders(files_.endpoints);
  core_->load_drains(drains_);
  start_coordinator();
  if (auto resumed = resume_runs(); !resumed)
    return resumed;
  return bind(keys);
}

void host::start_coordinator() {
  peer_port port;
  port.send = [this](connection_id to, const to_peer& message) {
    if (link::gateway* gateway = bound_) // else it is just starting: a hello is said again
      gateway->send(to, message);
  };
  port.drop = [this](connection_id to, const std::string& why) {
    if (link::gateway* gateway = bound_)
      gateway->drop(to, why);
  };
  port.hold = [this](bool hold) {
    if (link::gateway* gateway = bound_)
      gateway->hold_intake(hold);
  };
  root_ = spawn_coordinator(system_, core_, std::move(port),
                            [this](cluster_status now) { on_status(std::move(now)); });
}

tenbit::status<start_failure> host::bind(const std::string& keys) {
  link::gateway_events events;
  events.on_frame = [this](link::peer_frame frame) {
    remote_frame out{frame.from, std::move(frame.key_name), frame.rights, std::move(frame.message)};
    if (!waits_to_be_kept(out))
      caf::anon_send(root_, std::move(out));
  };
  events.on_gone = [this](connection_id from, const std::string&) {
    waits_no_more(from);
    caf::anon_send(root_, remote_gone{from});
  };
  auto bound = link::gateway::start({options_.listen, keys}, std::move(events));
  if (!bound)
    return fail(start_failure{bound.error(), exit_failed});
  gateway_ = std::move(*bound);
  bound_ = gateway_.get();
  return serve_operators();
}

tenbit::status<start_failure> host::serve_operators() {
  if (options_.http_port >= 0) {
    auto http = control::http_status::start(
        {"127.0.0.1", static_cast<std::uint16_t>(options_.http_port), options_.dir + "/http.token"},
        board_);
    if (!http)
      return fail(start_failure{http.error(), exit_failed});
    http_ = std::move(*http);
  }
  for (const auto& one : options_.sockets)
    if (const auto closed = control::closed_folder(one); !closed.empty())
      spdlog::warn("the group of {} cannot reach it: {} is closed to them", one.path, closed);
  auto socket = control::socket_server::start(
      options_.dir + "/ctl.sock", options_.dir + "/audit.jsonl",
      [this](const auto& what) { return handle(what); }, {}, options_.sockets);
  if (!socket)
    return fail(start_failure{socket.error(), exit_refused});
  control_ = std::move(*socket);
  keeper_ = std::thread([this] { maintain(); });
  signer_ = std::thread([this] { sign_until_the_end(); });
  return {};
}

// The other way round: nothing new comes in, what is committed is closed, then the network goes.
host::~host() {
  ending_ = true;
  control_.reset();
  http_.reset();
  for (std::thread* one : {&keeper_, &signer_})
    if (one->joinable())
      one->join();
  sign_ended(true); // before what is not over is closed, too
  if (root_) {
    (void)in_core<bool>([](cluster_core& core, run_clock::time_point) {
      core.close_all();
      return true;
    });
    caf::anon_send_exit(root_, caf::exit_reason::user_shutdown);
  }
  system_.await_all_actors_done();
  gateway_.reset();
  for (auto& [name, run] : runs_)
    if (run.target && !is_over(run))
      if (const auto closed = run.target->close(); !closed)
        spdlog::error("{}: {}", name, closed.error().message);
  if (const auto kept = keep(); !kept)
    spdlog::error("{}", kept.error());
}

std::optional<start_failure> host::broken() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, run] : runs_)
    if (const run_status now = run.board->read(); now.phase == run_phase::broken)
      return why_broken(name, run.kept.store, now);
  return std::nullopt;
}

// -- runs ----------------------------------------------------------------------------------------

host_run* host::find(const std::string& name) {
  const auto place = runs_.find(name);
  return place == runs_.end() ? nullptr : &place->second;
}

bool host::is_over(const host_run& run) const {
  const run_phase phase = run.board->read().phase;
  return phase == run_phase::finished || phase == run_phase::broken;
}

bool host::forget(const host_run& run) {
  return in_core<bool>([id = run.id](cluster_core& core, run_clock::time_point) {
           core.remove_run(id);
           return true;
         })
      .has_value();
}

tenbit::status<start_failure> host::resume_runs() {
  for (const kept_run& kept : files_.runs) {
    if (!options_.accept_rollback && know_as_ended(kept))
      continue; // else its store is to remember that word, too
    const auto left_out = [&](const std::string& why) { // it keeps no other run from starting
      spdlog::error("{} was cancelled, and is left out: {}", kept.name, why);
    };
    auto exp = experiment_of(kept);
    if (!exp && kept.cancelled) {
      left_out(exp.error().message);
      continue;
    }
    if (!exp)
      return fail(exp.error());
    store_options how;
    how.accept_rollback = options_.accept_rollback;
    auto target = store::open(kept.store, how);
    if (!target && target.error().kind == store_error::not_a_store) {
      spdlog::error("{}: its store was moved away ({}); submit it again with --store to go on",
                    kept.name, target.error().message);
      continue;
    }
    if (!target && kept.cancelled) {
      left_out(target.error().message);
      continue;
    }
    if (!target)
      return fail(refused_store(target.error()));
    host_run run;
    run.kept = kept;
    run.exp = std::move(*exp);
    run.target = std::move(*target);
    if (auto started = start_run(std::move(run)); !started)
      return started;
  }
  return {};
}

tenbit::status<start_failure> host::start_run(host_run given) {
  given.id = experiment_id{given.target->manifest().identity.prefix()};
  given.board = std::make_shared<status_board>();
  host_run* run = nullptr;
  {
    const std::lock_guard lock(bits_mutex_);
    stores_[given.kept.name] = given.kept.store;
  }
  {
    const std::lock_guard lock(mutex_);
    run = &(runs_[given.kept.name] = std::move(given));
  }
  const auto loaded = in_core<tenbit::status<store_failure>>(
      [this, run](cluster_core& core, run_clock::time_point now) { return load(*run, core, now); });
  if (!loaded)
    return fail(start_failure{"the coordinator does not answer", exit_failed});
  if (!*loaded)
    return fail(refused_store(loaded->error()));
  return {};
}

// On the coordinator's thread. Problems and gold stay on disk; a pending task costs a few bytes.
tenbit::status<store_failure> host::load(host_run& run, cluster_core& core,
                                         run_clock::time_point now) {
  store* s = run.target.get();
  run_sources sources;
  sources.journal = [s](problem_index task) { return s->events(task); };
  sources.gold_of = [s](problem_index task) { return gold_vault::fetch(*s, task); };
  sources.problem_of =
      [s](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
    auto row = s->problem(task);
    if (!row)
      return fail(row.error());
    return std::make_shared<const problem>(
        problem{task.value, std::move(row->id), std::move(row->question)});
  };
  sources.commit_seq = [s] { return s->commit_seq(); };
  auto out = std::make_unique<run_core>(run.exp, run.id, std::move(sources), s->manifest().tasks,
                                        core.directory(), core.rules_of_runs());
  out->give_receipts(book_of(*s));
  struct brief {
    task_status status = task_status::pending;
    bool events = false;
  };
  std::vector<brief> states(s->manifest().tasks);
  const auto scanned = s->for_each_state([&](problem_index task, const task_state& state) {
    states[task.value] = {state.status, state.events > 0};
  });
  if (!scanned)
    return scanned;
  const auto state_of = [&](std::uint64_t task) {
    task_state state;
    state.status = states[task].status;
    state.events = states[task].events ? 1 : 0;
    return state;
  };
  const auto rows = s->leases();
  if (!rows)
    return fail(rows.error());
  const auto faults = s->faults();
  if (!faults)
    return fail(faults.error());
  for (const auto& [task, row] : *faults)
    if (states[task.value].status != task_status::done)
      out->load_faults(task, row);
  std::vector<bool> leased(states.size());
  for (const auto& [task, row] : *rows) {
    if (states[task.value].status == task_status::done)
      continue;
    leased[task.value] = true;
    out->load_lease(task, state_of(task.value), core.lease_of(row, now));
  }
  // Longest first ends earliest; under a budget the order must not choose what is left out.
  std::vector<std::uint32_t> order;
  if (!run.exp->budget.calls && !run.exp->budget.tokens && !run.exp->budget.money) {
    auto longest = s->longest_first();
    if (!longest)
      return fail(longest.error());
    order = std::move(*longest);
  }
  for (std::uint64_t i = 0; i < states.size(); ++i) {
    const std::uint64_t task = order.empty() ? i : order[i];
    if (!leased[task])
      out->load(problem_index{task}, state_of(task));
  }
  out->spent_before(s->totals());
  run.board->publish(out->status());
  caf::anon_send(root_, run_start{std::make_shared<std::unique_ptr<run_core>>(std::move(out)), s,
                                  run.board, run.kept.priority});
  // What is still in work comes back with what it has paid for.
  if (run.kept.cancelled)
    caf::anon_send(root_,
                   core_call{[id = run.id, why = run.kept.cancel_reason](cluster_core& c, auto) {
                     c.cancel_run(id, "cancelled: " + why);
                   }});
  if (run.kept.paused || run.kept.lease_limit > 0)
    caf::anon_send(root_, core_call{[id = run.id, kept = run.kept](cluster_core& c, auto) {
                     if (run_core* one = c.find(id)) {
                       c.pause(*one, kept.paused, kept.calling_in);
                       c.limit(*one, kept.lease_limit);
                     }
                   }});
  return {};
}

// A run that was over goes on, after a first commit (a task that is pending again); when that fails
// it is over as before.
tenbit::status<start_failure> host::reopen(const std::string& name,
                                           const std::vector<task_commit>& first) {
  auto old = take_ended(name);
  if (!old)
    return fail(start_failure{fmt::format("{} is not over", name), exit_failed});
  const auto failed = [&](start_failure why) {
    put_ended(std::move(*old));
    return fail(std::move(why));
  };
  host_run again;
  again.kept = old->run.kept;
  again.exp = old->run.exp;
  if (!again.exp) {
    auto exp = experiment_of(again.kept);
    if (!exp)
      return failed(exp.error());
    again.exp = std::move(*exp);
  }
  store_options how;
  how.accept_rollback = options_.accept_rollback;
  auto target = store::open(again.kept.store, how);
  if (!target)
    return failed(refused_store(target.error()));
  if (const std::string why = older_copy(**target); !why.empty())
    return failed({why, exit_refused});
  remove_ended(options_.dir, name);
  if (const auto done = (*target)->commit(first); !done)
    return failed(refused_store(done.error()));
  again.target = std::move(*target);
  return start_run(std::move(again));
}

} // namespace tenbit::cli

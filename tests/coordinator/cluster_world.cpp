#include "tests/coordinator/cluster_world.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "benchmarks/gold.hpp"
#include "protocols/bitstream.hpp"

namespace tenbit::testing {

namespace {

std::chrono::milliseconds ms(std::uint64_t count) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(count));
}

std::string name_of(int number, const char* kind) {
  return fmt::format("{}{}", kind, number);
}

} // namespace

cluster_world::cluster_world(std::shared_ptr<const experiment> exp, std::size_t problems,
                             model_function model, cluster_shape shape, fault_plan faults,
                             std::uint64_t seed)
    : exp_(std::move(exp)),
      recipes_(std::make_shared<const std::vector<std::string>>(make_recipes(*exp_))),
      model_(std::move(model)), faults_(faults), random_(seed) {
  now_ += std::chrono::hours(1);
  for (std::uint64_t i = 0; i < problems; ++i) {
    problems_.push_back({i, fmt::format("p/{}", i), fmt::format("What is {} plus 1?", i)});
    stored_[i] = {};
  }
  const auto add = [&](int count, const char* kind, role_set roles, std::uint32_t slots) {
    for (int i = 0; i < count; ++i) {
      auto node = std::make_unique<peer_node>();
      node->index = peers_.size();
      node->name = name_of(i, kind);
      node->roles = roles;
      node->slots = slots;
      peers_.push_back(std::move(node));
    }
  };
  add(shape.workers, "worker", {true, false, false}, shape.slots);
  add(shape.oracles, "oracle", {false, true, false}, 0);
  add(shape.graders, "grader", {false, false, true}, 0);
  boot_coordinator();
  for (std::size_t i = 0; i < peers_.size(); ++i)
    boot_peer(i);
}

cluster_world::~cluster_world() = default;

void cluster_world::expect(bool holds, const std::string& what) {
  if (!holds && broken_.size() < 20)
    broken_.push_back(what);
}

// -- processes -----------------------------------------------------------------------------------

void cluster_world::boot_coordinator() {
  cluster_rules rules;
  rules.incarnation = ++incarnation_;
  core_ = std::make_unique<cluster_core>(rules);
  run_sources sources;
  sources.journal = [this](problem_index task) -> expected<std::vector<event>, store_failure> {
    return stored_.at(task.value).events;
  };
  sources.gold_of = [](problem_index task) -> expected<gold, store_failure> {
    return gold(fmt::format("{}", task.value + 1), "");
  };
  sources.problem_of =
      [this](problem_index task) -> expected<std::shared_ptr<const problem>, store_failure> {
    return std::make_shared<const problem>(problems_.at(task.value));
  };
  sources.commit_seq = [this] { return commit_seq_; };
  auto run = std::make_unique<run_core>(exp_, run_id, std::move(sources), problems_.size(),
                                        core_->directory(), core_->rules_of_runs());
  lives_.push_back({incarnation_, commit_seq_, false});
  run->give_receipts({run_id, hash_bytes("secret"), lives_});
  for (const auto& [index, row] : fault_rows_)
    run->load_faults(problem_index{index}, row);
  for (const auto& [index, task] : stored_) {
    const auto row = lease_rows_.find(index);
    if (row != lease_rows_.end() && task.state.status != task_status::done)
      run->load_lease(problem_index{index}, task.state, core_->lease_of(row->second, now_));
    else
      run->load(problem_index{index}, task.state);
  }
  core_->add_run(std::move(run), 0, now_);
  for (const oracle_record& oracle : oracles_)
    core_->expect_oracle(oracle.name, oracle.run, oracle.bits, oracle.there);
  pump_coordinator();
}

// What was committed stays; grants that waited for a sync may be lost.
void cluster_world::kill_coordinator() {
  oracles_ = core_->oracles();
  core_.reset();
  for (const commit_command& command : journal_)
    if (command.ticket == 0 && command.what.granted && random_.chance(0.5))
      lease_rows_[command.what.task.value] = *command.what.granted;
  journal_.clear();
  for (auto& node : peers_)
    if (node->connection != 0)
      break_connection(node->index);
  coordinator_back_ = now_ + ms(1 + random_.below(4000));
}

void cluster_world::boot_peer(std::size_t peer) {
  peer_node& node = *peers_[peer];
  node.boot = next_boot_++;
  link_rules rules;
  rules.build = "simulated";
  rules.boot = node.boot;
  rules.roles = node.roles;
  rules.slots = node.slots;
  rules.receipts = node.receipts;
  node.link = std::make_unique<link_core>(rules);
  node.link->count_bits(run_id, node.ledger.size());
  node.sender = std::make_unique<oracle>(exp_);
  node.connect_at = now_ + ms(random_.below(500));
}

void cluster_world::kill_peer(std::size_t peer) {
  peer_node& node = *peers_[peer];
  if (node.boot == 0)
    return;
  if (node.connection != 0)
    break_connection(peer);
  node.boot = 0;
  node.receipts = node.link->receipts();
  node.link.reset();
  node.sender.reset();
  node.runners.clear();
  node.back = now_ + ms(1 + random_.below(60'000));
}

// -- the network ---------------------------------------------------------------------------------

void cluster_world::connect(std::size_t peer) {
  peer_node& node = *peers_[peer];
  node.connection = next_connection_++;
  node.cut_in = node.cut_out = {};
  node.link->on_up(now_);
  pump_peer(peer);
}

// What is on the way is lost. The coordinator may hear of it, or not.
void cluster_world::break_connection(std::size_t peer) {
  peer_node& node = *peers_[peer];
  std::erase_if(net_, [&](const packet& p) { return p.connection == node.connection; });
  const connection_id gone{node.connection};
  node.connection = 0;
  node.connect_at = now_ + ms(200 + random_.below(10'000));
  if (node.link)
    node.link->on_down();
  if (core_ && random_.chance(0.5)) {
    core_->on_gone(gone);
    pump_coordinator();
  }
}

void cluster_world::post(std::size_t peer, bool to_peer, std::string bytes) {
  peer_node& node = *peers_[peer];
  if (faulty_ && random_.chance(faults_.lose))
    return;
  const auto cut = to_peer ? node.cut_in : node.cut_out;
  packet p{peer, to_peer, node.connection, std::move(bytes),
           std::max<run_clock::time_point>(now_ + ms(random_.below(20)), cut)};
  for (const packet& before : net_) // a connection keeps its order
    if (before.connection == p.connection && before.to_peer == to_peer)
      p.due = std::max(p.due, before.due);
  if (faulty_ && random_.chance(faults_.repeat))
    net_.push_back(p);
  net_.push_back(std::move(p));
}

void cluster_world::deliver(std::size_t at) {
  const packet p = std::move(net_[at]);
  net_.erase(net_.begin() + static_cast<std::ptrdiff_t>(at));
  peer_node& node = *peers_[p.peer];
  if (p.to_peer) {
    auto message = wire::decode_to_peer(p.bytes);
    expect(message.has_value(), "a frame to a peer is not read back");
    if (!message || !node.link || node.connection != p.connection)
      return;
    if (const auto* given = std::get_if<grant>(&*message))
      check_grant(node, *given);
    node.link->on_message(std::move(*message), now_);
    pump_peer(p.peer);
    return;
  }
  auto message = wire::decode_from_peer(p.bytes);
  expect(message.has_value(), "a frame of a peer is not read back");
  if (!message || !core_)
    return;
  core_->on_frame(connection_id{p.connection}, node.name, node.roles, std::move(*message), now_);
  pump_coordinator();
}

// -- invariants ----------------------------------------------------------------------------------

void cluster_world::check_grant(peer_node& node, const grant& given) {
  std::uint64_t& highest = highest_epoch_[given.task.problem.value];
  if (core_ && given.lease.value >> 32 == incarnation_) {
    const task_lease* held = core_->find(run_id)->tasks().find(given.task.problem);
    if (held != nullptr && held->number == given.lease)
      expect(stored_.at(given.task.problem.value).state.status != task_status::done,
             fmt::format("I3: task {} is done and was leased", given.task.problem.value));
  }
  highest = std::max(highest, given.lease.value);
  expect(node.roles.solver, "a grant went to a peer that is no solver");
}

plan_counts cluster_world::counts() const {
  plan_counts out;
  for (const auto& [index, task] : stored_) {
    out.done += task.state.status == task_status::done ? 1 : 0;
    out.quarantined += task.state.status == task_status::quarantined ? 1 : 0;
    out.failed += task.state.status == task_status::failed ? 1 : 0;
  }
  out.pending = stored_.size() - out.done - out.quarantined - out.failed;
  return out;
}

bool cluster_world::over() const {
  const plan_counts now = counts();
  return now.pending + now.failed == 0 && now.quarantined == poison_.size();
}

// -- the journal ---------------------------------------------------------------------------------

void cluster_world::commit_group() {
  commit_seq_ += journal_.empty() ? 0 : 1;
  const std::size_t size = 1 + random_.below(journal_.size());
  std::vector<std::uint64_t> tickets;
  for (std::size_t i = 0; i < size; ++i) {
    commit_command command = std::move(journal_.front());
    journal_.pop_front();
    const std::uint64_t index = command.what.task.value;
    stored_task& task = stored_.at(index);
    for (event& entry : command.what.events) {
      if (const auto* call = std::get_if<call_event>(&entry))
        expect(committed_calls_.insert(call->id).second, "I4: a call was committed twice");
      if (const auto* end = std::get_if<outcome_event>(&entry))
        expect(std::none_of(task.events.begin(), task.events.end(),
                            [&](const event& e) {
                              const auto* o = std::get_if<outcome_event>(&e);
                              return o != nullptr && o->where == end->where;
                            }),
               "I2: an arm has two outcomes");
      task.events.push_back(std::move(entry));
    }
    task.state.events = static_cast<std::uint32_t>(task.events.size());
    expect(task.state.status != task_status::done || !command.what.status,
           "I2: a done task changed its state");
    if (command.what.status)
      task.state.status = *command.what.status;
    released_[index] = released_[index] && task.state.status == task_status::quarantined;
    if (command.what.granted) {
      const auto old = lease_rows_.find(index);
      expect(old == lease_rows_.end() || old->second.number < command.what.granted->number,
             "I6: an epoch did not grow");
      lease_rows_[index] = *command.what.granted;
    }
    if (command.what.lease_ended)
      lease_rows_.erase(index);
    if (command.what.faults && !command.what.faults->empty())
      fault_rows_[index] = *command.what.faults;
    else if (command.what.faults)
      fault_rows_.erase(index);
    if (task.state.status == task_status::done)
      expect(!fault_rows_.contains(index), "the faults of a done task are kept");
    tickets.push_back(command.ticket);
  }
  for (const std::uint64_t ticket : tickets) {
    core_->on_committed(run_id, ticket, now_);
    pump_coordinator();
  }
}

void cluster_world::pump_coordinator() {
  if (const run_core* run = core_->find(run_id))
    expect(run->status().phase != run_phase::broken, "the run broke: " + run->status().failure);
  for (cluster_command& command : core_->take_commands(now_)) {
    if (auto* out = std::get_if<cluster_send>(&command)) {
      for (auto& node : peers_)
        if (node->connection == out->to.value && node->connection != 0) {
          if (node->deaf.count() > 0 && std::holds_alternative<grant>(out->what))
            node->cut_in = now_ + std::exchange(node->deaf, {});
          post(node->index, true, wire::encode(out->what));
        }
    } else if (auto* commit = std::get_if<commit_command>(&command)) {
      journal_.push_back(std::move(*commit));
    } else if (const auto* drop = std::get_if<cluster_drop>(&command)) {
      for (auto& node : peers_)
        if (node->connection == drop->to.value && node->connection != 0)
          break_connection(node->index);
    } else if (std::holds_alternative<close_journal>(command)) {
      core_->on_journal_end(run_id, "");
    }
  }
  for (const auto& node : peers_) {
    const fleet_peer* peer = nullptr;
    for (const fleet_peer& p : core_->peers().all())
      peer = p.name == node->name ? &p : peer;
    if (peer != nullptr && node->roles.solver && peer->slots > 0)
      expect(core_->find(run_id)->tasks().live(peer->id) <= peer->slots,
             "I7: a peer holds more than its slots");
  }
}

} // namespace tenbit::testing

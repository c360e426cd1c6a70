#include "workers/peer_actor.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/kill_point.hpp"
#include "workers/ledger_answers.hpp"
#include "workers/model_slots.hpp"
#include "workers/party_actors.hpp"
#include "workers/replica_reports.hpp"

namespace tenbit {
namespace {

// What one experiment has in this process.
struct bench {
  std::shared_ptr<const experiment> exp;
  std::shared_ptr<void> prepared;
  std::unique_ptr<client> calls;
  worker_actor worker;
  oracle_actor sender;
  grader_actor judge;
};

struct peer_state {
  static inline const char* name = "peer";
  peer_options options;
  std::unique_ptr<link_core> core;
  std::map<experiment_id, bench> benches;
  // Of operators, by URL and action, for the benches that come. The latest counts.
  std::map<std::pair<std::string, bool>, endpoint_order> orders;
  std::vector<oracle_append> unsynced; // bits that wait for the ledger
  // Not used any more, by the parties that are not down yet: those still speak to its client.
  std::map<caf::actor_addr, std::shared_ptr<bench>> ending;
  bool flush_sent = false;
  bool over = false;
  bool hangs = false;            // one of its parties
  link_clock::time_point looked; // at the replicas
};
using peer_pointer = peer_actor::stateful_pointer<peer_state>;

void carry_out(peer_pointer self);
void say(peer_pointer self, from_peer message);

constexpr const char* another_question = "the oracle's own ledger has another question at this bit";

// -- experiments ---------------------------------------------------------------------------------

expected<bench, std::string> make_bench(peer_pointer self, const experiment_text& text) {
  peer_state& state = self->state;
  auto exp = parse_experiment(text.toml, "the coordinator's experiment", {}, file_check::skipped);
  if (!exp)
    return fail(exp.error().empty() ? std::string("it cannot be read")
                                    : exp.error().front().text());
  bench one;
  auto prepared = state.options.prepare(*exp);
  if (!prepared)
    return fail(prepared.error());
  one.prepared = std::move(*prepared);
  one.exp = std::make_shared<const experiment>(std::move(*exp));
  auto calls = client::start(models_of(*one.exp, state.options.rules.roles));
  if (!calls)
    return fail(calls.error());
  one.calls = std::move(*calls);
  for (const auto& [which, what] : state.orders)
    one.calls->order(what);
  const role_set roles = state.options.rules.roles;
  if (roles.solver)
    one.worker = spawn_worker(self->system(), one.exp, *one.calls, self);
  if (roles.oracle)
    one.sender = spawn_oracle(self->system(), one.exp, *one.calls, self);
  if (roles.grader)
    one.judge = spawn_grader(self->system(), one.exp, self);
  return one;
}

// What this process lacks for one experiment is no reason to end the others.
void open_bench(peer_pointer self, const experiment_text& text) {
  peer_state& state = self->state;
  auto one = make_bench(self, text);
  if (!one) {
    state.options.on_note("cannot work on an experiment of the coordinator: " + one.error());
    state.core->refuse(text.experiment, one.error(), link_clock::now());
    return;
  }
  if (state.options.slots_auto && state.options.rules.roles.solver)
    state.core->set_slots(state.options.slots_of(*one->exp), link_clock::now());
  state.options.on_note(fmt::format("working on {}", one->exp->name));
  state.benches.insert_or_assign(text.experiment, std::move(*one));
}

// Its client goes when its parties are down.
void close_bench(peer_pointer self, experiment_id id) {
  peer_state& state = self->state;
  auto node = state.benches.extract(id);
  if (node.empty())
    return;
  const auto one = std::make_shared<bench>(std::move(node.mapped()));
  const auto end = [&](const auto& party) {
    if (!party)
      return;
    state.ending.emplace(caf::actor_cast<caf::actor_addr>(party), one);
    state.core->on_lives(party.id());
    self->monitor(party);
    self->send_exit(party, caf::exit_reason::user_shutdown);
  };
  end(one->worker);
  end(one->sender);
  end(one->judge);
  state.options.on_note(fmt::format("nothing to do for {}: closed until there is", one->exp->name));
}

void take_order(peer_pointer self, const endpoint_order& what) {
  peer_state& state = self->state;
  const std::pair which(what.url, what.action == endpoint_action::limit);
  if (!state.orders.contains(which) && state.orders.size() >= 2 * limits::endpoint_orders_max) {
    state.options.on_note("too many orders for endpoints; one is ignored");
    return;
  }
  state.orders.insert_or_assign(which, what);
  for (auto& [id, one] : state.benches)
    one.calls->order(what);
}

// -- from the link to the parties ----------------------------------------------------------------

struct pass_on {
  peer_pointer self;

  bench* of(const task_id& task) const {
    const auto place = self->state.benches.find(task.experiment);
    return place == self->state.benches.end() ? nullptr : &place->second;
  }
  template <class Message> void to_worker(Message& m) const {
    if (bench* one = of(m.task); one != nullptr && one->worker)
      self->send(one->worker, std::move(m));
  }
  template <class Message> void to_sender(const task_id& task, Message&& m) const {
    if (bench* one = of(task); one != nullptr && one->sender)
      self->send(one->sender, std::forward<Message>(m));
  }
  void operator()(grant& m) const { to_worker(m); }
  void operator()(appended& m) const { to_worker(m); }
  void operator()(bits_reply& m) const { to_worker(m); }
  void operator()(text_reply& m) const { to_worker(m); }
  void operator()(arm_closed& m) const { to_worker(m); }
  void operator()(revoke& m) const { to_worker(m); }
  void operator()(hand_back& m) const { to_worker(m); }
  void operator()(oracle_ask& m) const {
    const task_id task = m.task;
    if (self->state.options.ledger && asked_otherwise(*self->state.options.ledger, m))
      say(self, oracle_failed{task, m.ticket, {call_error::diverged, another_question}});
    else
      to_sender(task, std::move(m));
  }
  void operator()(oracle_text& m) const {
    const task_id task = m.task;
    to_sender(task, std::move(m));
  }
  void operator()(oracle_appended& m) const { to_sender(m.what.task, m.what); }
  void operator()(forget_task& m) const { to_sender(m.task, m); }
  void operator()(grade_request& m) const {
    if (bench* one = of(m.finished.task); one != nullptr && one->judge)
      self->send(one->judge, std::move(m));
  }
  void operator()(experiment_text& m) const { open_bench(self, m); }
  void operator()(endpoint_order& m) const { take_order(self, m); }
  // Of the session: the link's own.
  void operator()(welcome&) const {}
  void operator()(refused&) const {}
  void operator()(hello_wanted&) const {}
  void operator()(heartbeat_ack&) const {}
  void operator()(leave_order&) const {}
  void operator()(release_ack&) const {}
};

void ask_progress_of_all(peer_pointer self) {
  const auto now = link_clock::now();
  const auto ask = [&](const auto& party) {
    if (!party)
      return;
    self->state.core->on_asked(party.id(), now);
    self->send(party, progress_wanted{});
  };
  for (auto& [id, one] : self->state.benches) {
    if (one.worker)
      self->send(one.worker, progress_wanted{});
    ask(one.sender);
    ask(one.judge);
  }
}

void carry_out(peer_pointer self) {
  peer_state& state = self->state;
  for (;;) {
    auto commands = state.core->take_commands();
    if (commands.empty())
      return;
    for (link_command& command : commands) {
      if (const auto* out = std::get_if<to_wire>(&command)) {
        // What is not taken is sent again after the next welcome.
        (void)state.options.send(*out->what);
      } else if (auto* in = std::get_if<to_party>(&command)) {
        std::visit(pass_on{self}, in->what);
      } else if (std::holds_alternative<ask_progress>(command)) {
        ask_progress_of_all(self);
      } else if (const auto& end = std::get<link_over>(command); !std::exchange(state.over, true)) {
        state.options.on_over(end.reason, end.in_order);
      }
    }
  }
}

// -- from the parties to the link ----------------------------------------------------------------

void say(peer_pointer self, from_peer message) {
  self->state.core->on_local(std::move(message), link_clock::now());
  carry_out(self);
}

// A bit leaves when it is in this oracle's own ledger, synced.
void flush_ledger(peer_pointer self) {
  peer_state& state = self->state;
  state.flush_sent = false;
  if (state.over)
    return; // nothing is given after a failed sync
  std::vector<from_peer> out;
  for (oracle_append& append : std::exchange(state.unsynced, {})) {
    if (state.options.ledger && !enter_bits(*state.options.ledger, append.task, append.events))
      out.emplace_back(
          oracle_failed{append.task, append.ask, {call_error::diverged, another_question}});
    else
      out.emplace_back(std::move(append));
  }
  if (state.options.ledger) {
    if (const auto synced = state.options.ledger->sync(); !synced) {
      state.options.on_over(synced.error(), false);
      state.over = true;
      return; // nothing may leave
    }
    for (const auto& [run, bits] : state.options.ledger->counts())
      state.core->count_bits(run, bits);
  }
  for (from_peer& message : out)
    say(self, std::move(message));
}

void on_append(peer_pointer self, oracle_append& append) {
  const bool bits = std::any_of(append.events.begin(), append.events.end(), [](const event& e) {
    return std::holds_alternative<bit_event>(e);
  });
  if (!bits) {
    say(self, std::move(append));
    return;
  }
  self->state.unsynced.push_back(std::move(append));
  if (!std::exchange(self->state.flush_sent, true))
    self->send(self, ledger_flush{});
}

// -- the models ----------------------------------------------------------------------------------

// What the replicas do goes into the next heartbeat; a worker none of whose models can be called
// takes no task.
void look_at_models(peer_pointer self, link_clock::time_point now) {
  peer_state& state = self->state;
  if (now - state.looked < limits::cluster_status_period)
    return;
  state.looked = now;
  std::vector<replica_report> reports;
  std::uint32_t slots = state.benches.empty() ? state.options.rules.slots : 0;
  for (const auto& [id, one] : state.benches) {
    const auto models = one.calls->snapshot();
    const std::uint32_t full =
        state.options.slots_auto ? state.options.slots_of(*one.exp) : state.options.rules.slots;
    slots = std::max(slots, slots_now(models, full, now));
    for (const model_snapshot& model : models) {
      for (const replica_snapshot& replica : model.replicas)
        reports.push_back(report_of(model.alias, replica));
    }
  }
  state.core->set_replicas(std::move(reports));
  if (state.options.rules.roles.solver)
    state.core->set_slots(slots, now);
}

void on_tick(peer_pointer self) {
  peer_state& state = self->state;
  if (state.over)
    return;
  const auto now = link_clock::now();
  for (const experiment_id id : state.core->take_idle(now))
    close_bench(self, id);
  look_at_models(self, now);
  if (const bool hangs = state.core->hangs(now); std::exchange(state.hangs, hangs) != hangs)
    state.options.on_note(hangs
                              ? "an oracle or grader of this process hangs: no heartbeat until it "
                                "answers, so that others get its work"
                              : "the oracle or grader that hung answers again");
  state.core->on_tick(now);
  carry_out(self);
  self->delayed_send(self, limits::status_period, tick{});
}

void on_message(peer_pointer self, const link_message& m) {
  peer_state& state = self->state;
  const std::uint64_t before = state.core->incarnation();
  const bool receipts = std::holds_alternative<heartbeat_ack>(*m.what);
  state.core->on_message(std::move(*m.what), link_clock::now());
  if (state.core->incarnation() > before)
    state.options.on_incarnation(state.core->incarnation());
  if (receipts && state.options.on_receipts)
    state.options.on_receipts(state.core->receipts());
  carry_out(self);
}

void leave(peer_pointer self, const std::string& reason) {
  for (auto& [id, one] : self->state.benches)
    one.calls->drain();
  self->state.core->leave(reason, link_clock::now());
  carry_out(self);
}

peer_actor::behavior_type peer(peer_pointer self, std::shared_ptr<peer_options> options) {
  end_process_on_exception(self, "peer");
  self->state.options = std::move(*options);
  self->state.core = std::make_unique<link_core>(self->state.options.rules);
  if (self->state.options.ledger)
    for (const auto& [run, bits] : self->state.options.ledger->counts())
      self->state.core->count_bits(run, bits);
  self->set_down_handler([self](const caf::down_msg& m) { self->state.ending.erase(m.source); });
  self->send(self, tick{});
  return {
      [self](append_request& m) {
        TENBIT_KILL_POINT("worker_append");
        say(self, std::move(m));
      },
      [self](ask_message& m) { say(self, std::move(m)); },
      [self](text_request& m) { say(self, std::move(m)); },
      [self](oracle_text_reply& m) { say(self, std::move(m)); },
      [self](arm_finished& m) {
        TENBIT_KILL_POINT("worker_finished");
        say(self, std::move(m));
      },
      [self](const task_released& m) {
        TENBIT_KILL_POINT("worker_released");
        say(self, m);
      },
      [self](oracle_append& m) { on_append(self, m); },
      [self](oracle_failed& m) { say(self, std::move(m)); },
      [self](const forgotten& m) {
        flush_ledger(self); // its last bits go before it
        say(self, m);
      },
      [self](graded& m) { say(self, std::move(m)); },
      [self](progress_report& m) { self->state.core->on_progress(std::move(m)); },
      [self](const party_lives&) { self->state.core->on_lives(self->current_sender()->id()); },
      [self](const link_up&) {
        self->state.core->on_up(link_clock::now());
        carry_out(self);
      },
      [self](const link_down& m) {
        self->state.core->on_down();
        self->state.options.on_note("connection lost: " + m.reason);
      },
      [self](const link_message& m) { on_message(self, m); },
      [self](const leave_request& m) { leave(self, m.reason); },
      [self](const ledger_flush&) {
        flush_ledger(self);
        carry_out(self);
      },
      [self](const tick&) { on_tick(self); },
  };
}

} // namespace

peer_actor spawn_peer(caf::actor_system& system, peer_options options) {
  return system.spawn<caf::detached>(peer, std::make_shared<peer_options>(std::move(options)));
}

} // namespace tenbit

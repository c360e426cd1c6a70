// cluster_world: the processes beside the coordinator, and the calls they make.
#include <algorithm>
#include <fmt/format.h>

#include "tests/coordinator/cluster_world.hpp"

namespace tenbit::testing {

// -- peers ---------------------------------------------------------------------------------------

void cluster_world::pump_peer(std::size_t peer) {
  peer_node& node = *peers_[peer];
  while (node.link) {
    auto commands = node.link->take_commands();
    if (commands.empty())
      return;
    for (link_command& command : commands) {
      if (!node.link)
        return; // it died of what it was given
      if (auto* out = std::get_if<to_wire>(&command)) {
        if (node.connection != 0)
          post(peer, false, wire::encode(*out->what));
      } else if (auto* in = std::get_if<tenbit::to_party>(&command)) {
        to_party(node, std::move(in->what));
      } else if (std::holds_alternative<ask_progress>(command)) {
        progress_report report;
        for (const auto& [task, runner] : node.runners)
          report.leases.push_back(runner.progress());
        node.link->on_progress(std::move(report));
      } else {
        expect(false, "a link ended: " + std::get<link_over>(command).reason);
      }
    }
  }
}

void cluster_world::to_party(peer_node& node, to_peer message) {
  const auto with = [&](task_id task, auto&& step) {
    if (const auto place = node.runners.find(task); place != node.runners.end())
      carry_out(node, task, step(place->second));
  };
  if (auto* given = std::get_if<grant>(&message)) {
    const task_id task = given->task;
    if (poison_.contains(task.problem.value)) {
      kill_peer(node.index);
      ++poisoned_;
      coordinator_dies_ = both_die_;
      return;
    }
    const auto place = node.runners.try_emplace(task, exp_, recipes_, std::move(*given)).first;
    carry_out(node, task, place->second.start());
  } else if (const auto* a = std::get_if<appended>(&message)) {
    with(a->task, [&](task_runner& r) { return r.on_appended(a->ticket); });
  } else if (const auto* b = std::get_if<bits_reply>(&message)) {
    with(b->task, [&](task_runner& r) { return r.on_bits(*b); });
  } else if (auto* t = std::get_if<text_reply>(&message)) {
    const task_id task = t->task;
    with(task, [&](task_runner& r) { return r.on_text(std::move(*t)); });
  } else if (const auto* c = std::get_if<arm_closed>(&message)) {
    with(c->task, [&](task_runner& r) { return r.on_closed(c->where); });
  } else if (const auto* h = std::get_if<hand_back>(&message)) {
    with(h->task, [&](task_runner& r) { return r.on_hand_back(); });
  } else if (const auto* over = std::get_if<revoke>(&message)) {
    node.runners.erase(over->task);
  } else if (auto* ask = std::get_if<oracle_ask>(&message)) {
    carry_out(node, node.sender->on_ask(std::move(*ask)));
  } else if (auto* text = std::get_if<oracle_text>(&message)) {
    carry_out(node, node.sender->on_text(std::move(*text)));
  } else if (const auto* done = std::get_if<oracle_appended>(&message)) {
    carry_out(node, node.sender->on_appended(done->what.task, done->what.ticket));
  } else if (const auto* f = std::get_if<forget_task>(&message)) {
    carry_out(node, node.sender->forget(f->task));
  } else if (const auto* g = std::get_if<grade_request>(&message)) {
    node.link->on_local(graded{g->finished.task, grader(exp_).grade(*g)}, now_);
  }
}

void cluster_world::carry_out(peer_node& node, task_id task, std::vector<runner_command> commands) {
  for (runner_command& command : commands) {
    if (auto* call = std::get_if<start_call>(&command)) {
      start(node, false, task, std::move(*call));
    } else if (auto* released = std::get_if<task_released>(&command)) {
      node.link->on_local(*released, now_);
      node.runners.erase(task);
    } else if (auto* append = std::get_if<append_request>(&command)) {
      node.link->on_local(std::move(*append), now_);
    } else if (auto* ask = std::get_if<ask_message>(&command)) {
      node.link->on_local(std::move(*ask), now_);
    } else if (auto* text = std::get_if<text_request>(&command)) {
      node.link->on_local(std::move(*text), now_);
    } else {
      node.link->on_local(std::move(std::get<arm_finished>(command)), now_);
    }
  }
}

void cluster_world::carry_out(peer_node& node, std::vector<oracle_command> commands) {
  for (oracle_command& command : commands) {
    if (auto* call = std::get_if<oracle_call>(&command))
      start(node, true, call->task, std::move(call->call));
    else if (auto* append = std::get_if<oracle_append>(&command)) {
      for (const event& entry : append->events)
        if (const auto* bit = std::get_if<bit_event>(&entry))
          node.ledger.emplace(append->task.problem.value, bit->where, bit->index.value);
      node.link->count_bits(run_id, node.ledger.size());
      node.link->on_local(std::move(*append), now_);
    } else if (auto* failed = std::get_if<oracle_failed>(&command))
      node.link->on_local(std::move(*failed), now_);
    else if (auto* text = std::get_if<oracle_text_reply>(&command))
      node.link->on_local(std::move(*text), now_);
    else
      node.link->on_local(std::get<forgotten>(command), now_);
  }
}

void cluster_world::start(peer_node& node, bool of_oracle, task_id task, start_call call) {
  if (committed_calls_.contains(call.id))
    ++repeated_;
  const epoch lease = of_oracle ? epoch{} : node.runners.at(task).lease();
  calls_.push_back({node.index, node.boot, of_oracle, task, lease, std::move(call)});
}

void cluster_world::answer_call() {
  const auto at = static_cast<std::ptrdiff_t>(random_.below(calls_.size()));
  wire_call call = std::move(calls_[static_cast<std::size_t>(at)]);
  calls_.erase(calls_.begin() + at);
  peer_node& node = *peers_[call.peer];
  if (node.boot != call.boot)
    return; // its process died
  call_result result = model_(call.call.model, call.call.canonical);
  if (call.of_oracle) {
    carry_out(node, node.sender->on_call(call.task, call.call.id, std::move(result), 1));
  } else if (const auto place = node.runners.find(call.task); place != node.runners.end()) {
    if (place->second.lease() == call.lease)
      carry_out(node, call.task, place->second.on_call(call.call.id, std::move(result), 1));
  }
  pump_peer(call.peer);
}

} // namespace tenbit::testing

// A link_core in a test's hands.
#pragma once

#include <gtest/gtest.h>
#include <vector>

#include "workers/link_core.hpp"

namespace tenbit::testing {

using namespace std::chrono_literals;

inline constexpr experiment_id exp_id{7};
inline constexpr task_id t0{exp_id, problem_index{0}}, t1{exp_id, problem_index{1}};

inline grant grant_of(task_id task, std::uint64_t number) {
  grant out;
  out.task = task;
  out.lease = epoch{number};
  out.item = std::make_shared<const problem>();
  out.journal = std::make_shared<const std::vector<event>>();
  return out;
}

inline append_request append_of(task_id task, std::uint64_t number, std::uint64_t ticket,
                                std::size_t bytes = 10) {
  call_event call;
  call.reply.text.assign(bytes, 'x');
  return {task, epoch{number}, ticket, {call}};
}

struct Link : ::testing::Test {
  link_core core{link_rules{"test", 42, {true, true, false}, 3, 0}};
  link_clock::time_point now{1h};
  std::vector<from_peer> wire;
  std::vector<to_peer> party;
  std::vector<link_over> overs;
  int asked = 0;

  void pump() {
    for (link_command& command : core.take_commands()) {
      if (auto* out = std::get_if<to_wire>(&command))
        wire.push_back(*out->what);
      else if (auto* in = std::get_if<to_party>(&command))
        party.push_back(std::move(in->what));
      else if (auto* over = std::get_if<link_over>(&command))
        overs.push_back(*over);
      else
        ++asked;
    }
  }
  template <class Message> std::vector<Message> sent() {
    pump();
    return only<Message>(wire);
  }
  template <class Message> std::vector<Message> given() {
    pump();
    return only<Message>(party);
  }
  template <class Message, class All> static std::vector<Message> only(const All& all) {
    std::vector<Message> out;
    for (const auto& message : all)
      if (const auto* m = std::get_if<Message>(&message))
        out.push_back(*m);
    return out;
  }
  void forget() {
    pump();
    wire.clear();
    party.clear();
  }
  void greet(std::uint64_t incarnation = 5) {
    core.on_message(welcome{incarnation, 30'000, 5'000, "anna"}, now);
  }
  // Up, welcome, and the experiment's text.
  void start() {
    core.on_up(now);
    greet();
    core.on_message(experiment_text{exp_id, "x"}, now);
    forget();
  }
  void take(task_id task, std::uint64_t number) { core.on_message(grant_of(task, number), now); }
  void tick(link_clock::duration later) {
    now += later;
    core.on_tick(now);
  }
};

} // namespace tenbit::testing

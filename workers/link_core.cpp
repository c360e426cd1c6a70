#include "workers/link_core.hpp"

#include <algorithm>
#include <utility>

namespace tenbit {
namespace {

// More than a network has of copies that come late.
constexpr std::size_t ended_leases_kept = 1024;

// Which alternative of from_peer a message is.
template <class Message> constexpr std::size_t type_of = from_peer(Message{}).index();

std::uint64_t number_of(const arm_trial& where) {
  return std::uint64_t{where.arm.value} << 16 | where.trial.value;
}

std::size_t bytes_of(const std::vector<event>& events) {
  std::size_t out = 0;
  for (const event& entry : events)
    if (const auto* call = std::get_if<call_event>(&entry))
      out += call->request.size() + call->reply.text.size();
  return out + 256 * events.size();
}

} // namespace

std::vector<link_command> link_core::take_commands() {
  return std::exchange(commands_, {});
}

void link_core::send(from_peer message) {
  commands_.emplace_back(to_wire{std::make_shared<const from_peer>(std::move(message))});
}

// -- the session ---------------------------------------------------------------------------------

void link_core::on_up(link_clock::time_point now) {
  up_ = true;
  say_hello(now);
}

void link_core::say_hello(link_clock::time_point now) {
  welcomed_ = false;
  if (hangs(now))
    return; // it would get work again
  hello_at_ = now;
  hello out;
  out.build = rules_.build;
  out.boot = rules_.boot;
  out.incarnation_seen = rules_.incarnation_seen;
  out.roles = rules_.roles;
  out.slots = leaving_ ? 0 : rules_.slots;
  for (const auto& [task, lease] : held_)
    out.leases.push_back({task, lease});
  for (const task_id& task : sessions_)
    out.leases.push_back({task, epoch{}});
  for (const auto& [run, bits] : ledgers_)
    out.ledgers.push_back({run, bits});
  out.receipts = rules_.receipts;
  send(std::move(out));
}

void link_core::on_session(const to_peer& message, link_clock::time_point now) {
  if (const auto* greeting = std::get_if<welcome>(&message)) {
    if (greeting->incarnation < rules_.incarnation_seen) {
      commands_.emplace_back(
          link_over{"the coordinator is an older copy than one this process has worked for"});
      return;
    }
    rules_.incarnation_seen = greeting->incarnation;
    beat_period_ = std::chrono::milliseconds(greeting->heartbeat_ms);
    next_beat_ = now; // its figures are wanted at once
    welcomed_ = true;
    window_ = 0;
    for (auto& [which, entry] : outbox_)
      entry.sent = false;
    send_kept(now);
  } else if (const auto* no = std::get_if<refused>(&message)) {
    if (no->for_good)
      commands_.emplace_back(link_over{"refused by the coordinator: " + no->reason});
  } else if (std::holds_alternative<hello_wanted>(message)) {
    if (welcomed_) // else it is on its way: each frame before it is answered so
      say_hello(now);
  } else if (const auto* order = std::get_if<leave_order>(&message)) {
    leave(order->reason, now);
  } else if (const auto* text = std::get_if<experiment_text>(&message)) {
    const bool fresh = known_.insert_or_assign(text->experiment, now).second;
    if (refused_.erase(text->experiment) > 0 || fresh) // after a hello it is tried again
      commands_.emplace_back(to_party{*text});
  } else if (const auto* ack = std::get_if<heartbeat_ack>(&message)) {
    std::for_each(ack->receipts.begin(), ack->receipts.end(),
                  [this](const receipt& one) { keep_receipt(one); });
  } else if (std::holds_alternative<endpoint_order>(message)) {
    commands_.emplace_back(to_party{message}); // for the clients of this process
  }
}

void link_core::leave(const std::string& reason, link_clock::time_point now) {
  if (std::exchange(leaving_, true))
    return;
  leave_reason_ = reason;
  set_slots(0, now);
  for (const auto& [task, lease] : held_)
    commands_.emplace_back(to_party{hand_back{task, lease}});
  end_if_left();
}

void link_core::end_if_left() {
  // What an oracle paid for and is not acknowledged yet would be lost with it.
  if (!leaving_ || over_ || !held_.empty() || !outbox_.empty())
    return;
  over_ = true;
  if (welcomed_)
    send(goodbye{leave_reason_});
  commands_.emplace_back(link_over{leave_reason_, true});
}

// -- heartbeats ----------------------------------------------------------------------------------

void link_core::set_slots(std::uint32_t slots, link_clock::time_point now) {
  if (std::exchange(rules_.slots, slots) != slots)
    next_beat_ = now;
}

void link_core::on_progress(progress_report report) {
  for (const lease_progress& entry : report.leases)
    progress_[entry.task] = entry;
}

bool link_core::hangs(link_clock::time_point now) const {
  return std::any_of(asked_.begin(), asked_.end(),
                     [&](const auto& party) { return now - party.second > rules_.party_patience; });
}

void link_core::beat(link_clock::time_point now) {
  if (hangs(now))
    return;
  heartbeat out;
  out.boot = rules_.boot;
  out.number = ++beats_;
  out.slots = leaving_ ? 0 : rules_.slots;
  for (const auto& [task, entry] : std::exchange(progress_, {}))
    if (const auto held = held_.find(task); held != held_.end() && held->second == entry.lease)
      out.leases.push_back(entry);
  // Released, and only the acknowledgement is open: nothing is left that could hang.
  for (const auto& [which, entry] : outbox_)
    if (std::get<0>(which) == type_of<task_released>)
      out.leases.push_back({std::get<1>(which), std::get<2>(which)});
  out.replicas = replicas_;
  send(std::move(out));
  commands_.emplace_back(ask_progress{});
}

void link_core::on_tick(link_clock::time_point now) {
  if (up_ && !welcomed_ && now - hello_at_ > limits::welcome_timeout)
    say_hello(now);
  if (!welcomed_)
    return;
  if (now >= next_beat_) {
    next_beat_ = now + beat_period_;
    beat(now);
  }
  for (auto& [which, entry] : outbox_)
    if (entry.sent && now - entry.sent_at > limits::resend_period) {
      entry.sent_at = now;
      commands_.emplace_back(to_wire{entry.message});
    }
}

// -- what is kept until it is answered -----------------------------------------------------------

void link_core::keep(const key& which, from_peer message, std::size_t bytes,
                     link_clock::time_point now) {
  kept& entry = outbox_[which];
  entry = {std::make_shared<const from_peer>(std::move(message)), bytes, false, now};
  if (welcomed_ && (bytes == 0 || window_ <= limits::outbox_bytes_max))
    send_entry(entry, now);
}

void link_core::send_entry(kept& entry, link_clock::time_point now) {
  entry.sent = true;
  entry.sent_at = now;
  window_ += entry.bytes;
  commands_.emplace_back(to_wire{entry.message});
}

// Sends what was not sent on this connection, as far as the window reaches.
void link_core::send_kept(link_clock::time_point now) {
  if (!welcomed_)
    return;
  for (auto& [which, entry] : outbox_) {
    if (entry.sent || (entry.bytes > 0 && window_ > limits::outbox_bytes_max))
      continue;
    send_entry(entry, now);
  }
}

bool link_core::answered(const key& which, link_clock::time_point now) {
  const auto place = outbox_.find(which);
  if (place == outbox_.end())
    return false;
  const bool was_full = window_ > limits::outbox_bytes_max;
  if (place->second.sent)
    window_ -= place->second.bytes;
  outbox_.erase(place);
  if (was_full)
    send_kept(now);
  return true;
}

void link_core::on_local(from_peer message, link_clock::time_point now) {
  const auto is_held = [this](const auto& m) {
    const auto place = held_.find(m.task);
    return place != held_.end() && place->second == m.lease;
  };
  const auto keep_if_held = [&](auto& m, std::uint64_t number, std::size_t bytes) {
    const key which{message.index(), m.task, m.lease, number};
    if (is_held(m)) // else the lease was revoked while this was on its way
      keep(which, std::move(message), bytes, now);
  };
  if (auto* append = std::get_if<append_request>(&message)) {
    keep_if_held(*append, append->ticket, bytes_of(append->events));
  } else if (auto* ask = std::get_if<ask_message>(&message)) {
    keep_if_held(*ask, ask->ticket, 0);
  } else if (auto* text = std::get_if<text_request>(&message)) {
    keep_if_held(*text, text->ticket, 0);
  } else if (auto* finished = std::get_if<arm_finished>(&message)) {
    keep_if_held(*finished, number_of(finished->where), finished->bitstream.size() + 256);
  } else if (auto* released = std::get_if<task_released>(&message)) {
    keep_if_held(*released, 0, 0);
  } else if (auto* append_sender = std::get_if<oracle_append>(&message)) {
    const key which{message.index(), append_sender->task, epoch{}, append_sender->ticket};
    const std::size_t bytes = bytes_of(append_sender->events);
    keep(which, std::move(message), bytes, now);
  } else {
    if (const auto* gone = std::get_if<forgotten>(&message))
      sessions_.erase(gone->task);
    if (welcomed_) // what is lost with the connection is asked for again
      send(std::move(message));
  }
}

// -- leases --------------------------------------------------------------------------------------

// A grant that comes after its own end is a copy: what its runner had on the wire would meet
// another runner of the same lease.
bool link_core::is_over(task_id task, epoch lease) const {
  return std::any_of(ended_.begin(), ended_.end(),
                     [&](const auto& one) { return one.first == task && one.second >= lease; });
}

void link_core::on_grant(grant given, link_clock::time_point now) {
  if (is_over(given.task, given.lease))
    return;
  const auto place = held_.find(given.task);
  if (place != held_.end()) {
    if (place->second >= given.lease)
      return; // a copy, or late
    commands_.emplace_back(to_party{revoke{given.task, place->second, "granted anew"}});
    end_lease(given.task, now);
  }
  held_[given.task] = given.lease;
  if (leaving_ || refused_.contains(given.task.experiment)) // it crossed what we said
    give_back(given.task, now);
  else
    commands_.emplace_back(to_party{std::move(given)});
}

void link_core::give_back(task_id task, link_clock::time_point now) {
  on_local(from_peer(task_released{task, held_.at(task), release_kind::interrupted, 0}), now);
}

void link_core::end_lease(task_id task, link_clock::time_point now) {
  const auto place = held_.find(task);
  if (place == held_.end())
    return;
  std::erase_if(outbox_, [&](const auto& entry) {
    const bool its = std::get<1>(entry.first) == task && std::get<2>(entry.first) == place->second;
    if (its && entry.second.sent)
      window_ -= entry.second.bytes;
    return its;
  });
  ended_.emplace_back(task, place->second);
  if (ended_.size() > ended_leases_kept)
    ended_.pop_front();
  held_.erase(place);
  send_kept(now); // the window may have room now
}

namespace {

std::optional<experiment_id> work_of(const to_peer& message) {
  if (const auto* given = std::get_if<grant>(&message))
    return given->task.experiment;
  if (const auto* ask = std::get_if<oracle_ask>(&message))
    return ask->task.experiment;
  if (const auto* text = std::get_if<oracle_text>(&message))
    return text->task.experiment;
  if (const auto* request = std::get_if<grade_request>(&message))
    return request->finished.task.experiment;
  return std::nullopt;
}

} // namespace

void link_core::on_message(to_peer message, link_clock::time_point now) {
  if (const auto about = work_of(message); about && !known_.contains(*about)) {
    if (welcomed_)
      say_hello(now); // its text was lost; after a hello it comes again
    return;
  } else if (about) {
    known_[*about] = now;
    if (refuses(message, *about, now))
      return;
  }
  const auto forward = [&] { commands_.emplace_back(to_party{std::move(message)}); };
  if (auto* given = std::get_if<grant>(&message)) {
    on_grant(std::move(*given), now);
  } else if (const auto* done = std::get_if<appended>(&message)) {
    if (answered({type_of<append_request>, done->task, done->lease, done->ticket}, now))
      forward();
  } else if (const auto* bits = std::get_if<bits_reply>(&message)) {
    if (answered({type_of<ask_message>, bits->task, bits->lease, bits->ticket}, now))
      forward();
  } else if (const auto* text = std::get_if<text_reply>(&message)) {
    if (answered({type_of<text_request>, text->task, text->lease, text->ticket}, now))
      forward();
  } else if (const auto* closed = std::get_if<arm_closed>(&message)) {
    if (answered({type_of<arm_finished>, closed->task, closed->lease, number_of(closed->where)},
                 now))
      forward();
  } else if (const auto* ack = std::get_if<release_ack>(&message)) {
    if (answered({type_of<task_released>, ack->task, ack->lease, 0}, now))
      end_lease(ack->task, now);
    end_if_left();
  } else if (const auto* over = std::get_if<revoke>(&message)) {
    const auto place = held_.find(over->task);
    if (place == held_.end() || place->second != over->lease)
      return;
    end_lease(over->task, now);
    forward();
    end_if_left();
  } else if (const auto* back = std::get_if<hand_back>(&message)) {
    if (const auto place = held_.find(back->task);
        place != held_.end() && place->second == back->lease)
      forward();
  } else {
    on_oracle(std::move(message), now);
  }
}

void link_core::on_oracle(to_peer message, link_clock::time_point now) {
  if (const auto* done = std::get_if<oracle_appended>(&message)) {
    const key which{type_of<oracle_append>, done->what.task, epoch{}, done->what.ticket};
    if (answered(which, now))
      commands_.emplace_back(to_party{std::move(message)});
    end_if_left();
  } else if (const auto* forget = std::get_if<forget_task>(&message)) {
    if (!sessions_.contains(forget->task))
      send(forgotten{forget->task});
    else
      commands_.emplace_back(to_party{std::move(message)});
  } else if (const auto* ask = std::get_if<oracle_ask>(&message)) {
    sessions_.insert(ask->task);
    commands_.emplace_back(to_party{std::move(message)});
  } else if (const auto* text = std::get_if<oracle_text>(&message)) {
    sessions_.insert(text->task);
    commands_.emplace_back(to_party{std::move(message)});
  } else if (std::holds_alternative<grade_request>(message)) {
    commands_.emplace_back(to_party{std::move(message)});
  } else {
    on_session(message, now);
  }
}

} // namespace tenbit

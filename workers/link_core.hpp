// A peer's side of the link to the coordinator: what has no reply is kept and sent again after
// every reconnect, copies of replies are dropped, leases that ended elsewhere are ended here.
//
// Pure: messages and `now` in, commands out. The parties of the process (worker, oracle, grader)
// speak through it as if the coordinator were in the same process. Owned by the link actor;
// single-threaded. What crosses and what copies do: the top of actors/wire.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include "actors/session.hpp"
#include "config/limits.hpp"

namespace tenbit {

using link_clock = std::chrono::steady_clock;

// -- commands ------------------------------------------------------------------------------------
struct to_wire {
  std::shared_ptr<const from_peer> what;
};
// For the parties of this process, experiments included (before the first message of each).
struct to_party {
  to_peer what;
};
// Every worker of the process is to say how its leases do, the others that they live.
struct ask_progress {};
// The link is over: the process shows the reason and ends. for_good: starting it again is no use.
struct link_over {
  std::string reason;
  bool in_order = false; // it left as it was told
};
using link_command = std::variant<to_wire, to_party, ask_progress, link_over>;

struct link_rules {
  std::string build;
  std::uint64_t boot = 0; // random
  role_set roles;
  std::uint32_t slots = 1;
  std::uint64_t incarnation_seen = 0; // highest, of earlier lives too where it is kept
  std::vector<receipt> receipts = {}; // of earlier lives, one of each experiment
  link_clock::duration experiment_idle = limits::experiment_idle_max; // test seam
  link_clock::duration party_patience = limits::party_patience;       // likewise
};

class link_core {
public:
  explicit link_core(link_rules rules) : rules_(std::move(rules)) {}

  // The connection stands, is lost; a message came; one of our parties says something.
  void on_up(link_clock::time_point now);
  void on_down() { up_ = welcomed_ = false; }
  void on_message(to_peer message, link_clock::time_point now);
  void on_local(from_peer message, link_clock::time_point now);
  void on_progress(progress_report report);
  // Oracles and graders. One that does not answer for party_patience hangs, and with it
  // what only it can do: the process then says no heartbeat and no hello, until it answers, so that
  // the coordinator gives its work to others. party: any number that is its own.
  void on_asked(std::uint64_t party, link_clock::time_point now) { asked_.try_emplace(party, now); }
  void on_lives(std::uint64_t party) { asked_.erase(party); } // or it ends, and will not answer
  [[nodiscard]] bool hangs(link_clock::time_point now) const;
  void on_tick(link_clock::time_point now);

  // What the next heartbeats say. A change of slots is said at once.
  void set_slots(std::uint32_t slots, link_clock::time_point now);
  void set_replicas(std::vector<replica_report> replicas) { replicas_ = std::move(replicas); }
  // This oracle's own ledger has one more bit.
  void count_bits(experiment_id run, std::uint64_t bits) { ledgers_[run] = bits; }
  // This process cannot work on it: the coordinator is told, and gets back what there is of it.
  // After the next hello it is tried again.
  void refuse(experiment_id run, const std::string& reason, link_clock::time_point now);
  // Experiments of which nothing was held, asked or unanswered for a while; they are not known any
  // more, and their text comes again before the next work on them.
  [[nodiscard]] std::vector<experiment_id> take_idle(link_clock::time_point now);
  // Take nothing new, hand back what there is, then say goodbye.
  void leave(const std::string& reason, link_clock::time_point now);

  [[nodiscard]] std::vector<link_command> take_commands();
  [[nodiscard]] bool welcomed() const { return welcomed_; }
  [[nodiscard]] std::size_t leases() const { return held_.size(); }
  [[nodiscard]] std::size_t unanswered() const { return outbox_.size(); }
  [[nodiscard]] std::uint64_t incarnation() const { return rules_.incarnation_seen; }
  // To be kept: what the coordinators of this peer had made durable, as the next hello says it.
  [[nodiscard]] const std::vector<receipt>& receipts() const { return rules_.receipts; }

private:
  // Which request: its type, task, lease and number (ticket, or arm and trial).
  using key = std::tuple<std::size_t, task_id, epoch, std::uint64_t>;
  struct kept {
    std::shared_ptr<const from_peer> message;
    std::size_t bytes = 0; // of what counts for the window; 0: it does not
    bool sent = false;     // on this connection
    link_clock::time_point sent_at;
  };

  void say_hello(link_clock::time_point now);
  void send(from_peer message);
  void keep(const key& which, from_peer message, std::size_t bytes, link_clock::time_point now);
  void send_kept(link_clock::time_point now);
  void send_entry(kept& entry, link_clock::time_point now);
  // True when this was open: the reply is the first one.
  bool answered(const key& which, link_clock::time_point now);
  void end_lease(task_id task, link_clock::time_point now);
  void on_grant(grant given, link_clock::time_point now);
  [[nodiscard]] bool is_over(task_id task, epoch lease) const;
  void give_back(task_id task, link_clock::time_point now);
  [[nodiscard]] bool refuses(const to_peer& work, experiment_id run, link_clock::time_point now);
  void on_session(const to_peer& message, link_clock::time_point now);
  void on_oracle(to_peer message, link_clock::time_point now);
  void beat(link_clock::time_point now);
  void keep_receipt(const receipt& given);
  void end_if_left();

  link_rules rules_;
  bool up_ = false, welcomed_ = false, leaving_ = false, over_ = false;
  std::string leave_reason_;
  std::unordered_map<task_id, epoch> held_;     // granted, and not acknowledged as released
  std::deque<std::pair<task_id, epoch>> ended_; // the last leases that are over
  std::set<task_id> sessions_;                  // of the oracle
  std::map<key, kept> outbox_;
  std::size_t window_ = 0; // bytes sent and not acknowledged
  std::map<experiment_id, std::uint64_t> ledgers_;
  std::map<experiment_id, link_clock::time_point> known_; // when there was last something of it
  std::map<experiment_id, std::string> refused_;          // of the known ones, and why
  std::map<task_id, lease_progress> progress_;
  std::map<std::uint64_t, link_clock::time_point> asked_; // parties that owe an answer, since when
  std::vector<replica_report> replicas_;
  std::uint64_t beats_ = 0;
  link_clock::duration beat_period_ = limits::heartbeat_period;
  link_clock::time_point next_beat_, hello_at_;
  std::vector<link_command> commands_;
};

} // namespace tenbit

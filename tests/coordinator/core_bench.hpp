// One cluster_core in a test's hands: peers are connections that say what the test says, and the
// journal commits when the test says so.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/cluster_core.hpp"
#include "tests/coordinator/small_experiment.hpp"

namespace tenbit::testing {

inline constexpr role_set solver{true, false, false}, sender{false, true, false},
    grading{false, false, true}, every_role{true, true, true};
inline constexpr experiment_id run_a{7}, run_b{8};
// Connections: of workers (c also: a worker that came back), oracles and graders.
inline constexpr connection_id a{11}, b{12}, c{13}, o{20}, p{21}, g{30}, h{31};
// Arms of bench_experiment().
inline constexpr arm_trial asking{}, crossing{arm_index{1}, {}}, asking_itself{arm_index{2}, {}};
inline constexpr std::size_t bench_arms = 3;
inline constexpr auto sealed_text = "the sealed solution";

std::shared_ptr<experiment> bench_experiment();

class core_bench {
public:
  explicit core_bench(std::size_t problems = 3, cluster_rules rules = rules_of(5));
  static cluster_rules rules_of(std::uint64_t incarnation);
  // Each task has a call of the receiver and one of the sender from an earlier life.
  void add_run(experiment_id id, std::size_t problems, int priority = 0);

  // -- peers
  void say(connection_id from, const std::string& key, from_peer message,
           role_set rights = every_role);
  void join(connection_id from, const std::string& key, role_set roles, std::uint32_t slots = 0,
            std::uint64_t boot = 1, std::vector<held_lease> leases = {},
            std::vector<ledger_count> ledgers = {});
  void beat(connection_id from, const std::string& key, std::uint32_t slots,
            std::vector<lease_progress> leases = {}, std::uint64_t boot = 1);

  // What a worker may say of an arm that asked nothing, and what the grader says to it.
  [[nodiscard]] arm_finished finished_of(const grant& given, arm_trial where) const;
  [[nodiscard]] static graded result_of(const arm_finished& finished);

  // -- what came out
  // Takes what the core gave: sends and drops are kept, commits wait for commit().
  void pump();
  // Everything in the journal's queue becomes durable, and what follows from that.
  void commit();
  template <class Message> std::vector<Message> got(connection_id by) {
    pump();
    std::vector<Message> out;
    for (const auto& [to, message] : sent)
      if (const auto* m = std::get_if<Message>(&message); m != nullptr && to == by)
        out.push_back(*m);
    return out;
  }
  void tick(run_clock::duration later = {});
  // Ticks of a second, with a heartbeat of these peers before each.
  void pass(run_clock::duration time, const std::vector<std::pair<connection_id, std::string>>& who,
            std::uint32_t slots);
  [[nodiscard]] run_core& run(experiment_id id = run_a) { return *core.find(id); }
  [[nodiscard]] const run_status& status() { return run().status(); }
  // A peer as the snapshot shows it; empty: it is not there.
  [[nodiscard]] peer_line line_of(const std::string& name) const;
  // Changes of the journal that wait or are durable: events, without grants.
  [[nodiscard]] std::size_t events() const;

  std::shared_ptr<experiment> exp = bench_experiment();
  run_clock::time_point now{std::chrono::hours(1)};
  cluster_core core;
  std::vector<std::pair<connection_id, to_peer>> sent;
  std::vector<std::pair<connection_id, std::string>> dropped;
  std::deque<commit_command> journal;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<event>> stored; // run, task
  std::map<std::uint64_t, std::vector<event>> earlier; // of a task, instead of the two calls
  int reads = 0;                                       // of journals
  std::uint64_t commit_seq = 10;                       // durable in every store
  std::vector<commit_command> committed;
  std::map<std::string, std::uint64_t> beats;
};

// A call of the receiver whose id is what its content says.
call_event call_of(const experiment& exp, const std::string& prompt,
                   const std::string& model = "small", party by = party::receiver);

} // namespace tenbit::testing

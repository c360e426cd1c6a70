// A cluster whose end is known before it starts: what the fault tests ask of it afterwards.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "storage/store.hpp"
#include "tests/system/cluster_processes.hpp"

namespace tenbit::testing {

class fault_cluster : public cluster_processes {
public:
  // Runs the experiment once in one process first: the reference. The cluster's simulator takes
  // latency_ms for each reply.
  fault_cluster(const std::string& experiment, double latency_ms);

  // The run, a peer of it by name; an empty object when nobody answers.
  [[nodiscard]] nlohmann::json run() const;
  [[nodiscard]] nlohmann::json peer(const std::string& name) const;
  // A counter of the run; 0 when nobody answers.
  [[nodiscard]] std::uint64_t figure(const std::string& name) const;
  [[nodiscard]] std::uint64_t leased(const std::string& peer_name) const;

  // So many problems at once, for the work to outlast what a test does; 0: as many as there are
  // slots.
  void hold_to(int leases) const;

  // Requests of the cluster that the simulator has seen: so far, and once none is in flight.
  [[nodiscard]] std::uint64_t received_now() const;
  [[nodiscard]] std::uint64_t received() const;
  // Calls in the cluster's store; 0 before there is one.
  [[nodiscard]] std::uint64_t committed() const;
  [[nodiscard]] std::uint64_t reference_calls() const { return reference_calls_; }
  // Waits until nothing moves: paid for, and not in the store.
  [[nodiscard]] std::uint64_t lost_when_quiet() const;

  // Bits in the ledgers of these oracles' own, which must not run.
  [[nodiscard]] std::uint64_t bits_of_oracles(const std::vector<std::string>& names) const;
  // The coordinator's folder names each of these oracles whose own ledger has a bit: its next life
  // waits for them, or knows that they were given up.
  void expect_givers_are_known(const std::vector<std::string>& names) const;
  // The run ends within the time as the reference did: byte-equal export, a clean verify, the same
  // calls and bits, none paid twice.
  void expect_same_end(int seconds);
  [[nodiscard]] std::uint64_t bits() const;

private:
  std::string reference_;
  std::uint64_t reference_calls_ = 0, reference_bits_ = 0;
};

// Options of a coordinator that is soon sure that a peer is gone.
inline const std::vector<std::string> plain{"--lease-ttl", "2"};

// What the store says it holds; nothing before there is one.
[[nodiscard]] store_totals totals_of(const std::string& dir);

// Two arms of which one asks two questions: four calls and two bits a problem.
[[nodiscard]] std::string cheap_experiment(int count, int concurrency = 16);

} // namespace tenbit::testing

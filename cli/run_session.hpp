// One run on one machine: coordinator, worker, oracle and grader in this process, over the typed
// interfaces that later cross machines.
//
// Owns, in the order of their dependence: store, embedded simulator, endpoint client, actors. Start
// it, watch status(), stop() it, finish() it. Used from one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "benchmarks/benchmark.hpp"
#include "cli/run_store.hpp"
#include "config/experiment.hpp"
#include "coordinator/status.hpp"
#include "endpoints/client.hpp"
#include "storage/store.hpp"

namespace tenbit::cli {

struct run_options {
  std::string store_dir;
  std::uint32_t slots = 0; // tasks at once; 0: from the models' concurrency
  bool accept_rollback = false;
};

class run_session {
public:
  [[nodiscard]] static expected<std::unique_ptr<run_session>, start_failure>
  start(experiment exp, benchmark items, const run_options& options);
  virtual ~run_session() = default;

  [[nodiscard]] virtual run_status status() const = 0;
  // True when the run is finished or broken.
  [[nodiscard]] virtual bool wait(std::chrono::milliseconds time) const = 0;
  [[nodiscard]] virtual std::vector<model_snapshot> models() const = 0;
  [[nodiscard]] virtual bool resumed() const = 0;
  // Finish what is on the wire, commit it, close. wait() says when.
  virtual void stop(const std::string& reason) = 0;
};

// Tasks at once that keep all models busy.
[[nodiscard]] std::uint32_t default_slots(const experiment& exp);

// Starts the embedded simulator when a model is simulated without a replica, and points those
// models to it.
[[nodiscard]] expected<std::shared_ptr<void>, std::string> attach_simulator(experiment& exp);

} // namespace tenbit::cli

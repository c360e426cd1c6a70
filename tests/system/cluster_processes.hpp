// A real cluster of processes on this machine: coordinator, workers, oracles, graders, simulator.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/system/process.hpp"

namespace tenbit::testing {

class cluster_processes {
public:
  // experiment: text of its file, in which {sim} stands for the simulator's URL.
  explicit cluster_processes(const std::string& experiment,
                             std::vector<std::string> sim_arguments = {"--latency-ms", "2"});

  // Starts (again) on the same folder and port; extra is added to the command line.
  void start_coordinator(const std::vector<std::string>& extra = {"--lease-ttl", "2"},
                         const std::map<std::string, std::string>& env = {});
  // Enrolled when the name is new. Names start at will; roles as "solver,oracle". An extra
  // "--coordinator" replaces ours (a proxy).
  void start_worker(const std::string& name, const std::string& roles,
                    const std::vector<std::string>& extra = {},
                    const std::map<std::string, std::string>& env = {});
  // Two solvers (w1, w2), two oracles (o1, o2), a grader (g1).
  void start_usual_workers();
  [[nodiscard]] process& coordinator() { return *coordinator_; }
  [[nodiscard]] process& worker(const std::string& name) { return *workers_.at(name); }
  void kill(const std::string& name); // SIGKILL, and reaped
  void kill_coordinator();

  // tenbit ctl … --json, parsed; null when nobody answers.
  [[nodiscard]] nlohmann::json ctl(const std::vector<std::string>& arguments) const;
  // The same of its status, without a process: tests wait by asking for it again and again.
  [[nodiscard]] nlohmann::json status() const;
  // True when the run's tasks are all done (or quarantined) within the time.
  [[nodiscard]] bool wait_done(int seconds) const;
  // True when the predicate holds for the status within the time.
  template <class Predicate> [[nodiscard]] bool wait_for(Predicate holds, int seconds) const {
    return wait_until([&] { return holds(*this); }, seconds);
  }
  [[nodiscard]] bool wait_until(const std::function<bool()>& holds, int seconds) const;

  // Canonical export of the cluster's store; of an undisturbed `tenbit run` of the same experiment,
  // in "reference", against a simulator of its own that answers at once.
  [[nodiscard]] std::string exported() const;
  [[nodiscard]] std::string reference() const;
  [[nodiscard]] ended verified() const; // tenbit verify on the store

  [[nodiscard]] const sim_process& sim() const { return *sim_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::string path(const std::string& name = "") const { return folder_.path(name); }
  [[nodiscard]] std::string store() const { return folder_.path("cluster/runs/faults"); }
  [[nodiscard]] std::string file() const { return folder_.path("faults.toml"); }

private:
  void make_reference() const;
  temporary_folder folder_;
  std::unique_ptr<sim_process> sim_;
  std::string address_; // tcp://127.0.0.1:port
  std::unique_ptr<process> coordinator_;
  std::map<std::string, std::unique_ptr<process>> workers_;
};

// An experiment named "faults" over `count` arith problems with arms direct (both models),
// resample, qa own and qa gold; {sim} as above.
[[nodiscard]] std::string faults_experiment(int count, int concurrency = 8);

} // namespace tenbit::testing

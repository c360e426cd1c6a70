// A coordinator process: its folder, its runs and their stores, the gateway, the control socket,
// the status. Owns them in the order of their dependence.
//
// start() takes the folder, goes on with the runs that were submitted, and binds. Verbs come from
// threads of the control server; they reach the core by messages to the coordinator actor. Used
// from one thread otherwise.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "cli/run_store.hpp"
#include "control/control.hpp"
#include "coordinator/cluster_status.hpp"
#include "coordinator/disk_level.hpp"

namespace tenbit::cli {

struct host_options {
  std::string dir = "cluster";
  std::string listen = "tcp://127.0.0.1:7711";
  int http_port = -1; // -1: none
  std::chrono::milliseconds lease_ttl = limits::lease_ttl;
  bool accept_rollback = false;
  disk_marks disk;
  std::vector<control::group_socket> sockets; // beside DIR/ctl.sock
};

class cluster_host {
public:
  [[nodiscard]] static expected<std::unique_ptr<cluster_host>, start_failure>
  start(const host_options& options);
  // Commits what waits and closes the stores; leases stay with their holders for the next start.
  virtual ~cluster_host() = default;

  // What the control socket gets; also used for experiments named on the command line.
  [[nodiscard]] virtual control::reply handle(const control::request& what) = 0;
  [[nodiscard]] virtual std::shared_ptr<const cluster_status> status() const = 0;
  // The reason why this process must end; empty: it goes on.
  [[nodiscard]] virtual std::optional<start_failure> broken() const = 0;
  [[nodiscard]] virtual bool stop_wanted() const = 0; // by the verb stop
  [[nodiscard]] virtual std::string address() const = 0;
  [[nodiscard]] virtual int http_port() const = 0;
};

} // namespace tenbit::cli

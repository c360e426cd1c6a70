// What an operator may do: verbs with arguments, answered with JSON. Every verb is idempotent.
// control/verbs.cpp holds the table that is checked.
//
//   run submit        file, store?, priority?, set*   starts or goes on with an experiment
//   run list
//   run pause         run, now?           no new leases; now: hand back what is in work
//   run resume        run
//   run cancel        run, reason         pause now, and end it; submitting it again goes on
//   run limit         run, leases         at most so many leases at once; 0: none
//   run priority      run, priority       higher first
//   worker list
//   worker drain      worker, reason      no new leases for it
//   worker undrain    worker
//   endpoint list
//   endpoint pause    worker?, url        no new calls to a replica
//   endpoint resume   worker?, url
//   endpoint limit    worker?, url, concurrency
//   task show         run, problem
//   task requeue      run, problem, reason   a failed, cancelled or quarantined one is pending
//   again task release      run, problem, reason   the same, its counters forgotten task quarantine
//   run, problem, reason checkpoint        run?                an openable copy of the store beside
//   it verify            run                 the store is checked status the snapshot
//   (coordinator/cluster_status.hpp) stop                                  finish commits, close,
//   end; leases wait for the restart
//
// On the socket: one JSON object a line, {"verb", "args", "dry_run", "reason"}; the answer
// likewise,
// {"ok", "error"?, "result"?}. Args are an object of texts or arrays of texts; `reason` stands
// beside them. Verbs that change something are written to the audit log with who (by the socket's
// peer credentials) and why, before they are done; their outcome after it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "config/limits.hpp"

namespace tenbit::control {

struct request {
  std::string verb;                                     // "run pause"
  std::map<std::string, std::vector<std::string>> args; // by name; most have one value
  bool dry_run = false;                                 // say what would be done
  std::string reason;
  std::string who; // set by the server: user name or uid of the other end
};
struct reply {
  bool ok = false;
  std::string error;  // one line for people, with the mend
  std::string result; // JSON text; "null" when there is nothing to say
};
// Called on threads of the server: what changes something one at a time, what only looks beside it
// (so `status` does not wait for a long `verify`). May block for limits::control_timeout.
using handler = std::function<reply(const request&)>;

// Whether a verb exists, its arguments are known, complete and well formed, and a reason is there
// where one is wanted; the error names the mend.
[[nodiscard]] status<std::string> check_request(const request& r);
[[nodiscard]] bool changes_something(const std::string& verb);

// Tests make them small.
struct socket_bounds {
  std::size_t line_bytes = limits::control_line_bytes_max;
  std::size_t clients = limits::control_clients_max;
  std::chrono::milliseconds idle = limits::control_timeout; // for a whole line; to take a reply
};

// The 0600 Unix socket of a coordinator. One thread for its clients, three for the handler. The
// error of start is one line: another server is there, the path is no socket, too long, …
// Its end waits for handlers that are running, and answers their clients.
class socket_server {
public:
  [[nodiscard]] static expected<std::unique_ptr<socket_server>, std::string>
  start(const std::string& path, const std::string& audit_path, handler handle,
        socket_bounds bounds = {});
  virtual ~socket_server() = default;
};

// The other end; blocks for `timeout` at most. The error is one line that says how to go on.
[[nodiscard]] expected<reply, std::string>
ask(const std::string& socket_path, const request& r,
    std::chrono::milliseconds timeout = limits::control_timeout);

} // namespace tenbit::control

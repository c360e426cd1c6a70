// What an operator may do: verbs with arguments, answered with JSON. Every verb is idempotent.
//
// verb                 arguments                            what it does
// run submit           file, store?, priority?, set*        starts or goes on with an experiment
// run list
// run pause            run, now?                            no new leases; now: hand back what is
// in work run resume           run run cancel           run, reason                          pause
// now, and mark what is left cancelled run limit            run, leases                          at
// most so many leases at once; 0: none run priority         run, priority worker list worker drain
// worker, reason                       no new leases for it worker undrain       worker endpoint
// list endpoint pause       worker?, url                         no new calls to a replica endpoint
// resume      worker?, url endpoint limit       worker?, url, concurrency task show            run,
// problem task requeue         run, problem, reason                 a failed, cancelled or
// quarantined task is pending again task release         run, problem, reason                 the
// same, its counters forgotten task quarantine      run, problem, reason checkpoint           run?
// an openable copy of the store beside it verify               run the store is checked status the
// snapshot (coordinator/cluster_status.hpp) stop finish commits, close, end; leases wait for the
// restart
//
// On the socket: one JSON object a line, {"verb", "args", "dry_run", "reason"}; the answer
// likewise,
// {"ok", "error"?, "result"?}. Verbs that change something are written to the audit log with who
// (by the socket's peer credentials) and why, before they are done.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/expected.hpp"

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
// Called on the server's thread; may block for limits::control_timeout.
using handler = std::function<reply(const request&)>;

// Whether a verb exists, its arguments are known and complete; the error names the mend.
[[nodiscard]] status<std::string> check_request(const request& r);
[[nodiscard]] bool changes_something(const std::string& verb);

// The 0600 Unix socket of a coordinator. One thread; several clients at once.
class socket_server {
public:
  [[nodiscard]] static expected<std::unique_ptr<socket_server>, std::string>
  start(const std::string& path, const std::string& audit_path, handler handle);
  virtual ~socket_server() = default;
};

// The other end; blocks for limits::control_timeout at most.
[[nodiscard]] expected<reply, std::string> ask(const std::string& socket_path, const request& r);

} // namespace tenbit::control

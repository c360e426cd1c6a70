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
// peer credentials) and why, before they are done; their outcome after it. Each verb needs a right,
// which is that of the socket the request came by; a request without it is refused, and that is
// written to the audit log, too.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/expected.hpp"
#include "config/limits.hpp"

namespace tenbit::control {

// What may be asked of a socket; each has those before it.
enum class right : std::uint8_t {
  view,    // what changes nothing
  operate, // what steers: it can be undone and loses no work
  admin,   // everything
};
[[nodiscard]] std::string_view to_string(right which);

struct request {
  std::string verb;                                     // "run pause"
  std::map<std::string, std::vector<std::string>> args; // by name; most have one value
  bool dry_run = false;                                 // say what would be done
  std::string reason;
  std::string who;        // set by the server: user name or uid of the other end
  right by = right::view; // set by the server: of the socket it came by
};
struct reply {
  bool ok = false;
  std::string error;  // one line for people, with the mend
  std::string result; // JSON text; "null" when there is nothing to say
};
// Called on threads of the server: what changes something one at a time, what only looks beside it
// (so `status` does not wait for a long `verify`), one at a time for each socket. May block for
// limits::control_timeout.
using handler = std::function<reply(const request&)>;

// Whether a verb exists, its arguments are known, complete and well formed, and a reason is there
// where one is wanted; the error names the mend.
[[nodiscard]] status<std::string> check_request(const request& r);
[[nodiscard]] bool changes_something(const std::string& verb);

// Of each socket. Tests make them small.
struct socket_bounds {
  std::size_t line_bytes = limits::control_line_bytes_max;
  std::size_t clients = limits::control_clients_max;
  std::chrono::milliseconds idle = limits::control_timeout; // for a whole line; to take a reply
};

// A further socket, 0660, for the members of a Unix group; its folder must let them in. Whoever can
// open it has its right, whatever else he may.
struct group_socket {
  right gives = right::view;
  std::string path;
  gid_t group = 0;
};
// Of "GROUP=PATH". The error is one line: there is no such group, or it is written otherwise.
[[nodiscard]] expected<group_socket, std::string> parse_group_socket(right gives,
                                                                     const std::string& text);
// The folder on the way to the socket that is closed to its group (as its mode says; access lists
// are not looked at); empty: there is none.
[[nodiscard]] std::string closed_folder(const group_socket& socket);

// The 0600 Unix socket of a coordinator, which gives every right to its user and root, and those of
// groups. One thread for all clients; for each socket three threads for the handler, and bounds of
// its own, so that the clients of one do not keep out those of another. The error of start is one
// line: another server is there, the path is no socket, too long, …
// Its end waits for handlers that are running, and answers their clients.
class socket_server {
public:
  [[nodiscard]] static expected<std::unique_ptr<socket_server>, std::string>
  start(const std::string& path, const std::string& audit_path, handler handle,
        socket_bounds bounds = {}, const std::vector<group_socket>& groups = {});
  virtual ~socket_server() = default;
};

// The other end; blocks for `timeout` at most. The error is one line that says how to go on.
[[nodiscard]] expected<reply, std::string>
ask(const std::string& socket_path, const request& r,
    std::chrono::milliseconds timeout = limits::control_timeout);

} // namespace tenbit::control

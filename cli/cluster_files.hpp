// What a coordinator keeps beside its stores, in its folder: written whole and synced.
//
//   DIR/control.json   incarnation, the runs with what operators said of them, the oracles' counts,
//                      the orders for endpoints, who is draining
//   DIR/runs/NAME/     the store of a run;  DIR/runs/NAME.toml  its experiment as submitted
//   DIR/keys/          server key, allow-list (link/keys.hpp), signing key (link/signing_file.hpp)
//   DIR/ctl.sock, DIR/audit.jsonl, DIR/http.token, DIR/LOCK
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "coordinator/endpoint_orders.hpp"

namespace tenbit::cli {

struct kept_run {
  std::string name;
  std::string store; // folder
  int priority = 0;
  bool paused = false;
  bool cancelled = false;
  std::uint32_t lease_limit = 0;
  std::string cancel_reason;
  bool calling_in = false; // paused --now: leases are handed back
};
struct kept_oracle {
  std::string name;
  std::uint64_t experiment = 0;
  std::uint64_t bits = 0;
  bool there = true; // when this was written
};
struct cluster_files {
  std::uint64_t incarnation = 0;
  std::vector<kept_run> runs; // in the order of submission
  std::vector<kept_oracle> oracles;
  std::vector<endpoint_rule> endpoints;      // orders of operators
  std::map<std::string, std::string> drains; // workers that get no tasks, and why
};

// Of DIR/control.json; a folder without it gives the empty value. The error names the file.
[[nodiscard]] expected<cluster_files, std::string> read_cluster_files(const std::string& dir);
[[nodiscard]] status<std::string> write_cluster_files(const std::string& dir,
                                                      const cluster_files& files);
// Temporary file, fsync, rename, fsync of the folder; mode 0600.
[[nodiscard]] status<std::string> write_whole(const std::string& path, const std::string& bytes);
[[nodiscard]] expected<std::string, std::string> read_whole(const std::string& path);

} // namespace tenbit::cli

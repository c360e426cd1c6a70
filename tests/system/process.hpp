// Real processes for system tests: tenbit itself, started, watched, killed.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tenbit::testing {

// A folder of its own, removed at the end.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const;

private:
  std::string path_;
};

struct ended {
  int exit_code = -1; // when it exited by itself
  int signal = 0;     // when it was killed
  std::string out;
  std::string err;
};

class process {
public:
  // argv without the program: tenbit is started with these; env is added to ours.
  explicit process(const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& env = {});
  // SIGKILL when it still runs. A sanitizer's report in its stderr fails the test.
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void send(int signal) const;
  [[nodiscard]] bool running();
  [[nodiscard]] int pid() const { return pid_; }
  // What it wrote to stdout so far.
  [[nodiscard]] std::string out() const;
  [[nodiscard]] ended wait();

private:
  temporary_folder files_;
  int pid_ = -1;
  std::optional<int> status_;
};

// Runs to its end.
[[nodiscard]] ended tenbit(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& env = {});

// `tenbit sim` in a process of its own.
class sim_process {
public:
  explicit sim_process(std::vector<std::string> arguments = {});
  [[nodiscard]] const std::string& url() const { return url_; }
  // A counter of /metrics, now.
  [[nodiscard]] std::uint64_t now(const std::string& counter) const;
  // The same once nothing is in flight.
  [[nodiscard]] std::uint64_t settled(const std::string& counter) const;

private:
  [[nodiscard]] std::map<std::string, std::uint64_t> metrics() const;
  process server_;
  std::string url_;
};

[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);
// A loopback port nobody listens on, below those the kernel gives to connections: a process that is
// killed and started again on it finds it free.
[[nodiscard]] std::uint16_t free_port();
// GET; the body, empty when it fails.
[[nodiscard]] std::string http_get(const std::string& url);

} // namespace tenbit::testing

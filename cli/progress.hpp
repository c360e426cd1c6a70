// How a run shows itself while it works: a bar on a terminal, plain lines elsewhere, JSON events
// for scripts.
//
// Pure except for the stream it writes to; the caller brings the time and the snapshots.
#pragma once

#include <cstdio>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/status.hpp"
#include "endpoints/client.hpp"

namespace tenbit::cli {

enum class progress_style : std::uint8_t { bar, lines, json, quiet };

// Tasks per second over the last half minute, and what is left at that pace.
class rate_meter {
public:
  void add(run_clock::time_point now, std::uint64_t done, std::uint64_t calls);
  [[nodiscard]] double tasks_per_s() const;
  [[nodiscard]] double calls_per_s() const;
  // Empty while nothing is known.
  [[nodiscard]] std::optional<std::chrono::seconds> left(std::uint64_t tasks) const;

private:
  struct point {
    run_clock::time_point at;
    std::uint64_t done = 0, calls = 0;
  };
  std::deque<point> points_;
};

class progress {
public:
  progress(progress_style style, std::FILE* out, bool simulated)
      : style_(style), out_(out), simulated_(simulated) {}

  void show(run_clock::time_point now, const run_status& status,
            const std::vector<model_snapshot>& models);
  // Takes the bar away; call before printing anything else.
  void clear();

private:
  void show_bar(const run_status& status, const std::vector<model_snapshot>& models);
  void show_line(const run_status& status, const std::vector<model_snapshot>& models);
  void show_json(const run_status& status, const std::vector<model_snapshot>& models);

  progress_style style_;
  std::FILE* out_;
  bool simulated_;
  bool bar_shown_ = false;
  rate_meter meter_;
  std::optional<run_clock::time_point> last_line_;
};

// Why nothing comes from a model that has not answered once: its replicas and their errors. Empty
// when every model answers or may still.
[[nodiscard]] std::string silent_model(const std::vector<model_snapshot>& models);

// "1:05", "2:03:00", "3 d 04:00".
[[nodiscard]] std::string duration_text(std::chrono::seconds time);

} // namespace tenbit::cli

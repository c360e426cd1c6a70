// The snapshot of a coordinator process: its memory, disk and link beside what the core says.
#include <filesystem>
#include <fstream>
#include <set>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/unix_time.hpp"
#include "cli/cluster_host_impl.hpp"

namespace tenbit::cli {
namespace {

namespace fs = std::filesystem;

// Resident bytes and open files of this process, from /proc.
void measure_process(cluster_status& out) {
  std::uint64_t pages_all = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> pages_all >> pages;
  out.rss_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::error_code ignored;
  for (fs::directory_iterator it("/proc/self/fd", ignored), end; it != end; it.increment(ignored))
    ++out.open_files;
}

} // namespace

// On the coordinator's thread: what the free space allows holds for the next messages. The fullest
// disk of those that hold the store of a run that goes on counts for all.
void host::look_at_disk(cluster_status& out) {
  std::set<std::string> dirs = {options_.dir};
  {
    const std::lock_guard lock(bits_mutex_);
    for (const auto& [name, dir] : stores_) {
      const run_core* run = core_->find(name);
      if (run == nullptr ||
          (run->status().phase != run_phase::finished && run->status().phase != run_phase::broken))
        dirs.insert(dir);
    }
  }
  std::string fullest = options_.dir;
  for (const std::string& dir : dirs) {
    std::error_code problem;
    const auto space = fs::space(dir, problem);
    if (problem || space.capacity == 0)
      continue;
    const auto part = [](std::uint64_t free, std::uint64_t all) {
      return static_cast<double>(free) / static_cast<double>(all);
    };
    if (out.disk_all_bytes > 0 &&
        part(space.available, space.capacity) >= part(out.disk_free_bytes, out.disk_all_bytes))
      continue;
    fullest = dir;
    out.disk_free_bytes = space.available;
    out.disk_all_bytes = space.capacity;
  }
  const disk_level before = disk_;
  disk_ = level_of(out.disk_free_bytes, out.disk_all_bytes, options_.disk, before);
  out.disk = to_string(disk_);
  core_->disk(disk_);
  if (disk_ != before)
    spdlog::log(disk_ == disk_level::ample ? spdlog::level::info : spdlog::level::warn,
                "disk of {}: {} ({} of {} bytes are free)", fullest, out.disk, out.disk_free_bytes,
                out.disk_all_bytes);
}

// On the coordinator's thread.
void host::on_status(cluster_status now) {
  now.unix_ms = unix_ms();
  measure_process(now);
  look_at_disk(now);
  if (const link::gateway* gateway = bound_) {
    now.address = gateway->address();
    const link::gateway_stats net = gateway->stats();
    now.refused_keys = net.refused_keys;
    now.failed_handshakes = net.failed_handshakes;
    now.bad_frames = net.bad_frames;
    now.forbidden = net.forbidden;
    now.over_quota = net.over_quota;
    now.dropped_sends = net.dropped_sends;
  }
  {
    const std::lock_guard lock(bits_mutex_);
    for (const oracle_record& oracle : core_->oracles()) {
      if (oracle.there) // else it may be one that is coming back
        oracles_.erase({oracle.name, experiment_id{}});
      oracles_[{oracle.name, oracle.run}] = oracle;
    }
    drains_ = core_->drains();
  }
  add_ended(now);
  board_->publish(std::make_shared<const cluster_status>(std::move(now)));
}

} // namespace tenbit::cli

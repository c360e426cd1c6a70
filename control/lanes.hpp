// Threads on which the control socket's requests are handled: one per lane (control/verbs.hpp).
//
// A lane does its jobs one after the other, in the order in which they came; a full lane takes no
// more. Owned by the socket server; submit from any thread.
#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "control/verbs.hpp"

namespace tenbit::control {

class job_lane {
public:
  using job = std::function<void()>; // must not throw
  job_lane();
  ~job_lane() { stop(); }
  job_lane(const job_lane&) = delete;
  job_lane& operator=(const job_lane&) = delete;

  // False: too many wait already, or the lane ends.
  [[nodiscard]] bool submit(job what);
  void take_no_more();
  // Likewise, and waits for the job that runs; those that wait are dropped.
  void stop();

private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

class job_lanes {
public:
  [[nodiscard]] bool submit(lane where, job_lane::job what) {
    return lanes_[static_cast<std::size_t>(where)].submit(std::move(what));
  }
  void take_no_more() {
    for (auto& one : lanes_)
      one.take_no_more();
  }
  void stop() {
    for (auto& one : lanes_)
      one.stop();
  }

private:
  std::array<job_lane, 3> lanes_;
};

} // namespace tenbit::control

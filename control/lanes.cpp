#include "control/lanes.hpp"

namespace tenbit::control {

job_lane::job_lane() : thread_([this] { run(); }) {}

bool job_lane::submit(job what) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || jobs_.size() >= limits::control_lane_items_max)
    return false;
  jobs_.push_back(std::move(what));
  changed_.notify_one();
  return true;
}

void job_lane::take_no_more() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_one();
}

void job_lane::stop() {
  take_no_more();
  if (thread_.joinable())
    thread_.join();
}

void job_lane::run() {
  for (;;) {
    job next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_)
        return;
      next = std::move(jobs_.front());
      jobs_.pop_front();
    }
    next();
  }
}

} // namespace tenbit::control

#include "coordinator/plan.hpp"

#include "base/expected.hpp"

namespace tenbit {

void plan::add_pending(problem_index task) {
  ready_.push_back(task);
  ++counts_.pending;
}

std::optional<problem_index> plan::next(run_clock::time_point now) {
  if (stopped_)
    return std::nullopt;
  std::optional<problem_index> task;
  if (!delayed_.empty() && delayed_.begin()->first <= now) {
    task = delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
  } else if (!ready_.empty()) {
    task = ready_.front();
    ready_.pop_front();
  }
  if (task) {
    --counts_.pending;
    ++counts_.leased;
  }
  return task;
}

task_ending plan::release(problem_index task, task_ending how, run_clock::time_point now) {
  TENBIT_ASSERT(counts_.leased > 0);
  --counts_.leased;
  if (how == task_ending::passing && ++tries_[task] >= limits::task_errors_max)
    how = task_ending::failed;
  switch (how) {
  case task_ending::done:
    tries_.erase(task);
    ++counts_.done;
    break;
  case task_ending::failed:
    tries_.erase(task);
    ++counts_.failed;
    break;
  case task_ending::passing:
    delayed_.emplace(now + limits::task_retry_delay, task);
    ++counts_.pending;
    break;
  case task_ending::interrupted:
    ready_.push_front(task);
    ++counts_.pending;
    break;
  }
  return how;
}

} // namespace tenbit

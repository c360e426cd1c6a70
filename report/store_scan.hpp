// Every task of a store with its journal, in order, one in memory at a time.
#pragma once

#include <functional>
#include <vector>

#include "base/expected.hpp"
#include "config/experiment.hpp"
#include "report/failure.hpp"
#include "report/task_view.hpp"
#include "storage/store.hpp"

namespace tenbit::report {

// Called with each task; false stops the scan. The view lives until the call returns.
using task_visitor = std::function<bool(problem_index, const task_state&, const task_view&)>;

// Fails where the store does, and when an event names an arm or trial the experiment does not have.
// Safe beside a live writer.
[[nodiscard]] status<report_failure> for_each_task(const store& source, const experiment& exp,
                                                   const task_visitor& visit);

// One task's events with their view, which points into them: moving keeps both together.
struct loaded_task {
  std::vector<event> events;
  task_view view;
};
[[nodiscard]] expected<loaded_task, report_failure>
load_task(const store& source, const experiment& exp, problem_index task);

} // namespace tenbit::report

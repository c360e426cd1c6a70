#include "report/store_scan.hpp"

#include <fmt/format.h>

namespace tenbit::report {

expected<loaded_task, report_failure> load_task(const store& source, const experiment& exp,
                                                problem_index task) {
  auto events = source.events(task);
  if (!events)
    return fail(from_store(events.error()));
  loaded_task result;
  result.events = std::move(*events);
  result.view = view_of(result.events);
  if (const auto wrong = misplaced(result.view, exp))
    return fail(
        report_failure{report_error::refused, fmt::format("task {}: {}", task.value, *wrong)});
  return result;
}

status<report_failure> for_each_task(const store& source, const experiment& exp,
                                     const task_visitor& visit) {
  for (std::uint64_t number = 0; number < source.manifest().tasks; ++number) {
    const problem_index task{number};
    const auto state = source.state(task);
    if (!state)
      return fail(from_store(state.error()));
    loaded_task loaded;
    if (state->events > 0) { // most tasks of a young run have none
      auto read = load_task(source, exp, task);
      if (!read)
        return fail(read.error());
      loaded = std::move(*read);
    }
    if (!visit(task, *state, loaded.view))
      return {};
  }
  return {};
}

} // namespace tenbit::report

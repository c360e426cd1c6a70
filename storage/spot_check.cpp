#include "storage/spot_check.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string>

#include "config/limits.hpp"

namespace tenbit::storage {

spot_check::spot_check(const store& of, std::uint64_t seed)
    : store_(of), tasks_(of.manifest().tasks),
      stride_(std::clamp<std::uint64_t>(tasks_ / limits::spot_check_tasks_min, 1,
                                        limits::spot_check_stride)),
      drawn_(seed, "spot check", 0) {}

status<store_failure> spot_check::step(std::size_t tasks) {
  for (std::size_t i = 0; i < tasks && !over(); ++i, next_ += stride_) {
    const std::uint64_t task = next_ + drawn_.below(std::min(stride_, tasks_ - next_));
    if (auto held = look_at(problem_index{task}); !held)
      return held;
  }
  return {};
}

status<store_failure> spot_check::look_at(problem_index task) {
  const auto state = store_.state(task);
  if (!state)
    return fail(state.error());
  if (state->status != task_status::done)
    return {};
  ++checked_;
  const auto events = store_.events(task);
  if (!events)
    return fail(events.error());
  const auto ledger = store_.bits(task);
  if (!ledger)
    return fail(ledger.error());
  // The ledger is in the order of arms and indices, the journal in that of their coming.
  std::set<std::string> said;
  for (const event& e : *events)
    if (std::holds_alternative<bit_event>(e))
      said.insert(encode(e));
  for (const bit_event& bit : *ledger)
    if (!said.contains(encode(bit)))
      return fail(store_failure{
          store_error::corrupt,
          fmt::format("task {}: ledger row {} is not what its journal says; restore the folder "
                      "from a copy (verify lists all damage)",
                      task.value, bit.index.value)});
  return {};
}

} // namespace tenbit::storage

// Named places where crash tests kill the process (SIGKILL), as if the power of the process ended
// there.
//
// TENBIT_KILL_AT=name:N in the environment kills at the N-th passage (from 1) of that name. Every
// name is in kill_points::all, and a name that is not there does not compile, so the crash test,
// which walks the list, cannot miss one. Without TENBIT_KILL_POINTS the macro is empty.
#pragma once

#include <cstddef>
#include <string_view>

namespace tenbit::kill_points {

inline constexpr std::string_view all[] = {
    "store_created",           // a new store exists, nothing is in it
    "incarnation_bumped",      // recovery done, the new incarnation is synced
    "call_answered",           // reply bytes are here, nothing is committed
    "before_commit",           // a group is built, not written
    "after_commit_before_ack", // a group is durable, nobody was told
    "after_ack",               // the sender knows
    "bit_answered",            // the oracle's answer is parsed, not committed
    "before_anchor",           // durable rows are ahead of the anchor
    "after_outcome",           // the outcome of an arm is durable
    "before_clean_close",      // all done, the clean-shutdown flag is not set
    // Of the processes of a cluster, and of no run in one process.
    "worker_append",        // a reply was received, nothing of it was sent
    "worker_finished",      // an arm's program ended, its result was not sent
    "worker_released",      // a task is through, nobody was told
    "before_oracle_ledger", // a bit is answered, not in the oracle's own ledger
    "after_oracle_ledger",  // it is, and was not sent
};
inline constexpr std::size_t of_one_process = 10; // of the above: reached by `tenbit run`

consteval int index_of(std::string_view name) {
  int index = 0;
  for (std::string_view known : all) {
    if (known == name)
      return index;
    ++index;
  }
  throw "not in kill_points::all";
}

// Kills the process if the environment says so. Thread-safe.
void pass(int index);
// TENBIT_KILL_TASK=N: a worker that begins problem N dies of it.
void begin_task(unsigned long long problem);

} // namespace tenbit::kill_points

#ifdef TENBIT_KILL_POINTS
#define TENBIT_KILL_POINT(name) ::tenbit::kill_points::pass(::tenbit::kill_points::index_of(name))
#define TENBIT_KILL_TASK(problem) ::tenbit::kill_points::begin_task(problem)
#else
#define TENBIT_KILL_POINT(name) static_cast<void>(0)
#define TENBIT_KILL_TASK(problem) static_cast<void>(0)
#endif

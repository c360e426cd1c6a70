#include "cli/signals.hpp"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace tenbit::cli {
namespace {

std::atomic<int> signals{0};
static_assert(std::atomic<int>::is_always_lock_free); // set in a signal handler

void on_signal(int) {
  if (signals.fetch_add(1) >= 1)
    ::_exit(128 + SIGINT); // the second one: now. What was committed is on disk.
}

} // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

int stop_signals() {
  return signals.load();
}

} // namespace tenbit::cli

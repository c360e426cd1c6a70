#include "endpoints/breaker.hpp"

#include <algorithm>

#include "base/expected.hpp"

namespace tenbit {
namespace {

std::int64_t second_of(time_point now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

} // namespace

std::string_view to_string(breaker_state state) {
  switch (state) {
  case breaker_state::closed:
    return "closed";
  case breaker_state::open:
    return "open";
  case breaker_state::half_open:
    return "half-open";
  case breaker_state::stopped:
    return "stopped";
  }
  assertion_failed("breaker_state", __FILE__, __LINE__);
}

breaker::breaker(std::chrono::milliseconds probe_min)
    : probe_min_(probe_min), probe_delay_(probe_min) {}

breaker::permission breaker::ask(time_point now) const {
  switch (state_) {
  case breaker_state::closed:
    return permission::allowed;
  case breaker_state::open:
    return now >= probe_at_ ? permission::probe : permission::refused;
  case breaker_state::half_open:
  case breaker_state::stopped:
    return permission::refused;
  }
  assertion_failed("breaker_state", __FILE__, __LINE__);
}

void breaker::started(permission granted) {
  TENBIT_ASSERT(granted != permission::refused);
  if (granted == permission::probe) {
    TENBIT_ASSERT(state_ == breaker_state::open);
    state_ = breaker_state::half_open;
  }
}

void breaker::done(permission granted, verdict what, time_point now) {
  switch (state_) {
  case breaker_state::closed:
    if (what != verdict::none)
      count(what == verdict::bad, now);
    return;
  case breaker_state::half_open:
    if (granted != permission::probe)
      return; // started before it opened: says nothing about now
    if (what == verdict::good)
      close();
    else if (what == verdict::bad)
      open(now);
    else
      state_ = breaker_state::open; // probe_at_ has passed: the next call probes again
    return;
  case breaker_state::open: // the same: late results of calls that began before
  case breaker_state::stopped:
    return;
  }
}

void breaker::trip(time_point now) {
  if (state_ == breaker_state::closed)
    open(now);
}

void breaker::stop() {
  state_ = breaker_state::stopped;
}

void breaker::open(time_point now) {
  state_ = breaker_state::open;
  probe_at_ = now + probe_delay_;
  probe_delay_ = std::min<std::chrono::milliseconds>(probe_delay_ * 2, limits::breaker_probe_max);
}

void breaker::close() {
  state_ = breaker_state::closed;
  probe_delay_ = probe_min_;
  failures_in_row_ = 0;
  window_.fill({});
}

void breaker::count(bool failed, time_point now) {
  const std::int64_t second = second_of(now);
  auto& slot = window_[static_cast<std::size_t>(second) % bucket_count];
  if (slot.second != second)
    slot = {second, 0, 0};
  ++slot.calls;
  failures_in_row_ = failed ? failures_in_row_ + 1 : 0;
  if (!failed)
    return;
  ++slot.failures;
  if (failures_in_row_ >= limits::breaker_failures_in_row || too_many_failed(now))
    open(now);
}

bool breaker::too_many_failed(time_point now) const {
  const std::int64_t oldest = second_of(now) - static_cast<std::int64_t>(bucket_count);
  std::uint32_t calls = 0;
  std::uint32_t failures = 0;
  for (const auto& slot : window_) {
    if (slot.second > oldest) {
      calls += slot.calls;
      failures += slot.failures;
    }
  }
  return calls >= limits::breaker_window_calls_min && failures * 2 >= calls;
}

} // namespace tenbit

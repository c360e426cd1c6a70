// How attempts and calls end: success, failure, retry, cancellation.

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "endpoints/call_loop.hpp"
#include "endpoints/endpoint_url.hpp"
#include "endpoints/json_reader.hpp"

namespace tenbit {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::uint64_t us(std::chrono::nanoseconds duration) {
  const auto count = std::chrono::duration_cast<microseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
}

} // namespace

live_call& call_loop::new_call() {
  if (free_.empty())
    return calls_.emplace_back();
  live_call& call = *free_.back();
  free_.pop_back();
  return call;
}

void call_loop::succeeded(live_call& call, call_reply reply) {
  auto& replica = call.lane->replicas[call.place.replica];
  reply.attempts = call.attempts;
  reply.replica = call.place.replica;
  reply.timing.queued_us = us(call.queued);
  reply.timing.first_byte_us = us(call.first_byte - call.started);
  reply.timing.total_us = us(now_ - call.submitted);
  ++replica.answered;
  replica.prompt_tokens += reply.usage.prompt;
  replica.completion_tokens += reply.usage.completion;
  replica.generation += microseconds(us(now_ - call.first_byte));
  replica.first_byte.add(microseconds(reply.timing.first_byte_us), now_);
  replica.total.add(microseconds(reply.timing.total_us), now_);
  if (call_meter* meter = call.call.meter.get())
    meter->tokens += reply.usage.completion;
  const bool streamed = call.wire->is_event_stream();
  leave_wire(call);
  std::optional<first_byte_time> first_byte;
  if (streamed)
    first_byte = first_byte_time{call.started, call.first_byte - call.started};
  call.lane->pool.give_back(call.place, attempt_end::answered, now_, first_byte,
                            {reply.usage.completion, now_ - call.started});
  finish(call, std::move(reply));
}

void call_loop::failed(live_call& call, attempt_failure failure,
                       std::optional<milliseconds> retry_after) {
  auto& lane = *call.lane;
  auto& replica = lane.replicas[call.place.replica];
  leave_wire(call);
  lane.pool.give_back(call.place, failure.end, now_);
  ++replica.errors[static_cast<std::size_t>(failure.kind)];
  lane.last_failure = failure.what;
  if (failure.kind == call_error::endpoint_invalid)
    ++call.invalid_replies;
  // A server that loads its model costs no attempt: the breaker waits for it.
  if (failure.end == attempt_end::loading && !draining_ && now_ - call.submitted < timing_.call) {
    --call.attempts;
    return try_again(call, milliseconds(0));
  }
  const auto decision = policy_.decide(
      {failure.kind, failure.timeout, call.attempts, call.invalid_replies, retry_after},
      lane.pool.budget(call.place.replica), random_);
  if (decision.again && draining_)
    return cancel(call);
  if (decision.again)
    return try_again(call, decision.wait);
  const bool never =
      failure.kind == call_error::request_invalid || failure.kind == call_error::auth;
  give_up(call, failure.kind, failure.what, never ? "" : decision.why_not);
}

void call_loop::try_again(live_call& call, milliseconds wait) {
  auto& replica = call.lane->replicas[call.place.replica];
  ++replica.retried;
  ++replica.waiting;
  retries_.push_back({now_ + wait, &call});
  std::push_heap(retries_.begin(), retries_.end());
}

void call_loop::give_up(live_call& call, call_error kind, std::string_view what,
                        std::string_view why) {
  auto& replica = call.lane->replicas[call.place.replica];
  ++replica.given_up;
  auto message = fmt::format("{}: {}", replica.shown_url, what);
  if (!why.empty())
    message += fmt::format(" ({})", why);
  message = without_secret(std::move(message), call.lane->key);
  if (kind == call_error::auth && call.lane->stop_reason.empty())
    call.lane->stop_reason = message;
  finish(call, fail(call_failure{kind, std::move(message), call.attempts}));
}

void call_loop::cancel(live_call& call) {
  finish(call, fail(call_failure{call_error::cancelled, "shutting down", call.attempts}));
}

void call_loop::finish(live_call& call, call_result result) {
  auto done = std::move(call.done);
  call.done = nullptr;
  call.call = {};
  call.lane = nullptr;
  call.queued = {};
  call.attempts = call.invalid_replies = 0;
  free_.push_back(&call);
  done(std::move(result));
}

void call_loop::drain() {
  draining_ = true;
  for (auto& lane : lanes_) {
    while (!lane->queue.empty()) {
      live_call& call = *lane->queue.front();
      lane->queue.pop_front();
      cancel(call);
    }
  }
  while (!retries_.empty()) {
    live_call& call = *retries_.back().call;
    retries_.pop_back();
    --call.lane->replicas[call.place.replica].waiting;
    cancel(call);
  }
}

void call_loop::cancel_on_wire(live_call& call) {
  engine_->cancel(*call.wire);
  leave_wire(call);
  call.lane->pool.give_back(call.place, attempt_end::abandoned, now_);
  cancel(call);
}

// Taken out of the queues; the caller ends them last, because a callback may submit.
std::vector<live_call*> call_loop::take_waiting(std::uint64_t group) {
  std::vector<live_call*> waiting;
  for (auto& lane : lanes_)
    std::erase_if(lane->queue, [&](live_call* call) {
      const bool its = call->call.group == group;
      if (its)
        waiting.push_back(call);
      return its;
    });
  std::erase_if(retries_, [&](const retry& entry) {
    const bool its = entry.call->call.group == group;
    if (its) {
      --entry.call->lane->replicas[entry.call->place.replica].waiting;
      waiting.push_back(entry.call);
    }
    return its;
  });
  std::make_heap(retries_.begin(), retries_.end());
  return waiting;
}

// A call that was answered with rubbish did not meet an outage, though nobody is asked any more.
call_error call_loop::without_replica(const live_call& call) {
  return call.invalid_replies > 0 ? call_error::endpoint_invalid : call_error::transient;
}

void call_loop::give_up(std::uint64_t group) {
  for (live_call* call : take_waiting(group)) {
    call->place.replica = 0; // perhaps it never had one
    if (call->lane->pool.all_down())
      give_up(*call, without_replica(*call), "no replica of the model is up",
              call->lane->last_failure);
    else
      finish(*call, fail(call_failure{call_error::cancelled, "given up", call->attempts}));
  }
}

void call_loop::abandon(std::uint64_t group) {
  const std::vector<live_call*> waiting = take_waiting(group);
  std::vector<live_call*> wired;
  for (live_call* call : on_wire_)
    if (call->call.group == group)
      wired.push_back(call);
  for (live_call* call : wired)
    cancel_on_wire(*call);
  for (live_call* call : waiting)
    cancel(*call);
}

void call_loop::cancel_all() {
  drain();
  while (!on_wire_.empty())
    cancel_on_wire(*on_wire_.back());
}

} // namespace tenbit

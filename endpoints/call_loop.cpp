#include "endpoints/call_loop.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

#include "base/text.hpp"
#include "endpoints/json_reader.hpp"

namespace tenbit {
namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> retry_after_of(const http_transfer& transfer) {
  const auto seconds = parse_retry_after(transfer.header("Retry-After"), std::time(nullptr));
  if (!seconds)
    return std::nullopt;
  return std::min<std::chrono::seconds>(*seconds, limits::retry_after_max);
}

} // namespace

void call_loop::accept(client_call call, client::callback done) {
  now_ = std::chrono::steady_clock::now();
  auto& live = new_call();
  live.call = std::move(call);
  live.done = std::move(done);
  live.submitted = live.queued_at = now_;
  const auto lane = lane_of_.find(live.call.model);
  if (lane == lane_of_.end()) {
    const auto name = one_line(live.call.model, limits::shown_name_chars_max);
    finish(live, fail(call_failure{call_error::request_invalid, "no model " + name, 0}));
    return;
  }
  live.lane = lane->second;
  if (draining_)
    return cancel(live);
  if (!live.lane->complete_body(live.call.canonical)) {
    finish(live,
           fail(call_failure{call_error::request_invalid, "the request is not a JSON object", 0}));
    return;
  }
  live.lane->queue.push_back(&live);
}

void call_loop::step(milliseconds max_wait) {
  now_ = std::chrono::steady_clock::now();
  release_retries();
  for (auto& lane : lanes_)
    dispatch(*lane);
  engine_->poll(wait_time(max_wait));
  now_ = std::chrono::steady_clock::now();
  if (now_ >= next_deadline_check_) {
    check_deadlines();
    next_deadline_check_ = now_ + deadline_period_;
  }
  // A place that came free is taken now, not after the next wait.
  for (auto& lane : lanes_)
    dispatch(*lane);
}

milliseconds call_loop::wait_time(milliseconds max_wait) const {
  auto wait = max_wait;
  const auto until = [&](time_point due) {
    const auto left = std::chrono::ceil<milliseconds>(due - now_);
    wait = std::clamp(wait, milliseconds(0), std::max(left, milliseconds(0)));
  };
  if (!on_wire_.empty())
    until(next_deadline_check_);
  if (!retries_.empty())
    until(retries_.front().due);
  for (const auto& lane : lanes_) {
    if (lane->queue.empty())
      continue;
    if (lane->pool.has_place(now_))
      until(now_ + milliseconds(1)); // the first waits for its own replica, but not for long
    if (const auto probe = lane->pool.next_probe())
      until(*probe);
    until(now_ + limits::deadline_check_max); // give_up_waiting
  }
  return wait;
}

void call_loop::release_retries() {
  while (!retries_.empty() && retries_.front().due <= now_) {
    std::pop_heap(retries_.begin(), retries_.end());
    live_call& call = *retries_.back().call;
    retries_.pop_back();
    --call.lane->replicas[call.place.replica].waiting;
    call.queued_at = now_;
    call.lane->queue.push_front(&call); // older than all that wait
  }
}

void call_loop::dispatch(model_lane& lane) {
  while (!lane.queue.empty()) {
    live_call& call = *lane.queue.front();
    const bool waited = now_ > call.queued_at;
    const auto place = lane.pool.take(call.call.sticky, waited, now_);
    if (!place)
      break;
    lane.queue.pop_front();
    start_attempt(call, *place);
  }
  if (!lane.queue.empty() && lane.pool.all_down())
    give_up_waiting(lane);
}

void call_loop::give_up_waiting(model_lane& lane) {
  if (lane.pool.all_stopped()) {
    while (!lane.queue.empty()) {
      live_call& call = *lane.queue.front();
      lane.queue.pop_front();
      ++lane.replicas.front().given_up;
      finish(call, fail(call_failure{call_error::auth, lane.stop_reason, call.attempts}));
    }
    return;
  }
  while (!lane.queue.empty() && now_ - lane.queue.front()->queued_at > timing_.call) {
    live_call& call = *lane.queue.front();
    lane.queue.pop_front();
    call.place.replica = 0;
    give_up(call, without_replica(call), "no replica of the model was up", lane.last_failure);
  }
}

void call_loop::start_attempt(live_call& call, replica_pool::place place) {
  call.place = place;
  call.queued += now_ - call.queued_at;
  call.started = now_;
  call.begun = false;
  ++call.attempts;
  call.wire =
      engine_->start(call.lane->replicas[place.replica].endpoint, call.call.canonical, &call);
  call.wire_index = on_wire_.size();
  on_wire_.push_back(&call);
  if (call_meter* meter = call.call.meter.get())
    ++meter->on_wire;
  if (call.wire == nullptr)
    failed(call, {call_error::transient, attempt_end::abandoned, "no memory for a request"}, {});
}

void call_loop::begin_reply(live_call& call) {
  using form = reply_parser::form;
  const bool good = call.wire->status() == 200;
  call.begun = true;
  if (call_meter* meter = call.call.meter.get())
    ++meter->receiving;
  call.first_byte = engine_->now();
  call.reply.begin(call.lane->spec.model, !good                          ? form::error
                                          : call.wire->is_event_stream() ? form::stream
                                                                         : form::body);
}

bool call_loop::on_body(http_transfer& transfer, std::string_view bytes) {
  auto& call = *static_cast<live_call*>(transfer.owner);
  if (!call.begun)
    begin_reply(call);
  call.last_byte = engine_->now();
  if (call_meter* meter = call.call.meter.get()) {
    meter->bytes += bytes.size();
    meter->last_byte = call.last_byte;
  }
  return call.reply.feed(*json_, bytes);
}

void call_loop::on_done(http_transfer& transfer, CURLcode result) {
  auto& call = *static_cast<live_call*>(transfer.owner);
  now_ = engine_->now();
  if (!call.begun)
    begin_reply(call);
  const int status = transfer.status();
  if (status != 0 && status != 200) {
    const auto wait = retry_after_of(transfer);
    return failed(call, http_failure(status, wait.has_value(), call.reply.words(*json_)), wait);
  }
  if (call.reply.failure())
    return failed(call, *call.reply.failure(), {});
  if (result != CURLE_OK)
    return failed(call, transport_failure(result, transfer.error_text), {});
  auto reply = call.reply.finish(*json_, call.call.canonical.size());
  if (!reply)
    return failed(call, std::move(reply.error()), {});
  succeeded(call, std::move(*reply));
}

void call_loop::check_deadlines() {
  for (std::size_t i = on_wire_.size(); i-- > 0;) {
    live_call& call = *on_wire_[i];
    auto missed = missed_deadline(call);
    if (missed.empty())
      continue;
    engine_->cancel(*call.wire);
    failed(call, {call_error::transient, attempt_end::failed, std::move(missed), true}, {});
  }
}

std::string call_loop::missed_deadline(const live_call& call) const {
  const auto ms = [](milliseconds limit) { return fmt::format("{} ms", limit.count()); };
  if (now_ - call.started > timing_.call)
    return "no end of the reply after " + ms(timing_.call);
  if (!call.begun && now_ - call.started > timing_.first_byte)
    return "no byte of a reply after " + ms(timing_.first_byte);
  if (call.begun && now_ - call.last_byte > timing_.stall)
    return "stalled: no byte for " + ms(timing_.stall);
  return {};
}

void call_loop::leave_wire(live_call& call) {
  on_wire_.back()->wire_index = call.wire_index;
  on_wire_[call.wire_index] = on_wire_.back();
  on_wire_.pop_back();
  call.wire = nullptr;
  if (call_meter* meter = call.call.meter.get()) {
    --meter->on_wire;
    meter->receiving -= call.begun ? 1 : 0;
  }
}

void call_loop::order(const endpoint_order& what) {
  for (auto& lane : lanes_)
    lane->order(what);
}

std::vector<model_snapshot> call_loop::snapshot() const {
  std::vector<model_snapshot> shots;
  for (const auto& lane : lanes_)
    shots.push_back(lane->snapshot(now_));
  return shots;
}

} // namespace tenbit

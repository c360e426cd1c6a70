#include "endpoints/model_lane.hpp"

#include <numeric>

namespace tenbit {

model_lane::model_lane(const model_spec& model, const client_timing& timing)
    : spec(model), pool(spec.replicas, spec.concurrency, timing.probe_min),
      replicas(spec.replicas.size()) {}

bool model_lane::complete_body(std::string& canonical) const {
  if (canonical.size() < 3 || canonical.front() != '{' || canonical.back() != '}')
    return false;
  if (!spec.stream)
    return true;
  canonical.pop_back();
  canonical += R"(,"stream":true,"stream_options":{"include_usage":true}})";
  return true;
}

void model_lane::order(const endpoint_order& what) {
  for (std::uint32_t i = 0; i < replicas.size(); ++i) {
    if (replicas[i].shown_url != what.url)
      continue;
    switch (what.action) {
    case endpoint_action::pause:
      pool.pause(i, true);
      break;
    case endpoint_action::resume:
      pool.pause(i, false);
      break;
    case endpoint_action::limit:
      pool.bound(i, what.concurrency);
      break;
    }
  }
}

namespace {

void add_times(const model_lane::replica& r, time_point now, replica_snapshot& out) {
  const histogram first_byte = r.first_byte.at(now), total = r.total.at(now);
  out.first_byte_p50_ms = first_byte.quantile_ms(0.5);
  out.first_byte_p90_ms = first_byte.quantile_ms(0.9);
  out.first_byte_p99_ms = first_byte.quantile_ms(0.99);
  out.total_p50_ms = total.quantile_ms(0.5);
  out.total_p90_ms = total.quantile_ms(0.9);
  out.total_p99_ms = total.quantile_ms(0.99);
}

} // namespace

model_snapshot model_lane::snapshot(time_point now) const {
  model_snapshot shot;
  shot.alias = spec.alias;
  shot.in_flight = pool.in_flight();
  shot.queued = static_cast<std::uint32_t>(queue.size());
  for (std::uint32_t i = 0; i < replicas.size(); ++i) {
    const auto& r = replicas[i];
    replica_snapshot one;
    one.url = r.shown_url;
    one.in_flight = pool.in_flight(i);
    one.queued = r.waiting;
    one.limit = pool.limit(i);
    one.breaker = pool.paused(i) ? "paused" : to_string(pool.state(i));
    one.probe_at = pool.probe_at(i);
    one.answered = r.answered;
    one.retried = r.retried;
    one.given_up = r.given_up;
    one.retry_tokens = static_cast<std::uint32_t>(pool.budget(i).tokens());
    for (std::size_t kind = 0; kind < r.errors.size(); ++kind)
      if (r.errors[kind] > 0)
        one.errors[std::string(to_string(static_cast<call_error>(kind)))] = r.errors[kind];
    one.prompt_tokens = r.prompt_tokens;
    one.completion_tokens = r.completion_tokens;
    one.generation = r.generation;
    add_times(r, now, one);
    shot.queued += r.waiting;
    shot.answered += r.answered;
    shot.replicas.push_back(std::move(one));
  }
  return shot;
}

} // namespace tenbit

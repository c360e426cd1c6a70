#include "workers/replica_reports.hpp"

namespace tenbit {
namespace {

std::uint64_t count_of(const replica_snapshot& replica, call_error kind) {
  const auto place = replica.errors.find(std::string(to_string(kind)));
  return place == replica.errors.end() ? 0 : place->second;
}

} // namespace

replica_report report_of(const std::string& model, const replica_snapshot& replica) {
  replica_report out;
  out.model = model;
  out.url = replica.url;
  out.breaker = replica.breaker;
  out.in_flight = replica.in_flight;
  out.queued = replica.queued;
  out.limit = replica.limit;
  out.retry_tokens = replica.retry_tokens;
  out.answered = replica.answered;
  out.retried = replica.retried;
  out.failed = replica.given_up;
  out.errors = {count_of(replica, call_error::throttled), count_of(replica, call_error::transient),
                count_of(replica, call_error::endpoint_invalid),
                count_of(replica, call_error::request_invalid),
                count_of(replica, call_error::auth)};
  out.prompt_tokens = replica.prompt_tokens;
  out.completion_tokens = replica.completion_tokens;
  out.generation_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(replica.generation).count());
  out.first_byte_p50_ms = replica.first_byte_p50_ms;
  out.first_byte_p90_ms = replica.first_byte_p90_ms;
  out.first_byte_p99_ms = replica.first_byte_p99_ms;
  out.total_p50_ms = replica.total_p50_ms;
  out.total_p90_ms = replica.total_p90_ms;
  out.total_p99_ms = replica.total_p99_ms;
  return out;
}

} // namespace tenbit

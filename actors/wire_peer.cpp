// Fields of what a peer says. The grammar stands at the top of wire.cpp, in the same order.
#include "actors/wire_io.hpp"

namespace tenbit::wire {
namespace {

constexpr std::uint8_t bit_solver = 1, bit_oracle = 2, bit_grader = 4;

void roles_field(auto& io, like<role_set> auto& roles) {
  std::uint8_t bits = 0;
  if constexpr (std::is_const_v<std::remove_reference_t<decltype(roles)>>)
    bits = static_cast<std::uint8_t>((roles.solver ? bit_solver : 0) |
                                     (roles.oracle ? bit_oracle : 0) |
                                     (roles.grader ? bit_grader : 0));
  io.number("roles", bits);
  if constexpr (!std::is_const_v<std::remove_reference_t<decltype(roles)>>) {
    if (bits > (bit_solver | bit_oracle | bit_grader))
      io.wrong("roles", "names a role that is not known");
    roles = {(bits & bit_solver) != 0, (bits & bit_oracle) != 0, (bits & bit_grader) != 0};
  }
}

void fields(auto& io, like<hello> auto& m) {
  note(io, "build", limits::peer_name_chars_max, m.build);
  io.number("boot", m.boot);
  io.number("incarnation_seen", m.incarnation_seen);
  roles_field(io, m.roles);
  io.number("slots", m.slots);
  io.list("leases", limits::frame_items_max, m.leases, [](auto& to, auto& held) {
    to.tuple("held", [&held](auto& inner) { lease_fields(inner, held); });
  });
  io.list("ledgers", limits::frame_items_max, m.ledgers, [](auto& to, auto& ledger) {
    to.tuple("ledger", [&ledger](auto& inner) {
      inner.number("experiment", ledger.experiment.value);
      inner.number("bits", ledger.bits);
    });
  });
  receipts_field(io, m.receipts);
}

void replica_fields(auto& io, like<replica_report> auto& r) {
  io.text("model", limits::config_text_bytes_max, r.model);
  io.text("url", limits::config_text_bytes_max, r.url);
  io.text("breaker", limits::peer_name_chars_max, r.breaker);
  io.number("in_flight", r.in_flight);
  io.number("queued", r.queued);
  io.number("limit", r.limit);
  io.number("retry_tokens", r.retry_tokens);
  io.number("answered", r.answered);
  io.number("retried", r.retried);
  io.number("failed", r.failed);
  io.tuple("errors", [&r](auto& inner) {
    inner.number("throttled", r.errors.throttled);
    inner.number("transient", r.errors.transient);
    inner.number("endpoint_invalid", r.errors.endpoint_invalid);
    inner.number("request_invalid", r.errors.request_invalid);
    inner.number("auth", r.errors.auth);
  });
  io.number("prompt_tokens", r.prompt_tokens);
  io.number("completion_tokens", r.completion_tokens);
  io.number("generation_ms", r.generation_ms);
  io.finite("first_byte_p50_ms", r.first_byte_p50_ms);
  io.finite("first_byte_p90_ms", r.first_byte_p90_ms);
  io.finite("first_byte_p99_ms", r.first_byte_p99_ms);
  io.finite("total_p50_ms", r.total_p50_ms);
  io.finite("total_p90_ms", r.total_p90_ms);
  io.finite("total_p99_ms", r.total_p99_ms);
}

void fields(auto& io, like<heartbeat> auto& m) {
  io.number("boot", m.boot);
  io.number("number", m.number);
  io.number("slots", m.slots);
  io.list("leases", limits::frame_items_max, m.leases, [](auto& to, auto& progress) {
    to.tuple("progress", [&progress](auto& inner) {
      lease_fields(inner, progress);
      inner.number("calls_in_flight", progress.calls_in_flight);
      inner.number("events", progress.events);
      inner.choice("phase", lease_phase::grading, progress.phase);
      inner.number("bytes", progress.bytes);
      inner.number("tokens", progress.tokens);
      inner.number("silent_ms", progress.silent_ms);
    });
  });
  io.list("replicas", limits::frame_items_max, m.replicas, [](auto& to, auto& replica) {
    to.tuple("replica", [&replica](auto& inner) { replica_fields(inner, replica); });
  });
}

void fields(auto& io, like<goodbye> auto& m) {
  note(io, "reason", limits::frame_note_bytes_max, m.reason);
}

void fields(auto& io, like<experiment_refused> auto& m) {
  io.number("experiment", m.experiment.value);
  note(io, "reason", limits::frame_note_bytes_max, m.reason);
}

void fields(auto& io, like<append_request> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
  events_field(io, limits::frame_items_max, m.events);
}

void fields(auto& io, like<ask_message> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
  place_fields(io, m.where);
  questions_field(io, m.questions);
  io.text("draft", limits::prompt_bytes_max, m.draft);
}

void fields(auto& io, like<text_request> auto& m) {
  lease_fields(io, m);
  io.number("ticket", m.ticket);
  place_fields(io, m.where);
  io.tuple("request", [&m](auto& inner) { request_fields(inner, m.request); });
}

void fields(auto& io, like<arm_finished> auto& m) {
  finished_fields(io, m);
}

void fields(auto& io, like<task_released> auto& m) {
  lease_fields(io, m);
  io.choice("how", release_kind::diverged, m.how);
  io.number("failed_arms", m.failed_arms);
}

void fields(auto& io, like<oracle_append> auto& m) {
  task_fields(io, m.task);
  io.number("ticket", m.ticket);
  io.number("ask", m.ask);
  events_field(io, limits::frame_items_max, m.events);
}

void fields(auto& io, like<oracle_failed> auto& m) {
  task_fields(io, m.task);
  io.number("ask", m.ask);
  failure_fields(io, m.failure);
}

void fields(auto& io, like<oracle_text_reply> auto& m) {
  task_fields(io, m.task);
  io.number("ask", m.ask);
  io.text("text", limits::reply_text_bytes_max, m.text);
}

void fields(auto& io, like<forgotten> auto& m) {
  task_fields(io, m.task);
}

void fields(auto& io, like<graded> auto& m) {
  task_fields(io, m.task);
  if constexpr (std::is_const_v<std::remove_reference_t<decltype(m)>>) {
    const event result = m.result;
    event_field(io, result);
  } else {
    event result;
    event_field(io, result);
    if (auto* outcome = std::get_if<outcome_event>(&result))
      m.result = std::move(*outcome);
    else
      io.wrong("result", "is no outcome");
  }
}

constexpr auto peer_fields = [](auto& io, auto& message) { fields(io, message); };

} // namespace

std::string encode(const from_peer& message) {
  return encode_frame(message, peer_fields);
}

expected<from_peer, frame_error> decode_from_peer(std::string_view bytes) {
  return decode_frame<from_peer>(bytes, peer_fields);
}

} // namespace tenbit::wire

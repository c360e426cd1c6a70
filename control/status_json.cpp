#include "control/status_json.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "config/limits.hpp"
#include "control/http_status.hpp"
#include "control/lines.hpp"

namespace tenbit::control {
namespace {

using nlohmann::ordered_json;

constexpr run_phase phases[] = {run_phase::running, run_phase::stopping, run_phase::finished,
                                run_phase::broken};

// -- both directions: f(name, member) for each ----------------------------------------------------
template <class Fields> void list_fields(Fields& f, plan_counts& v) {
  f("pending", v.pending);
  f("leased", v.leased);
  f("done", v.done);
  f("failed", v.failed);
  f("quarantined", v.quarantined);
  f("cancelled", v.cancelled);
}
template <class Fields> void list_fields(Fields& f, run_status& v) {
  f("phase", v.phase);
  f("tasks", v.tasks);
  f("tasks_all", v.tasks_all);
  f("tasks_done_before", v.tasks_done_before);
  f("calls", v.calls);
  f("bits", v.bits);
  f("bits_relayed", v.bits_relayed);
  f("prompt_tokens", v.prompt_tokens);
  f("completion_tokens", v.completion_tokens);
  f("cost", v.money);
  f("stop_reason", v.stop_reason);
  f("failure", v.failure);
  f("last_failure", v.last_failure);
}
template <class Fields> void list_fields(Fields& f, store_health& v) {
  f("sync_p50_ms", v.sync_p50_ms);
  f("sync_p99_ms", v.sync_p99_ms);
  f("group_p50_items", v.group_p50_items);
  f("group_p99_items", v.group_p99_items);
  f("log_bytes", v.log_bytes);
  f("compaction_pending_bytes", v.compaction_pending_bytes);
  f("write_stalls", v.write_stalls);
  f("background_errors", v.background_errors);
  f("anchor_lag_s", v.anchor_lag_s);
}
template <class Fields> void list_fields(Fields& f, run_line& v) {
  f("name", v.name);
  f("id", v.id);
  list_fields(f, v.status);
  f("currency", v.currency);
  f("priority", v.priority);
  f("paused", v.paused);
  f("simulated", v.simulated);
  f("lease_limit", v.lease_limit);
  f("budget_used", v.budget_used);
  f("per_second_1m", v.per_second_1m);
  f("per_second_15m", v.per_second_15m);
  f("per_second_1h", v.per_second_1h);
  f("eta_s", v.eta_s);
  f("eta_low_s", v.eta_low_s);
  f("eta_high_s", v.eta_high_s);
  f("oldest_pending_s", v.oldest_pending_s);
  f("oldest_lease_s", v.oldest_lease_s);
  f("leases_granted", v.leases_granted);
  f("leases_expired", v.leases_expired);
  f("leases_lost", v.leases_lost);
  f("stale_refused", v.stale_refused);
  f("duplicates", v.duplicates);
  f("ledger_difference", v.ledger_difference);
  f("suspects", v.suspects);
  f("stragglers", v.stragglers);
  f("waiting_for", v.waiting_for);
  f("store", v.store);
  f("checkpoint_age_s", v.checkpoint_age_s);
  f("bits_per_problem", v.status.bits_per_problem.problems);
  f("bits_per_problem_sum", v.status.bits_per_problem.bits);
}
template <class Fields> void list_fields(Fields& f, attempt_failures& v) {
  f("throttled", v.throttled);
  f("transient", v.transient);
  f("endpoint_invalid", v.endpoint_invalid);
  f("request_invalid", v.request_invalid);
  f("auth", v.auth);
}
template <class Fields> void list_fields(Fields& f, replica_report& v) {
  f("model", v.model);
  f("url", v.url);
  f("breaker", v.breaker);
  f("in_flight", v.in_flight);
  f("queued", v.queued);
  f("limit", v.limit);
  f("retry_tokens", v.retry_tokens);
  f("answered", v.answered);
  f("retried", v.retried);
  f("failed", v.failed);
  f("errors", v.errors);
  f("prompt_tokens", v.prompt_tokens);
  f("completion_tokens", v.completion_tokens);
  f("generation_ms", v.generation_ms);
  f("first_byte_p50_ms", v.first_byte_p50_ms);
  f("first_byte_p90_ms", v.first_byte_p90_ms);
  f("first_byte_p99_ms", v.first_byte_p99_ms);
  f("total_p50_ms", v.total_p50_ms);
  f("total_p90_ms", v.total_p90_ms);
  f("total_p99_ms", v.total_p99_ms);
}
template <class Fields> void list_fields(Fields& f, peer_line& v) {
  f("name", v.name);
  f("roles", v.roles);
  f("build", v.build);
  f("connected", v.connected);
  f("slots", v.slots);
  f("leased", v.leased);
  f("heartbeat_age_s", v.heartbeat_age_s);
  f("restarts", v.restarts);
  f("tasks_done", v.tasks_done);
  f("tasks_failed", v.tasks_failed);
  f("draining", v.draining);
  f("refused", v.refused);
  f("replicas", v.replicas);
}
template <class Fields> void list_fields(Fields& f, lease_line& v) {
  f("run", v.run);
  f("problem", v.problem);
  f("worker", v.worker);
  f("age_s", v.age_s);
  f("times_p99", v.times_p99);
  f("phase", v.phase);
  f("calls", v.calls);
  f("events", v.events);
  f("bytes", v.bytes);
  f("tokens", v.tokens);
  f("silent_s", v.silent_s);
}
template <class Fields> void list_fields(Fields& f, endpoint_rule& v) {
  f("worker", v.worker);
  f("url", v.url);
  f("paused", v.paused);
  f("limit", v.limit);
}
template <class Fields> void list_fields(Fields& f, cluster_status& v) {
  f("unix_ms", v.unix_ms);
  f("uptime_s", v.uptime_s);
  f("incarnation", v.incarnation);
  f("address", v.address);
  f("runs", v.runs);
  f("workers", v.peers);
  f("oldest_leases", v.oldest_leases);
  f("endpoint_orders", v.endpoint_orders);
  f("tick_gap_max_s", v.tick_gap_max_s);
  f("rss_bytes", v.rss_bytes);
  f("open_files", v.open_files);
  f("commit_groups", v.commit_groups);
  f("commit_items", v.commit_items);
  f("commit_p50_ms", v.commit_p50_ms);
  f("commit_p99_ms", v.commit_p99_ms);
  f("commit_queue_items", v.commit_queue_items);
  f("commit_queue_bytes", v.commit_queue_bytes);
  f("disk_free_bytes", v.disk_free_bytes);
  f("disk_all_bytes", v.disk_all_bytes);
  f("disk", v.disk);
  f("refused_keys", v.refused_keys);
  f("failed_handshakes", v.failed_handshakes);
  f("bad_frames", v.bad_frames);
  f("forbidden", v.forbidden);
  f("over_quota", v.over_quota);
  f("dropped_sends", v.dropped_sends);
}

class field_writer {
public:
  template <class T> static ordered_json object(T& value) {
    field_writer out;
    list_fields(out, value);
    return std::move(out.out_);
  }
  template <class T> void operator()(const char* name, T& value) { out_[name] = json_of(value); }

private:
  static ordered_json json_of(double& v) { return std::isfinite(v) ? v : -1.0; }
  static ordered_json json_of(run_phase& v) { return to_string(v); }
  static ordered_json json_of(experiment_id& v) { return fmt::format("{:016x}", v.value); }
  static ordered_json json_of(role_set& v) {
    auto out = ordered_json::array();
    for (const auto& [has, name] :
         {std::pair(v.solver, "solver"), {v.oracle, "oracle"}, {v.grader, "grader"}})
      if (has)
        out.push_back(name);
    return out;
  }
  template <class T> static ordered_json json_of(std::vector<T>& v) {
    auto out = ordered_json::array();
    for (auto& one : v)
      out.push_back(object(one));
    return out;
  }
  template <class T, std::size_t N> static ordered_json json_of(std::array<T, N>& v) { return v; }
  template <class T> static ordered_json json_of(std::optional<T>& v) {
    return v ? json_of(*v) : ordered_json(nullptr);
  }
  template <class T> static ordered_json json_of(T& v) {
    if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>)
      return v;
    else
      return object(v);
  }

  ordered_json out_ = ordered_json::object();
};

// The first member of the wrong type is remembered with its name.
class field_reader {
public:
  field_reader(const ordered_json& from, std::string& problem) : from_(from), problem_(problem) {
    if (!from.is_object())
      wrong("a part", "an object");
  }
  template <class T> void operator()(const char* name, T& value) {
    if (!problem_.empty())
      return;
    if (const auto found = from_.find(name); found != from_.end())
      read(name, *found, value);
  }

private:
  void wrong(const char* name, const char* wanted) {
    if (problem_.empty())
      problem_ = fmt::format("{} of the status is not {}", name, wanted);
  }
  void read(const char* name, const ordered_json& from, double& v) {
    from.is_number() ? from.get_to(v) : (wrong(name, "a number"), v);
  }
  void read(const char* name, const ordered_json& from, bool& v) {
    from.is_boolean() ? from.get_to(v) : (wrong(name, "true or false"), v);
  }
  void read(const char* name, const ordered_json& from, std::string& v) {
    from.is_string() ? from.get_to(v) : (wrong(name, "a text"), v);
  }
  template <class T>
  requires std::is_integral_v<T>
  void read(const char* name, const ordered_json& from, T& v) {
    if constexpr (std::is_unsigned_v<T>) {
      const auto number = from.is_number_unsigned() ? from.get<std::uint64_t>() : 0;
      if (!from.is_number_unsigned() || number > std::numeric_limits<T>::max())
        return wrong(name, "a whole number from 0 in its range");
      v = static_cast<T>(number);
    } else {
      const auto number = from.is_number_integer() ? from.get<std::int64_t>() : 0;
      if (!from.is_number_integer() || number > std::numeric_limits<T>::max() ||
          number < std::numeric_limits<T>::min())
        return wrong(name, "a whole number in its range");
      v = static_cast<T>(number);
    }
  }
  void read(const char* name, const ordered_json& from, run_phase& v) {
    for (const auto one : phases)
      if (from == to_string(one)) {
        v = one;
        return;
      }
    wrong(name, "a phase");
  }
  void read(const char* name, const ordered_json& from, experiment_id& v) {
    std::string text;
    read(name, from, text);
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, v.value, 16);
    if (error != std::errc() || at != end)
      wrong(name, "an id");
  }
  void read(const char* name, const ordered_json& from, role_set& v) {
    if (!from.is_array())
      return wrong(name, "an array");
    v = {};
    for (const auto& one : from) {
      v.solver = v.solver || one == "solver";
      v.oracle = v.oracle || one == "oracle";
      v.grader = v.grader || one == "grader";
    }
  }
  template <class T> void read(const char* name, const ordered_json& from, std::optional<T>& v) {
    if (!from.is_null())
      read(name, from, v.emplace());
  }
  template <class T> void read(const char* name, const ordered_json& from, std::vector<T>& v) {
    if (!from.is_array())
      return wrong(name, "an array");
    for (const auto& one : from)
      read(name, one, v.emplace_back());
  }
  // One of another length is of a coordinator that counts in other classes.
  template <class T, std::size_t N>
  void read(const char* name, const ordered_json& from, std::array<T, N>& v) {
    if (!from.is_array())
      return wrong(name, "an array");
    for (std::size_t i = 0; from.size() == N && i < N; ++i)
      read(name, from[i], v[i]);
  }
  template <class T>
  requires std::is_class_v<T>
  void read(const char*, const ordered_json& from, T& v) {
    field_reader inner(from, problem_);
    list_fields(inner, v);
  }

  const ordered_json& from_;
  std::string& problem_;
};

} // namespace

std::string_view to_string(run_phase phase) {
  switch (phase) {
  case run_phase::running:
    return "running";
  case run_phase::stopping:
    return "stopping";
  case run_phase::finished:
    return "finished";
  case run_phase::broken:
    return "broken";
  }
  TENBIT_ASSERT(false);
}

std::string to_json(const cluster_status& s) {
  auto copy = s; // the list of fields is one for reading and writing
  return json_line(field_writer::object(copy));
}

std::string runs_json(const cluster_status& s) {
  auto out = ordered_json::array();
  for (auto run : s.runs)
    out.push_back(field_writer::object(run));
  return json_line(out);
}

std::string workers_json(const cluster_status& s) {
  auto out = ordered_json::array();
  for (auto peer : s.peers) {
    auto one = field_writer::object(peer);
    one.erase("replicas");
    out.push_back(std::move(one));
  }
  return json_line(out);
}

std::string endpoints_json(const cluster_status& s) {
  auto out = ordered_json::array();
  for (const auto& peer : s.peers)
    for (auto replica : peer.replicas) {
      ordered_json one = {{"worker", peer.name}};
      one.update(field_writer::object(replica));
      out.push_back(std::move(one));
    }
  return json_line(out);
}

expected<cluster_status, std::string> parse_status(std::string_view json) {
  if (!depth_within(json, limits::json_depth_max))
    return fail(std::string("the status is nested too deep"));
  const auto value = ordered_json::parse(json, nullptr, false);
  if (value.is_discarded())
    return fail(std::string("the status is not JSON"));
  cluster_status out;
  std::string problem;
  field_reader reader(value, problem);
  list_fields(reader, out);
  if (!problem.empty())
    return fail(std::move(problem));
  return out;
}

} // namespace tenbit::control

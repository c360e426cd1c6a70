#include "actors/session.hpp"

#include <array>

namespace tenbit {
namespace {

struct role_name {
  std::string_view name;
  bool role_set::*role;
};
constexpr std::array<role_name, 3> role_names{
    {{"solver", &role_set::solver}, {"oracle", &role_set::oracle}, {"grader", &role_set::grader}}};

constexpr role_set any_role{};
constexpr role_set solver_role{.solver = true};
constexpr role_set oracle_role{.oracle = true};
constexpr role_set grader_role{.grader = true};

// One overload for each message and none for the rest: a new message does not compile until it
// has its role.
struct role_table {
  role_set operator()(const hello&) const { return any_role; }
  role_set operator()(const heartbeat&) const { return any_role; }
  role_set operator()(const goodbye&) const { return any_role; }
  role_set operator()(const experiment_refused&) const { return any_role; }
  role_set operator()(const append_request&) const { return solver_role; }
  role_set operator()(const ask_message&) const { return solver_role; }
  role_set operator()(const text_request&) const { return solver_role; }
  role_set operator()(const arm_finished&) const { return solver_role; }
  role_set operator()(const task_released&) const { return solver_role; }
  role_set operator()(const oracle_append&) const { return oracle_role; }
  role_set operator()(const oracle_failed&) const { return oracle_role; }
  role_set operator()(const oracle_text_reply&) const { return oracle_role; }
  role_set operator()(const forgotten&) const { return oracle_role; }
  role_set operator()(const graded&) const { return grader_role; }

  role_set operator()(const welcome&) const { return any_role; }
  role_set operator()(const refused&) const { return any_role; }
  role_set operator()(const hello_wanted&) const { return any_role; }
  role_set operator()(const experiment_text&) const { return any_role; }
  role_set operator()(const heartbeat_ack&) const { return any_role; }
  role_set operator()(const leave_order&) const { return any_role; }
  role_set operator()(const grant&) const { return solver_role; }
  role_set operator()(const appended&) const { return solver_role; }
  role_set operator()(const bits_reply&) const { return solver_role; }
  role_set operator()(const text_reply&) const { return solver_role; }
  role_set operator()(const arm_closed&) const { return solver_role; }
  role_set operator()(const release_ack&) const { return solver_role; }
  role_set operator()(const revoke&) const { return solver_role; }
  role_set operator()(const hand_back&) const { return solver_role; }
  role_set operator()(const oracle_ask&) const { return oracle_role; }
  role_set operator()(const oracle_text&) const { return oracle_role; }
  role_set operator()(const oracle_appended&) const { return oracle_role; }
  role_set operator()(const forget_task&) const { return oracle_role; }
  role_set operator()(const grade_request&) const { return grader_role; }
  role_set operator()(const endpoint_order&) const { return any_role; }
};

} // namespace

std::string to_string(role_set roles) {
  std::string out;
  for (const auto& known : role_names) {
    if (!(roles.*known.role))
      continue;
    if (!out.empty())
      out += ',';
    out += known.name;
  }
  return out;
}

std::optional<role_set> parse_roles(std::string_view text) {
  role_set out;
  while (true) {
    const auto comma = text.find(',');
    const auto name = text.substr(0, comma);
    bool found = false;
    for (const auto& known : role_names) {
      if (name == known.name)
        out.*known.role = found = true;
    }
    if (!found)
      return std::nullopt;
    if (comma == std::string_view::npos)
      return out;
    text.remove_prefix(comma + 1);
  }
}

role_set role_of(const from_peer& message) {
  return std::visit(role_table{}, message);
}

role_set role_of(const to_peer& message) {
  return std::visit(role_table{}, message);
}

std::string_view to_string(lease_phase phase) {
  switch (phase) {
  case lease_phase::receiving:
    return "receiving";
  case lease_phase::sent:
    return "sent";
  case lease_phase::queued:
    return "queued";
  case lease_phase::asking:
    return "asking";
  case lease_phase::committing:
    return "committing";
  case lease_phase::grading:
    return "grading";
  }
  assertion_failed("lease_phase", __FILE__, __LINE__);
}

std::string_view to_string(release_kind k) {
  switch (k) {
  case release_kind::done:
    return "done";
  case release_kind::interrupted:
    return "interrupted";
  case release_kind::outage:
    return "outage";
  case release_kind::own_fault:
    return "own_fault";
  case release_kind::refused:
    return "refused";
  case release_kind::diverged:
    return "diverged";
  }
  assertion_failed("release_kind", __FILE__, __LINE__);
}

} // namespace tenbit

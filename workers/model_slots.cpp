#include "workers/model_slots.hpp"

#include <algorithm>
#include <set>

namespace tenbit {
namespace {

enum class use : std::uint8_t { none, trial, full };

use use_of(const replica_snapshot& replica, std::chrono::steady_clock::time_point now) {
  if (replica.breaker == "closed")
    return use::full;
  return replica.breaker == "half-open" || (replica.probe_at && *replica.probe_at <= now)
             ? use::trial
             : use::none;
}

use use_of(const model_snapshot& model, std::chrono::steady_clock::time_point now) {
  use best = model.replicas.empty() ? use::full : use::none;
  for (const replica_snapshot& replica : model.replicas)
    best = std::max(best, use_of(replica, now));
  return best;
}

} // namespace

std::vector<model_spec> models_of(const experiment& exp, role_set roles) {
  std::set<std::string> wanted;
  for (const arm_spec& arm : exp.arms) {
    const bool crosses = exp.text_crosses(arm);
    if (crosses ? roles.oracle : roles.solver)
      wanted.insert(arm.solver);
    if (roles.solver && !crosses)
      wanted.insert(arm.questioner);
    // Of self_ask the answerer is the receiver's own.
    if (arm.method == method_kind::qa ? roles.oracle : roles.solver)
      wanted.insert(arm.answerer);
  }
  std::vector<model_spec> out;
  for (const model_spec& model : exp.models)
    if (wanted.contains(model.alias))
      out.push_back(model);
  return out;
}

std::uint32_t slots_now(std::span<const model_snapshot> models, std::uint32_t full,
                        std::chrono::steady_clock::time_point now) {
  use least = use::full;
  for (const model_snapshot& model : models)
    least = std::min(least, use_of(model, now));
  switch (least) {
  case use::none:
    return 0;
  case use::trial:
    return std::min(full, 1U);
  case use::full:
    return full;
  }
  assertion_failed("use", __FILE__, __LINE__);
}

} // namespace tenbit

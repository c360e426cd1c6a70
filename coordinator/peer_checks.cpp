#include "coordinator/peer_checks.hpp"

#include <algorithm>

#include "config/limits.hpp"

namespace tenbit {

bool authentic(const experiment& exp, const call_event& call, party by) {
  const model_spec* model = exp.find_model(call.model);
  const token_usage& usage = call.reply.usage;
  return model != nullptr && call.by == by &&
         std::max(usage.prompt, usage.completion) <= limits::usage_tokens_max &&
         identify(model->revision, call.request, call.k) == call.id;
}

call_id name_of(const experiment& exp, const generate_request& request) {
  const model_spec* model = exp.find_model(request.model);
  return identify(model->revision,
                  canonical_request(model->model, request.messages, request.settings), request.k);
}

bool acceptable(const experiment& exp, const std::vector<event>& events) {
  return std::all_of(events.begin(), events.end(), [&](const event& entry) {
    if (const auto* failure = std::get_if<failure_event>(&entry))
      return failure->where.arm.value < exp.arms.size() && failure->where.trial.value < exp.trials;
    const auto* call = std::get_if<call_event>(&entry);
    return call != nullptr && authentic(exp, *call, party::receiver);
  });
}

} // namespace tenbit

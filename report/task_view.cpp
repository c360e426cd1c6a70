#include "report/task_view.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/text.hpp"

namespace tenbit::report {

namespace {

void take(task_view& view, const call_event& call) {
  auto& known = call.by == party::sender ? view.sent : view.received;
  if (known.emplace(call.id, &call).second)
    view.calls.push_back(&call);
  else
    ++view.paid_twice;
}

void take(task_view& view, const bit_event& bit) {
  view.ends[bit.where].bits.push_back(&bit);
}

void take(task_view& view, const outcome_event& outcome) {
  arm_trial_view& end = view.ends[outcome.where];
  end.outcome = &outcome;
  end.failure = nullptr;
}

void take(task_view& view, const failure_event& failure) {
  view.failures.push_back(&failure);
  arm_trial_view& end = view.ends[failure.where];
  if (end.outcome == nullptr)
    end.failure = &failure;
}

// Whether `text` stands in a message of the request that `call` made.
bool was_shown(const call_event& call, std::string_view text) {
  const auto request = nlohmann::json::parse(call.request, nullptr, false);
  if (!request.is_object() || !request.contains("messages") || !request["messages"].is_array())
    return false;
  for (const auto& message : request["messages"]) {
    if (!message.is_object() || !message.contains("content") || !message["content"].is_string())
      continue;
    if (message["content"].get_ref<const std::string&>().find(text) != std::string::npos)
      return true;
  }
  return false;
}

const call_event* direct_answer(const task_view& view, const experiment& exp, trial_index trial,
                                std::string_view model) {
  for (std::size_t i = 0; i < exp.arms.size(); ++i) {
    if (exp.arms[i].method != method_kind::direct || exp.arms[i].solver != model)
      continue;
    const arm_trial where{arm_index{static_cast<std::uint16_t>(i)}, trial};
    const auto* end = view.find(where);
    if (end != nullptr && end->outcome != nullptr)
      return view.find(end->outcome->answer_call, answering_party(exp, where));
  }
  return nullptr;
}

// The answerer's text that its answers of this trial were given from: a call that answers no
// question and whose text stands in the request of one that does.
const call_event* reference_solution(const task_view& view, const experiment& exp,
                                     trial_index trial, std::string_view model) {
  std::unordered_set<call_id> sources;
  for (const auto& [where, end] : view.ends)
    for (const bit_event* bit : end.bits)
      sources.insert(bit->source);
  std::vector<const call_event*> candidates;
  for (const call_event* call : view.calls)
    if (call->by == party::sender && call->model == model && !sources.contains(call->id) &&
        !trim(call->reply.text).empty())
      candidates.push_back(call);
  for (const auto& [where, end] : view.ends) {
    if (where.trial != trial || end.bits.empty() ||
        exp.arms[where.arm.value].reference != reference_kind::own)
      continue;
    const call_event* source = view.find(end.bits.front()->source, party::sender);
    if (source == nullptr || source->model != model)
      continue;
    for (const call_event* candidate : candidates)
      if (was_shown(*source, trim(candidate->reply.text)))
        return candidate;
  }
  return nullptr;
}

} // namespace

const call_event* task_view::find(const call_id& id, party by) const {
  const auto& first = by == party::sender ? sent : received;
  const auto& second = by == party::sender ? received : sent;
  if (const auto found = first.find(id); found != first.end())
    return found->second;
  const auto found = second.find(id);
  return found == second.end() ? nullptr : found->second;
}

party answering_party(const experiment& exp, arm_trial where) {
  return exp.text_crosses(exp.arms[where.arm.value]) ? party::sender : party::receiver;
}

const arm_trial_view* task_view::find(arm_trial where) const {
  const auto found = ends.find(where);
  return found == ends.end() ? nullptr : &found->second;
}

task_view view_of(std::span<const event> events) {
  task_view view;
  for (const event& e : events)
    std::visit([&view](const auto& known) { take(view, known); }, e);
  for (auto& [where, end] : view.ends) {
    const auto by_index = [](const bit_event* a, const bit_event* b) {
      return a->index < b->index;
    };
    std::stable_sort(end.bits.begin(), end.bits.end(), by_index);
    const auto same = [](const bit_event* a, const bit_event* b) { return a->index == b->index; };
    end.bits.erase(std::unique(end.bits.begin(), end.bits.end(), same), end.bits.end());
  }
  return view;
}

std::optional<std::string> misplaced(const task_view& view, const experiment& exp) {
  for (const auto& [where, end] : view.ends)
    if (where.arm.value >= exp.arms.size() || where.trial.value >= exp.trials)
      return fmt::format("an event names arm {}, trial {}, but the experiment has {} arms and {} "
                         "trials",
                         where.arm.value, where.trial.value, exp.arms.size(), exp.trials);
  return std::nullopt;
}

const call_event* own_answer(const task_view& view, const experiment& exp, arm_trial where) {
  const std::string_view model = strong_model(exp, exp.arms[where.arm.value]);
  if (model.empty())
    return nullptr;
  if (const call_event* direct = direct_answer(view, exp, where.trial, model))
    return direct;
  return reference_solution(view, exp, where.trial, model);
}

std::string_view strong_model(const experiment& exp, const arm_spec& arm) {
  switch (arm.method) {
  case method_kind::qa:
    return arm.answerer;
  case method_kind::direct:
    return exp.text_crosses(arm) ? std::string_view(arm.solver) : std::string_view();
  case method_kind::self_ask:
  case method_kind::resample:
  case method_kind::random_bits:
  case method_kind::constant_yes:
    return {};
  }
  assertion_failed("method_kind", __FILE__, __LINE__);
}

} // namespace tenbit::report

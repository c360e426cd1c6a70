#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "report/accumulate.hpp"
#include "report/tokens.hpp"

namespace tenbit::report {

namespace {

std::optional<std::size_t> arm_with(const experiment& exp, method_kind method,
                                    std::string_view solver) {
  for (std::size_t i = 0; i < exp.arms.size(); ++i)
    if (exp.arms[i].method == method && exp.arms[i].solver == solver)
      return i;
  return std::nullopt;
}

arm_trial at(std::size_t arm, std::uint16_t trial) {
  return {arm_index{static_cast<std::uint16_t>(arm)}, trial_index{trial}};
}

// Whether an arm fails so because a call was given up.
bool lost_a_call(call_error kind) {
  switch (kind) {
  case call_error::throttled:
  case call_error::transient:
  case call_error::endpoint_invalid:
  case call_error::request_invalid:
  case call_error::auth:
    return true;
  case call_error::cancelled: // it is made again
  case call_error::diverged:  // the task was put aside, whatever its calls did
    return false;
  }
  assertion_failed("call_error", __FILE__, __LINE__);
}

std::set<std::string> models_of(const arm_spec& arm) {
  std::set<std::string> models = {arm.solver, arm.questioner, arm.answerer};
  models.erase("");
  return models;
}

} // namespace

std::size_t reply_class_of(std::uint64_t completion_tokens) {
  const auto place = std::ranges::lower_bound(reply_tokens_limits, completion_tokens);
  return static_cast<std::size_t>(place - reply_tokens_limits.begin());
}

comparison_arms compared_with(const experiment& exp, std::size_t arm) {
  const arm_spec& spec = exp.arms[arm];
  comparison_arms result;
  if (spec.method != method_kind::direct && spec.method != method_kind::resample)
    result.resample = arm_with(exp, method_kind::resample, spec.solver);
  if (spec.method == method_kind::direct) {
    result.no_gap = "a direct arm is an end of the gap";
    return result;
  }
  if (spec.answerer.empty() || spec.answerer == spec.solver) {
    result.no_gap = "no answerer besides the solver";
    return result;
  }
  const auto solver = arm_with(exp, method_kind::direct, spec.solver);
  const auto answerer = arm_with(exp, method_kind::direct, spec.answerer);
  if (!solver || !answerer) {
    result.no_gap = fmt::format("no direct arm of {}", solver ? spec.answerer : spec.solver);
    return result;
  }
  result.solver = solver;
  result.answerer = answerer;
  return result;
}

run_accumulator::run_accumulator(const experiment& exp, bool by_trial)
    : exp_(exp), by_trial_(by_trial), groups_(by_trial ? exp.trials : 1),
      arms_(exp.arms.size() * groups_), trials_(exp.arms.size() * exp.trials),
      ends_(exp.arms.size()) {
  for (std::size_t arm = 0; arm < exp.arms.size(); ++arm)
    compared_.push_back(compared_with(exp, arm));
}

std::uint16_t run_accumulator::first_trial(std::size_t group) const {
  return by_trial_ ? static_cast<std::uint16_t>(group) : std::uint16_t{0};
}

std::uint16_t run_accumulator::last_trial(std::size_t group) const {
  return static_cast<std::uint16_t>(by_trial_ ? group + 1 : exp_.trials);
}

void run_accumulator::add(const task_view& view) {
  add_calls(view);
  add_abandoned(view);
  for (std::size_t group = 0; group < groups_; ++group)
    add_group(view, group);
}

void run_accumulator::add_calls(const task_view& view) {
  paid_twice_ += view.paid_twice;
  for (const call_event* call : view.calls) {
    model_accumulator& model = models_[call->model];
    ++model.calls;
    model.prompt_tokens += call->reply.usage.prompt;
    model.completion_tokens += call->reply.usage.completion;
    model.estimated += call->reply.usage.reported ? 0 : 1;
    model.attempts += call->reply.attempts;
    model.latency.add(call->reply.timing.total_us);
    reply_class_summary& same = model.by_length[reply_class_of(call->reply.usage.completion)];
    ++same.calls;
    same.retried += call->reply.attempts > 1 ? 1 : 0;
  }
}

void run_accumulator::add_abandoned(const task_view& view) {
  for (const auto& [where, end] : view.ends)
    ends_[where.arm.value].ends += end.outcome != nullptr ? 1 : 0;
  for (const failure_event* failure : view.failures) {
    if (!lost_a_call(failure->kind))
      continue;
    ++ends_[failure->where.arm.value].ends;
    ++ends_[failure->where.arm.value].abandoned;
  }
}

arm_task run_accumulator::task_of(const task_view& view, std::size_t arm, std::size_t group) const {
  arm_task task;
  for (std::uint16_t trial = first_trial(group); trial < last_trial(group); ++trial) {
    const arm_trial_view* end = view.find(at(arm, trial));
    if (end == nullptr)
      continue;
    if (end->outcome != nullptr) {
      ++task.done;
      task.right += end->outcome->correct ? 1 : 0;
    } else if (end->failure != nullptr) {
      ++task.failed;
      task.done += exp_.switches.failed_is_wrong ? 1 : 0;
    }
  }
  return task;
}

void run_accumulator::add_group(const task_view& view, std::size_t group) {
  std::vector<arm_task> tasks;
  tasks.reserve(exp_.arms.size());
  for (std::size_t arm = 0; arm < exp_.arms.size(); ++arm)
    tasks.push_back(task_of(view, arm, group));
  for (std::size_t arm = 0; arm < exp_.arms.size(); ++arm) {
    arm_accumulator& into = arms_[group * exp_.arms.size() + arm];
    into.add(tasks[arm]);
    const comparison_arms& other = compared_[arm];
    if (other.solver && other.answerer)
      into.add_gap(tasks[arm], tasks[*other.solver], tasks[*other.answerer]);
    if (other.resample)
      into.add_resample(tasks[arm], tasks[*other.resample]);
    add_ends(view, arm, group, into);
  }
}

void run_accumulator::add_ends(const task_view& view, std::size_t arm, std::size_t group,
                               arm_accumulator& into) {
  for (std::uint16_t trial = first_trial(group); trial < last_trial(group); ++trial) {
    const arm_trial_view* end = view.find(at(arm, trial));
    if (end == nullptr)
      continue;
    tally& counts = trials_[arm * exp_.trials + trial];
    if (end->outcome == nullptr) {
      counts.done += end->failure != nullptr && exp_.switches.failed_is_wrong ? 1 : 0;
      continue;
    }
    ++counts.done;
    counts.right += end->outcome->correct ? 1 : 0;
    into.add_outcome(*end->outcome);
    into.add_bits(end->bits);
    if (const call_event* own = own_answer(view, exp_, at(arm, trial)))
      into.add_compared(*end->outcome, estimate_cl100k_tokens(own->reply.text),
                        own->reply.text.size());
  }
}

void run_accumulator::finish_arm(arm_summary& into, std::size_t arm, std::size_t group) const {
  into.name = exp_.arms[arm].name;
  into.spec = exp_.arms[arm];
  if (by_trial_)
    into.trial = first_trial(group);
  const arm_accumulator& counts = arms_[group * exp_.arms.size() + arm];
  counts.finish(into);
  const comparison_arms& other = compared_[arm];
  into.gap.why_not = other.no_gap;
  if (other.solver && other.answerer) {
    into.gap.estimate = counts.gap();
    if (into.gap.estimate->problems == 0)
      into.gap.why_not = "no problem was finished by all three arms";
    else if (!into.gap.estimate->closed)
      into.gap.why_not = "the gap is 0 or its interval includes 0";
  }
  if (other.resample) {
    into.resample = counts.against_resample();
    into.resample->against = exp_.arms[*other.resample].name;
  }
  for (std::uint16_t trial = first_trial(group); trial < last_trial(group); ++trial) {
    const tally& t = trials_[arm * exp_.trials + trial];
    if (t.done > 0)
      into.trials.accuracy.push_back(static_cast<double>(t.right) / static_cast<double>(t.done));
  }
  into.trials.spread = mean_and_sd(into.trials.accuracy);
}

void run_accumulator::finish(run_summary& into) const {
  into.paid_twice = paid_twice_;
  for (std::size_t arm = 0; arm < exp_.arms.size(); ++arm)
    for (std::size_t group = 0; group < groups_; ++group)
      finish_arm(into.arms.emplace_back(), arm, group);
  finish_models(into);
  finish_abandoned(into);
}

void run_accumulator::finish_models(run_summary& into) const {
  for (const auto& [alias, counts] : models_) {
    model_summary model;
    model.alias = alias;
    model.calls = counts.calls;
    model.prompt_tokens = counts.prompt_tokens;
    model.completion_tokens = counts.completion_tokens;
    model.estimated_calls = counts.estimated;
    model.attempts = counts.attempts;
    if (const model_spec* spec = exp_.find_model(alias))
      model.cost = (static_cast<double>(counts.prompt_tokens) * spec->price_input +
                    static_cast<double>(counts.completion_tokens) * spec->price_output) /
                   1e6;
    model.latency_p50_us = counts.latency.quantile(0.5);
    model.latency_p99_us = counts.latency.quantile(0.99);
    model.by_length = counts.by_length;
    into.models.push_back(std::move(model));
  }
}

void run_accumulator::finish_abandoned(run_summary& into) const {
  std::map<std::set<std::string>, end_counts> by_models;
  for (std::size_t arm = 0; arm < exp_.arms.size(); ++arm) {
    end_counts& sum = by_models[models_of(exp_.arms[arm])];
    sum.ends += ends_[arm].ends;
    sum.abandoned += ends_[arm].abandoned;
  }
  for (const auto& [models, sum] : by_models)
    into.abandoned.push_back({{models.begin(), models.end()}, sum.ends, sum.abandoned});
}

} // namespace tenbit::report

#include "storage/totals.hpp"

#include <algorithm>
#include <tuple>

namespace tenbit {
namespace storage {
namespace {

void count_one(store_totals& totals, const call_event& e) {
  ++totals.calls;
  totals.calls_receiver += e.by == party::receiver ? 1 : 0;
  totals.calls_sender += e.by == party::sender ? 1 : 0;
  const auto& usage = e.reply.usage;
  totals.prompt_tokens += usage.prompt;
  totals.completion_tokens += usage.completion;
  const auto [model, first] = totals.tokens_by_model.try_emplace(e.model);
  auto& sum = model->second;
  sum.reported = (first || sum.reported) && usage.reported; // of all calls, or not
  sum.prompt += usage.prompt;
  sum.completion += usage.completion;
}
void count_one(store_totals& totals, const bit_event&) {
  ++totals.bits;
}
void count_one(store_totals& totals, const outcome_event&) {
  ++totals.outcomes;
}
void count_one(store_totals& totals, const failure_event&) {
  ++totals.failures;
}

auto numbers(const store_totals& t) {
  return std::tie(t.calls, t.calls_receiver, t.calls_sender, t.bits, t.outcomes, t.failures,
                  t.events, t.prompt_tokens, t.completion_tokens);
}

} // namespace

void count(store_totals& totals, const event& e) {
  ++totals.events;
  std::visit([&totals](const auto& one) { count_one(totals, one); }, e);
}

} // namespace storage

bool operator==(const store_totals& a, const store_totals& b) {
  const auto same_usage = [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.prompt == y.second.prompt &&
           x.second.completion == y.second.completion && x.second.reported == y.second.reported;
  };
  return storage::numbers(a) == storage::numbers(b) &&
         std::equal(a.tokens_by_model.begin(), a.tokens_by_model.end(), b.tokens_by_model.begin(),
                    b.tokens_by_model.end(), same_usage);
}

std::string_view to_string(task_status s) {
  switch (s) {
  case task_status::pending:
    return "pending";
  case task_status::done:
    return "done";
  case task_status::failed:
    return "failed";
  case task_status::quarantined:
    return "quarantined";
  case task_status::cancelled:
    return "cancelled";
  }
  assertion_failed("task_status", __FILE__, __LINE__);
}

} // namespace tenbit

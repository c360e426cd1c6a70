#include "workers/ledger_answers.hpp"

#include <algorithm>

namespace tenbit {

bool asked_otherwise(const oracle_ledger& ledger, const oracle_ask& ask) {
  return std::any_of(ask.wanted.begin(), ask.wanted.end(), [&](std::uint32_t index) {
    const auto known = ledger.find(ask.task, ask.where, bit_index{index});
    return known && known->question != hash_bytes(ask.questions.at(index));
  });
}

bool enter_bits(oracle_ledger& ledger, const task_id& task, std::vector<event>& events) {
  for (event& entry : events) {
    auto* bit = std::get_if<bit_event>(&entry);
    if (bit == nullptr)
      continue;
    if (const auto known = ledger.find(task, bit->where, bit->index)) {
      if (known->question != bit->question_hash)
        return false;
      bit->value = known->value;
    }
  }
  for (const event& entry : events)
    if (const auto* bit = std::get_if<bit_event>(&entry))
      if (ledger.add(task, *bit) == oracle_ledger::added::other)
        return false;
  return true;
}

} // namespace tenbit

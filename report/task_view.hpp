// One task's journal, sorted out: which calls, bits and ends belong to which arm and trial.
//
// A view: it points into the events it was made from, which outlive it and do not move. Pure, one
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/event.hpp"
#include "config/experiment.hpp"

namespace tenbit::report {

struct arm_trial_view {
  const outcome_event* outcome = nullptr; // the last one
  const failure_event* failure = nullptr; // the last one; nullptr when there is an outcome
  std::vector<const bit_event*> bits;     // by index, each index once
};

struct task_view {
  std::map<arm_trial, arm_trial_view> ends;
  std::vector<const call_event*> calls;       // in journal order, each id once by each party
  std::vector<const failure_event*> failures; // in journal order, superseded ones too
  std::unordered_map<call_id, const call_event*> received, sent; // by party
  std::uint64_t paid_twice = 0; // call events whose id its party had already

  // Of this party, or of the other: older journals have a call that both made once. nullptr when
  // the journal has no such call.
  [[nodiscard]] const call_event* find(const call_id& id, party by) const;
  [[nodiscard]] const arm_trial_view* find(arm_trial where) const;
};

// Who made the call whose text is the answer of this arm.
[[nodiscard]] party answering_party(const experiment& exp, arm_trial where);

[[nodiscard]] task_view view_of(std::span<const event> events);

// Fails with one line when an event names an arm or trial that the experiment does not have.
[[nodiscard]] std::optional<std::string> misplaced(const task_view& view, const experiment& exp);

// The strong model's own full answer to the problem in this trial: the answer of a direct arm of
// that model, else its own solution that the answers were given from. nullptr when the journal has
// neither.
[[nodiscard]] const call_event* own_answer(const task_view& view, const experiment& exp,
                                           arm_trial where);
// The model whose own answer an arm's bits are compared with: the answerer, or the model of a
// direct arm whose text crosses. Empty when nothing of a strong model can cross.
[[nodiscard]] std::string_view strong_model(const experiment& exp, const arm_spec& arm);

} // namespace tenbit::report

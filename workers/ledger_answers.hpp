// What an oracle's own ledger says about questions and bits of today: a question that was answered
// keeps its bit, whatever its model would say now. A model that samples, or that was exchanged, may
// say another thing.
//
// A bit whose call is in the journal is found there without asking the model. The ledger is what is
// left when the journal has lost the call.
#pragma once

#include <vector>

#include "actors/messages.hpp"
#include "workers/oracle_ledger.hpp"

namespace tenbit {

// Another question was answered at one of the wanted places: nothing may be asked of the model.
[[nodiscard]] bool asked_otherwise(const oracle_ledger& ledger, const oracle_ask& ask);

// Before bits leave: each becomes what the ledger has of it, and new ones are added. False: the
// ledger has another question at one of these places, and none may leave.
[[nodiscard]] bool enter_bits(oracle_ledger& ledger, const task_id& task,
                              std::vector<event>& events);

} // namespace tenbit

// What is looked at before anything a peer says is committed: whether it can be true at all.
//
// Pure. A call is named by what was asked; a call whose name is another one's would be shared by
// arms that never asked it.
#pragma once

#include <vector>

#include "actors/event.hpp"
#include "config/experiment.hpp"

namespace tenbit {

// The call's id is that of its model and request, its party is this one, and its server did not
// report more tokens than there are.
[[nodiscard]] bool authentic(const experiment& exp, const call_event& call, party by);

// The name of a call that was asked for. Its model is one of the experiment's.
[[nodiscard]] call_id name_of(const experiment& exp, const generate_request& request);

// What a worker may put into the journal: its own calls, and failures of arms.
[[nodiscard]] bool acceptable(const experiment& exp, const std::vector<event>& events);

} // namespace tenbit

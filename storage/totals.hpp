// The running totals of a store: one event at a time, the same for a commit and for verify. Pure.
#pragma once

#include "storage/store.hpp"

namespace tenbit::storage {

void count(store_totals& totals, const event& e);

} // namespace tenbit::storage

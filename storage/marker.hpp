// DIR/creating: while it is there the folder holds no work and does not open.
//
// It is made, synced, before anything else of a new store or of a copy, and removed when all of it
// is durable. Used by the thread that creates or copies; files go through rocksdb::Env, so that
// injected faults reach them.
#pragma once

#include "storage/recovery.hpp"

namespace tenbit::storage {

[[nodiscard]] status<store_failure> set_marker(rocksdb::Env& env, const store_paths& paths);
// The removal is durable on return.
[[nodiscard]] status<store_failure> remove_marker(rocksdb::Env& env, const store_paths& paths);

} // namespace tenbit::storage

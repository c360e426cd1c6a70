// Small files beside the database: read whole, replaced whole.
//
// All work goes through rocksdb::Env, so that injected faults reach it. Any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "storage/store.hpp"

namespace tenbit::storage {

// Names that were made, renamed or removed in the folder are durable on return.
[[nodiscard]] status<store_failure> sync_folder(rocksdb::Env& env, const std::string& dir);

// Empty when it is not there. One that is longer than bytes_max reads as the empty text, which no
// reader takes for anything.
[[nodiscard]] expected<std::optional<std::string>, store_failure>
read_small(rocksdb::Env& env, const std::string& path, std::size_t bytes_max);

// Temporary file beside it (path + ".new"), fsync, rename, fsync of the folder. On failure the old
// file is still there.
[[nodiscard]] status<store_failure> replace_file(rocksdb::Env& env, const std::string& dir,
                                                 const std::string& path, std::string_view bytes);

} // namespace tenbit::storage

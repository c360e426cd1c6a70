// What a file operation that failed becomes.
#pragma once

#include <fmt/format.h>
#include <string_view>

#include "storage/store.hpp"

namespace tenbit::storage {

// "PATH: cannot be DOING: WHY". doing: a past participle, as in "cannot be removed".
[[nodiscard]] inline store_failure io_failure(std::string_view path, std::string_view doing,
                                              std::string_view why) {
  return {store_error::io, fmt::format("{}: cannot be {}: {}", path, doing, why)};
}

} // namespace tenbit::storage

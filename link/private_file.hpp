// Files that only their owner may read or change: written whole or not at all.
//
// Functions; any thread. A write is a temporary file beside the target, fsync, rename, fsync of
// the folder, so that a crash leaves the old file or the new one. Errors are lines for people: the
// path, what failed, the mend; contents are never in them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit::link {

// Who else may do what with a file before it is refused.
enum class others {
  may_nothing,   // secrets
  may_read_only, // what is no secret but decides who may connect
};

[[nodiscard]] expected<std::string, std::string> read_private(const std::string& path,
                                                              std::size_t bytes_max, others rule);
enum class existing { replace, keep_and_fail };
[[nodiscard]] status<std::string> write_private(const std::string& path, std::string_view content,
                                                existing rule);

// Makes the folder with 0700, and what is above it as usual. One that others may enter is refused.
[[nodiscard]] status<std::string> make_private_folder(const std::string& dir);

// Held while files of a folder are read, changed and written, against another process that does
// the same. Waits for its turn.
class folder_lock {
public:
  [[nodiscard]] static expected<folder_lock, std::string> take(const std::string& dir);
  folder_lock(folder_lock&& other) noexcept;
  folder_lock& operator=(folder_lock&&) = delete;
  ~folder_lock();

private:
  explicit folder_lock(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace tenbit::link

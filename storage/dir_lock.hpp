// One writer per store folder: an exclusive flock on DIR/LOCK, held until destruction or process
// end.
//
// The file holds the holder's process id, for the message only: a file left behind by a dead
// process is no lock. Owned by the store that writes. Any thread.
#pragma once

#include <string>

#include "storage/store.hpp"

namespace tenbit::storage {

class dir_lock {
public:
  // `locked` with the holder's process id when another process (or another store of this one) has
  // it.
  [[nodiscard]] static expected<dir_lock, store_failure> take(const std::string& path);

  dir_lock(dir_lock&& other) noexcept;
  dir_lock& operator=(dir_lock&& other) noexcept;
  dir_lock(const dir_lock&) = delete;
  dir_lock& operator=(const dir_lock&) = delete;
  ~dir_lock();

private:
  explicit dir_lock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

} // namespace tenbit::storage

// The allow-list as it stands on disk, read again when its file changed.
//
// Owned by the gateway's thread. A list that cannot be read leaves the old one in force (one typing
// error must not end a cluster) and is reported once per change of the file.
#pragma once

#include <chrono>
#include <ctime>
#include <string>
#include <sys/types.h>

#include "base/expected.hpp"
#include "link/keys.hpp"

namespace tenbit::link {

class key_watch {
public:
  using time = std::chrono::steady_clock::time_point;

  [[nodiscard]] static expected<key_watch, std::string> open(const std::string& dir);
  [[nodiscard]] const allow_list& list() const { return list_; }
  // Looks at the file, at most every limits::allow_list_period. True: the list is a new one.
  // The error is one line for the log.
  [[nodiscard]] expected<bool, std::string> refresh(time now);

private:
  struct stamp {
    ino_t inode = 0;
    off_t size = -1;
    std::time_t seconds = 0;
    long nanoseconds = 0;
    friend bool operator==(const stamp&, const stamp&) = default;
  };
  explicit key_watch(std::string dir) : dir_(std::move(dir)) {}
  [[nodiscard]] stamp look() const;

  std::string dir_;
  allow_list list_;
  stamp seen_;
  time looked_{};
};

} // namespace tenbit::link

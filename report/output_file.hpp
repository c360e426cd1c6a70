// A file that appears whole or not at all: written beside its name, then renamed into place.
//
// Owned by the writer, one thread. Destruction before finish() removes what was written. Failures
// are sticky: the first one is returned by finish().
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit::report {

enum class durability { synced, renamed }; // renamed: whole or absent, but a power cut may lose it

class output_file {
public:
  // Writes to `path`; empty: to standard output, which is not replaced but appended to.
  explicit output_file(std::string path, durability wanted = durability::synced);
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file();

  void write(std::string_view bytes);
  // The first failure in one line, or the file is in place (and on the disk, when synced).
  [[nodiscard]] status<std::string> finish();
  // True after a failed write: a long export need not go on.
  [[nodiscard]] bool failed() const { return !error_.empty(); }

private:
  void fail_with(const char* what);

  std::string path_;
  durability wanted_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
  std::string error_;
};

} // namespace tenbit::report

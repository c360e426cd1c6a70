// Who did what and why: JSON lines, appended and on the disk before the thing is done.
//
// Owned by the socket server; any thread. After a crash in the middle of a line the next one begins
// on a line of its own. A failure to write refuses the change it would have recorded.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/expected.hpp"

namespace tenbit::control {

class audit_log {
public:
  // Made (0600) when it is not there. The error is one line.
  [[nodiscard]] static expected<std::unique_ptr<audit_log>, std::string>
  open(const std::string& path);
  virtual ~audit_log() = default;
  // The line is durable when this returns. No line end in it.
  [[nodiscard]] virtual status<std::string> append(std::string_view line) = 0;
};

} // namespace tenbit::control

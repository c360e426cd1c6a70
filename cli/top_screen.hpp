// A terminal that is drawn over: alternate screen, keys without Enter, all given back at the end.
//
// Owned by `tenbit top`; one at a time, one thread. Its end restores the terminal, whatever the
// way out (a signal ends the loop, see wait).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "control/render.hpp"

namespace tenbit::cli {

class top_screen {
public:
  enum class event : unsigned char { tick, resized, quit };

  // Null when standard output is not a terminal, or it cannot be set.
  [[nodiscard]] static std::unique_ptr<top_screen> open();
  virtual ~top_screen() = default;
  [[nodiscard]] virtual control::screen size() const = 0;
  virtual void draw(const std::vector<std::string>& lines) = 0;
  // Until the time is over, the size changes, or q, Ctrl-C or a signal to end comes.
  [[nodiscard]] virtual event wait(std::chrono::milliseconds time) = 0;
};

} // namespace tenbit::cli

// All mistakes of an experiment file, collected while it is read, given back in file order.
//
// Owned by one parse; one thread. Never fails: what is over limits::config_problems_max is counted,
// not kept. Texts are made safe for a terminal here; callers never put a value that may be a secret
// into them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/experiment.hpp"

namespace tenbit::config {

// Where a value stands: a line of the file, or an override.
struct origin {
  std::uint32_t line = 0;            // 0: no line
  std::uint32_t override_number = 0; // from 1; 0: the file
};

class problem_list {
public:
  problem_list(std::string file, std::span<const std::string> overrides);

  void add(origin where, std::string_view field, std::string_view message, std::string_view mend);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  // In file order, then those without a line, then those of overrides in their order.
  [[nodiscard]] std::vector<config_problem> take();

private:
  struct placed {
    std::uint64_t order;
    config_problem problem;
  };
  std::string file_;
  std::vector<std::string> override_keys_; // what stands before "=": the value may be a secret
  std::vector<placed> problems_;
  std::size_t left_out_ = 0;
};

} // namespace tenbit::config

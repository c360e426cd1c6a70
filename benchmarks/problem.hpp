// The public part of a benchmark item: what a receiver may see.
#pragma once

#include <cstdint>
#include <string>

namespace tenbit {

struct problem {
  std::uint64_t index = 0; // position in the benchmark as loaded
  std::string id;          // stable name, e.g. "gsm8k/17" or "arith/2/1/17" (level, seed, number)
  std::string question;    // valid UTF-8, at most limits::problem_text_bytes_max bytes
};

} // namespace tenbit

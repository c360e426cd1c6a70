// The receiver: rebuilds an answer from the problem and the bits of a .tbit, with its own models.
//
// It has no journal, no gold, and no path to the sender. Blocks until the answer is there; several
// may run at once on one client, each in a thread of its own.
#pragma once

#include <cstdint>
#include <string>

#include "base/expected.hpp"
#include "benchmarks/problem.hpp"
#include "codec/container.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"

namespace tenbit {

struct rebuilt_answer {
  std::string text;
  std::uint64_t calls = 0; // made for it
  bool match = false;      // its hash is the one in the container
};

// exp: of the container's recipe, with replicas; client: started with its models. The error is one
// line for people: the problem is another one, the bits do not fit, a call failed.
[[nodiscard]] expected<rebuilt_answer, std::string>
rebuild_answer(const bitstream& b, const problem& item, std::shared_ptr<const experiment> exp,
               client& calls);

} // namespace tenbit

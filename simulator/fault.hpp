// Seeded faults: which one a request gets, and what it does to the reply.
//
// The draw depends on (seed, request, arrival number of that request), so a retry may succeed and a
// run can be repeated. Pure, thread-safe, never fails.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/experiment.hpp"
#include "simulator/chat_reply.hpp"

namespace tenbit::sim {

enum class fault_kind : std::uint8_t {
  none,
  status_429,
  status_500,
  status_503,
  reset,
  stall,
  slow,
  malformed,
  truncated,
  bad_utf8,
  wrong_model,
  huge,
};
inline constexpr std::size_t fault_kinds = 12;
[[nodiscard]] std::string_view
to_string(fault_kind kind); // as on the command line: "429", "reset", …

[[nodiscard]] fault_kind draw_fault(std::uint64_t seed, const sim_fault_spec& spec,
                                    std::uint64_t request, std::uint32_t arrival);

enum class ending : std::uint8_t { keep_open, close, reset, stall };

// What goes to the socket, and how.
struct write_plan {
  std::string bytes;
  std::vector<std::size_t> cuts;      // ends of paced writes; empty: all at once
  std::chrono::microseconds pause{0}; // between two of them
  std::chrono::microseconds delay{0}; // before the first byte
  std::string filler;                 // written again and again after bytes
  std::size_t filler_bytes = 0;       // until so many are out
  ending end = ending::keep_open;
  bool needs_slot = false; // a model call; the others are answered at once
  bool good = false;       // counts as answered once it is written
};

// Changes a good plan, whose head is the first `head_bytes`, or replaces it. `variant` chooses
// among the forms of a kind. Of bad_utf8 and wrong_model the reply itself is different: spoil_text,
// spoiled_model.
void apply_fault(fault_kind kind, const sim_fault_spec& spec, std::uint64_t variant, bool stream,
                 const http_form& form, std::size_t head_bytes, write_plan& plan);
[[nodiscard]] std::string spoil_text(std::string_view text);
[[nodiscard]] std::string spoiled_model(std::string_view model);

} // namespace tenbit::sim

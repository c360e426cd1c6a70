// The yardstick of the HTTP client: the least that a libcurl multi_socket loop can do.
//
// The same requests with the same headers over kept connections; the bodies of the replies are
// received and dropped, nothing is parsed, queued, timed or retried. Runs in the calling thread,
// which its CPU time is of.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace tenbit {

struct bare_result {
  double calls_per_s = 0;
  double cpu_us_per_call = 0; // of this thread, user and system
  double wall_s = 0;
  std::uint64_t calls = 0;  // answered with HTTP 200
  std::uint64_t errors = 0; // everything else
};

// Sends `calls` requests to url, the bodies in turn, with in_flight of them at a time. At least one
// body.
[[nodiscard]] bare_result run_bare_loop(const std::string& url, std::span<const std::string> bodies,
                                        unsigned in_flight, std::uint64_t calls);

} // namespace tenbit

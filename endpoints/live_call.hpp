// One submit from its arrival to its callback: the call, what was tried, and the attempt that is on
// the wire.
//
// Owned by call_loop and used again for later calls, so that its buffers are allocated once. Always
// in one place: a lane's queue, the list of retries that wait, or the wire. Client thread only.
#pragma once

#include <cstdint>

#include "endpoints/client.hpp"
#include "endpoints/http_engine.hpp"
#include "endpoints/replica_pool.hpp"
#include "endpoints/reply_parser.hpp"

namespace tenbit {

class model_lane;

struct live_call {
  client_call call; // canonical is the body as it is sent
  client::callback done;
  model_lane* lane = nullptr;
  time_point submitted{};
  time_point queued_at{};
  std::chrono::nanoseconds queued{0}; // in the lane, all attempts
  std::uint32_t attempts = 0;
  std::uint32_t invalid_replies = 0;

  // The attempt on the wire.
  http_transfer* wire = nullptr; // nullptr: not on the wire
  replica_pool::place place{};
  time_point started{};
  time_point first_byte{};
  time_point last_byte{};
  bool begun = false; // a byte of the body came
  std::size_t wire_index = 0;
  reply_parser reply;
};

} // namespace tenbit

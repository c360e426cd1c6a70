// Bytes of everything that crosses between processes: the whole protocol is at the top of wire.cpp
// (grammar, version, limits, and what each handler does with a duplicate, late or reordered copy).
//
// Pure; any thread. Decoding is total: any bytes give a message or an error, within the limits,
// with every text valid UTF-8 where it is text and every byte used. Encoding does not fail: a
// message beyond the limits gives bytes that the other side refuses, so a frame of more than
// limits::frame_bytes_max must not be sent. Pointers of the grant and the ask must be set (asserted).
// Gold is opened here to be sent to oracle and grader alone (role_of says who may be sent what).
#pragma once

#include <string>
#include <string_view>

#include "actors/session.hpp"
#include "base/expected.hpp"

namespace tenbit::wire {

inline constexpr std::uint64_t version = 1;

// What is wrong with a frame: text for a log, without its content.
struct frame_error {
  bool other_version = false; // the peer speaks another version: it is refused by name
  std::string message;
};

[[nodiscard]] std::string encode(const from_peer& message);
[[nodiscard]] std::string encode(const to_peer& message);
[[nodiscard]] expected<from_peer, frame_error> decode_from_peer(std::string_view bytes);
[[nodiscard]] expected<to_peer, frame_error> decode_to_peer(std::string_view bytes);

} // namespace tenbit::wire

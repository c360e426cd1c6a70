// The journal of a task: what was paid for, what crossed, what came out. Append-only.
//
// An event is committed (synced to disk) before what it records is used. Its bytes are chained by
// hash in storage/. Fields marked "not canonical" differ between runs and stay out of the canonical
// export.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/call.hpp"
#include "actors/ids.hpp"
#include "base/expected.hpp"

namespace tenbit {

// Who made or may see a thing. A worker that plays the receiver is never sent events of the sender.
enum class party : std::uint8_t { receiver, sender, grader };
[[nodiscard]] std::string_view to_string(party who);

// An answer that crossed. `unknown` exists under switches.unknown_answers only.
enum class answer : std::uint8_t { no = 0, yes = 1, unknown = 2 };
[[nodiscard]] std::string_view to_string(answer a);

// A reply that was paid for.
struct call_event {
  call_id id;
  party by = party::receiver;
  std::string model; // alias
  std::uint32_t k = 0;
  std::string request;       // canonical_request, the bytes that were hashed
  call_reply reply;          // timing, attempts and replica are not canonical
  std::uint64_t unix_ms = 0; // not canonical
};

// One answer that crossed from the sender: a row of the ledger.
struct bit_event {
  arm_trial where;
  bit_index index;
  answer value = answer::no;
  hash256 question_hash; // hash_bytes(question)
  std::string question;
  std::optional<double> p_yes;
  bool asked_again = false; // the first reply could not be parsed
  bool by_default = false;  // neither reply could: the value is the counted default "no"
  call_id source;           // the answerer's call
};

// The end of one arm and trial.
struct outcome_event {
  arm_trial where;
  std::optional<call_id> draft_call; // absent where the method has no draft of its own
  call_id answer_call;               // the call whose text is the final answer
  hash256 answer_hash;               // hash_bytes(final answer text)
  std::string draft_answer;          // extracted and normalised; empty: none found
  std::string final_answer;
  bool draft_correct = false; // of the draft of this run
  bool correct = false;
  std::uint32_t questions = 0;    // asked; fewer than wanted when the questioner wrote fewer
  std::uint64_t payload_bits = 0; // what crossed, without the container
  std::string bitstream;          // the .tbit bytes
};

// An arm that could not finish. Superseded by a later outcome of the same arm and trial.
struct failure_event {
  arm_trial where;
  call_error kind = call_error::transient;
  std::string message;
};

using event = std::variant<call_event, bit_event, outcome_event, failure_event>;

// msgpack bytes of an event, and back. Decoding is total: any bytes give an event or an error,
// within limits::event_bytes_max, and trailing bytes are an error. The grammar stands at the top of
// event.cpp.
[[nodiscard]] std::string encode(const event& e);
// The same, appended to out: for a writer that keeps its buffer.
void encode_to(const event& e, std::string& out);
[[nodiscard]] expected<event, std::string> decode_event(std::string_view bytes);
// At least as many bytes as encode_to appends: for a writer that reserves.
[[nodiscard]] std::size_t encoded_bytes_max(const event& e);
// True when every text is UTF-8 and every float finite: what comes from a peer must be.
[[nodiscard]] bool well_formed(const event& e);

} // namespace tenbit

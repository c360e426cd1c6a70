// Keys and rows of the store: the grammar, and pure functions that write and read it.
//
// Numbers are big-endian, so byte order is number order and a prefix is a range. text = u32 length,
// bytes.
//
//   family   key                                        row
//   default  "store"                                    format:u32 uuid:16 experiment:u64
//            "head"                                     head (below): replaced by every commit
//            "lives"                                    { incarnation:u64 commit_seq:u64
//                                                       accepted:u8 }, the last openings for
//                                                       writing, oldest first; not before the first
//   run      experiment:u64                             hash:32 body (below); hash = BLAKE2b of
//                                                       body
//            experiment:u64 "longest"                   task:u32, every task once, the longest
//                                                       question first; not in older stores
//   state    experiment:u64 problem:u64                 status:u8 errors:u32 attempts:u32
//                                                       events:u32 bits:u32 chain:32
//                                                       (49 bytes)
//   event    experiment:u64 problem:u64 seq:u32         [0xc1 by:u8-text] event previous:32 own:32
//                                                       by: the peer it came from; not in older
//                                                       rows (no event begins with 0xc1)
//   bit      experiment:u64 problem:u64 arm:u16         seq:u32 event
//            trial:u16 index:u32                          seq names the row of `event` it repeats
//   problem  experiment:u64 problem:u64                 id:text question:text
//   gold     experiment:u64 problem:u64                 answer:text solution:text
//   lease    experiment:u64 problem:u64                 epoch:u64 holder:text [boot:u64]
//                                                       while the task is leased; boot where it is
//                                                       known, not in older rows
//   fault    experiment:u64 problem:u64                 flags:u8 holders:u32
//                                                       { holder:text crashes:u32 errors:u32 }
//                                                       while the task has faults; flags: 1 it is
//                                                       a suspect, 2 given up on this evidence
//
//   An older store gets the families `lease` and `fault` at its first opening for writing.
//
//   event    = the bytes of actors/event.cpp
//   own      = hash("event", previous, key, everything before previous); previous of seq 0 is zero
//   head     = incarnation:u64 commit_seq:u64 chain:32 clean:u8 states:u64
//              calls calls_receiver calls_sender bits outcomes failures events
//              prompt_tokens completion_tokens : u64 each
//              models:u32 { alias:text prompt:u64 completion:u64 reported:u8 }
//              chain = hash("commit", previous chain, commit_seq, own of every event, state rows,
//                           lease rows, fault rows; of one that is gone the row is empty)
//              states = sum of state_mark over all state rows, lease_mark over all lease rows and
//                       fault_mark over all fault rows, modulo 2^64: a lost row is noticed
//   body     = name:text identity:32 pairs:u32 { key:text value:text } experiment_toml:text
//              tasks:u64 simulated:u8 tool_version:text created_unix_s:u64 problems:32
//              problems = hash("problems", every problem row and gold row in order)
//
// The format number changes with any of this, but not with a family or row that an older store may
// do without. Format 1 had no `by` and no "lives"; it is read, and becomes 2 at its first opening
// for writing. Everything here is pure and thread-safe; reading is
// total: bytes that do not fit give an empty optional.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.hpp"

namespace tenbit::storage {

inline constexpr std::uint32_t format_version = 2, oldest_format_read = 1;

enum class family : std::uint8_t { meta, run, state, event, bit, problem, gold, lease, fault };
inline constexpr std::array<std::string_view, 9> family_names = {
    "default", "run", "state", "event", "bit", "problem", "gold", "lease", "fault"};
// A store that was written before there was this family opens.
[[nodiscard]] inline bool may_lack(family f) {
  return f == family::lease || f == family::fault;
}
[[nodiscard]] inline std::string_view name_of(family f) {
  return family_names[static_cast<std::size_t>(f)];
}

inline constexpr std::string_view store_key = "store";
inline constexpr std::string_view head_key = "head";
inline constexpr std::string_view lives_key = "lives";

using uuid = std::array<unsigned char, 16>;
[[nodiscard]] std::string hex(const uuid& id);

// -- keys (written into out, which is cleared)
// ------------------------------------------------------
void experiment_key(experiment_id experiment, std::string& out);
void task_key(task_id task, std::string& out);
void event_key(task_id task, std::uint32_t seq, std::string& out);
void bit_key(task_id task, arm_trial where, bit_index index, std::string& out);
void longest_key(experiment_id experiment, std::string& out);
[[nodiscard]] std::optional<task_id> read_task_key(std::string_view key);
struct event_place {
  task_id task;
  std::uint32_t seq = 0;
};
[[nodiscard]] std::optional<event_place> read_event_key(std::string_view key);
struct bit_place {
  task_id task;
  arm_trial where;
  bit_index index;
};
[[nodiscard]] std::optional<bit_place> read_bit_key(std::string_view key);

// -- rows
// -------------------------------------------------------------------------------------------
struct store_row {
  std::uint32_t format = format_version;
  uuid id{};
  experiment_id experiment;
};
[[nodiscard]] std::string encode(const store_row& row);
// Any format number is read when the first four bytes are there, so that it can be named.
[[nodiscard]] std::optional<store_row> read_store_row(std::string_view bytes);

struct head_row {
  std::uint64_t incarnation = 0;
  std::uint64_t commit_seq = 0;
  hash256 chain;
  bool clean = false;       // set by close() only
  std::uint64_t states = 0; // sum of the marks of all state rows
  store_totals totals;
};
void encode_to(const head_row& row, std::string& out); // appends
[[nodiscard]] std::optional<head_row> read_head_row(std::string_view bytes);

// The oldest goes when there are limits::store_lives_kept, and leaves its rollback to the next.
void add_life(std::vector<store_life>& lives, const store_life& life);
[[nodiscard]] std::string encode(std::span<const store_life> lives);
// Empty as well when there are more than limits::store_lives_kept, or not in ascending order.
[[nodiscard]] std::optional<std::vector<store_life>> read_lives(std::string_view bytes);

inline constexpr std::size_t state_row_size = 49;
void encode_to(const task_state& row, std::string& out); // appends
[[nodiscard]] std::optional<task_state> read_state_row(std::string_view bytes);

// A number that changes with any field of the row; for the sum in the head. No cryptography: it is
// there against loss, the chains are against change.
[[nodiscard]] std::uint64_t state_mark(problem_index task, const task_state& row);

void encode_to(const lease_row& row, std::string& out); // appends
// Empty as well when the holder is longer than a peer's name may be.
[[nodiscard]] std::optional<lease_row> read_lease_row(std::string_view bytes);
// As state_mark, and in the same sum.
[[nodiscard]] std::uint64_t lease_mark(problem_index task, const lease_row& row);

void encode_to(const fault_row& row, std::string& out); // appends
// Empty as well when a holder is longer than a peer's name may be, or the row says nothing.
[[nodiscard]] std::optional<fault_row> read_fault_row(std::string_view bytes);
// As state_mark, and in the same sum.
[[nodiscard]] std::uint64_t fault_mark(problem_index task, const fault_row& row);

[[nodiscard]] std::string encode_order(std::span<const std::uint32_t> order);
// Empty unless each of 0 … tasks - 1 is there once.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> read_order(std::string_view bytes,
                                                                   std::uint64_t tasks);

// Begins a row with who its event came from; by: at most limits::peer_name_chars_max; empty: not
// known.
void begin_event_row(std::string_view by, std::string& row); // clears it
// What begin_event_row made and the bytes of the event are at the front of the row that is being
// built; adds previous and own, and returns own.
hash256 seal_event_row(std::string_view key, const hash256& previous, std::string& row);
// hashed: all of the row before previous.
[[nodiscard]] hash256 event_hash(std::string_view key, const hash256& previous,
                                 std::string_view hashed);
struct event_row {
  std::string_view hashed; // into the row, as all views here
  std::string_view by;
  std::string_view event_bytes;
  hash256 previous;
  hash256 own;
};
[[nodiscard]] std::optional<event_row> read_event_row(std::string_view bytes);

struct bit_row {
  std::uint32_t seq = 0;
  std::string_view event_bytes; // into the row
};
[[nodiscard]] std::optional<bit_row> read_bit_row(std::string_view bytes);

struct run_row {
  store_manifest manifest;
  hash256 problems;
};
[[nodiscard]] std::string encode(const run_row& row);
// Empty as well when the hash does not hold.
[[nodiscard]] std::optional<run_row> read_run_row(std::string_view bytes);

void encode_problem(const problem_row& row, std::string& out); // clears out first
void encode_gold(const problem_row& row, std::string& out);    // clears out first
// Fill the two fields they hold; false when the bytes do not fit.
[[nodiscard]] bool read_problem(std::string_view bytes, problem_row& out);
[[nodiscard]] bool read_gold(std::string_view bytes, problem_row& out);

} // namespace tenbit::storage

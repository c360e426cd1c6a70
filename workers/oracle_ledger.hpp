// An oracle's own record of every bit it gave, synced before the bit leaves: the same question is
// given the same bit over any restart, and an older copy of it shows by its count.
//
//   DIR/ledger = { record };  record = 72 bytes, little-endian:
//     experiment:u64 problem:u64 arm:u16 trial:u16 index:u32 value:u8 zero:7 question_hash:32
//     check:8 (the first 8 bytes of hash("bit", everything before it))
//
// A torn last record (power cut) is cut off: it was not given. A bad record before it is refused.
// One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "actors/event.hpp"
#include "actors/ids.hpp"
#include "base/expected.hpp"

namespace tenbit {

class oracle_ledger {
public:
  // The error names the file and the mend.
  [[nodiscard]] static expected<std::unique_ptr<oracle_ledger>, std::string>
  open(const std::string& dir);
  ~oracle_ledger();
  oracle_ledger(const oracle_ledger&) = delete;
  oracle_ledger& operator=(const oracle_ledger&) = delete;

  struct given {
    answer value = answer::no;
    hash256 question;
  };
  // What was given at this place; empty: nothing.
  [[nodiscard]] std::optional<given> find(const task_id& task, const arm_trial& where,
                                          bit_index index) const;

  enum class added : std::uint8_t { fresh, known, other };
  // Written at the next sync. known: the same bit is there; other: another bit or question is, and
  // this one must not leave.
  [[nodiscard]] added add(const task_id& task, const bit_event& bit);
  // What was added is on the disk. A failure is final: nothing may be given after it.
  [[nodiscard]] status<std::string> sync();
  [[nodiscard]] const std::map<experiment_id, std::uint64_t>& counts() const { return counts_; }

private:
  using place = std::tuple<task_id, arm_trial, std::uint32_t>;
  oracle_ledger(int file, std::string path) : file_(file), path_(std::move(path)) {}
  [[nodiscard]] status<std::string> load();

  int file_ = -1;
  std::string path_;
  std::map<place, given> bits_;
  std::map<experiment_id, std::uint64_t> counts_;
  std::string unwritten_;
};

} // namespace tenbit

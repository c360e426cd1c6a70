// One state transition of the store, built and not yet written: the rows of a group of task
// commits, the running totals and the next head.
//
// Reads the rows it continues from the database and writes nothing. Owned by the store's committing
// thread and reused, with its memory, from commit to commit.
#pragma once

#include <map>
#include <rocksdb/write_batch.h>
#include <span>
#include <unordered_map>
#include <vector>

#include "storage/database.hpp"

namespace tenbit::storage {

class commit_builder {
public:
  commit_builder(const database& db, experiment_id experiment, std::uint64_t tasks);

  // False: the group changes nothing (every bit and lease was there already) and nothing is to be
  // written. `diverged`, with the item: a bit contradicts the ledger, or the task or a size is out
  // of bounds; `corrupt` and `io`: a row that is continued cannot be read. After a failure the
  // batch is of no use, and the next build begins anew.
  [[nodiscard]] expected<bool, store_failure> build(std::span<const task_commit> group,
                                                    const head_row& before);
  // Of the last build that gave true.
  [[nodiscard]] rocksdb::WriteBatch& batch() { return batch_; }
  [[nodiscard]] const head_row& head() const { return head_; }

private:
  struct ledger_entry {
    hash256 question;
    answer value = answer::no;
  };

  // What a row of a task was before this group, and what it is after it; empty: no row.
  template <class Row> struct change { std::optional<Row> before, now; };
  template <class Row> using changes_of = std::map<std::uint64_t, change<Row>>; // by problem

  void remember_states();
  // True: the part changes the task's state row (its events apart, which tell by themselves).
  [[nodiscard]] expected<bool, store_failure> apply(const task_commit& part);
  [[nodiscard]] status<store_failure> move_lease(const task_commit& part);
  [[nodiscard]] status<store_failure> set_faults(const task_commit& part);
  // The row as this group has it so far, read when it is the first time.
  template <class Row, class Read>
  [[nodiscard]] expected<change<Row>*, store_failure> look_up(changes_of<Row>& rows, task_id task,
                                                              family f, Read&& read);
  [[nodiscard]] expected<task_state*, store_failure> load(problem_index task);
  [[nodiscard]] expected<task_state, store_failure> read_state(problem_index task);
  [[nodiscard]] status<store_failure> append(task_id task, task_state& state, const event& e,
                                             std::string_view by);
  // True: new. False: there already with the same content.
  [[nodiscard]] expected<bool, store_failure> admit(task_id task, const task_state& state,
                                                    const bit_event& bit);
  [[nodiscard]] expected<bool, store_failure> stored_bit(const std::string& key,
                                                         ledger_entry& entry) const;
  void put_states(hasher& chain);
  template <class Row, class Mark>
  void put_changes(const changes_of<Row>& rows, family f, Mark&& mark, hasher& chain);
  void put_head();

  const database& db_;
  experiment_id experiment_;
  std::uint64_t tasks_;
  rocksdb::WriteBatch batch_;
  head_row head_;
  std::unordered_map<std::uint64_t, task_state> states_; // of this group, by problem
  bool built_ = false; // the last build gave true: states_ are what was written
  std::unordered_map<std::uint64_t, task_state> recent_; // as written, of tasks not done yet
  std::vector<std::uint64_t> order_;                     // problems as they came
  changes_of<lease_row> leases_;                         // of this group
  changes_of<fault_row> faults_;                         // likewise
  std::vector<hash256> owns_;                            // hashes of the events of this group
  std::unordered_map<std::string, ledger_entry> bits_;   // of this group, by key
  std::string key_, row_, bit_key_, bit_row_;            // kept for their memory
};

} // namespace tenbit::storage

// The store over RocksDB: store.hpp is its contract, README.md the order in which it opens and
// commits.
//
// Spread over files by what a person looks for: store_create.cpp, store_open.cpp, store_commit.cpp,
// store_read.cpp, store_checkpoint.cpp, store_verify.cpp. Threads as in store.hpp: head_ and
// stopped_ are all that both a commit and a reader touch, and they have the mutex.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "storage/commit_builder.hpp"
#include "storage/dir_lock.hpp"
#include "storage/recovery.hpp"

namespace tenbit::storage {

class rocks_store final : public store {
public:
  static expected<std::unique_ptr<store>, store_failure>
  create_new(const std::string& dir, const store_manifest& manifest,
             std::span<const problem_row> problems, const store_options& options);
  static expected<std::unique_ptr<store>, store_failure> open_writer(const std::string& dir,
                                                                     const store_options& options);
  static expected<std::unique_ptr<store>, store_failure> open_reader(const std::string& dir,
                                                                     const store_options& options);

  status<store_failure> commit(std::span<const task_commit> group) override;
  status<store_failure> keep_anchor(bool now) override;
  status<store_failure> close() override;
  store_figures figures() const override;

  const store_manifest& manifest() const override { return found_.run.manifest; }
  std::uint64_t incarnation() const override;
  std::uint64_t commit_seq() const override;
  std::string id() const override { return hex(found_.store.id); }
  const std::vector<store_life>& lives() const override { return found_.lives; }
  store_totals totals() const override;
  expected<store_head, store_failure> head() const override;
  expected<task_state, store_failure> state(problem_index task) const override;
  status<store_failure>
  for_each_state(const std::function<void(problem_index, const task_state&)>& visit) const override;
  expected<std::vector<std::pair<problem_index, lease_row>>, store_failure> leases() const override;
  expected<std::vector<std::pair<problem_index, fault_row>>, store_failure> faults() const override;
  expected<std::vector<std::uint32_t>, store_failure> longest_first() const override;
  status<store_failure> checkpoint(const std::string& dir) const override;
  expected<std::vector<event>, store_failure> events(problem_index task) const override;
  expected<std::vector<std::string>, store_failure> origins(problem_index task) const override;
  expected<std::vector<bit_event>, store_failure> bits(problem_index task) const override;
  expected<problem_row, store_failure> problem(problem_index task) const override;
  expected<problem_row, store_failure> sealed(problem_index task) const override;
  expected<std::vector<std::string>, store_failure>
  verify(const std::function<void(std::uint64_t)>& progress) const override;

private:
  rocks_store(store_paths paths, const store_options& options);

  [[nodiscard]] task_id id_of(problem_index task) const { return {found_.store.experiment, task}; }
  [[nodiscard]] store_failure damaged(const std::string& what) const;

  // -- store_open.cpp
  [[nodiscard]] status<store_failure> check_before_writing(const database_settings& settings,
                                                           const witnesses& seen) const;
  // A reader's one attempt to open and check.
  [[nodiscard]] status<store_failure> look(const database_settings& settings);
  [[nodiscard]] status<store_failure> begin_incarnation(const witnesses& seen,
                                                        bool accept_rollback);

  // -- store_commit.cpp
  [[nodiscard]] std::optional<store_failure> refusal() const;
  // Writes the row synced and takes it as the head; a failure stops the store.
  // begins: with the rows that say which life this is.
  [[nodiscard]] status<store_failure> write_head(head_row head, bool begins = false);
  // Writing failed, so that what is durable is not known.
  [[nodiscard]] status<store_failure> stop(store_failure why);
  // From now on nothing is committed; gives why back.
  [[nodiscard]] status<store_failure> halt(store_failure why);
  [[nodiscard]] durable_point point() const;

  // -- store_checkpoint.cpp
  [[nodiscard]] std::optional<store_failure> copy_refusal() const;
  [[nodiscard]] status<store_failure> copy_into(const store_paths& partial) const;

  // -- store_read.cpp
  [[nodiscard]] expected<task_state, store_failure> state_at(problem_index task,
                                                             const rocksdb::Snapshot* at) const;
  // Every event row of a task whose chain holds, in order.
  [[nodiscard]] status<store_failure>
  read_journal(problem_index task,
               const std::function<void(event, std::string_view by)>& visit) const;
  [[nodiscard]] status<store_failure> read_text(problem_index task, family f,
                                                problem_row& out) const;

  store_paths paths_;
  rocksdb::Env& env_;
  std::uint64_t memory_bytes_;
  std::optional<dir_lock> lock_; // released after db_ is gone
  std::unique_ptr<database> db_;
  recovered found_; // store and run never change; head as it was at open
  mutable std::mutex mutex_;
  head_row head_; // guarded by mutex_ against readers
  // Of the committing thread; empty in a reader.
  std::optional<receipt_file> receipt_;
  std::optional<commit_builder> builder_;
  std::optional<store_failure> stopped_; // why no commit is taken any more; set under mutex_
  std::uint64_t anchored_seq_ = 0;
  std::chrono::steady_clock::time_point anchored_at_;
};

} // namespace tenbit::storage

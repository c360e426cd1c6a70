// The store of one experiment: every task's journal, the ledger of bits, and where each task
// stands.
//
// RocksDB with one writer. A commit is one synced WriteBatch and one state transition: events, bit
// rows, state rows, running totals, commit_seq and the chain head move together or not at all.
// After a commit returns, its rows survive SIGKILL and power loss; a commit that fails,
// unless as `diverged`, leaves the store refusing all further writes (the process must exit and
// recover; the same fsync is never tried again).
//
// Files: DIR/db (RocksDB), DIR/anchor and DIR/receipt (what was durable, kept outside the database
// so that a lost or cut log is noticed), DIR/LOCK (this process), DIR/creating (until create() is
// done), DIR/summary (signed_summary.hpp). Keys and rows: the grammar at the top of keys.hpp.
//
// Thread use: one thread commits; reads may run beside it. Opening for reading takes no lock and
// needs no writer. All text in errors names the file and the mend.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "actors/event.hpp"
#include "actors/ids.hpp"
#include "base/expected.hpp"

namespace rocksdb {
class Env;
}

namespace tenbit {

// What a caller does: refuse (tell the person and stop) or stop (this process can't go on; restart
// recovers).
enum class store_error : std::uint8_t {
  not_a_store,  // refuse: nothing there, or a folder that is something else
  exists,       // refuse: create() on an existing store
  locked,       // refuse: another process has it
  other_format, // refuse: written by a different format version
  corrupt,      // refuse: a checksum, chain, count or scan does not hold; the file is named
  rolled_back,  // refuse: fewer rows than the anchor says were durable
  diverged,     // refuse: a row contradicts what is already there (same bit index, other question),
                // or is of no task or beyond a limit
  io,           // stop: a write, fsync or read failed
};
struct store_failure {
  store_error kind = store_error::io;
  std::string message;
  // commit: the item that diverged; nothing of the group was written, and the store takes further
  // commits.
  std::optional<std::size_t> item = std::nullopt;
};

enum class task_status : std::uint8_t { pending, done, failed, quarantined, cancelled };
[[nodiscard]] std::string_view to_string(task_status s);

// The one row per task that is scanned at start; fixed size on disk.
struct task_state {
  task_status status = task_status::pending;
  std::uint32_t errors = 0;   // arms that failed in the last attempt of the task
  std::uint32_t attempts = 0; // times it was worked on to an end, good or bad
  std::uint32_t events = 0;   // next sequence number
  std::uint32_t bits = 0;     // rows in the ledger
  hash256 chain;              // hash of the last event; zero when there is none
};

// Counted in the same batch as what they count. Never recomputed except by verify.
struct store_totals {
  std::uint64_t calls = 0, calls_receiver = 0, calls_sender = 0;
  std::uint64_t bits = 0, outcomes = 0, failures = 0, events = 0;
  std::uint64_t prompt_tokens = 0, completion_tokens = 0;
  std::map<std::string, token_usage> tokens_by_model; // alias → sums
  friend bool operator==(const store_totals&, const store_totals&);
};

// Immutable description, written at creation.
struct store_manifest {
  std::string name; // experiment's
  hash256 identity; // experiment::identity_hash with the benchmark's content hash
  std::vector<std::pair<std::string, std::string>> identity_text; // to show what differs
  std::string
      experiment_toml; // the resolved experiment as TOML or JSON text, for report and verify
  std::uint64_t tasks = 0;
  bool simulated = false;
  std::string tool_version;
  std::uint64_t created_unix_s = 0;
};

// A problem as the store keeps it. gold is sealed text: only coordinator/gold_vault and verify read
// it.
struct problem_row {
  std::string id;
  std::string question;
  std::string gold_answer;
  std::string gold_solution;
};

struct store_options {
  rocksdb::Env* env = nullptr;  // tests: fault-injecting environment; nullptr: the real one
  bool accept_rollback = false; // an operator's word that the lost rows may be run again
  std::uint64_t memory_bytes = 256U << 20; // block cache and memtables
};

// A grant that was not ended: who holds the task, under which epoch. Written with the next commit
// group and not waited for, so a power cut may lose it (the task is then granted again, with a
// higher epoch).
struct lease_row {
  epoch number;
  std::string holder;     // the peer's name
  std::uint64_t boot = 0; // its process: another one of that name has lost the lease; 0: not known
  friend bool operator==(const lease_row&, const lease_row&) = default;
};

// What went wrong with a task so far, by who held it then. A task without faults has no row.
struct fault_row {
  struct charges {
    std::string holder; // the peer's name
    std::uint32_t crashes = 0, errors = 0;
    friend bool operator==(const charges&, const charges&) = default;
  };
  std::vector<charges> by; // in the order of the names
  bool suspect = false;    // it was in work when a worker died
  bool given_up = false;   // it was quarantined on this evidence
  [[nodiscard]] bool empty() const { return by.empty() && !suspect && !given_up; }
  friend bool operator==(const fault_row&, const fault_row&) = default;
};

// What one commit does to one task.
struct task_commit {
  problem_index task;
  std::vector<event> events;                       // appended in this order
  std::optional<task_status> status;               // new status, if it changes
  std::optional<std::uint32_t> errors;             // new value
  bool finished_attempt = false;                   // attempts + 1
  std::optional<lease_row> granted = std::nullopt; // the task is leased from now on
  bool lease_ended = false;                        // and no longer: after `granted`, where both are
  std::optional<fault_row> faults = std::nullopt;  // all of them from now on; empty: none
  // The peer that `events` came from, by the name of its key; empty: nobody but the coordinator.
  std::string by = {};
};

// Where a store stands, for whoever signs it or holds it against what was signed.
struct store_head {
  std::string store; // 32 hexadecimal digits, drawn at creation
  std::uint64_t incarnation = 0, commit_seq = 0;
  hash256 chain; // of all commits; like commit_seq moved by each opening for writing and each close
  // hash("content", the row of the manifest, and of every task in order its number and state row).
  // They have the hash of all problems and gold, and the end of each journal's chain, so this is
  // what the rows are, as far as verify finds them whole. Only events and states move it. The chain
  // of commits cannot stand for the rows: nobody can make it again from them.
  hash256 content;
  std::array<std::uint64_t, 5> tasks{}; // by task_status
};

// One opening for writing. A copy has those up to its making, and its own after that.
struct store_life {
  std::uint64_t incarnation = 0;
  std::uint64_t commit_seq = 0; // that was found
  // It was begun with accept_rollback: what lives before it had made durable may be gone. Of the
  // oldest that is kept: it, or one before it.
  bool accepted = false;
  friend bool operator==(const store_life&, const store_life&) = default;
};

// How the files of a store do.
struct store_figures {
  std::uint64_t log_bytes = 0;                 // of the log that the next opening replays
  std::uint64_t compaction_pending_bytes = 0;  // RocksDB's estimate
  std::uint64_t write_stalls = 0;              // times that RocksDB slowed or stopped writes
  std::uint64_t background_errors = 0;         // flushes and compactions that failed
  std::chrono::duration<double> anchor_lag{0}; // age of an anchor that is behind; 0: it is not
};

class store {
public:
  // A new store in an empty or absent folder. Problems are written in one go, all tasks pending.
  [[nodiscard]] static expected<std::unique_ptr<store>, store_failure>
  create(const std::string& dir, const store_manifest& manifest,
         std::span<const problem_row> problems, const store_options& options = {});
  // For writing: lock, recover, check anchor, counts and format, bump the incarnation (synced).
  [[nodiscard]] static expected<std::unique_ptr<store>, store_failure>
  open(const std::string& dir, const store_options& options = {});
  // For reading beside a live writer or on a finished store. Commits are refused.
  [[nodiscard]] static expected<std::unique_ptr<store>, store_failure>
  open_for_reading(const std::string& dir, const store_options& options = {});

  // A short text that every opening for writing and every close changes: equal ones mean that
  // nobody wrote between. Read from the anchor alone; empty when there is none that can be read.
  [[nodiscard]] static std::string seal(const std::string& dir);

  // Does not flush; close() does. Destruction without close() is a crash as far as the next open
  // knows.
  virtual ~store() = default;

  // -- writing (one thread)
  // ------------------------------------------------------------------------ All or nothing,
  // durable on return. Sequence numbers, chain hashes, ledger rows and totals are made here.
  // `diverged` (with the item) when a bit index exists with another question or value; a bit that
  // is already there with the same content is dropped (not counted again).
  [[nodiscard]] virtual status<store_failure> commit(std::span<const task_commit> group) = 0;
  // Writes the anchor if a second has passed since the last one; called by the committing thread.
  [[nodiscard]] virtual status<store_failure> keep_anchor(bool now = false) = 0;
  // Flush, sync, anchor, clean-shutdown flag.
  [[nodiscard]] virtual status<store_failure> close() = 0;

  // -- reading
  // -------------------------------------------------------------------------------------
  [[nodiscard]] virtual const store_manifest& manifest() const = 0;
  [[nodiscard]] virtual std::uint64_t incarnation() const = 0;
  [[nodiscard]] virtual std::uint64_t commit_seq() const = 0;
  // Random, made at creation; copies have the same.
  [[nodiscard]] virtual std::string id() const = 0;
  // The last openings for writing (limits::store_lives_kept), oldest first; of a writer its own is
  // the last.
  [[nodiscard]] virtual const std::vector<store_life>& lives() const = 0;
  [[nodiscard]] virtual store_totals totals() const = 0;
  // One pass over the state rows. Before close(), and not beside commits of the same object.
  [[nodiscard]] virtual expected<store_head, store_failure> head() const = 0;
  [[nodiscard]] virtual expected<task_state, store_failure> state(problem_index task) const = 0;
  // Every task in order; the scan's own status is checked and the number of rows compared.
  [[nodiscard]] virtual status<store_failure>
  for_each_state(const std::function<void(problem_index, const task_state&)>& visit) const = 0;
  // Leases that were granted and not ended, by task.
  [[nodiscard]] virtual expected<std::vector<std::pair<problem_index, lease_row>>, store_failure>
  leases() const = 0;
  // Faults of tasks that have any, by task.
  [[nodiscard]] virtual expected<std::vector<std::pair<problem_index, fault_row>>, store_failure>
  faults() const = 0;
  // Every task once, the longest questions first (by the power of two), so that the slowest end
  // earliest. Made at creation, four bytes a task.
  [[nodiscard]] virtual expected<std::vector<std::uint32_t>, store_failure>
  longest_first() const = 0;
  // An openable copy of everything committed, in a folder that does not exist yet. Runs beside
  // commits; files are linked, so it costs little space on the same disk. The copy opens like a
  // store that crashed. Of the writer only, not beside its close(); `exists` when the name is
  // taken.
  [[nodiscard]] virtual status<store_failure> checkpoint(const std::string& dir) const = 0;
  // The journal of one task in order, chain verified.
  [[nodiscard]] virtual expected<std::vector<event>, store_failure>
  events(problem_index task) const = 0;
  // Who each of them came from: the name of a peer's key; empty: the coordinator itself, or not
  // known (stores of older programs). The name is in the chain.
  [[nodiscard]] virtual expected<std::vector<std::string>, store_failure>
  origins(problem_index task) const = 0;
  // The ledger rows of one task, by arm, trial, index.
  [[nodiscard]] virtual expected<std::vector<bit_event>, store_failure>
  bits(problem_index task) const = 0;
  // The public part (id, question); gold fields stay empty.
  [[nodiscard]] virtual expected<problem_row, store_failure> problem(problem_index task) const = 0;
  // With gold.
  [[nodiscard]] virtual expected<problem_row, store_failure> sealed(problem_index task) const = 0;

  // Everything that can be checked without endpoints: block checksums, chains, sequences, counts,
  // ledger against bit events, totals, manifest hash. Calls back with progress (tasks done). One
  // line per finding; empty: all holds.
  [[nodiscard]] virtual expected<std::vector<std::string>, store_failure>
  verify(const std::function<void(std::uint64_t)>& progress) const = 0;

  // Of a store that is open for writing; zero otherwise. Looks at the folder: once a second is
  // often enough. By the committing thread.
  [[nodiscard]] virtual store_figures figures() const = 0;
};

} // namespace tenbit

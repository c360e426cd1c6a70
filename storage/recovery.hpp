// What a store folder holds, and whether what was recovered from it is all that was durable.
//
// Pure decisions over what was read, plus the one look at the folder. README.md has the order of
// recovery and what each refusal means to a person.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.hpp"
#include "storage/witness.hpp"

namespace tenbit::storage {

struct store_paths {
  explicit store_paths(std::string folder);
  std::string dir, db, anchor, receipt, lock;
  std::string creating; // there while create() is at work; what it leaves behind holds nothing
};

enum class folder_kind : std::uint8_t { empty, unfinished, store, foreign };
[[nodiscard]] expected<folder_kind, store_failure> examine(const store_paths& paths);
// `not_a_store`, with the mend, for a folder that cannot be opened.
[[nodiscard]] status<store_failure> require_store(const store_paths& paths);

struct witnesses {
  std::optional<durable_point> anchor, receipt;
};
// accept: a damaged file counts as absent, with a warning in the log.
[[nodiscard]] expected<witnesses, store_failure>
read_witnesses(rocksdb::Env& env, const store_paths& paths, bool accept);

// What the database says of itself.
struct recovered {
  store_row store;
  head_row head;
  run_row run;
  std::vector<store_life> lives;
};
// `other_format` or `corrupt` when a row is missing or does not fit.
[[nodiscard]] expected<recovered, store_failure> read_recovered(const database& db,
                                                                const store_paths& paths);

// Every state row, in order. `corrupt` when one is missing or damaged.
[[nodiscard]] status<store_failure>
scan_states(const database& db, const recovered& found,
            const std::function<void(problem_index, const task_state&)>& visit);
// Every lease, in order; none in a store from before leases that is open for reading. `corrupt`
// when one is damaged or of no task.
[[nodiscard]] status<store_failure>
scan_leases(const database& db, const recovered& found,
            const std::function<void(problem_index, const lease_row&)>& visit);
// Likewise every fault row.
[[nodiscard]] status<store_failure>
scan_faults(const database& db, const recovered& found,
            const std::function<void(problem_index, const fault_row&)>& visit);
// Every family against the sums in the head. RocksDB opens without a word when a log between two
// others is gone, or when the end of the MANIFEST is, and then one family lacks rows that the head,
// in another one, has counted.
[[nodiscard]] status<store_failure> check_families(const database& db, const store_paths& paths,
                                                   rocksdb::Env& env, const recovered& found);

// Empty when everything the witnesses saw is there; else what is wrong, as `rolled_back`.
[[nodiscard]] std::optional<std::string>
missing_rows(const store_paths& paths, const witnesses& seen, const recovered& found);
// The mend that belongs to every refusal of this kind.
[[nodiscard]] store_failure refuse_rollback(const store_paths& paths, rocksdb::Env& env,
                                            std::string what);

} // namespace tenbit::storage

// The signed summary of a store: made from it, kept beside it, held against it.
//
// Functions; any thread. The store is open for reading, or takes no commits meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/signed_summary.hpp"

namespace tenbit::storage {

// Whose the writer's lock is meanwhile: the caller's, whose own store is closed, or taken here
// (`locked` when another process has it).
enum class store_lock { callers, taken_here };
// Signs what the folder's store has, whether its work is all done or not, and writes DIR/summary:
// durable on return.
[[nodiscard]] expected<signed_summary, store_failure>
sign_store(const std::string& dir, const signing_key& key, store_lock lock);

// Of DIR/summary; nothing when it is not there. Read it before the store is opened: what stands in
// it is then never ahead of a store beside whose writer it is read.
struct summary_file {
  std::string path;
  std::optional<std::string> text;
  std::string failure; // why it cannot be read; empty: it can, or is not there
};
[[nodiscard]] summary_file read_summary(const std::string& dir);

enum class standing : std::uint8_t {
  none,    // there is no summary
  refused, // it cannot be read, or is not signed by its signer
  differs, // it is signed, and the store is not what it says
  holds,   // the store's content is what was signed
  older,   // the store went on, so that what was signed cannot be compared
};
struct summary_verdict {
  standing is = standing::none;
  std::optional<signed_summary> summary; // when its signature holds
  std::uint64_t commits_since = 0;       // of the store, after the signed one
  std::vector<std::string> findings;     // one line each
};
// pinned: who must have signed; then a store without a summary, of another signer, or one that went
// on is a finding.
[[nodiscard]] expected<summary_verdict, store_failure>
check_summary(const summary_file& file, const store& source, const std::optional<key256>& pinned);

} // namespace tenbit::storage

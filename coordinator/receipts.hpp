// What peers are told to be durable of a run's store, so that an older copy of it is noticed: its
// own witnesses are copied with it, the peers are not.
//
// A receipt is held against the lives of the store (storage/store.hpp), not only against where the
// store is now: a copy may have outgrown what it lacks. Sealed with a secret of the coordinator: a
// peer can show a receipt late or not at all, but cannot make one, so that none can stop a run by a
// lie. Pure; values. (BLAKE2b with the secret as first field, RFC 7693.)
#pragma once

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

#include "actors/session.hpp"
#include "base/hash.hpp"
#include "storage/store.hpp"

namespace tenbit {

class receipt_book {
public:
  // secret: of the store, and the same in every life of its coordinators. lives: of a writer, this
  // one is the last.
  receipt_book(experiment_id run, const hash256& secret, std::vector<store_life> lives)
      : run_(run), secret_(secret), lives_(std::move(lives)) {
    TENBIT_ASSERT(!lives_.empty());
  }

  [[nodiscard]] receipt give(std::uint64_t commit_seq) const {
    const std::uint64_t incarnation = lives_.back().incarnation;
    return {run_, incarnation, commit_seq, seal_of(incarnation, commit_seq)};
  }
  // Why the store, which is at commit_seq now, is an older copy than the one of which this was
  // said. Empty: it is not, or no coordinator of this store said it.
  [[nodiscard]] std::string contradiction(const receipt& shown, std::uint64_t commit_seq) const {
    if (shown.experiment != run_ || shown.seal != seal_of(shown.incarnation, shown.commit_seq))
      return {};
    const auto later = std::upper_bound(lives_.begin(), lives_.end(), shown.incarnation,
                                        [](std::uint64_t incarnation, const store_life& life) {
                                          return incarnation < life.incarnation;
                                        });
    if (std::any_of(later, lives_.end(), [](const store_life& life) { return life.accepted; }))
      return {}; // an operator has said since that it may be gone
    if (later != lives_.begin() && std::prev(later)->incarnation != shown.incarnation)
      return fmt::format("was told of commits of an opening that the store knows nothing of ({}): "
                         "it is an older copy",
                         shown.incarnation);
    const std::uint64_t had = later == lives_.end() ? commit_seq : later->commit_seq;
    if (shown.commit_seq <= had)
      return {};
    return fmt::format("was told that commit {} is durable, and the store {} {}: it is an older "
                       "copy, or was cut",
                       shown.commit_seq, later == lives_.end() ? "has" : "was opened with", had);
  }

private:
  [[nodiscard]] hash256 seal_of(std::uint64_t incarnation, std::uint64_t commit_seq) const {
    return hasher("receipt")
        .field(secret_.view())
        .field(run_.value)
        .field(incarnation)
        .field(commit_seq)
        .finish();
  }

  experiment_id run_;
  hash256 secret_;
  std::vector<store_life> lives_;
};

} // namespace tenbit

// What peers are told to be durable of a run's store, so that an older copy of it is noticed: its
// own witnesses are copied with it, the peers are not.
//
// Sealed with a secret of the coordinator: a peer can show a receipt late or not at all, but cannot
// make one, so that none can stop a run by a lie. Pure; values. (BLAKE2b with the secret as first
// field, RFC 7693.)
#pragma once

#include <cstdint>
#include <fmt/format.h>
#include <string>

#include "actors/session.hpp"
#include "base/hash.hpp"

namespace tenbit {

class receipt_book {
public:
  // secret: of the store, and the same in every life of its coordinators. accepted: receipts of
  // earlier incarnations are void, because an operator accepted a rollback then.
  receipt_book(experiment_id run, const hash256& secret, std::uint64_t incarnation,
               std::uint64_t accepted)
      : run_(run), secret_(secret), incarnation_(incarnation), accepted_(accepted) {}

  [[nodiscard]] receipt give(std::uint64_t commit_seq) const {
    return {run_, incarnation_, commit_seq, seal_of(incarnation_, commit_seq)};
  }
  // Why the store, which is at commit_seq now, is an older copy than the one of which this was
  // said. Empty: it is not, or no coordinator of this store said it.
  [[nodiscard]] std::string contradiction(const receipt& shown, std::uint64_t commit_seq) const {
    if (shown.experiment != run_ || shown.commit_seq <= commit_seq ||
        shown.incarnation < accepted_ || shown.seal != seal_of(shown.incarnation, shown.commit_seq))
      return {};
    return fmt::format("was told that commit {} is durable, and the store has {}: it is an older "
                       "copy, or was cut",
                       shown.commit_seq, commit_seq);
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
  std::uint64_t incarnation_ = 0, accepted_ = 0;
};

} // namespace tenbit

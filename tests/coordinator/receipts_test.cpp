// What peers remember of a store: given with heartbeats, shown in hellos, believed when sealed.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

const hash256 secret = hash_bytes("secret");

receipt_book book_of(std::uint64_t incarnation, std::uint64_t accepted = 0,
                     const hash256& of = secret) {
  return {run_a, of, incarnation, accepted};
}

// Anna comes back with what she was told.
void show(core_bench& w, const receipt& shown) {
  hello said{"test", 1, 0, solver, 1, {}, {}, {shown}};
  w.say(c, "anna", said, solver);
}

bool refuses(const receipt& shown, std::uint64_t accepted = 0) {
  core_bench w;
  w.run().give_receipts(book_of(9, accepted));
  show(w, shown);
  const bool broken = w.status().phase == run_phase::broken;
  EXPECT_EQ(w.status().rolled_back, broken);
  EXPECT_EQ(w.got<grant>(c).empty(), broken) << "work was given out of an older copy";
  return broken;
}

} // namespace

TEST(Receipts, Heartbeat_IsAnsweredWithWhatIsDurable) {
  core_bench w;
  w.run().give_receipts(book_of(9));
  w.join(a, "anna", solver, 0);
  w.beat(a, "anna", 0);
  ASSERT_EQ(w.got<heartbeat_ack>(a).size(), 1U);
  EXPECT_TRUE(w.got<heartbeat_ack>(a)[0].receipts.empty()) << "of a run it was not told of";
  w.beat(a, "anna", 1); // is granted a task
  w.commit_seq = 12;
  w.beat(a, "anna", 1);
  const auto acks = w.got<heartbeat_ack>(a);
  ASSERT_EQ(acks.back().receipts, std::vector<receipt>{book_of(9).give(12)});
}

TEST(Receipts, StoreWithLess_BreaksTheRunAndNamesThePeer) {
  core_bench w;
  w.run().give_receipts(book_of(9));
  show(w, book_of(8).give(11));
  EXPECT_EQ(w.status().phase, run_phase::broken);
  EXPECT_EQ(w.status().failure, "anna was told that commit 11 is durable, and the store has 10: it "
                                "is an older copy, or was cut");
}

TEST(Receipts, StoreWithAsMuchOrMore_GoesOn) {
  EXPECT_TRUE(refuses(book_of(8).give(11)));
  EXPECT_TRUE(refuses(book_of(9).give(11))); // of this life, as of any
  EXPECT_FALSE(refuses(book_of(8).give(10)));
  EXPECT_FALSE(refuses(book_of(8).give(3)));
}

TEST(Receipts, OfBeforeAnAcceptedRollback_AreVoid) {
  EXPECT_FALSE(refuses(book_of(8).give(11), 9));
  EXPECT_TRUE(refuses(book_of(9).give(11), 9));
}

TEST(Receipts, ThatNoCoordinatorMade_StopNobody) {
  receipt higher = book_of(8).give(11);
  ++higher.commit_seq;
  EXPECT_FALSE(refuses(higher));
  receipt later = book_of(8).give(11);
  ++later.incarnation;
  EXPECT_FALSE(refuses(later));
  EXPECT_FALSE(refuses(receipt{run_a, 8, 11, {}}));
  EXPECT_FALSE(refuses(book_of(8, 0, hash_bytes("of another store")).give(11)));
  EXPECT_FALSE(refuses(receipt_book(run_b, secret, 8, 0).give(11))); // no such run here
}

} // namespace tenbit::testing

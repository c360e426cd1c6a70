// What peers remember of a store: given with heartbeats, shown in hellos, believed when sealed.
#include <gtest/gtest.h>

#include "tests/coordinator/core_bench.hpp"

namespace tenbit::testing {
namespace {

const hash256 secret = hash_bytes("secret");

// Of a store that was opened as 7 (with nothing), 8 (with 6 commits) and 9 (with 10).
receipt_book book_of(std::uint64_t incarnation, bool accepted = false, const hash256& of = secret) {
  std::vector<store_life> lives;
  for (const store_life& life :
       {store_life{7, 0, false}, store_life{8, 6, false}, store_life{9, 10, accepted}})
    if (life.incarnation <= incarnation)
      lives.push_back(life);
  return {run_a, of, std::move(lives)};
}

// Anna comes back with what she was told, and a lease that the store knows nothing of.
void show(core_bench& w, const receipt& shown) {
  hello said{"test", 1, 0, solver, 1, {{{run_a, problem_index{0}}, epoch{77}}}, {}, {shown}};
  w.say(c, "anna", said, solver);
}

bool refuses(const receipt& shown, bool accepted = false, std::uint64_t commit_seq = 10) {
  core_bench w;
  w.commit_seq = commit_seq;
  w.run().give_receipts(book_of(9, accepted));
  show(w, shown);
  const bool broken = w.status().phase == run_phase::broken;
  EXPECT_EQ(w.status().rolled_back, broken);
  EXPECT_EQ(w.got<welcome>(c).empty(), broken);
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
  EXPECT_EQ(w.status().failure, "anna was told that commit 11 is durable, and the store was opened "
                                "with 10: it is an older copy, or was cut");
}

TEST(Receipts, StoreWithAsMuchOrMore_GoesOn) {
  EXPECT_TRUE(refuses(book_of(9).give(11))); // of this life, as of any
  EXPECT_FALSE(refuses(book_of(9).give(11), false, 11));
  EXPECT_FALSE(refuses(book_of(8).give(10)));
  EXPECT_FALSE(refuses(book_of(8).give(3)));
}

// What it lacks is not made up for by what it does instead.
TEST(Receipts, CopyThatHasOutgrownThem_IsFoundAllTheSame) {
  EXPECT_TRUE(refuses(book_of(8).give(11), false, 5000));
  EXPECT_TRUE(refuses(book_of(7).give(7), false, 5000));
  EXPECT_FALSE(refuses(book_of(7).give(6), false, 5000));
}

TEST(Receipts, OfAnOpeningThatTheStoreDoesNotHave_AreOfAnotherHistory) {
  const receipt_book other(run_a, secret, {{7, 0, false}, {8, 6, false}, {88, 8, false}});
  EXPECT_TRUE(refuses(other.give(9), false, 5000)) << "later than all";
  const receipt_book between(run_a, secret, {{7, 0, false}, {8, 6, true}});
  const receipt_book kept(run_a, secret, {{8, 6, false}, {9, 10, false}});
  EXPECT_FALSE(kept.contradiction(between.give(3), 20).size() > 0);
  EXPECT_EQ(kept.contradiction(book_of(7).give(6), 20), "") << "older than all that are kept";
  EXPECT_NE(kept.contradiction(book_of(7).give(7), 20), "");
}

TEST(Receipts, OfBeforeAnAcceptedRollback_AreVoid) {
  EXPECT_FALSE(refuses(book_of(8).give(11), true));
  EXPECT_FALSE(refuses(book_of(7).give(11), true));
  EXPECT_TRUE(refuses(book_of(9).give(11), true));
}

TEST(Receipts, ThatNoCoordinatorMade_StopNobody) {
  receipt higher = book_of(8).give(11);
  ++higher.commit_seq;
  EXPECT_FALSE(refuses(higher));
  receipt later = book_of(8).give(11);
  ++later.incarnation;
  EXPECT_FALSE(refuses(later));
  EXPECT_FALSE(refuses(receipt{run_a, 8, 11, {}}));
  EXPECT_FALSE(refuses(book_of(8, false, hash_bytes("of another store")).give(11)));
  EXPECT_FALSE(refuses(receipt_book(run_b, secret, {{8, 0, false}}).give(11))); // no such run here
}

TEST(Receipts, RunThatComesLater_IsHeldAgainstWhatPeersHaveShown) {
  core_bench w(0);
  show(w, book_of(8).give(11));
  EXPECT_EQ(w.got<welcome>(c).size(), 1U) << "there is no such run yet";
  run_sources sources;
  sources.commit_seq = [] { return std::uint64_t{5000}; };
  auto run = std::make_unique<run_core>(w.exp, run_a, std::move(sources), 0, w.core.directory(),
                                        w.core.rules_of_runs());
  run->give_receipts(book_of(9));
  w.core.add_run(std::move(run), 0, w.now);
  EXPECT_TRUE(w.status().rolled_back);
}

// Nor does it make peers forget what a copy lacks.
TEST(Receipts, CancelledRun_StopsNoOtherAndGivesNone) {
  core_bench w;
  w.run().give_receipts(book_of(9));
  EXPECT_TRUE(w.run().durable_now());
  w.core.cancel_run(run_a, "wrong prompt");
  EXPECT_FALSE(w.run().durable_now());
  show(w, book_of(8).give(11));
  EXPECT_NE(w.status().phase, run_phase::broken);
}

TEST(Receipts, StoreThatIsToBeOpened_IsHeldAgainstThemFirst) {
  core_bench w(0);
  show(w, book_of(8).give(11));
  EXPECT_EQ(w.core.contradiction(book_of(8), 11), "");
  EXPECT_TRUE(w.core.contradiction(book_of(9), 10).starts_with("anna was told"));
}

} // namespace tenbit::testing

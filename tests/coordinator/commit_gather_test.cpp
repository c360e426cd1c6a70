// Which groups of commits wait for others, and for how long.
#include <gtest/gtest.h>

#include "coordinator/commit_gather.hpp"

namespace tenbit::testing {

using namespace std::chrono_literals;

TEST(Commit_Gather, FewItems_NeverWait) {
  commit_gather g;
  EXPECT_EQ(g.wait(1), 0ms) << "the first group";
  for (int i = 0; i < 1000; ++i) {
    g.committed(i % 2 == 0 ? 15 : 1, 3ms);
    EXPECT_EQ(g.wait(1), 0ms);
  }
}

TEST(Commit_Gather, SmallBesideLargeOnes_WaitsForAsLongAsACommitTakes) {
  commit_gather g;
  for (int i = 0; i < 30; ++i)
    g.committed(100, 3ms);
  EXPECT_NEAR(g.wait(79).count(), 3, 0.01);
  EXPECT_EQ(g.wait(80), 0ms);
  for (int i = 0; i < 30; ++i)
    g.committed(100, 500ms);
  EXPECT_EQ(g.wait(1), commit_gather::wait_max) << "a slow disk makes nobody wait longer";
}

// Two halves in turn do not come to be the usual.
TEST(Commit_Gather, HalvesInTurn_StillWait) {
  commit_gather g;
  g.committed(160, 3ms);
  for (int i = 0; i < 20; ++i)
    g.committed(80, 3ms);
  EXPECT_GT(g.wait(80).count(), 0);
}

TEST(Commit_Gather, LoadIsOver_SmallGroupsWaitNoMoreAfterAWhile) {
  commit_gather g;
  g.committed(100, 3ms);
  int groups = 0;
  for (; g.wait(1) > 0ms && groups < 10'000; ++groups)
    g.committed(1, 3ms);
  EXPECT_GT(groups, 100);
  EXPECT_LT(groups, 400);
}

} // namespace tenbit::testing

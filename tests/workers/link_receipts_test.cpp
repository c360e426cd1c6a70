// What a peer keeps of its coordinators' stores, and shows them.
#include "tests/workers/link_fixture.hpp"

namespace tenbit::testing {

TEST_F(Link, Receipts_AreShownInTheNextHelloTheLatestOfEachExperiment) {
  start();
  const auto of = [](std::uint64_t run, std::uint64_t incarnation, std::uint64_t seq) {
    return receipt{experiment_id{run}, incarnation, seq, hash_bytes(std::to_string(seq))};
  };
  core.on_message(heartbeat_ack{1, {of(7, 5, 10), of(8, 5, 20)}}, now);
  core.on_message(heartbeat_ack{2, {of(7, 5, 11)}}, now);
  core.on_message(heartbeat_ack{1, {of(7, 5, 9)}}, now);  // late
  core.on_message(heartbeat_ack{3, {of(8, 6, 15)}}, now); // after a rollback that was accepted
  core.on_down();
  core.on_up(now);
  EXPECT_EQ(sent<hello>().back().receipts, (std::vector<receipt>{of(7, 5, 11), of(8, 6, 15)}));
  for (std::uint64_t run = 100; run < 100 + limits::receipts_max; ++run)
    core.on_message(heartbeat_ack{4, {of(run, 7, 1)}}, now);
  EXPECT_EQ(core.receipts().size(), limits::receipts_max);
  EXPECT_EQ(core.receipts().front(), of(100, 7, 1)) << "the oldest goes first";
}

} // namespace tenbit::testing

#include <gtest/gtest.h>

#include "config/limits.hpp"
#include "link/outbox.hpp"
#include "link/peer_table.hpp"
#include "link/rate_window.hpp"
#include "tests/link/link_fixture.hpp"

namespace tenbit::link {
namespace {

using std::chrono::seconds;
constexpr std::uint64_t frames_in_window =
    std::uint64_t{limits::frames_per_second_max} * seconds(limits::link_quota_window).count();
constexpr std::uint64_t bytes_in_window =
    std::uint64_t{limits::frame_bytes_per_second_max} * seconds(limits::link_quota_window).count();
const rate_window::time start{seconds(1'000'000)};

TEST(RateWindow, Frames_ABurstWithinTheAverage_IsAllowedThenRefused) {
  rate_window window;
  for (std::uint64_t i = 0; i < frames_in_window; ++i)
    ASSERT_TRUE(window.add(start, 1));
  EXPECT_FALSE(window.add(start, 1));
  EXPECT_FALSE(window.add(start + seconds(9), 1));
  EXPECT_TRUE(window.add(start + seconds(10), 1)) << "the burst is out of the window";
}

TEST(RateWindow, Bytes_MoreThanTheAverage_AreRefused) {
  rate_window window;
  EXPECT_TRUE(window.add(start, bytes_in_window / 2));
  EXPECT_TRUE(window.add(start + seconds(5), bytes_in_window / 2));
  EXPECT_FALSE(window.add(start + seconds(6), 1));
  EXPECT_TRUE(window.add(start + seconds(11), 1));
}

constexpr connection_id one{1};
TEST(Outbox, Push_UnknownConnection_IsGone) {
  outbox box;
  EXPECT_EQ(box.push(one, {}, "x"), outbox::push_result::gone);
  EXPECT_FALSE(box.end_after_queue(one, "why"));
}

TEST(Outbox, Push_MoreThanTheLimit_EmptiesAndMarksTheQueue) {
  outbox box;
  box.open(one, solver_only);
  const std::string large(limits::link_queue_bytes_max / 2, 'x');
  EXPECT_EQ(box.push(one, {}, large), outbox::push_result::queued);
  EXPECT_EQ(box.push(one, {}, large), outbox::push_result::queued);
  EXPECT_EQ(box.queued_bytes(), limits::link_queue_bytes_max);
  EXPECT_EQ(box.push(one, {}, "x"), outbox::push_result::gone);
  EXPECT_EQ(box.queued_bytes(), 0U);
  EXPECT_EQ(box.take_changed(), std::vector<connection_id>{one});
  EXPECT_TRUE(box.take(one).overflowed);
  EXPECT_EQ(box.close(one), 2U);
}

TEST(Outbox, Take_WhatIsNotSentYet_StillCounts) {
  outbox box;
  box.open(one, solver_only);
  EXPECT_EQ(box.push(one, {}, "12345"), outbox::push_result::queued);
  EXPECT_EQ(box.take(one).frames.size(), 1U);
  EXPECT_EQ(box.queued_bytes(), 5U);
  box.sent(one, 5);
  EXPECT_EQ(box.queued_bytes(), 0U);
}

TEST(Outbox, EndAfterQueue_KeepsWhatIsQueuedAndTakesNoMore) {
  outbox box;
  box.open(one, solver_only);
  EXPECT_EQ(box.push(one, {}, "last"), outbox::push_result::queued);
  EXPECT_TRUE(box.end_after_queue(one, "why"));
  EXPECT_EQ(box.push(one, {}, "late"), outbox::push_result::gone);
  const outbox::news news = box.take(one);
  EXPECT_EQ(news.frames.size(), 1U);
  EXPECT_EQ(news.end_reason, "why");
}

TEST(OutboxDeathTest, Push_RoleTheKeyHasNot_Asserts) {
  outbox box;
  box.open(one, solver_only);
  EXPECT_DEATH(static_cast<void>(box.push(one, {false, false, true}, "gold")), "covers");
}

TEST(PeerTable, OneTooMany_OldestOfTheKey_IsNamed) {
  peer_table table;
  for (std::uint64_t i = 1; i <= limits::connections_per_key_max; ++i) {
    EXPECT_EQ(table.one_too_many("k"), nullptr);
    peer_entry entry;
    entry.id = connection_id{i};
    entry.routing_id = std::to_string(i);
    entry.key = "k";
    table.add(std::move(entry));
  }
  ASSERT_NE(table.one_too_many("k"), nullptr);
  EXPECT_EQ(table.one_too_many("k")->id, one);
  EXPECT_EQ(table.one_too_many("other"), nullptr);
}

TEST(PeerTable, SocketEnded_ANumberUsedAgain_EndsOnlyTheOneThatHadIt) {
  peer_table table;
  peer_entry first;
  first.id = one;
  first.routing_id = "a";
  first.fd = 7;
  peer_entry& kept = table.add(std::move(first));
  table.socket_ended(7, start);
  peer_entry second;
  second.id = connection_id{2};
  second.routing_id = "b";
  second.fd = 7;
  const peer_entry& other = table.add(std::move(second));
  EXPECT_TRUE(kept.socket_gone);
  EXPECT_FALSE(other.socket_gone);
}

} // namespace
} // namespace tenbit::link

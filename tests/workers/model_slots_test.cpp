#include "workers/model_slots.hpp"

#include <gtest/gtest.h>

namespace tenbit {
namespace {

using namespace std::chrono_literals;

const std::chrono::steady_clock::time_point now{1h};

replica_snapshot replica(const char* breaker) {
  replica_snapshot out;
  out.breaker = breaker;
  return out;
}

replica_snapshot open_until(std::chrono::steady_clock::duration later) {
  replica_snapshot out = replica("open");
  out.probe_at = now + later;
  return out;
}

std::uint32_t slots(const std::vector<std::vector<replica_snapshot>>& models) {
  std::vector<model_snapshot> all;
  for (const auto& replicas : models) {
    model_snapshot model;
    model.replicas = replicas;
    all.push_back(std::move(model));
  }
  return slots_now(all, 8, now);
}

} // namespace

TEST(ModelSlots, EveryModelUp_AllOfThem) {
  EXPECT_EQ(slots({}), 8U);
  EXPECT_EQ(slots({{replica("closed")}}), 8U);
  EXPECT_EQ(slots({{replica("stopped"), replica("closed")}, {replica("closed")}}), 8U);
}

TEST(ModelSlots, OneModelOut_None) {
  EXPECT_EQ(slots({{replica("closed")}, {open_until(5s)}}), 0U);
  EXPECT_EQ(slots({{replica("stopped")}}), 0U);
  EXPECT_EQ(slots({{replica("paused")}}), 0U) << "an operator says when";
}

TEST(ModelSlots, ProbeIsDueOrOnTheWire_OneTaskToFindOut) {
  EXPECT_EQ(slots({{open_until(0s)}}), 1U);
  EXPECT_EQ(slots({{open_until(-1s), replica("stopped")}, {replica("closed")}}), 1U);
  EXPECT_EQ(slots({{replica("half-open")}}), 1U);
  EXPECT_EQ(slots({{open_until(0s)}, {open_until(5s)}}), 0U) << "the other one is out still";
}

} // namespace tenbit

// Names of things, each a type of its own, so that one is never taken for another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "base/hash.hpp"

namespace tenbit {

template <class Tag, class Rep> struct strong_id {
  Rep value{};
  friend auto operator<=>(const strong_id&, const strong_id&) = default;
};

// Position of a problem in its benchmark, from 0. One problem with all its arms and trials is one
// task.
using problem_index = strong_id<struct problem_index_tag, std::uint64_t>;
// Position of an arm in the experiment file, from 0.
using arm_index = strong_id<struct arm_index_tag, std::uint16_t>;
// From 0.
using trial_index = strong_id<struct trial_index_tag, std::uint16_t>;
// Position of an answer bit in its arm and trial, from 0.
using bit_index = strong_id<struct bit_index_tag, std::uint32_t>;
// The first 8 bytes of the experiment's hash: the prefix of all its rows.
using experiment_id = strong_id<struct experiment_id_tag, std::uint64_t>;
// The fencing number of a lease: incarnation of the coordinator << 32 | counter. Grows with every
// grant, also over restarts, so of two holders of a task the later one is known.
using epoch = strong_id<struct epoch_tag, std::uint64_t>;
// A worker, oracle or grader by the name of its key, numbered by the coordinator; 0 is none.
using peer_id = strong_id<struct peer_tag, std::uint32_t>;
// One connection of a peer; a reconnect is a new one. 0 is this process itself.
using connection_id = strong_id<struct connection_tag, std::uint64_t>;
// Hash of model revision, messages, sampling settings and replica index k.
using call_id = strong_id<struct call_id_tag, hash256>;

struct task_id {
  experiment_id experiment;
  problem_index problem;
  friend auto operator<=>(const task_id&, const task_id&) = default;
};

// One arm in one trial of one task.
struct arm_trial {
  arm_index arm;
  trial_index trial;
  friend auto operator<=>(const arm_trial&, const arm_trial&) = default;
};

} // namespace tenbit

template <class Tag, class Rep> struct std::hash<tenbit::strong_id<Tag, Rep>> {
  std::size_t operator()(const tenbit::strong_id<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};
template <> struct std::hash<tenbit::task_id> {
  std::size_t operator()(const tenbit::task_id& id) const noexcept {
    return static_cast<std::size_t>(id.experiment.value * 0x9e3779b97f4a7c15U ^ id.problem.value);
  }
};
template <> struct std::hash<tenbit::arm_trial> {
  std::size_t operator()(const tenbit::arm_trial& id) const noexcept {
    return static_cast<std::size_t>(id.arm.value) << 16 | id.trial.value;
  }
};

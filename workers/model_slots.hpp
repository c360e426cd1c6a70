// Which models a peer calls for an experiment, and how many tasks it may hold by how those do.
//
// Pure; `now` is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "actors/session.hpp"
#include "config/experiment.hpp"
#include "endpoints/client.hpp"

namespace tenbit {

// A solver needs no key of the strong model.
[[nodiscard]] std::vector<model_spec> models_of(const experiment& exp, role_set roles);

// full while every model can be called; none while one cannot. Once a model may be tried again, one
// task: its first call is the probe. Without that a peer that gave its tasks back would never learn
// that its endpoints are well again.
[[nodiscard]] std::uint32_t slots_now(std::span<const model_snapshot> models, std::uint32_t full,
                                      std::chrono::steady_clock::time_point now);

} // namespace tenbit

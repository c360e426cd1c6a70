// How many tasks a peer may hold of an experiment, by what its endpoint client sees of the models.
//
// Pure; `now` is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "endpoints/client.hpp"

namespace tenbit {

// full while every model can be called; none while one cannot. Once a model may be tried again, one
// task: its first call is the probe. Without that a peer that gave its tasks back would never learn
// that its endpoints are well again.
[[nodiscard]] std::uint32_t slots_now(std::span<const model_snapshot> models, std::uint32_t full,
                                      std::chrono::steady_clock::time_point now);

} // namespace tenbit

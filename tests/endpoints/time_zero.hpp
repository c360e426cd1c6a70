// The instant from which tests of pure clocks count.
#pragma once

#include <chrono>

#include "endpoints/breaker.hpp"

namespace tenbit {

inline constexpr time_point t0{std::chrono::seconds(1000)};

} // namespace tenbit

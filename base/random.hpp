// Seeded random numbers that are the same on every machine and standard library.
//
// SplitMix64 (Steele, Lea, Flood 2014). For simulation, generators and bootstrap; never for keys.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.hpp"

namespace tenbit {

class random_stream {
public:
  explicit random_stream(std::uint64_t seed) : state_(seed) {}
  // A stream of its own for every (seed, purpose, number).
  random_stream(std::uint64_t seed, std::string_view purpose, std::uint64_t number)
      : state_(hasher(purpose).field(seed).field(number).finish().prefix()) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0. The bias is below 2^-32 for bounds under 2^32.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>(next()) * bound) >> 64);
  }
  // Uniform in [low, high], both ends included; low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  bool chance(double probability) { return unit() < probability; }

private:
  std::uint64_t state_;
};

} // namespace tenbit

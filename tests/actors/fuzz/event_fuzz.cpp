// libFuzzer target of decode_event: any bytes give an event or an error, and an event that was
// decoded has bytes that decode to the same bytes again.
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -I.
//   tests/actors/fuzz/event_fuzz.cpp
//     actors/event.cpp actors/call.cpp base/hash.cpp base/text.cpp -lfmt -lsodium
#include <cstddef>
#include <cstdint>

#include "actors/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = tenbit::decode_event({reinterpret_cast<const char*>(data), size});
  if (!decoded) {
    TENBIT_ASSERT(!decoded.error().empty());
    return 0;
  }
  const auto bytes = tenbit::encode(*decoded);
  const auto again = tenbit::decode_event(bytes);
  TENBIT_ASSERT(again.has_value());
  TENBIT_ASSERT(tenbit::encode(*again) == bytes);
  return 0;
}

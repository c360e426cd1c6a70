// libFuzzer target of decode_event: any bytes give an event or an error, and an event that was
// decoded has those very bytes and no others.
#include <cstddef>
#include <cstdint>

#include "actors/event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto decoded = tenbit::decode_event(input);
  if (!decoded) {
    TENBIT_ASSERT(!decoded.error().empty());
    return 0;
  }
  const auto bytes = tenbit::encode(*decoded);
  TENBIT_ASSERT(bytes == input);
  TENBIT_ASSERT(bytes.size() <= tenbit::encoded_bytes_max(*decoded));
  const auto again = tenbit::decode_event(bytes);
  TENBIT_ASSERT(again.has_value());
  TENBIT_ASSERT(tenbit::encode(*again) == bytes);
  return 0;
}

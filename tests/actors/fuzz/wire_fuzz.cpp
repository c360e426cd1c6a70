// libFuzzer target of both frame decoders: any bytes give a message or an error, and a message that
// was decoded has those very bytes and no others.
#include <cstddef>
#include <cstdint>

#include "actors/wire.hpp"

namespace {

template <class Result, class Again>
void check(const Result& decoded, Again decode, std::string_view bytes) {
  if (!decoded) {
    TENBIT_ASSERT(!decoded.error().message.empty());
    return;
  }
  const auto out = tenbit::wire::encode(*decoded);
  TENBIT_ASSERT(out == bytes);
  const auto again = decode(out);
  TENBIT_ASSERT(again.has_value());
  TENBIT_ASSERT(tenbit::wire::encode(*again) == out);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto from_peer = tenbit::wire::decode_from_peer(bytes);
  const auto to_peer = tenbit::wire::decode_to_peer(bytes);
  TENBIT_ASSERT(!from_peer || !to_peer); // the type numbers are apart
  check(from_peer, tenbit::wire::decode_from_peer, bytes);
  check(to_peer, tenbit::wire::decode_to_peer, bytes);
  return 0;
}

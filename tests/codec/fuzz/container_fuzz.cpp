// Any bytes are a container or an error; what is read is written back byte for byte.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/expected.hpp"
#include "codec/container.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto read = tenbit::read_container(bytes))
    TENBIT_ASSERT(tenbit::write_container(*read) == bytes);
  return 0;
}

// Any bytes are a summary or an error; what is read is written back byte for byte. The signature of
// what is read is looked at, too: it is of as many digits as it should be.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/expected.hpp"
#include "storage/signed_summary.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = tenbit::storage::parse_summary(bytes);
  if (!read) {
    TENBIT_ASSERT(!read.error().empty());
    return 0;
  }
  TENBIT_ASSERT(tenbit::storage::format_summary(*read) == bytes);
  static_cast<void>(tenbit::storage::signature_holds(*read));
  return 0;
}

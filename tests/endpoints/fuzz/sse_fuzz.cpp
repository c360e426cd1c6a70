// Any bytes in any pieces: the first byte chooses the size of the pieces, and the events must not
// depend on it.
#include <cstdint>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "endpoints/sse_parser.hpp"

namespace {

std::vector<std::string> events(std::string_view bytes, std::size_t piece) {
  tenbit::sse_parser parser;
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    parser.feed(bytes.substr(at, piece), [&](std::string_view data) {
      all.emplace_back(data);
      return true;
    });
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  TENBIT_ASSERT(events(bytes, data[0] % 16U + 1) == events(bytes, bytes.size()));
  return 0;
}

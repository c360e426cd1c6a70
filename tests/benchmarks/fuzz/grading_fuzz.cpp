// libFuzzer target: answer extraction and the JSONL row parser, on any bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/expected.hpp"
#include "base/text.hpp"
#include "benchmarks/arith.hpp"
#include "benchmarks/grading.hpp"
#include "benchmarks/gsm8k_row.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenbit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = extract_answer(text)) {
    TENBIT_ASSERT(same_answer(*answer, *answer));
    TENBIT_ASSERT(extract_answer("#### " + *answer) == answer);
  }
  if (const auto answer = extract_answer_authors(text))
    TENBIT_ASSERT(same_answer_authors(*answer, *answer));
  if (const auto row = parse_gsm8k_row(text)) {
    TENBIT_ASSERT(valid_utf8(row->question) && valid_utf8(row->solution));
    TENBIT_ASSERT(same_answer(row->answer, row->answer));
  }
  if (const auto solved = arith::parse(text))
    TENBIT_ASSERT(!solved->steps.empty() && solved->steps.back().result == solved->answer);
  return 0;
}

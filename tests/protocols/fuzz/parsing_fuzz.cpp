// Any reply gives questions and answers within their bounds, the same each time.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/expected.hpp"
#include "base/text.hpp"
#include "protocols/bitstream.hpp"
#include "protocols/oracle_protocol.hpp"
#include "protocols/parsing.hpp"

namespace {

void questions(std::string_view text) {
  for (const bool loose : {false, true}) {
    tenbit::protocol_switches switches;
    switches.loose_question_regex = loose;
    const auto found = tenbit::parse_questions(text, 10, switches);
    TENBIT_ASSERT(found.size() <= 10);
    for (const auto& question : found)
      TENBIT_ASSERT(tenbit::trim(question) == question && question.size() <= text.size());
    switches.pad_questions = true;
    TENBIT_ASSERT(tenbit::parse_questions(text, 10, switches).size() == 10);
  }
}

void answers(std::string_view text) {
  for (const bool unknown : {false, true}) {
    tenbit::experiment exp;
    exp.switches.unknown_answers = unknown;
    tenbit::arm_spec arm;
    TENBIT_ASSERT(tenbit::parse_answers(text, 1, exp, arm).size() == 1);
    arm.answers = tenbit::answer_mode::together;
    for (const auto& found : tenbit::parse_answers(text, 10, exp, arm))
      TENBIT_ASSERT(found ? unknown || *found != tenbit::answer::unknown : !unknown);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  questions(text);
  answers(text);
  if (const auto recipe = tenbit::read_recipe(text))
    TENBIT_ASSERT(tenbit::make_recipe(*recipe, tenbit::arm_index{0}) == text);
  return 0;
}

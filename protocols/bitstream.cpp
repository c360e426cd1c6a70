#include "protocols/bitstream.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

static_assert(limits::reply_text_bytes_max <= container_limits::payload_bytes_max);

// Where a third symbol exists it must be told apart, so every answer takes two bits.
unsigned answer_width(const protocol_switches& switches) {
  return switches.unknown_answers ? 2 : 1;
}

void put_answers(bitstream& b, const answers& crossed, unsigned width) {
  bit_writer out;
  for (const answer a : crossed)
    out.put(static_cast<std::uint64_t>(a), width);
  b.payload_bits = out.bits();
  b.payload = out.bytes();
}

} // namespace

std::vector<std::string> make_recipes(const experiment& exp) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < exp.arms.size(); ++i)
    out.push_back(make_recipe(exp, arm_index{static_cast<std::uint16_t>(i)}));
  return out;
}

bitstream pack(const program_input& input, const outcome& result) {
  return pack(input, result, make_recipe(*input.exp, input.arm));
}

bitstream pack(const program_input& input, const outcome& result, std::string recipe) {
  bitstream b;
  b.recipe = std::move(recipe);
  b.problem = hash_bytes(input.item.question);
  b.arm = input.arm.value;
  b.trial = input.trial.value;
  b.answer = hash_bytes(result.answer.text);
  if (result.text_crosses) {
    b.payload = result.answer.text;
    b.payload_bits = std::uint64_t{b.payload.size()} * 8;
  } else {
    put_answers(b, result.crossed, answer_width(input.exp->switches));
  }
  return b;
}

expected<answers, std::string> unpack_answers(const bitstream& b, const experiment& exp,
                                              std::size_t questions) {
  const unsigned width = answer_width(exp.switches);
  if (b.payload_bits != std::uint64_t{questions} * width)
    return fail(fmt::format("the payload holds {} bits, {} questions need {}", b.payload_bits,
                            questions, questions * width));
  bit_reader in(b.payload, b.payload_bits);
  answers out;
  for (std::size_t i = 0; i < questions; ++i) {
    unsigned value = 0;
    for (unsigned bit = 0; bit < width; ++bit) {
      const auto next = in.next();
      if (!next)
        return fail(next.error().message);
      value = value << 1U | (*next ? 1U : 0U);
    }
    if (value > static_cast<unsigned>(answer::unknown))
      return fail(fmt::format("answer {} of the payload is no symbol", i + 1));
    out.push_back(static_cast<answer>(value));
  }
  return out;
}

expected<std::string, std::string> unpack_text(const bitstream& b) {
  if (b.payload_bits % 8 != 0 || b.payload.size() * 8 != b.payload_bits)
    return fail(fmt::format("a payload of {} bits is no text", b.payload_bits));
  if (!valid_utf8(b.payload))
    return fail(std::string("the text of the payload is not valid UTF-8"));
  return b.payload;
}

} // namespace tenbit

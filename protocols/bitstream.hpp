// From an outcome to .tbit bytes and back to an answer.
#pragma once

#include <string>
#include <string_view>

#include "base/expected.hpp"
#include "codec/container.hpp"
#include "protocols/program.hpp"

namespace tenbit {

// What the receiver needs besides problem and payload, as canonical JSON: one arm, its receiver
// models and their sampling, switches and seed. Never the sender's model settings, gold, URLs or
// keys.
[[nodiscard]] std::string make_recipe(const experiment& exp, arm_index arm);
// An experiment of that single arm (index 0); models have no replicas: the caller adds them.
[[nodiscard]] expected<experiment, std::string> read_recipe(std::string_view json);

// Payload: the crossed answers (1 bit each; 2 bits each, 0 no, 1 yes, 2 unknown, where the arm's
// switches allow a third symbol), or the UTF-8 text when the text crosses; empty for controls.
[[nodiscard]] bitstream pack(const program_input& input, const outcome& result);
// The same with the arm's recipe at hand, for those who pack many.
[[nodiscard]] bitstream pack(const program_input& input, const outcome& result, std::string recipe);
// make_recipe of every arm, in order.
[[nodiscard]] std::vector<std::string> make_recipes(const experiment& exp);

// Hands out the payload of a bitstream while a program is driven by the receiver: the ask effect is
// answered from the bits. Fails when the payload does not fit the questions.
[[nodiscard]] expected<answers, std::string>
unpack_answers(const bitstream& b, const experiment& exp, std::size_t questions);
// The text of a text-crossing bitstream.
[[nodiscard]] expected<std::string, std::string> unpack_text(const bitstream& b);

} // namespace tenbit

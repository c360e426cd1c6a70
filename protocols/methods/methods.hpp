// The methods, a coroutine each. docs/methods.md says what each is for and what it counts.
#pragma once

#include "protocols/context.hpp"

namespace tenbit::methods {

// The solver's first answer is the final answer.
[[nodiscard]] program direct(context& ctx);
// Draft, questions, bits of the strong model, revision.
[[nodiscard]] program qa(context& ctx);
// As qa, but the solver answers its own questions: nothing crosses.
[[nodiscard]] program self_ask(context& ctx);
// As qa, but the answers are drawn from the program's seed: nothing crosses.
[[nodiscard]] program random_bits(context& ctx);
// As qa, but every answer is yes: nothing crosses.
[[nodiscard]] program constant_yes(context& ctx);
// Further samples of the solver; one replaces the draft, more vote together with it.
[[nodiscard]] program resample(context& ctx);

} // namespace tenbit::methods

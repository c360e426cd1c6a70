// Programs: a method is a coroutine that asks for effects and never does anything itself.
//
// A program is deterministic: no clock, no randomness but its seed, no I/O. The same problem, arm,
// trial and effect results give the same effects and the same outcome; so a program is resumed by
// replaying its journal, decoded from its bits, verified without a server, and simulated.
//
// driver owns one running program. Single-threaded, pure; what it asks for is fetched with take(),
// what came back is given with resolve(). Effects that do not depend on each other are pending
// together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/call.hpp"
#include "actors/event.hpp"
#include "actors/ids.hpp"
#include "base/expected.hpp"
#include "benchmarks/problem.hpp"
#include "config/experiment.hpp"

namespace tenbit {

// The only way anything crosses from the strong model: yes/no questions. `draft` is what the
// receiver lets the sender see (free: it flows the other way); empty when the switches hide it.
struct ask_request {
  std::vector<std::string> questions;
  std::string draft;
};

using effect = std::variant<generate_request, ask_request>;

// Effect results. A receiver gets text of its own models, and bits.
struct generated {
  std::string text;
  call_id call;
};
using answers = std::vector<answer>; // one per question, in order
struct effect_failure {
  call_error kind = call_error::transient;
  std::string message;
};
using effect_result = std::variant<generated, answers, effect_failure>;

struct pending_effect {
  std::uint32_t number = 0; // from 0, in the order asked for
  effect what;
};

// How a program ended.
struct outcome {
  std::optional<generated> draft;     // its own first answer, where the method has one
  generated answer;                   // the final answer
  std::vector<std::string> questions; // as asked, in order
  answers crossed;                    // the bits that crossed from the sender; empty for controls
  bool text_crosses = false;          // the whole answer text crosses (direct answer of the sender)
};

// What a program is run on. The experiment outlives the driver.
struct program_input {
  std::shared_ptr<const experiment> exp;
  arm_index arm;
  trial_index trial;
  problem item;
};

class driver {
public:
  virtual ~driver() = default;
  // Effects asked for since the last take, each once.
  [[nodiscard]] virtual std::vector<pending_effect> take() = 0;
  // Gives the result of a taken effect; each number once. An effect_failure ends the program as
  // failed. The kind of result must fit the effect; answers must be as many as questions.
  virtual void resolve(std::uint32_t number, effect_result result) = 0;
  [[nodiscard]] virtual bool finished() const = 0;
  // Only when finished.
  [[nodiscard]] virtual const expected<outcome, effect_failure>& result() const = 0;
};

// Starts the program of the arm's method; runs it to its first effects.
[[nodiscard]] std::unique_ptr<driver> start_program(program_input input);

// The identity and the canonical bytes of a generate effect.
struct identified_call {
  call_id id;
  std::string canonical;
};
[[nodiscard]] identified_call identify(const experiment& exp, const generate_request& request);

} // namespace tenbit

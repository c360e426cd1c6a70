// The two simulated models: "small", which makes mistakes, and "large", which rarely does.
//
// reply() is a pure function of (seed, model, prompt, sampling): the same everywhere, thread-safe,
// never fails. What a persona knows comes from the prompt text alone: it reads an arith problem
// back into its steps and errs on them in a seeded way; of another problem it knows only what the
// prompt shows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenbit::sim {

// What of a request decides the reply.
struct persona_request {
  std::string_view model;
  std::string_view prompt; // the contents of all messages, joined with newlines
  double temperature = 1.0;
  std::uint64_t seed = 0; // of the request; counts only when temperature > 0
};

struct persona_reply {
  std::string text;
  // Of the first token, for answers: P(Yes) and P(No) as a model would report them.
  std::optional<double> p_yes;
  std::optional<double> p_no;
};

// How good a persona is. Probabilities in [0, 1].
struct persona_traits {
  double weak_step;  // share of steps it has a lasting misconception about
  double weak_error; // chance to get such a step wrong
  double step_error; // the same for other steps
  double redo_right; // a doubted step is redone right
  double weak_redo_right;
  double distrusts_itself;  // changes a redone step that came out as before, because it was told No
  double confirms_true;     // says Yes to a true claim
  double denies_false;      // says No to a false one
  double weak_denies_false; // on steps it has a misconception about
  double confirms_true_reference; // the same two when the prompt shows a reference
  double denies_false_reference;
};

// nullptr for an unknown model.
[[nodiscard]] const persona_traits* find_persona(std::string_view model);

// The model must be known.
[[nodiscard]] persona_reply reply(std::uint64_t seed, const persona_request& request);

} // namespace tenbit::sim

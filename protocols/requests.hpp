// The calls of the protocol: which model, which prompt, which sampling. The strict and the authors'
// settings differ here and in parsing only.
//
// Pure functions of the program's input, so that equal arguments give equal call ids: arms of one
// trial share their drafts, and a replay finds what was paid for. Thread-safe, never fail; an
// unknown model is refused later, by the context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/program.hpp"
#include "protocols/prompts.hpp"

namespace tenbit {

// The draft as the final answer: nothing was asked.
[[nodiscard]] outcome unchanged(const generated& draft);

} // namespace tenbit

namespace tenbit::requests {

[[nodiscard]] generate_request draft(const program_input& in);
// The k-th further draft, k >= 1, at the arm's temperature.
[[nodiscard]] generate_request sample(const program_input& in, std::uint32_t k);
[[nodiscard]] generate_request questions(const program_input& in, std::string_view draft);
[[nodiscard]] generate_request revision(const program_input& in, std::string_view draft,
                                        const std::vector<std::string>& questions,
                                        const answers& replies);
// The questions, and the draft unless the switches hide it from the answerer.
[[nodiscard]] ask_request ask(const program_input& in, const std::string& draft,
                              const std::vector<std::string>& questions);
// The solver's answers to its own questions, without a reference. again: the re-ask form.
[[nodiscard]] std::vector<generate_request> self_answers(const program_input& in,
                                                         const std::string& draft,
                                                         const std::vector<std::string>& questions,
                                                         bool again);

// For the sender: `model` solves the problem itself.
[[nodiscard]] generate_request solution(const program_input& in, const std::string& model);
// The arm's answerer answers: a call per question, or one for all.
[[nodiscard]] std::vector<generate_request> answer_calls(const program_input& in,
                                                         const prompts::answer_view& view,
                                                         const std::vector<std::string>& questions);

} // namespace tenbit::requests

#include "protocols/requests.hpp"

#include <algorithm>

#include "config/limits.hpp"

namespace tenbit {

outcome unchanged(const generated& draft) {
  outcome out;
  out.draft = draft;
  out.answer = draft;
  return out;
}

} // namespace tenbit

namespace tenbit::requests {
namespace {

constexpr std::uint32_t question_list_tokens = 1024;
constexpr std::uint32_t question_tokens =
    64; // more per question; the authors' limit cuts long lists
constexpr std::uint32_t one_answer_tokens = 10;
constexpr std::uint32_t list_answer_tokens = 16; // per question

// k holds arm, trial and sample, so that calls differ where their texts may: without a seed in the
// request nothing else tells two trials apart.
constexpr unsigned sample_bits = 11;
constexpr unsigned trial_bits = 10;
static_assert(limits::trials_max <= 1U << trial_bits);
static_assert(limits::samples_max < 1U << sample_bits);
static_assert(2 * limits::questions_max <= 1U << sample_bits); // answers: occurrence and re-ask
static_assert(limits::arms_max <= 1U << (32 - trial_bits - sample_bits));

std::uint32_t index_of(const program_input& in, std::uint32_t sample) {
  const std::uint32_t arm = in.exp->switches.fresh_calls ? in.arm.value : 0U;
  return arm << (trial_bits + sample_bits) | std::uint32_t{in.trial.value} << sample_bits | sample;
}

// Of the arm's name, not its number: a receiver knows one arm alone and must send the same.
std::uint32_t seed_of(const program_input& in, std::uint32_t sample) {
  hasher hash("call seed");
  hash.field(in.exp->seed).field(std::uint64_t{in.trial.value}).field(std::uint64_t{sample});
  if (in.exp->switches.fresh_calls)
    hash.field(in.exp->arms[in.arm.value].name);
  return static_cast<std::uint32_t>(hash.finish().prefix() >> 33U); // 31 bits: servers take int32
}

generate_request request(const program_input& in, const std::string& model,
                         prompts::messages messages, std::uint32_t sample = 0) {
  generate_request out;
  out.model = model;
  out.messages = std::move(messages);
  out.k = index_of(in, sample);
  const model_spec* spec = in.exp->find_model(model);
  if (spec == nullptr)
    return out; // the context refuses it
  const sampling_spec& sampling = spec->sampling;
  out.settings.max_tokens = sampling.max_tokens;
  out.settings.top_p = sampling.top_p;
  if (in.exp->switches.unset_sampling)
    return out;
  out.settings.temperature = sampling.temperature;
  if (sampling.seed)
    out.settings.seed = seed_of(in, sample);
  return out;
}

// A model that is sent no temperature (its server refuses one) is sent none here either.
void set_temperature(generate_request& out, double temperature) {
  if (out.settings.temperature)
    out.settings.temperature = temperature;
}

const arm_spec& arm_of(const program_input& in) {
  return in.exp->arms[in.arm.value];
}

generate_request answer_call(const program_input& in, prompts::messages messages,
                             std::uint32_t sample, std::uint32_t max_tokens) {
  auto out = request(in, arm_of(in).answerer, std::move(messages), sample);
  if (in.exp->profile == profile_kind::strict)
    set_temperature(out, 0.0);
  out.settings.max_tokens = max_tokens;
  return out;
}

} // namespace

generate_request solution(const program_input& in, const std::string& model) {
  return request(in, model, prompts::solve(in.item.question));
}

generate_request draft(const program_input& in) {
  return solution(in, arm_of(in).solver);
}

generate_request sample(const program_input& in, std::uint32_t k) {
  auto out = request(in, arm_of(in).solver, prompts::solve(in.item.question), k);
  set_temperature(out, arm_of(in).temperature);
  return out;
}

generate_request questions(const program_input& in, std::string_view draft) {
  const arm_spec& arm = arm_of(in);
  auto out = request(in, arm.questioner, prompts::ask(in.item.question, draft, arm.questions));
  out.settings.max_tokens = question_list_tokens;
  if (in.exp->profile == profile_kind::strict)
    out.settings.max_tokens += question_tokens * arm.questions;
  return out;
}

generate_request revision(const program_input& in, std::string_view draft,
                          const std::vector<std::string>& questions, const answers& replies) {
  std::optional<std::string_view> shown = draft;
  if (in.exp->switches.hide_draft_from_solver)
    shown.reset();
  return request(in, arm_of(in).solver,
                 prompts::revise(in.item.question, shown, questions, replies));
}

ask_request ask(const program_input& in, const std::string& draft,
                const std::vector<std::string>& questions) {
  const bool hidden = in.exp->switches.hide_draft_from_answerer;
  return {questions, hidden ? std::string() : draft};
}

std::vector<generate_request> self_answers(const program_input& in, const std::string& draft,
                                           const std::vector<std::string>& questions, bool again) {
  prompts::answer_view view;
  view.problem = in.item.question;
  if (!in.exp->switches.hide_draft_from_answerer)
    view.draft = draft;
  view.asked_before = again;
  return answer_calls(in, view, questions);
}

std::vector<generate_request> answer_calls(const program_input& in,
                                           const prompts::answer_view& view,
                                           const std::vector<std::string>& questions) {
  const std::uint32_t again = view.asked_before ? 1 : 0;
  std::vector<generate_request> out;
  const auto count = static_cast<std::uint32_t>(questions.size());
  switch (arm_of(in).answers) {
  case answer_mode::together:
    out.push_back(
        answer_call(in, prompts::answer_all(view, questions), again, list_answer_tokens * count));
    return out;
  case answer_mode::each:
    break;
  }
  const model_spec* model = in.exp->find_model(arm_of(in).answerer);
  for (auto question = questions.begin(); question != questions.end(); ++question) {
    // The same question twice is one call, unless nothing is shared.
    const auto before = in.exp->switches.fresh_calls
                            ? std::count(questions.begin(), question, *question)
                            : std::ptrdiff_t{0};
    out.push_back(answer_call(in, prompts::answer_one(view, *question),
                              static_cast<std::uint32_t>(2 * before) + again, one_answer_tokens));
    out.back().settings.yes_no = model != nullptr && model->logprobs;
  }
  return out;
}

} // namespace tenbit::requests

#include "scripted.hpp"

#include <fmt/format.h>

#include "protocols/prompts.hpp"

namespace tenbit::test {
namespace {

model_spec make_model(std::string alias) {
  model_spec out;
  out.alias = alias;
  out.model = "org/" + alias;
  out.revision = alias + "@1";
  out.logprobs = true;
  return out;
}

arm_spec make_arm(std::string name, method_kind method, std::string answerer = {}) {
  arm_spec out;
  out.name = std::move(name);
  out.method = method;
  out.solver = "small";
  if (method != method_kind::direct && method != method_kind::resample) {
    out.questioner = "small";
    out.questions = 4;
  }
  out.answerer = std::move(answerer);
  return out;
}

protocol_switches all_switches() {
  protocol_switches out;
  out.unset_sampling = out.hide_draft_from_solver = out.hide_draft_from_answerer = true;
  out.pad_questions = out.unknown_answers = out.loose_question_regex = true;
  out.fresh_calls = out.authors_grading = out.failed_is_wrong = true;
  return out;
}

bool has(const std::string& text, std::string_view marker) {
  return text.find(marker) != std::string::npos;
}

} // namespace

experiment make_experiment(profile_kind profile) {
  experiment out;
  out.name = "test";
  out.profile = profile;
  out.seed = 7;
  out.trials = 3;
  out.models = {make_model("large"), make_model("small")};
  out.arms = {make_arm("direct", method_kind::direct),
              make_arm("direct-large", method_kind::direct),
              make_arm("qa", method_kind::qa, "large"),
              make_arm("qa-gold", method_kind::qa, "large"),
              make_arm("qa-none", method_kind::qa, "large"),
              make_arm("qa-together", method_kind::qa, "large"),
              make_arm("self", method_kind::self_ask, "small"),
              make_arm("self-together", method_kind::self_ask, "small"),
              make_arm("resample", method_kind::resample),
              make_arm("vote", method_kind::resample),
              make_arm("random", method_kind::random_bits),
              make_arm("yes", method_kind::constant_yes)};
  out.arms[1].solver = "large";
  out.arms[3].reference = reference_kind::gold;
  out.arms[4].reference = reference_kind::none;
  out.arms[5].answers = out.arms[7].answers = answer_mode::together;
  out.arms[9].samples = 4;
  if (profile == profile_kind::authors_compat) {
    out.switches = all_switches();
    for (model_spec& model : out.models)
      model.sampling.temperature.reset();
  }
  return out;
}

arm_index arm_of(const experiment& exp, std::string_view name) {
  for (std::size_t i = 0; i < exp.arms.size(); ++i)
    if (exp.arms[i].name == name)
      return arm_index{static_cast<std::uint16_t>(i)};
  assertion_failed("no such arm", __FILE__, __LINE__);
}

program_input input_of(const experiment& exp, std::string_view arm, std::uint16_t trial) {
  return {std::make_shared<const experiment>(exp), arm_of(exp, arm), trial_index{trial},
          problem{5, "test/5", "Ann has 3 pens and buys 4. How many has she?"}};
}

std::string prompt_of(const generate_request& request) {
  TENBIT_ASSERT(request.messages.size() == 1);
  return request.messages.front().content;
}

std::string kind_of(const generate_request& request) {
  const auto text = prompt_of(request);
  if (has(text, prompts::marker_pairs))
    return "revise";
  if (has(text, prompts::marker_questions))
    return "list";
  if (has(text, prompts::marker_question))
    return "answer";
  return has(text, prompts::marker_draft) ? "ask" : "solve";
}

std::string default_reply(const generate_request& request) {
  const auto kind = kind_of(request);
  if (kind == "solve")
    return fmt::format("{} says\n#### 1{}", request.model, request.k % 2048);
  if (kind == "ask")
    return "1. Is 3 right?\n2. Is 4 right?\n3. Is it a sum?\n4. Is it 7?";
  if (kind == "answer")
    return "Yes";
  if (kind == "list")
    return "1. Yes\n2. No\n3. No\n4. Yes";
  return "#### " + hash_bytes(prompt_of(request)).hex();
}

trace play(const program_input& input, const script& how) {
  trace out;
  const auto running = start_program(input);
  std::vector<pending_effect> pending;
  while (!running->finished()) {
    auto fresh = running->take();
    if (!fresh.empty())
      out.batches.push_back(fresh.size());
    for (pending_effect& one : fresh) {
      TENBIT_ASSERT(one.number == out.kinds.size());
      if (const auto* request = std::get_if<generate_request>(&one.what)) {
        out.kinds.push_back(kind_of(*request));
        out.requests.push_back(*request);
        out.calls.push_back(identify(*input.exp, *request).id);
      } else {
        out.kinds.emplace_back("bits");
        out.asks.push_back(std::get<ask_request>(one.what));
      }
      pending.push_back(std::move(one));
    }
    TENBIT_ASSERT(!pending.empty());
    const auto place = pending.begin() + static_cast<std::ptrdiff_t>(how.pick(pending.size()));
    const pending_effect next = std::move(*place);
    pending.erase(place);
    if (how.failing == next.number)
      running->resolve(next.number, effect_failure{call_error::throttled, "as scripted"});
    else if (const auto* request = std::get_if<generate_request>(&next.what))
      running->resolve(next.number,
                       generated{how.reply(*request), identify(*input.exp, *request).id});
    else
      running->resolve(next.number, how.bits);
  }
  TENBIT_ASSERT(running->take().empty());
  out.result = running->result();
  return out;
}

} // namespace tenbit::test

// An experiment with an arm of every method, and a model that answers every prompt by its hash.
#pragma once

#include <memory>
#include <string>

#include "actors/call.hpp"
#include "base/hash.hpp"
#include "config/experiment.hpp"

namespace tenbit::testing {

inline arm_spec arm(std::string name, method_kind method,
                    reference_kind reference = reference_kind::own) {
  arm_spec out;
  out.name = std::move(name);
  out.method = method;
  out.solver = "small";
  out.questioner = "small";
  out.answerer = method == method_kind::self_ask ? "small" : "large";
  out.questions = 3;
  out.reference = reference;
  return out;
}

inline std::shared_ptr<experiment> every_method() {
  auto exp = std::make_shared<experiment>();
  exp->name = "sim";
  exp->trials = 2;
  for (const char* alias : {"large", "small"}) {
    model_spec model;
    model.alias = alias;
    model.model = alias;
    model.revision = alias;
    exp->models.push_back(model);
  }
  exp->arms = {arm("direct", method_kind::direct),
               arm("self", method_kind::self_ask),
               arm("again", method_kind::resample),
               arm("random", method_kind::random_bits),
               arm("yes", method_kind::constant_yes),
               arm("own", method_kind::qa),
               arm("gold", method_kind::qa, reference_kind::gold)};
  arm_spec together = arm("together", method_kind::qa, reference_kind::none);
  together.answers = answer_mode::together;
  exp->arms.push_back(together);
  arm_spec strong = arm("strong", method_kind::direct); // its text crosses whole, shared with "own"
  strong.solver = strong.questioner = "large";
  exp->arms.push_back(strong);
  return exp;
}

// A text that serves every prompt: a solution, numbered questions, or an answer, by the request's
// hash.
inline call_reply reply_to(const std::string& model, const std::string& canonical) {
  const auto draw = hasher("model").field(model).field(canonical).finish().prefix();
  call_reply out;
  if (canonical.find("Yes or No") != std::string::npos) {
    const bool list = canonical.find("Questions:") != std::string::npos;
    const char* word = draw % 17 == 0 ? "Maybe" : draw % 2 == 0 ? "Yes" : "No";
    out.text = list ? "1. " + std::string(word) + "\n2. No\n3. Yes\n" : word;
  } else if (canonical.find("Number them 1.") != std::string::npos) {
    out.text = "1. Is it " + std::to_string(draw % 5) + "?\n2. Is it even?\n3. Is it big?\n";
  } else {
    out.text = "It is so.\n#### " + std::to_string(draw % 5);
  }
  out.finish_reason = "stop";
  out.usage = {10, 5, true};
  return out;
}

inline call_result steady(const std::string& model, const std::string& canonical) {
  return reply_to(model, canonical);
}

} // namespace tenbit::testing

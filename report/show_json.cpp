#include <nlohmann/json.hpp>

#include "report/show.hpp"

namespace tenbit::report {

namespace {

using json = nlohmann::ordered_json;

json call_json(const task_view& view, const call_id& id, party by) {
  json out = {{"call_id", id.value.hex()}};
  const call_event* made = view.find(id, by);
  if (made == nullptr)
    return out;
  out["model"] = made->model;
  out["text"] = made->reply.text;
  out["finish_reason"] = made->reply.finish_reason;
  out["usage"] = {{"prompt", made->reply.usage.prompt},
                  {"completion", made->reply.usage.completion},
                  {"reported", made->reply.usage.reported}};
  return out;
}

json question_json(const bit_event& bit) {
  return {{"index", bit.index.value},        {"question", bit.question},
          {"answer", to_string(bit.value)},  {"p_yes", bit.p_yes ? json(*bit.p_yes) : json()},
          {"asked_again", bit.asked_again},  {"by_default", bit.by_default},
          {"source", bit.source.value.hex()}};
}

void put_outcome(json& out, const task_view& view, const outcome_event& end, party answering) {
  if (end.draft_call) {
    out["draft"] = call_json(view, *end.draft_call, party::receiver);
    out["draft"]["answer"] = end.draft_answer;
    out["draft"]["correct"] = end.draft_correct;
  }
  out["final"] = call_json(view, end.answer_call, answering);
  out["final"]["answer"] = end.final_answer;
  out["final"]["correct"] = end.correct;
  out["questions_asked"] = end.questions;
  out["payload_bits"] = end.payload_bits;
  out["tbit_bytes"] = end.bitstream.size();
  if (end.bitstream.empty())
    return;
  const payload_text payload = payload_of(end);
  if (payload.error.empty())
    out["payload_hex"] = payload.hex;
  else
    out["payload_error"] = payload.error;
}

json arm_json(const transcript& t, arm_trial where, const arm_trial_view& end) {
  const arm_spec& spec = t.exp.arms[where.arm.value];
  json out = {{"arm", spec.name}, {"trial", where.trial.value}};
  out["method"] = to_string(spec.method);
  out["solver"] = spec.solver;
  out["questioner"] = spec.questioner;
  out["answerer"] = spec.answerer;
  out["questions"] = json::array();
  for (const bit_event* bit : end.bits)
    out["questions"].push_back(question_json(*bit));
  if (end.outcome != nullptr)
    put_outcome(out, t.view, *end.outcome, answering_party(t.exp, where));
  if (end.failure != nullptr)
    out["failure"] = {{"error", to_string(end.failure->kind)}, {"message", end.failure->message}};
  return out;
}

} // namespace

std::string show_json(const transcript& t, const show_options& options) {
  json out = {{"format", "tenbit-transcript"}, {"version", 1}, {"simulated", t.simulated}};
  out["problem"] = {{"index", t.index.value},
                    {"id", t.problem.id},
                    {"question", t.problem.question},
                    {"gold", t.problem.gold_answer}};
  out["status"] = to_string(t.state.status);
  out["events_by"] = json::object();
  for (const auto& [peer, events] : t.by)
    out["events_by"][peer] = events;
  out["arms"] = json::array();
  for (const auto& [where, end] : t.view.ends)
    if (!options.arm || *options.arm == where.arm)
      out["arms"].push_back(arm_json(t, where, end));
  if (options.full) {
    out["calls"] = json::array();
    for (const call_event* made : t.view.calls) {
      json call = call_json(t.view, made->id, made->by);
      call["by"] = to_string(made->by);
      call["k"] = made->k;
      call["request"] = made->request;
      out["calls"].push_back(std::move(call));
    }
  }
  // ASCII only: no control or bidirectional character of a model reaches a terminal.
  return out.dump(2, ' ', true, json::error_handler_t::replace) + '\n';
}

} // namespace tenbit::report

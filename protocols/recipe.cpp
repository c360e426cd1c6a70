// The recipe of a .tbit: canonical JSON (sorted keys, no whitespace, numbers in their shortest
// form).
//
//   {"arm":{"method","name","solver", and what the method uses of
//   "answers","questioner","questions",
//           "samples","temperature"},
//    "format":1,
//    "models":[{"alias","kind","logprobs","model","revision",
//               "sampling":{"max_tokens","seed"[,"temperature"][,"top_p"]}}],
//    "profile","seed"[,"sim_seed"],"switches":["name",...]}
//
// models are the receiver's: solver and questioner, none when the text itself crosses. sim_seed
// stands where one of them is simulated. Reading is strict: a recipe that is not what make_recipe
// writes is refused, because a receiver that guessed would rebuild another answer.
#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "config/enum_names.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "config/method_keys.hpp"
#include "protocols/bitstream.hpp"

namespace tenbit {
namespace {

using json = nlohmann::json; // objects are sorted by key

constexpr std::uint64_t format_1 = 1;

json model_json(const model_spec& model) {
  json sampling = {{"max_tokens", model.sampling.max_tokens}, {"seed", model.sampling.seed}};
  if (model.sampling.temperature)
    sampling["temperature"] = *model.sampling.temperature;
  if (model.sampling.top_p)
    sampling["top_p"] = *model.sampling.top_p;
  return {{"alias", model.alias},       {"kind", to_string(model.kind)},
          {"logprobs", model.logprobs}, {"model", model.model},
          {"revision", model.revision}, {"sampling", std::move(sampling)}};
}

json arm_json(const arm_spec& arm) {
  const auto used = config::keys_of(arm.method);
  json out = {{"method", to_string(arm.method)}, {"name", arm.name}, {"solver", arm.solver}};
  if (used.questions) {
    out["questioner"] = arm.questioner;
    out["questions"] = arm.questions;
  }
  if (arm.method == method_kind::self_ask) // in qa it is the sender who answers
    out["answers"] = to_string(arm.answers);
  if (used.samples) {
    out["samples"] = arm.samples;
    out["temperature"] = arm.temperature;
  }
  return out;
}

std::vector<const model_spec*> receiver_models(const experiment& exp, const arm_spec& arm) {
  std::vector<const model_spec*> out;
  if (exp.text_crosses(arm))
    return out;
  for (const model_spec& model : exp.models)
    if (model.alias == arm.solver || model.alias == arm.questioner)
      out.push_back(&model);
  return out;
}

// Takes typed fields out of an object; remembers the first thing that is wrong.
class fields {
public:
  fields(const json& object, std::string where, std::string& error)
      : object_(object), where_(std::move(where)), error_(error) {}

  [[nodiscard]] bool has(const char* key) const {
    return object_.is_object() && object_.contains(key);
  }
  void text(const char* key, std::string& out) {
    if (const json* value = find(key, json::value_t::string))
      out = value->get_ref<const std::string&>();
    if (out.size() > limits::config_text_bytes_max)
      wrong(key);
  }
  void flag(const char* key, bool& out) {
    if (const json* value = find(key, json::value_t::boolean))
      out = value->get<bool>();
  }
  template <class T> void number(const char* key, T& out, std::uint64_t min, std::uint64_t max) {
    const json* value = find(key, json::value_t::number_unsigned);
    if (value == nullptr)
      return;
    const auto found = value->get<std::uint64_t>();
    if (found < min || found > max)
      return wrong(key);
    out = static_cast<T>(found);
  }
  void real(const char* key, double& out, double min, double max) {
    const json* value = find(key, json::value_t::number_float);
    if (value == nullptr)
      return;
    out = value->get<double>();
    if (!(out >= min && out <= max))
      wrong(key);
  }
  template <class All, class T> void choice(const char* key, const All& all, T& out) {
    std::string name;
    text(key, name);
    const auto found =
        std::find_if(all.begin(), all.end(), [&](T one) { return to_string(one) == name; });
    if (found == all.end())
      return wrong(key);
    out = *found;
  }
  const json& part(const char* key, json::value_t type) {
    static const json nothing;
    const json* value = find(key, type);
    return value != nullptr ? *value : nothing;
  }

private:
  const json* find(const char* key, json::value_t type) {
    if (has(key) && object_[key].type() == type)
      return &object_[key];
    wrong(key);
    return nullptr;
  }
  void wrong(const char* key) {
    if (error_.empty())
      error_ = fmt::format("the recipe's {}{} is missing or not allowed", where_, key);
  }
  const json& object_;
  std::string where_;
  std::string& error_;
};

model_spec read_model(const json& object, std::string& error) {
  model_spec out;
  fields in(object, "model ", error);
  in.text("alias", out.alias);
  in.choice("kind", config::all_model_kinds, out.kind);
  in.flag("logprobs", out.logprobs);
  in.text("model", out.model);
  in.text("revision", out.revision);
  fields sampling(in.part("sampling", json::value_t::object), "sampling ", error);
  sampling.number("max_tokens", out.sampling.max_tokens, 1, limits::reply_tokens_max);
  sampling.flag("seed", out.sampling.seed);
  out.sampling.temperature.reset();
  if (sampling.has("temperature"))
    sampling.real("temperature", out.sampling.temperature.emplace(), 0, 2);
  if (sampling.has("top_p"))
    sampling.real("top_p", out.sampling.top_p.emplace(), 0, 1);
  return out;
}

arm_spec read_arm(const json& object, std::string& error) {
  arm_spec out;
  fields in(object, "arm ", error);
  in.choice("method", config::all_methods, out.method);
  in.text("name", out.name);
  in.text("solver", out.solver);
  const auto used = config::keys_of(out.method);
  if (used.questions) {
    in.text("questioner", out.questioner);
    in.number("questions", out.questions, 1, limits::questions_max);
  }
  if (out.method == method_kind::self_ask) {
    in.choice("answers", config::all_answer_modes, out.answers);
    out.answerer = out.solver;
  }
  if (used.samples) {
    in.number("samples", out.samples, 1, limits::samples_max);
    in.real("temperature", out.temperature, 0, 2);
  }
  return out;
}

void read_switches(const json& names, protocol_switches& out, std::string& error) {
  for (const json& name : names) {
    const auto found =
        std::find_if(config::keys::switch_members.begin(), config::keys::switch_members.end(),
                     [&](const auto& key) { return name == json(key.name); });
    if (found != config::keys::switch_members.end())
      out.*found->member = true;
    else if (error.empty())
      error = "the recipe has a switch that this program does not know";
  }
}

// Deep nesting and duplicate keys do not pass: the canonical form is compared in the end.
expected<json, std::string> parse_bounded(std::string_view text) {
  bool deep = false;
  const auto guard = [&deep](int depth, json::parse_event_t, json&) {
    deep = deep || depth > limits::json_depth_max;
    return !deep;
  };
  auto out = json::parse(text.begin(), text.end(), guard, false);
  if (deep || !out.is_object())
    return fail(std::string("the recipe is not a JSON object"));
  return out;
}

// A receiver needs its models there, or it has none and the payload is the text.
void check_models(const experiment& exp, std::string& error) {
  const arm_spec& arm = exp.arms.front();
  const bool text = arm.method == method_kind::direct && exp.models.empty();
  const bool sorted =
      std::adjacent_find(exp.models.begin(), exp.models.end(), [](const auto& a, const auto& b) {
        return a.alias >= b.alias;
      }) == exp.models.end();
  const bool complete = exp.find_model(arm.solver) != nullptr &&
                        (arm.questioner.empty() || exp.find_model(arm.questioner) != nullptr);
  if (error.empty() && (!sorted || (!text && !complete)))
    error = "the recipe does not describe the models of its arm";
}

} // namespace

std::string make_recipe(const experiment& exp, arm_index arm) {
  TENBIT_ASSERT(arm.value < exp.arms.size());
  const arm_spec& spec = exp.arms[arm.value];
  json models = json::array();
  bool simulated = false;
  for (const model_spec* model : receiver_models(exp, spec)) {
    models.push_back(model_json(*model));
    simulated = simulated || model->kind == model_kind::sim;
  }
  json switches = json::array();
  for (const auto& key : config::keys::switch_members)
    if (exp.switches.*key.member)
      switches.push_back(key.name);
  json out = {{"arm", arm_json(spec)},
              {"format", format_1},
              {"models", std::move(models)},
              {"profile", to_string(exp.profile)},
              {"seed", exp.seed},
              {"switches", std::move(switches)}};
  if (simulated)
    out["sim_seed"] = exp.sim.seed;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

expected<experiment, std::string> read_recipe(std::string_view text) {
  const auto parsed = parse_bounded(text);
  if (!parsed)
    return fail(parsed.error());
  std::string error;
  experiment out;
  fields in(*parsed, "", error);
  std::uint64_t format = 0;
  in.number("format", format, format_1, format_1);
  in.choice("profile", config::all_profiles, out.profile);
  in.number("seed", out.seed, 0, std::numeric_limits<std::uint64_t>::max());
  if (in.has("sim_seed"))
    in.number("sim_seed", out.sim.seed, 0, std::numeric_limits<std::uint64_t>::max());
  read_switches(in.part("switches", json::value_t::array), out.switches, error);
  for (const json& model : in.part("models", json::value_t::array))
    out.models.push_back(read_model(model, error));
  out.arms.push_back(read_arm(in.part("arm", json::value_t::object), error));
  out.name = out.arms.front().name;
  check_models(out, error);
  if (error.empty() && make_recipe(out, arm_index{0}) != text)
    error = "the recipe is not in its canonical form";
  if (!error.empty())
    return fail(std::move(error));
  return out;
}

} // namespace tenbit

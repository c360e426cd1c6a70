// Enum texts, identity() and to_toml(): an experiment written out.
//
// identity() and to_toml() leave out the settings that a method does not use (method_keys.hpp), so
// that their defaults may change without a store refusing.
#include <algorithm>
#include <fmt/format.h>

#include "config/experiment.hpp"
#include "config/keys.hpp"
#include "config/method_keys.hpp"

namespace tenbit {
namespace {

// Shortest decimal that reads back as the same double, always with a dot or exponent.
std::string number_text(double value) {
  std::string out = fmt::format("{}", value);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".0";
  return out;
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) < 0x20U || c == 0x7F)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

using pairs = std::vector<std::pair<std::string, std::string>>;

class identity_writer {
public:
  void text(const std::string& key, std::string_view value) { out_.emplace_back(key, value); }
  void number(const std::string& key, std::uint64_t value) {
    out_.emplace_back(key, fmt::format("{}", value));
  }
  void real(const std::string& key, double value) { out_.emplace_back(key, number_text(value)); }
  void flag(const std::string& key, bool value) {
    out_.emplace_back(key, value ? "true" : "false");
  }
  void optional_real(const std::string& key, const std::optional<double>& value) {
    text(key, value ? number_text(*value) : "unset");
  }
  pairs take() {
    std::sort(out_.begin(), out_.end());
    return std::move(out_);
  }

private:
  pairs out_;
};

void add_benchmark(identity_writer& out, const benchmark_spec& b) {
  out.text("benchmark.kind", to_string(b.kind));
  out.number("benchmark.first", b.first);
  out.number("benchmark.count", b.count);
  switch (b.kind) {
  case benchmark_kind::arith:
    out.number("benchmark.level", b.level);
    out.number("benchmark.seed", b.seed);
    break;
  case benchmark_kind::gsm8k:
    break; // what is in the file counts, not where it lies: the store adds benchmark::content
  }
}

void add_model(identity_writer& out, const model_spec& model) {
  const std::string key = "models." + model.alias;
  out.text(key + ".kind", to_string(model.kind));
  out.text(key + ".model", model.model);
  out.text(key + ".revision", model.revision);
  out.flag(key + ".logprobs", model.logprobs);
  out.optional_real(key + ".sampling.temperature", model.sampling.temperature);
  out.optional_real(key + ".sampling.top_p", model.sampling.top_p);
  out.number(key + ".sampling.max_tokens", model.sampling.max_tokens);
  out.flag(key + ".sampling.seed", model.sampling.seed);
}

void add_arm(identity_writer& out, const experiment& e, std::size_t number) {
  const arm_spec& arm = e.arms[number];
  const auto used = config::keys_of(arm.method);
  const std::string key = fmt::format("arms.{}", number);
  out.text(key + ".name", arm.name);
  out.text(key + ".method", to_string(arm.method));
  out.text(key + ".solver", arm.solver);
  if (used.questions) {
    out.text(key + ".questioner", arm.questioner);
    out.number(key + ".questions", arm.questions);
  }
  if (used.answerer)
    out.text(key + ".answerer", arm.answerer);
  if (used.reference)
    out.text(key + ".reference", to_string(arm.reference));
  if (used.answers)
    out.text(key + ".answers", to_string(arm.answers));
  if (used.samples) {
    out.number(key + ".samples", arm.samples);
    if (!e.switches.unset_sampling)
      out.real(key + ".temperature", arm.temperature);
  }
}

// What the embedded simulator says, but not when it says it.
void add_sim(identity_writer& out, const sim_spec& sim) {
  out.number("sim.seed", sim.seed);
  out.text("sim.recorded", sim.recorded);
  for (const auto& rate : config::keys::rates)
    out.real(fmt::format("sim.faults.{}", rate.name), sim.faults.*rate.member);
}

class toml_writer {
public:
  void heading(std::string_view text) { out_ += fmt::format("\n{}\n", text); }
  void text(std::string_view key, std::string_view value) { line(key, toml_text(value)); }
  void number(std::string_view key, std::uint64_t value) { line(key, fmt::format("{}", value)); }
  void real(std::string_view key, double value) { line(key, number_text(value)); }
  void flag(std::string_view key, bool value) { line(key, value ? "true" : "false"); }
  void texts(std::string_view key, const std::vector<std::string>& values) {
    std::string list;
    for (const std::string& value : values)
      list += fmt::format("{}{}", list.empty() ? "" : ", ", toml_text(value));
    line(key, fmt::format("[{}]", list));
  }
  std::string take() { return std::move(out_); }

private:
  void line(std::string_view key, std::string_view value) {
    out_ += fmt::format("{} = {}\n", key, value);
  }
  std::string out_;
};

void write_benchmark(toml_writer& out, const benchmark_spec& b) {
  out.heading("[benchmark]");
  out.text("kind", to_string(b.kind));
  out.number("first", b.first);
  out.number("count", b.count);
  switch (b.kind) {
  case benchmark_kind::arith:
    out.number("level", b.level);
    out.number("seed", b.seed);
    break;
  case benchmark_kind::gsm8k:
    out.text("file", b.file);
    break;
  }
}

void write_model(toml_writer& out, const model_spec& model, bool unset_sampling) {
  out.heading(fmt::format("[models.{}]", model.alias));
  out.text("kind", to_string(model.kind));
  out.text("model", model.model);
  out.text("revision", model.revision);
  if (!model.replicas.empty())
    out.texts("replicas", model.replicas);
  if (!model.api_key_env.empty())
    out.text("api_key_env", model.api_key_env);
  out.number("concurrency", model.concurrency);
  out.flag("stream", model.stream);
  out.flag("logprobs", model.logprobs);
  out.real("price_input", model.price_input);
  out.real("price_output", model.price_output);
  out.heading(fmt::format("[models.{}.sampling]", model.alias));
  if (!unset_sampling) {
    if (model.sampling.temperature)
      out.real("temperature", *model.sampling.temperature);
    else
      out.text("temperature", "unset");
    out.flag("seed", model.sampling.seed);
  }
  if (model.sampling.top_p)
    out.real("top_p", *model.sampling.top_p);
  out.number("max_tokens", model.sampling.max_tokens);
}

void write_arm(toml_writer& out, const arm_spec& arm, bool unset_sampling) {
  const auto used = config::keys_of(arm.method);
  out.heading("[[arms]]");
  out.text("name", arm.name);
  out.text("method", to_string(arm.method));
  out.text("solver", arm.solver);
  if (used.questions) {
    out.text("questioner", arm.questioner);
    out.number("questions", arm.questions);
  }
  if (used.answerer)
    out.text("answerer", arm.answerer);
  if (used.reference)
    out.text("reference", to_string(arm.reference));
  if (used.answers)
    out.text("answers", to_string(arm.answers));
  if (used.samples) {
    out.number("samples", arm.samples);
    if (!unset_sampling)
      out.real("temperature", arm.temperature);
  }
}

void write_budget(toml_writer& out, const budget_spec& budget) {
  out.heading("[budget]");
  if (budget.calls)
    out.number("calls", *budget.calls);
  if (budget.tokens)
    out.number("tokens", *budget.tokens);
  if (budget.money)
    out.real("money", *budget.money);
}

void write_sim(toml_writer& out, const sim_spec& sim) {
  out.heading("[sim]");
  out.number("seed", sim.seed);
  out.number("slots", sim.slots);
  out.real("latency_ms", sim.latency_ms);
  out.real("latency_spread", sim.latency_spread);
  out.real("tokens_per_second", sim.tokens_per_second);
  if (!sim.recorded.empty())
    out.text("recorded", sim.recorded);
  out.heading("[sim.faults]");
  for (const auto& rate : config::keys::rates)
    out.real(rate.name, sim.faults.*rate.member);
  out.number("retry_after_s", sim.faults.retry_after_s);
}

} // namespace

std::vector<std::pair<std::string, std::string>> experiment::identity() const {
  identity_writer out;
  out.text("name", name);
  out.text("profile", to_string(profile));
  out.number("seed", seed);
  out.number("trials", trials);
  for (const auto& entry : config::keys::switch_members)
    out.flag(fmt::format("switches.{}", entry.name), switches.*entry.member);
  add_benchmark(out, benchmark);
  for (const model_spec& model : models)
    add_model(out, model);
  for (std::size_t i = 0; i < arms.size(); ++i)
    add_arm(out, *this, i);
  if (simulated())
    add_sim(out, sim);
  return out.take();
}

hash256 experiment::identity_hash() const {
  hasher hash("tenbit experiment");
  for (const auto& [key, value] : identity())
    hash.field(key).field(value);
  return hash.finish();
}

std::string to_toml(const experiment& e) {
  toml_writer out;
  out.text("name", e.name);
  out.text("profile", to_string(e.profile));
  out.number("seed", e.seed);
  out.number("trials", e.trials);
  out.text("currency", e.currency);
  write_benchmark(out, e.benchmark);
  for (const model_spec& model : e.models)
    write_model(out, model, e.switches.unset_sampling);
  for (const arm_spec& arm : e.arms)
    write_arm(out, arm, e.switches.unset_sampling);
  write_budget(out, e.budget);
  write_sim(out, e.sim);
  if (e.profile == profile_kind::authors_compat) {
    out.heading("[switches]");
    for (const auto& entry : config::keys::switch_members)
      out.flag(entry.name, e.switches.*entry.member);
  }
  return out.take();
}

} // namespace tenbit

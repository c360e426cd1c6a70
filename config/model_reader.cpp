#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/enum_names.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "config/readers.hpp"

namespace tenbit::config {
namespace {

constexpr std::string_view letters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

bool plain_alias(std::string_view alias) {
  return !alias.empty() && alias.size() <= limits::shown_name_chars_max &&
         std::all_of(alias.begin(), alias.end(),
                     [](char c) { return c == '-' || letters.find(c) != std::string_view::npos; });
}

// A name of an environment variable (POSIX), and nothing that starts as keys do.
bool variable_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && (name[0] < '0' || name[0] > '9') &&
         name.find_first_not_of(letters) == std::string_view::npos && !name.starts_with("sk_") &&
         !name.starts_with("hf_");
}

bool port_number(std::string_view text) {
  std::uint32_t number = 0;
  if (text.empty() || text.size() > 5)
    return false;
  for (char c : text) {
    if (c < '0' || c > '9')
      return false;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number >= 1 && number <= 65535;
}

bool host_name(std::string_view host) {
  if (host.starts_with('['))
    return host.size() > 2 && host.ends_with(']') &&
           host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") ==
               std::string_view::npos;
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return c == '-' || c == '.' || letters.find(c) != std::string_view::npos;
  });
}

struct url_fault {
  std::string_view message;
  std::string_view mend;
};

// The base URL without trailing slashes and "/v1"; or why it is none. The text itself is never
// shown: it may carry credentials.
expected<std::string, url_fault> base_url(std::string_view text) {
  static constexpr std::string_view form = "write http://host:port or https://host";
  std::string_view rest = text;
  if (rest.starts_with("http://"))
    rest.remove_prefix(7);
  else if (rest.starts_with("https://"))
    rest.remove_prefix(8);
  else
    return fail(url_fault{"is no http:// or https:// URL", form});
  if (rest.find_first_of("?#") != std::string_view::npos)
    return fail(url_fault{"has a query or fragment in its URL",
                          "keys belong into an environment variable named by api_key_env"});
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (rest.find('@') != std::string_view::npos)
    return fail(url_fault{"carries credentials in its URL",
                          "put the key into an environment variable and name it in api_key_env"});
  const auto colon = authority.ends_with(']') ? std::string_view::npos : authority.rfind(':');
  if (!host_name(authority.substr(0, colon)))
    return fail(url_fault{"has no host name in its URL", form});
  if (colon != std::string_view::npos && !port_number(authority.substr(colon + 1)))
    return fail(url_fault{"has a bad port in its URL", form});
  if (std::any_of(rest.begin(), rest.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20U || c == '\\'; }))
    return fail(url_fault{"has a space or backslash in its URL", form});
  while (text.ends_with('/'))
    text.remove_suffix(1);
  if (text.ends_with("/v1"))
    text.remove_suffix(3);
  while (text.ends_with('/'))
    text.remove_suffix(1);
  return std::string(text);
}

void read_replicas(section& in, model_spec& out) {
  std::vector<std::string> given;
  if (!in.texts("replicas", given)) {
    if (!in.has("replicas") && out.kind == model_kind::openai)
      in.missing("replicas", "write replicas = [\"http://host:port\"], or kind = \"sim\"");
    return;
  }
  if (given.empty() && out.kind == model_kind::openai)
    in.problem("replicas", "is empty", "write at least one URL, or kind = \"sim\"");
  if (given.size() > limits::replicas_max) {
    in.problem("replicas", fmt::format("has more than {} URLs", limits::replicas_max),
               "put a load balancer before them");
    return;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto url = base_url(given[i]);
    if (!url)
      in.problem("replicas", fmt::format("number {} {}", i, url.error().message), url.error().mend);
    else if (std::find(out.replicas.begin(), out.replicas.end(), *url) != out.replicas.end())
      in.problem("replicas", fmt::format("number {} is there twice", i), "name each replica once");
    else
      out.replicas.push_back(*url);
  }
}

void read_temperature(section& in, bool unset, sampling_spec& out) {
  const node* value = in.find("temperature");
  if (value != nullptr && value->kind == node_kind::text && value->text == "unset") {
    out.temperature.reset();
    return;
  }
  double number = 0;
  if (!in.real("temperature", number, {0, 2}))
    return;
  out.temperature = number;
  if (unset)
    in.problem("temperature", "is given, but switches.unset_sampling sends none",
               "remove it, or write unset_sampling = false under [switches]");
}

void read_sampling(const context& ctx, section& model, const std::string& path, bool unset,
                   sampling_spec& out) {
  section in(ctx.problems, model.table("sampling"), path + ".sampling", keys::sampling);
  read_temperature(in, unset, out);
  double top_p = 0;
  if (in.real("top_p", top_p, {0, 1, true}))
    out.top_p = top_p;
  in.integer<std::uint32_t>("max_tokens", out.max_tokens, 1, limits::reply_tokens_max);
  if (in.boolean("seed", out.seed) && out.seed && unset)
    in.problem("seed", "is true, but switches.unset_sampling sends no seed",
               "remove it, or write unset_sampling = false under [switches]");
  if (unset) {
    out.temperature.reset();
    out.seed = false;
  }
}

void read_key_variable(section& in, model_spec& out) {
  std::string name;
  if (!in.text("api_key_env", name))
    return;
  if (variable_name(name))
    out.api_key_env = name;
  else
    in.problem(
        "api_key_env", "is no name of an environment variable (not shown: it may be a key)",
        "write the variable's name, e.g. api_key_env = \"OPENAI_API_KEY\", and never the key");
}

model_spec read_model(const context& ctx, const experiment& e, const std::string& alias,
                      const node& table) {
  const std::string path = "models." + alias;
  section in(ctx.problems, &table, path, keys::model);
  model_spec out;
  out.alias = alias;
  if (!in.has("kind"))
    in.missing("kind", "write kind = \"openai\" or kind = \"sim\"");
  const bool known = in.choice("kind", out.kind, all_model_kinds);
  out.model = alias;
  in.text("model", out.model);
  out.revision = out.model;
  in.text("revision", out.revision);
  if (known)
    read_replicas(in, out);
  read_key_variable(in, out);
  in.integer<std::uint32_t>("concurrency", out.concurrency, 1, limits::concurrency_max);
  in.boolean("stream", out.stream);
  in.boolean("logprobs", out.logprobs);
  in.real("price_input", out.price_input, {0, limits::price_max});
  in.real("price_output", out.price_output, {0, limits::price_max});
  read_sampling(ctx, in, path, e.switches.unset_sampling, out.sampling);
  if (known && out.kind == model_kind::sim && out.replicas.empty() && e.sim.recorded.empty() &&
      out.model != "small" && out.model != "large")
    in.problem("model",
               fmt::format("the simulator has no persona \"{}\"",
                           one_line(out.model, limits::shown_name_chars_max)),
               "write model = \"small\" or \"large\", or give sim.recorded");
  return out;
}

} // namespace

void read_models(const context& ctx, section& top, experiment& e) {
  const node* table = top.table("models");
  if (table == nullptr || table->entries.empty()) {
    if (!top.has("models") || table != nullptr)
      top.missing("models", "add a table for each model, e.g. [models.small]");
    return;
  }
  if (table->entries.size() > limits::models_max) {
    top.problem("models", fmt::format("holds more than {} models", limits::models_max),
                "remove some");
    return;
  }
  for (const entry& item : table->entries) {
    const std::string field = "models." + one_line(item.key, limits::shown_name_chars_max);
    if (item.value.kind != node_kind::table)
      ctx.problems.add(item.where, field,
                       fmt::format("must be a table, is {}", describe(item.value.kind)),
                       "write [models.ALIAS] on a line of its own");
    else if (!plain_alias(item.key))
      ctx.problems.add(
          item.where, field, "is no alias",
          fmt::format("use at most {} letters, digits, _ and -", limits::shown_name_chars_max));
    else
      e.models.push_back(read_model(ctx, e, item.key, item.value));
  }
  std::sort(e.models.begin(), e.models.end(),
            [](const model_spec& a, const model_spec& b) { return a.alias < b.alias; });
}

} // namespace tenbit::config

#include "cli/endpoints_option.hpp"

#include <fmt/format.h>

#include "cli/run_session.hpp"

namespace tenbit::cli {

expected<model_calls, std::string> connect_models(experiment& exp,
                                                  const std::vector<std::string>& endpoints,
                                                  const std::string& api_key_env) {
  for (const std::string& given : endpoints) {
    const auto equals = given.find('=');
    const bool named = equals != std::string::npos && given.find("://") > equals;
    const std::string alias = named ? given.substr(0, equals) : std::string();
    const std::string url = named ? given.substr(equals + 1) : given;
    if (!url.starts_with("http://") && !url.starts_with("https://"))
      return fail(fmt::format("--endpoint {}: the URL must start with http:// or https://", given));
    bool used = false;
    for (model_spec& model : exp.models) {
      if (named && model.alias != alias)
        continue;
      model.replicas = {url};
      used = true;
    }
    if (!used)
      return fail(fmt::format("--endpoint {}: there is no model \"{}\"", given, alias));
  }
  for (model_spec& model : exp.models) {
    if (!api_key_env.empty())
      model.api_key_env = api_key_env;
    if (model.kind == model_kind::openai && model.replicas.empty())
      return fail(fmt::format("model \"{}\" ({}) has no endpoint: add --endpoint {}=URL",
                              model.alias, model.model, model.alias));
  }
  model_calls out;
  auto simulator = attach_simulator(exp);
  if (!simulator)
    return fail(simulator.error());
  out.simulator = std::move(*simulator);
  auto calls = client::start(exp.models);
  if (!calls)
    return fail(calls.error());
  out.calls = std::move(*calls);
  return out;
}

} // namespace tenbit::cli

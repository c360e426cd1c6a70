#include "config/experiment.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <limits>
#include <sstream>

#include "base/text.hpp"
#include "config/enum_names.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "config/readers.hpp"

namespace tenbit {
namespace {

using config::problem_list;

// The name is also that of the default store's folder.
bool file_name(std::string_view name) {
  return !name.starts_with('.') && name.find_first_of("/\\") == std::string_view::npos;
}

// The file's name without .toml: the name of an experiment that gives none.
std::string stem_of(const std::string& path) {
  const auto stem = std::filesystem::path(path).stem().string();
  const bool plain = !stem.empty() && file_name(stem) &&
                     stem.size() <= limits::shown_name_chars_max && printable(stem) == stem &&
                     trim(stem).size() == stem.size() &&
                     stem.find_first_of("\n\t") == std::string::npos;
  return plain ? stem : "experiment";
}

std::string folder_of(const std::string& path) {
  std::error_code error;
  auto folder = std::filesystem::absolute(path, error).parent_path();
  return error ? std::string("/") : folder.lexically_normal().string();
}

std::vector<config_problem> whole_file(const std::string& path, std::uint32_t line,
                                       std::string_view message, std::string_view mend) {
  problem_list problems(path, {});
  problems.add({line, 0}, "", message, mend);
  return problems.take();
}

void read_top(config::section& top, experiment& e) {
  constexpr auto seed_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::string name;
  if (top.name("name", name) && !file_name(name))
    top.problem("name", "cannot be the name of a folder (the store's)",
                "leave out / and \\ and do not begin with a dot");
  else if (!name.empty())
    e.name = name;
  top.choice("profile", e.profile, config::all_profiles);
  top.integer<std::uint64_t>("seed", e.seed, 0, seed_max);
  top.integer<std::uint32_t>("trials", e.trials, 1, limits::trials_max);
  top.name("currency", e.currency);
}

experiment read_all(const config::node& root, const config::context& ctx, const std::string& path) {
  experiment e;
  e.source_path = path;
  e.name = stem_of(path);
  config::section top(ctx.problems, &root, "", config::keys::top);
  read_top(top, e);
  config::read_benchmark(ctx, top, e.benchmark);
  config::read_switches(ctx, top, e.profile, e.switches);
  config::read_sim(ctx, top, e.sim);
  config::read_models(ctx, top, e);
  config::read_arms(ctx, top, e);
  config::read_budget(ctx, top, e.models, e.budget);
  return e;
}

} // namespace

const model_spec* experiment::find_model(std::string_view alias) const {
  const auto found = std::lower_bound(
      models.begin(), models.end(), alias,
      [](const model_spec& model, std::string_view wanted) { return model.alias < wanted; });
  return found != models.end() && found->alias == alias ? &*found : nullptr;
}

bool experiment::simulated() const {
  return std::any_of(models.begin(), models.end(),
                     [](const model_spec& model) { return model.kind == model_kind::sim; });
}

bool experiment::text_crosses(const arm_spec& arm) const {
  if (arm.method != method_kind::direct)
    return false;
  bool answers = false;
  for (const arm_spec& other : arms) {
    if (other.method == method_kind::direct)
      continue;
    if (other.solver == arm.solver || other.questioner == arm.solver)
      return false;
    answers = answers || other.answerer == arm.solver;
  }
  return answers;
}

std::string config_problem::text() const {
  std::string out = file;
  if (line > 0)
    out += fmt::format(":{}", line);
  if (!field.empty())
    out += (out.empty() ? "" : ": ") + field;
  out += (out.empty() ? "" : ": ") + message;
  if (!mend.empty())
    out += fmt::format(" ({})", mend);
  return out;
}

expected<experiment, std::vector<config_problem>>
parse_experiment(std::string_view toml, const std::string& path,
                 std::span<const std::string> overrides, file_check files) {
  auto document = config::parse_document(toml);
  if (!document)
    return fail(whole_file(path, document.error().line, document.error().message,
                           "the file must be TOML; docs/experiment.md describes it"));
  problem_list problems(path, overrides);
  config::apply_overrides(*document, overrides, problems);
  experiment e = read_all(*document, {problems, folder_of(path), files}, path);
  if (!problems.empty())
    return fail(problems.take());
  return e;
}

expected<experiment, std::vector<config_problem>>
load_experiment(const std::string& path, std::span<const std::string> overrides) {
  std::error_code error;
  const auto found = std::filesystem::status(path, error);
  if (found.type() == std::filesystem::file_type::not_found)
    return fail(
        whole_file(path, 0, "there is no such file", "give the path of an experiment file"));
  if (found.type() != std::filesystem::file_type::regular)
    return fail(
        whole_file(path, 0, "is not a regular file", "give the path of an experiment file"));
  std::ifstream in(path, std::ios::binary);
  std::string text(limits::experiment_file_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return fail(whole_file(path, 0, "cannot be read", "mend its permissions"));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_experiment(text, path, overrides);
}

} // namespace tenbit

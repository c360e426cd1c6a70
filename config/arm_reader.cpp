#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/enum_names.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "config/method_keys.hpp"
#include "config/readers.hpp"

namespace tenbit::config {
namespace {

std::string text_of(const node& table, std::string_view key, std::string_view otherwise) {
  const node* value = table.find(key);
  return value != nullptr && value->kind == node_kind::text ? value->text : std::string(otherwise);
}

std::string shown(std::string_view text) {
  return one_line(text, limits::shown_name_chars_max);
}

bool all_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Reads one [[arms]] table.
class arm_reader {
public:
  arm_reader(const context& ctx, const experiment& e, const node& table, std::size_t number)
      : e_(e), in_(ctx.problems, &table, fmt::format("arms.{}", number), keys::arm) {}

  arm_spec read(const std::string& name, bool taken) {
    read_name(name, taken);
    if (!in_.has("method"))
      in_.missing("method", "write e.g. method = \"qa\"");
    known_ = in_.choice("method", out_.method, all_methods);
    refuse_unused();
    read_parties();
    read_settings();
    check_samples();
    check_rebuildable();
    return std::move(out_);
  }

private:
  void read_name(const std::string& name, bool taken) {
    out_.name = name;
    if (!in_.has("name")) // made from texts that are checked where they stand
      return;
    if (!in_.name("name", out_.name))
      return;
    if (all_digits(out_.name))
      in_.problem("name", "is a number, which --set takes for the arm's position",
                  "add a letter to it");
    else if (taken)
      in_.problem("name", fmt::format("\"{}\" is the name of an arm before", shown(name)),
                  "give each arm a name of its own");
  }

  void refuse_unused() {
    if (!known_)
      return;
    for (std::string_view key : keys::arm)
      if (in_.has(key) && !uses(out_.method, key))
        in_.problem(key, fmt::format("is no setting of method {}", to_string(out_.method)),
                    "remove it, or choose the method it belongs to");
  }

  // Whether the key is read: unknown methods are read with all their keys, for their own mistakes.
  bool used(std::string_view key) const { return !known_ || uses(out_.method, key); }

  bool model(std::string_view key, std::string& out) {
    std::string alias;
    if (!used(key) || !in_.text(key, alias))
      return false;
    out = alias;
    if (e_.find_model(alias) != nullptr)
      return true;
    std::vector<std::string_view> aliases;
    for (const model_spec& m : e_.models)
      aliases.push_back(m.alias);
    if (!aliases.empty()) // without any, that is the problem
      in_.problem(key, fmt::format("there is no model \"{}\"", shown(alias)),
                  suggest(alias, aliases));
    return false;
  }

  void read_parties() {
    if (!in_.has("solver"))
      in_.missing("solver", "name the model that writes the answer");
    model("solver", out_.solver);
    if (known_ && used("questioner"))
      out_.questioner = out_.solver;
    model("questioner", out_.questioner);
    const bool self = known_ && out_.method == method_kind::self_ask;
    const bool answered = model("answerer", out_.answerer);
    if (self) {
      if (answered && out_.answerer != out_.solver)
        in_.problem("answerer", "is another model, but in self_ask the solver answers itself",
                    "remove it, or use method = \"qa\"");
      out_.answerer = out_.solver;
    } else if (known_ && used("answerer") && !in_.has("answerer")) {
      in_.missing("answerer", "name the strong model that answers the questions; without one "
                              "use method = \"self_ask\"");
    }
  }

  void read_settings() {
    if (used("questions"))
      read_questions();
    if (used("reference"))
      in_.choice("reference", out_.reference, all_references);
    if (used("answers"))
      in_.choice("answers", out_.answers, all_answer_modes);
    if (used("samples")) {
      in_.integer<std::uint32_t>("samples", out_.samples, 1, limits::samples_max);
      in_.real("temperature", out_.temperature, {0, 2});
    }
  }

  void read_questions() {
    const node* value = in_.find("questions");
    if (value != nullptr && value->kind == node_kind::integer && value->integer == 0)
      in_.problem("questions", "is 0: nothing would be asked",
                  "for no questions use method = \"direct\"");
    else
      in_.integer<std::uint32_t>("questions", out_.questions, 1, limits::questions_max);
  }

  void check_samples() {
    if (!known_ || !used("temperature") || !in_.has("temperature"))
      return;
    if (out_.temperature == 0)
      in_.problem("temperature", "is 0: every further sample would be the same text",
                  "choose a temperature above 0, e.g. 1.0");
    else if (e_.switches.unset_sampling)
      in_.problem("temperature", "is given, but switches.unset_sampling sends none",
                  "remove it, or write unset_sampling = false under [switches]");
  }

  // strict: the receiver must be able to write the questions again from its own texts.
  void check_rebuildable() {
    if (!known_ || e_.profile != profile_kind::strict || out_.solver.empty())
      return;
    if (used("questioner") && !out_.questioner.empty() && out_.questioner != out_.solver)
      in_.problem("questioner",
                  "is not the solver: the receiver could not rebuild the questions without their "
                  "text crossing uncounted",
                  "remove it, or use profile = \"authors-compat\"");
    if (out_.method == method_kind::qa && out_.answerer == out_.solver)
      in_.problem("answerer", "is the solver itself: that is self_ask",
                  "name a stronger model, or use method = \"self_ask\"");
  }

  const experiment& e_;
  section in_;
  arm_spec out_;
  bool known_ = false;
};

} // namespace

std::vector<std::string> arm_names(const node* arms) {
  std::vector<std::string> out;
  if (arms == nullptr)
    return out;
  std::vector<std::string> taken;
  for (const node& arm : arms->items)
    taken.push_back(text_of(arm, "name", ""));
  for (const node& arm : arms->items) {
    if (arm.find("name") != nullptr) {
      out.push_back(text_of(arm, "name", ""));
      continue;
    }
    const auto stem = fmt::format("{}-{}", text_of(arm, "method", "arm"),
                                  text_of(arm, "solver", "none").substr(0, 40));
    std::string name = stem;
    for (int n = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++n)
      name = fmt::format("{}-{}", stem, n);
    taken.push_back(name);
    out.push_back(std::move(name));
  }
  return out;
}

void read_arms(const context& ctx, section& top, experiment& e) {
  const node* arms = top.find("arms");
  if (arms == nullptr || (arms->kind == node_kind::array && arms->items.empty())) {
    top.missing("arms", "add at least one [[arms]] with a method and a solver");
    return;
  }
  if (arms->kind != node_kind::array) {
    top.problem("arms", fmt::format("must be a list of tables, is {}", describe(arms->kind)),
                "write [[arms]], with two brackets");
    return;
  }
  if (arms->items.size() > limits::arms_max) {
    top.problem("arms", fmt::format("holds more than {} arms", limits::arms_max),
                "split the experiment");
    return;
  }
  const auto names = arm_names(arms);
  for (std::size_t i = 0; i < arms->items.size(); ++i) {
    const node& table = arms->items[i];
    if (table.kind != node_kind::table) {
      ctx.problems.add(table.where, fmt::format("arms.{}", i),
                       fmt::format("must be a table, is {}", describe(table.kind)),
                       "write [[arms]], with two brackets");
      continue;
    }
    const auto here = names.begin() + static_cast<std::ptrdiff_t>(i);
    const bool taken = std::find(names.begin(), here, names[i]) != here;
    e.arms.push_back(arm_reader(ctx, e, table, i).read(names[i], taken));
  }
}

} // namespace tenbit::config

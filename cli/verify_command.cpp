#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/endpoints_option.hpp"
#include "cli/replay.hpp"
#include "report/summary.hpp"

namespace tenbit::cli {
namespace {

constexpr std::size_t findings_shown_max = 50;

struct verify_arguments {
  std::string store_dir;
  std::vector<std::string> endpoints;
  std::string api_key_env;
  unsigned threads = 32;
  bool replay = false;
  bool json = false;
};

// Progress on a terminal only: a count on one line.
struct counter {
  const char* what;
  std::uint64_t all;
  bool shown = ::isatty(STDERR_FILENO) != 0;

  void operator()(std::uint64_t done) const {
    if (shown && (done % 64 == 0 || done == all))
      fmt::print(stderr, "\r\x1b[2K{} {}/{}{}", what, done, all, done == all ? "\r\x1b[2K" : "");
  }
};

bool show_decodes(const std::vector<decode_counts>& arms, bool json, nlohmann::json& out) {
  bool all_match = true;
  for (const decode_counts& arm : arms) {
    all_match = all_match && arm.matched == arm.decoded;
    const double rate = arm.decoded == 0
                            ? 1.0
                            : static_cast<double>(arm.matched) / static_cast<double>(arm.decoded);
    if (json)
      out["decoded"].push_back({{"arm", arm.arm},
                                {"decoded", arm.decoded},
                                {"matched", arm.matched},
                                {"failed", arm.failed},
                                {"match_rate", rate}});
    else
      fmt::print("  {:<24} {:>6} decoded  {:>6} match  {:>6} failed  {:6.2f} %\n",
                 one_line(arm.arm, 24), arm.decoded, arm.matched, arm.failed, 100 * rate);
  }
  return all_match;
}

int verify(const verify_arguments& args) {
  auto source = store::open_for_reading(args.store_dir);
  if (!source)
    return complain("verify", source.error().message, exit_refused);
  const std::uint64_t tasks = (*source)->manifest().tasks;
  auto findings = (*source)->verify(counter{"chains and ledger", tasks});
  if (!findings)
    return complain("verify", findings.error().message, exit_refused);
  auto exp = report::experiment_of(**source, args.store_dir);
  if (!exp)
    return complain("verify", exp.error().message, exit_refused);
  const auto files = (std::filesystem::path(args.store_dir) / "bitstreams").string();
  const auto replayed =
      replay_journal(**source, std::make_shared<const experiment>(*exp),
                     std::filesystem::exists(files) ? files : "", counter{"outcomes", tasks});
  if (!replayed)
    return complain("verify", replayed.error().message, exit_refused);
  findings->insert(findings->end(), replayed->begin(), replayed->end());
  const store_totals totals = (*source)->totals();
  nlohmann::json out = {
      {"store", args.store_dir},     {"findings", *findings},        {"tasks", tasks},
      {"events", totals.events},     {"calls", totals.calls},        {"bits", totals.bits},
      {"outcomes", totals.outcomes}, {"simulated", exp->simulated()}};
  if (!args.json) {
    for (std::size_t i = 0; i < std::min(findings->size(), findings_shown_max); ++i)
      fmt::print("{}\n", printable((*findings)[i]));
    fmt::print("{}: {} tasks, {} events, {} calls, {} bits, {} outcomes{}\n",
               findings->empty() ? "All holds" : fmt::format("{} FINDINGS", findings->size()),
               tasks, totals.events, totals.calls, totals.bits, totals.outcomes,
               exp->simulated() ? " [simulated]" : "");
  }
  bool matched = true;
  if (args.replay) {
    auto models = connect_models(*exp, args.endpoints, args.api_key_env);
    if (!models)
      return complain("verify", models.error(), exit_refused);
    const auto decoded =
        decode_all(**source, *exp, *models->calls, args.threads, counter{"decoded", tasks});
    if (!decoded)
      return complain("verify", decoded.error().message, exit_refused);
    if (!args.json)
      fmt::print("Decoded through the endpoints, from problem and .tbit alone:\n");
    matched = show_decodes(*decoded, args.json, out);
  }
  if (args.json)
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return findings->empty() && matched ? exit_ok : exit_mismatch;
}

const command_registration verify_command(
    60, "verify", "Check a store: chains, sequences, ledger, bitstreams, outcomes.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<verify_arguments>();
      command.add_option("--store", args->store_dir, "The store to check")->required();
      command.add_flag("--replay", args->replay,
                       "Also decode every problem through the endpoints and print the match rate");
      command.add_option("--endpoint", args->endpoints,
                         "With --replay: where a model is served now, URL or alias=URL");
      command.add_option("--api-key-env", args->api_key_env,
                         "Name of the environment variable with the key");
      command.add_option("--threads", args->threads, "With --replay: decodes at once")
          ->check(CLI::Range(1, 256));
      command.add_flag("--json", args->json, "One JSON object on stdout");
      command.footer("Examples:\n"
                     "  tenbit verify --store runs/default\n"
                     "  tenbit verify --store runs/default --replay\n\n"
                     "Exit code 0: all holds; 6: something does not; 4: the store is refused.");
      return [args] { return verify(*args); };
    });

} // namespace
} // namespace tenbit::cli

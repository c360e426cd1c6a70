#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/endpoints_option.hpp"
#include "cli/replay.hpp"
#include "report/summary.hpp"
#include "storage/summary_check.hpp"

namespace tenbit::cli {
namespace {

constexpr std::size_t findings_shown_max = 50;

struct verify_arguments {
  std::string store_dir;
  std::vector<std::string> endpoints;
  std::string api_key_env;
  std::string signer;
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

std::string_view word_of(storage::standing is) {
  switch (is) {
  case storage::standing::none:
    return "none";
  case storage::standing::refused:
    return "refused";
  case storage::standing::differs:
    return "differs";
  case storage::standing::holds:
    return "holds";
  case storage::standing::older:
    return "older";
  }
  assertion_failed("standing", __FILE__, __LINE__);
}

nlohmann::json summary_json(const storage::summary_verdict& verdict, bool pinned) {
  nlohmann::json out = {{"is", word_of(verdict.is)}, {"pinned", pinned}};
  if (verdict.summary) {
    out["signer"] = verdict.summary->signer.hex();
    out["time"] = storage::utc_text(verdict.summary->time_unix_s);
    out["commit_seq"] = verdict.summary->commit_seq;
    out["commits_since"] = verdict.commits_since;
  }
  return out;
}

// Beside the findings: who signed it, without which the word "signed" is worth nothing.
void show_summary(const storage::summary_verdict& verdict, bool pinned) {
  if (verdict.is == storage::standing::none)
    fmt::print("Not signed: there is no summary\n");
  if (!verdict.summary)
    return;
  fmt::print("{} by {} at {}{}\n",
             verdict.is == storage::standing::differs ? "Something else was signed" : "Signed",
             verdict.summary->signer.hex(), storage::utc_text(verdict.summary->time_unix_s),
             pinned ? "" : " (not pinned: --signer)");
  if (verdict.is == storage::standing::older)
    fmt::print("The store went on: commit {} was signed, what the {} after it changed was not\n",
               verdict.summary->commit_seq, verdict.commits_since);
}

// What a store is held against its own rows, its bitstreams and its summary.
struct checked_store {
  std::unique_ptr<store> source;
  experiment exp;
  std::vector<std::string> findings;
  storage::summary_verdict summary;
};

expected<checked_store, std::string> check_store(const verify_arguments& args,
                                                 const std::optional<key256>& pinned) {
  const auto summary = storage::read_summary(args.store_dir);
  auto source = store::open_for_reading(args.store_dir);
  if (!source)
    return fail(source.error().message);
  const std::uint64_t tasks = (*source)->manifest().tasks;
  auto findings = (*source)->verify(counter{"chains and ledger", tasks});
  if (!findings)
    return fail(findings.error().message);
  auto exp = report::experiment_of(**source, args.store_dir);
  if (!exp)
    return fail(exp.error().message);
  const auto files = (std::filesystem::path(args.store_dir) / "bitstreams").string();
  const auto replayed =
      replay_journal(**source, std::make_shared<const experiment>(*exp),
                     std::filesystem::exists(files) ? files : "", counter{"outcomes", tasks});
  if (!replayed)
    return fail(replayed.error().message);
  findings->insert(findings->end(), replayed->begin(), replayed->end());
  auto verdict = storage::check_summary(summary, **source, pinned);
  if (!verdict)
    return fail(verdict.error().message);
  findings->insert(findings->end(), verdict->findings.begin(), verdict->findings.end());
  return checked_store{std::move(*source), std::move(*exp), std::move(*findings),
                       std::move(*verdict)};
}

void show_checked(const checked_store& checked, bool pinned) {
  const auto& findings = checked.findings;
  const store_totals totals = checked.source->totals();
  for (std::size_t i = 0; i < std::min(findings.size(), findings_shown_max); ++i)
    fmt::print("{}\n", printable(findings[i]));
  fmt::print("{}: {} tasks, {} events, {} calls, {} bits, {} outcomes{}\n",
             findings.empty() ? "All holds" : fmt::format("{} FINDINGS", findings.size()),
             checked.source->manifest().tasks, totals.events, totals.calls, totals.bits,
             totals.outcomes, checked.exp.simulated() ? " [simulated]" : "");
  show_summary(checked.summary, pinned);
}

int verify(const verify_arguments& args) {
  const auto pinned = key256::from_hex(args.signer);
  if (!pinned && !args.signer.empty())
    return complain("verify", "--signer: write 64 hexadecimal digits, as tenbit keys init shows",
                    exit_usage);
  auto checked = check_store(args, pinned);
  if (!checked)
    return complain("verify", checked.error(), exit_refused);
  const store& source = *checked->source;
  const store_totals totals = source.totals();
  const std::uint64_t tasks = source.manifest().tasks;
  nlohmann::json out = {{"store", args.store_dir},
                        {"findings", checked->findings},
                        {"tasks", tasks},
                        {"events", totals.events},
                        {"calls", totals.calls},
                        {"bits", totals.bits},
                        {"outcomes", totals.outcomes},
                        {"simulated", checked->exp.simulated()},
                        {"summary", summary_json(checked->summary, pinned.has_value())}};
  if (!args.json)
    show_checked(*checked, pinned.has_value());
  bool matched = true;
  if (args.replay) {
    auto models = connect_models(checked->exp, args.endpoints, args.api_key_env);
    if (!models)
      return complain("verify", models.error(), exit_refused);
    const auto decoded =
        decode_all(source, checked->exp, *models->calls, args.threads, counter{"decoded", tasks});
    if (!decoded)
      return complain("verify", decoded.error().message, exit_refused);
    if (!args.json)
      fmt::print("Decoded through the endpoints, from problem and .tbit alone:\n");
    matched = show_decodes(*decoded, args.json, out);
  }
  if (args.json)
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return checked->findings.empty() && matched ? exit_ok : exit_mismatch;
}

const command_registration verify_command(
    60, "verify",
    "Check a store: chains, sequences, ledger, bitstreams, outcomes, the signed summary.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<verify_arguments>();
      command.add_option("--store", args->store_dir, "The store to check")->required();
      command.add_option("--signer", args->signer,
                         "The public key that must have signed the store's summary");
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
                     "  tenbit verify --store runs/default --replay\n"
                     "  tenbit verify --store cluster/runs/default --signer 3d4017c3…\n\n"
                     "Exit code 0: all holds; 6: something does not; 4: the store is refused.");
      return [args] { return verify(*args); };
    });

} // namespace
} // namespace tenbit::cli

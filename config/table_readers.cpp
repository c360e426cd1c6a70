#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <unistd.h>

#include "config/enum_names.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "config/readers.hpp"

namespace tenbit::config {
namespace {

constexpr auto seed_max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr auto retry_after_max_s = static_cast<std::uint32_t>(limits::retry_after_max.count());

void refuse_keys(section& in, std::initializer_list<std::string_view> names,
                 std::string_view message) {
  for (std::string_view key : names)
    if (in.has(key))
      in.problem(key, message, "remove it");
}

void read_faults(const context& ctx, section& sim, sim_fault_spec& out) {
  section in(ctx.problems, sim.table("faults"), "sim.faults", keys::faults);
  for (const auto& rate : keys::rates)
    in.real(rate.name, out.*rate.member, {0, 1});
  in.integer<std::uint32_t>("retry_after_s", out.retry_after_s, 0, retry_after_max_s);
}

} // namespace

void read_file_path(const context& ctx, section& in, std::string_view key, std::string& out) {
  std::string given;
  if (!in.text(key, given))
    return;
  const auto path = (std::filesystem::path(ctx.folder) / given).lexically_normal();
  out = path.string();
  if (ctx.files == file_check::skipped)
    return;
  std::error_code error;
  const auto found = std::filesystem::status(path, error);
  if (found.type() == std::filesystem::file_type::not_found)
    in.problem(key, fmt::format("there is no file {}", out),
               "relative paths start at the folder of the experiment file");
  else if (found.type() != std::filesystem::file_type::regular)
    in.problem(key,
               error ? fmt::format("{}: {}", out, error.message())
                     : fmt::format("{} is not a regular file", out),
               "name a readable file");
  else if (::access(out.c_str(), R_OK) != 0)
    in.problem(key, fmt::format("{} cannot be read", out), "mend its permissions");
}

void read_benchmark(const context& ctx, section& top, benchmark_spec& out) {
  const node* table = top.table("benchmark");
  if (table == nullptr) {
    if (!top.has("benchmark"))
      top.missing("benchmark", "add a table [benchmark] with kind = \"arith\" and count = 200");
    return;
  }
  section in(ctx.problems, table, "benchmark", keys::benchmark);
  if (!in.has("kind"))
    in.missing("kind", "write kind = \"arith\" or kind = \"gsm8k\"");
  const bool known = in.choice("kind", out.kind, all_benchmarks);
  const bool file = in.has("file");
  read_file_path(ctx, in, "file", out.file);
  in.integer<std::uint64_t>("first", out.first, 0, limits::problems_max);
  const bool counted = in.integer<std::uint64_t>("count", out.count, 0, limits::problems_max);
  in.integer<std::uint32_t>("level", out.level, 1, 3);
  in.integer<std::uint64_t>("seed", out.seed, 0, seed_max);
  if (!known)
    return;
  switch (out.kind) {
  case benchmark_kind::arith:
    refuse_keys(in, {"file"}, "arith makes its problems and reads no file");
    if (!in.has("count"))
      in.missing("count", "arith has no end; write count = 200");
    else if (counted && out.count == 0)
      in.problem("count", "is 0, but arith has no end",
                 "write how many problems, e.g. count = 200");
    break;
  case benchmark_kind::gsm8k:
    refuse_keys(in, {"level", "seed"}, "is a key of arith, not of gsm8k");
    if (!file)
      in.missing("file", "write file = \"path/to/test.jsonl\"");
    break;
  }
}

void read_sim(const context& ctx, section& top, sim_spec& out) {
  section in(ctx.problems, top.table("sim"), "sim", keys::sim);
  in.integer<std::uint64_t>("seed", out.seed, 0, seed_max);
  in.integer<std::uint32_t>("slots", out.slots, 1, limits::concurrency_max);
  in.real("latency_ms", out.latency_ms, {0, limits::sim_latency_ms_max});
  in.real("latency_spread", out.latency_spread, {0, limits::sim_spread_max});
  in.real("tokens_per_second", out.tokens_per_second, {0, limits::sim_tokens_per_second_max});
  read_file_path(ctx, in, "recorded", out.recorded);
  read_faults(ctx, in, out.faults);
}

void read_budget(const context& ctx, section& top, const std::vector<model_spec>& models,
                 budget_spec& out) {
  section in(ctx.problems, top.table("budget"), "budget", keys::budget);
  std::uint64_t whole = 0;
  double money = 0;
  if (in.integer<std::uint64_t>("calls", whole, 1, seed_max))
    out.calls = whole;
  if (in.integer<std::uint64_t>("tokens", whole, 1, seed_max))
    out.tokens = whole;
  if (!in.real("money", money, {0, std::numeric_limits<double>::max(), true}))
    return;
  out.money = money;
  if (std::none_of(models.begin(), models.end(), [](const model_spec& model) {
        return model.price_input > 0 || model.price_output > 0;
      }))
    in.problem("money", "limits money, but no model has a price",
               "add price_input and price_output to the models, or limit calls or tokens");
}

void read_switches(const context& ctx, section& top, profile_kind profile, protocol_switches& out) {
  const bool compat = profile == profile_kind::authors_compat;
  for (const auto& entry : keys::switch_members)
    out.*entry.member = compat;
  const node* table = top.table("switches");
  section in(ctx.problems, table, "switches", keys::switches);
  if (table == nullptr)
    return;
  if (!compat && !table->entries.empty()) {
    // At the first switch: its origin says whether the file or an override set it.
    in.problem(table->entries.front().key, "switches belong to profile = \"authors-compat\"",
               "remove the table [switches], or choose that profile");
    return;
  }
  for (const auto& entry : keys::switch_members)
    in.boolean(entry.name, out.*entry.member);
}

} // namespace tenbit::config

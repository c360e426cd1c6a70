#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/endpoints_option.hpp"
#include "protocols/bitstream.hpp"
#include "storage/store.hpp"
#include "workers/receiver.hpp"

namespace tenbit::cli {
namespace {

struct decode_arguments {
  std::string file;
  std::string problem;
  std::string store_dir;
  std::vector<std::string> endpoints;
  std::string api_key_env;
  bool json = false;
};

expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return fail(fmt::format("{}: cannot be read", path));
  std::ostringstream out;
  out << in.rdbuf();
  if (out.view().size() > bytes_max)
    return fail(fmt::format("{}: larger than {} bytes", path, bytes_max));
  return std::move(out).str();
}

// "text", "@file" (plain text, or JSON with "question"), or a number with --store.
expected<std::string, std::string> problem_text(const decode_arguments& args) {
  if (!args.store_dir.empty()) {
    std::uint64_t index = 0;
    const auto end = args.problem.data() + args.problem.size();
    if (std::from_chars(args.problem.data(), end, index).ptr != end || args.problem.empty())
      return fail(
          fmt::format("--problem {}: with --store it is the problem's number", args.problem));
    auto source = store::open_for_reading(args.store_dir);
    if (!source)
      return fail(source.error().message);
    if (index >= (*source)->manifest().tasks)
      return fail(fmt::format("--problem {}: the store has problems 0 to {}", index,
                              (*source)->manifest().tasks - 1));
    auto row = (*source)->problem(problem_index{index});
    if (!row)
      return fail(row.error().message);
    return std::move(row->question);
  }
  if (!args.problem.starts_with('@'))
    return args.problem;
  auto text = read_file(args.problem.substr(1), limits::problem_text_bytes_max);
  if (!text)
    return text;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_object() && json.contains("question") && json["question"].is_string())
    return json["question"].get<std::string>();
  return text;
}

void show(const decode_arguments& args, const bitstream& b, const experiment& exp,
          const rebuilt_answer& answer) {
  const bool simulated = exp.simulated();
  if (args.json) {
    const nlohmann::json line = {{"file", args.file},
                                 {"match", answer.match},
                                 {"answer", answer.text},
                                 {"payload_bits", b.payload_bits},
                                 {"header_bytes", header_bytes(b)},
                                 {"calls", answer.calls},
                                 {"simulated", simulated}};
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}\n\n", printable(answer.text));
  fmt::print("{}: {} payload bits, {} header bytes, {} calls to the receiver's models{}\n",
             answer.match ? "match" : "MISMATCH", b.payload_bits, header_bytes(b), answer.calls,
             simulated ? " [simulated]" : "");
}

int decode(const decode_arguments& args) {
  const auto bytes = read_file(args.file, limits::event_bytes_max);
  if (!bytes)
    return complain("decode", bytes.error());
  const auto b = read_container(*bytes);
  if (!b)
    return complain("decode", fmt::format("{}: {}", args.file, b.error().message));
  const auto question = problem_text(args);
  if (!question)
    return complain("decode", question.error());
  auto exp = read_recipe(b->recipe);
  if (!exp)
    return complain("decode", fmt::format("{}: {}", args.file, exp.error()));
  auto models = connect_models(*exp, args.endpoints, args.api_key_env);
  if (!models)
    return complain("decode", models.error());
  const auto shared = std::make_shared<const experiment>(*exp);
  const auto answer = rebuild_answer(*b, {0, "", *question}, shared, *models->calls);
  if (!answer)
    return complain("decode", answer.error());
  show(args, *b, *exp, *answer);
  return answer->match ? exit_ok : exit_mismatch;
}

const command_registration decode_command(
    50, "decode", "Rebuild the receiver's answer from a problem and a .tbit file.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<decode_arguments>();
      command.add_option("file", args->file, "The .tbit file")->required();
      command
          .add_option("--problem", args->problem,
                      "The problem: its text, @FILE, or its number with --store")
          ->required();
      command.add_option("--store", args->store_dir,
                         "Take the problem's public text from this store (never its gold)");
      command.add_option("--endpoint", args->endpoints,
                         "Where the receiver's model is served: URL or alias=URL");
      command.add_option("--api-key-env", args->api_key_env,
                         "Name of the environment variable with the key");
      command.add_flag("--json", args->json, "One JSON object on stdout");
      command.footer(
          "Examples:\n"
          "  tenbit decode runs/default/bitstreams/qa-own/17-0.tbit --problem 17 --store "
          "runs/default\n"
          "  tenbit decode answer.tbit --problem @problem.txt --endpoint http://gpu1:8000\n\n"
          "Exit code 0: the rebuilt answer is the one that was sent; 6: it differs.");
      return [args] { return decode(*args); };
    });

} // namespace
} // namespace tenbit::cli

#include "report/export.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "report/output_file.hpp"
#include "report/store_scan.hpp"

namespace tenbit::report {

namespace {

using json = nlohmann::ordered_json;

std::string line_of(const json& value) {
  return value.dump(-1, ' ', true, json::error_handler_t::replace) + '\n';
}

json number_or_null(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (char c : bytes)
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

// Every line of a task begins alike, so that lines can be picked without a parser.
json begin_line(const char* kind, problem_index task) {
  return {{"kind", kind}, {"problem", task.value}};
}

json begin_line(const char* kind, problem_index task, arm_trial where, const experiment& exp) {
  json line = begin_line(kind, task);
  line["arm"] = exp.arms[where.arm.value].name;
  line["trial"] = where.trial.value;
  return line;
}

json call_line(problem_index task, const call_event& call) {
  json line = begin_line("call", task);
  line["call_id"] = call.id.value.hex();
  line["model"] = call.model;
  line["by"] = to_string(call.by);
  line["k"] = call.k;
  line["request"] = call.request;
  line["text"] = call.reply.text;
  line["finish_reason"] = call.reply.finish_reason;
  line["usage"] = {{"prompt", call.reply.usage.prompt},
                   {"completion", call.reply.usage.completion},
                   {"reported", call.reply.usage.reported}};
  line["p_yes"] = number_or_null(call.reply.p_yes);
  return line;
}

json bit_line(problem_index task, const bit_event& bit, const experiment& exp) {
  json line = begin_line("bit", task, bit.where, exp);
  line["index"] = bit.index.value;
  line["value"] = to_string(bit.value);
  line["question"] = bit.question;
  line["question_hash"] = bit.question_hash.hex();
  line["p_yes"] = number_or_null(bit.p_yes);
  line["asked_again"] = bit.asked_again;
  line["by_default"] = bit.by_default;
  line["source"] = bit.source.value.hex();
  return line;
}

json outcome_line(problem_index task, const outcome_event& end, const experiment& exp) {
  json line = begin_line("outcome", task, end.where, exp);
  line["draft_call"] = end.draft_call ? json(end.draft_call->value.hex()) : json();
  line["answer_call"] = end.answer_call.value.hex();
  line["answer_hash"] = end.answer_hash.hex();
  line["draft_answer"] = end.draft_answer;
  line["final_answer"] = end.final_answer;
  line["draft_correct"] = end.draft_correct;
  line["correct"] = end.correct;
  line["questions"] = end.questions;
  line["payload_bits"] = end.payload_bits;
  line["bitstream"] = hex(end.bitstream);
  return line;
}

std::string header_line(const store_manifest& manifest, const experiment& exp) {
  json header = {{"kind", "header"}, {"format", "tenbit-export"}};
  header["version"] = export_format_version;
  header["experiment"] = manifest.name;
  header["identity"] = manifest.identity.hex();
  header["profile"] = to_string(exp.profile);
  header["simulated"] = manifest.simulated || exp.simulated();
  header["tasks"] = manifest.tasks;
  header["trials"] = exp.trials;
  header["arms"] = json::array();
  for (const arm_spec& arm : exp.arms)
    header["arms"].push_back(arm.name);
  header["identity_text"] = json::object();
  for (const auto& [key, value] : manifest.identity_text)
    header["identity_text"][key] = value;
  return line_of(header);
}

std::string folder_name(std::string_view name) {
  std::string out;
  for (char c : lower_ascii(name)) {
    const bool safe =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    out += safe ? c : '-';
  }
  if (out.empty() || out.front() == '.')
    out.insert(0, "_");
  constexpr std::size_t file_name_max = 200; // file systems allow 255 bytes
  if (out.size() > file_name_max)
    out.resize(file_name_max);
  return out;
}

status<report_failure> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return fail(report_failure{
        report_error::io, fmt::format("{} cannot be made: {}", folder.string(), error.message())});
  return {};
}

status<report_failure> write_bitstream(const std::filesystem::path& folder, problem_index task,
                                       const outcome_event& end) {
  if (auto made = make_folder(folder); !made)
    return made;
  const std::string name = fmt::format("{}-{}.tbit", task.value, end.where.trial.value);
  // They can be exported again, so a sync for each would only cost time.
  output_file file((folder / name).string(), durability::renamed);
  file.write(end.bitstream);
  if (auto written = file.finish(); !written)
    return fail(report_failure{report_error::io, written.error()});
  return {};
}

} // namespace

std::string export_task(problem_index task, std::string_view problem_id, task_status state,
                        const task_view& view, const experiment& exp) {
  json head = begin_line("task", task);
  head["id"] = problem_id;
  head["status"] = to_string(state);
  std::string out = line_of(head);
  std::vector<const call_event*> calls = view.calls;
  std::sort(calls.begin(), calls.end(),
            [](const call_event* a, const call_event* b) { return a->id < b->id; });
  for (const call_event* call : calls)
    out += line_of(call_line(task, *call));
  for (const auto& [where, end] : view.ends) {
    for (const bit_event* bit : end.bits)
      out += line_of(bit_line(task, *bit, exp));
    if (end.outcome != nullptr)
      out += line_of(outcome_line(task, *end.outcome, exp));
    if (end.failure != nullptr) {
      json line = begin_line("failure", task, where, exp);
      line["error"] = to_string(end.failure->kind);
      out += line_of(line);
    }
  }
  return out;
}

status<report_failure> export_lines(const store& source, const experiment& exp,
                                    const line_sink& sink) {
  if (!sink(header_line(source.manifest(), exp)))
    return {};
  std::optional<report_failure> failed;
  const auto scanned = for_each_task(
      source, exp, [&](problem_index task, const task_state& state, const task_view& view) {
        const auto problem = source.problem(task);
        if (!problem) {
          failed = from_store(problem.error());
          return false;
        }
        return sink(export_task(task, problem->id, state.status, view, exp));
      });
  if (failed)
    return fail(*failed);
  return scanned;
}

expected<std::uint64_t, report_failure>
export_bitstreams(const store& source, const experiment& exp, const std::string& dir) {
  if (auto made = make_folder(dir); !made)
    return fail(made.error());
  const auto folders = folder_names(exp);
  std::uint64_t written = 0;
  std::optional<report_failure> failed;
  const auto scanned =
      for_each_task(source, exp, [&](problem_index task, const task_state&, const task_view& view) {
        for (const auto& [where, end] : view.ends) {
          if (end.outcome == nullptr || end.outcome->bitstream.empty())
            continue;
          const auto folder = std::filesystem::path(dir) / folders[where.arm.value];
          if (auto done = write_bitstream(folder, task, *end.outcome); !done) {
            failed = done.error();
            return false;
          }
          ++written;
        }
        return true;
      });
  if (failed)
    return fail(*failed);
  if (!scanned)
    return fail(scanned.error());
  return written;
}

std::vector<std::string> folder_names(const experiment& exp) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (std::size_t i = 0; i < exp.arms.size(); ++i) {
    std::string name = folder_name(exp.arms[i].name);
    if (!taken.insert(name).second) {
      // Two names that differ only in what is not safe: the arm's number tells them apart.
      const std::string stem = name;
      for (std::size_t n = i; !taken.insert(name = fmt::format("{}-{}", stem, n)).second;)
        n += exp.arms.size();
    }
    names.push_back(std::move(name));
  }
  return names;
}

} // namespace tenbit::report

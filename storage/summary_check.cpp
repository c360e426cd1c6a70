#include "storage/summary_check.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <rocksdb/env.h>

#include "base/unix_time.hpp"
#include "config/limits.hpp"
#include "storage/dir_lock.hpp"
#include "storage/recovery.hpp"
#include "storage/small_file.hpp"

namespace tenbit::storage {
namespace {

std::string summary_path(const std::string& dir) {
  return (std::filesystem::path(dir) / "summary").string();
}

// One line for every figure that is another one in the store.
std::vector<std::string> summary_differences(const signed_summary& was, const signed_summary& now) {
  std::vector<std::string> out;
  const auto compare = [&](std::string_view what, const auto& then, const auto& here) {
    if (then != here)
      out.push_back(fmt::format("summary: {} {} was signed, the store has {}", what, then, here));
  };
  compare("experiment", was.experiment.hex(), now.experiment.hex());
  compare("name", was.name, now.name);
  compare("tasks", was.tasks, now.tasks);
  compare("done", was.done, now.done);
  compare("failed", was.failed, now.failed);
  compare("quarantined", was.quarantined, now.quarantined);
  compare("cancelled", was.cancelled, now.cancelled);
  compare("events", was.events, now.events);
  compare("calls", was.calls, now.calls);
  compare("bits", was.bits, now.bits);
  compare("outcomes", was.outcomes, now.outcomes);
  compare("simulated", was.simulated, now.simulated);
  compare("tool", was.tool, now.tool);
  compare("content", was.content.hex(), now.content.hex());
  return out;
}

void hold_against(const signed_summary& now, summary_verdict& out) {
  const signed_summary& was = *out.summary;
  const auto differs = [&](std::string line) {
    out.findings.push_back(std::move(line));
    out.is = standing::differs;
  };
  if (was.store != now.store)
    return differs(fmt::format("summary: is of store {}, this is {}", was.store, now.store));
  if (now.commit_seq < was.commit_seq)
    return differs(fmt::format("summary: commit {} was signed, the store has only {}",
                               was.commit_seq, now.commit_seq));
  out.commits_since = now.commit_seq - was.commit_seq;
  if (out.commits_since == 0 && was.chain != now.chain)
    differs(fmt::format("summary: of commit {} another chain was signed", was.commit_seq));
  auto differences = summary_differences(was, now);
  if (out.commits_since == 0 || differences.empty())
    for (std::string& line : differences)
      differs(std::move(line));
  else
    out.is = standing::older;
  if (out.is == standing::none)
    out.is = standing::holds;
}

void read_signed(const summary_file& file, summary_verdict& out) {
  const auto refused = [&](std::string line) {
    out.findings.push_back(std::move(line));
    out.is = standing::refused;
  };
  if (!file.failure.empty())
    return refused(file.failure);
  if (!file.text)
    return;
  auto summary = parse_summary(*file.text);
  if (!summary)
    return refused(fmt::format("{}: {}", file.path, summary.error()));
  if (!signature_holds(*summary))
    return refused(fmt::format("{}: its signature does not hold", file.path));
  out.summary = std::move(*summary);
}

expected<signed_summary, store_failure> summary_now(const store& source) {
  const auto head = source.head();
  if (!head)
    return fail(head.error());
  return make_summary(source.manifest(), *head, source.totals(), unix_seconds());
}

} // namespace

expected<signed_summary, store_failure> sign_store(const std::string& dir, const signing_key& key,
                                                   store_lock lock) {
  const store_paths paths(dir);
  if (auto is_store = require_store(paths); !is_store)
    return fail(std::move(is_store.error()));
  std::optional<dir_lock> held;
  if (lock == store_lock::taken_here) {
    auto taken = dir_lock::take(paths.lock);
    if (!taken)
      return fail(std::move(taken.error()));
    held = std::move(*taken);
  }
  const auto source = store::open_for_reading(dir);
  if (!source)
    return fail(source.error());
  auto summary = summary_now(**source);
  if (!summary)
    return summary;
  sign(*summary, key);
  if (auto written =
          replace_file(*rocksdb::Env::Default(), dir, summary_path(dir), format_summary(*summary));
      !written)
    return fail(std::move(written.error()));
  return summary;
}

summary_file read_summary(const std::string& dir) {
  summary_file out;
  out.path = summary_path(dir);
  std::error_code problem;
  const auto what = std::filesystem::status(out.path, problem);
  if (what.type() == std::filesystem::file_type::not_found)
    return out;
  if (!std::filesystem::is_regular_file(what)) { // a pipe or a device would never end
    out.failure = fmt::format("{}: is no file that can be read", out.path);
    return out;
  }
  auto text = read_small(*rocksdb::Env::Default(), out.path, limits::summary_bytes_max);
  if (text)
    out.text = std::move(*text);
  else
    out.failure = text.error().message;
  return out;
}

expected<summary_verdict, store_failure>
check_summary(const summary_file& file, const store& source, const std::optional<key256>& pinned) {
  summary_verdict out;
  read_signed(file, out);
  if (out.summary) {
    const auto now = summary_now(source);
    if (!now)
      return fail(now.error());
    hold_against(*now, out);
  }
  if (!pinned)
    return out;
  if (out.is == standing::none)
    out.findings.push_back(fmt::format("{}: is not there, and a signer was asked for", file.path));
  if (out.summary && out.summary->signer != *pinned)
    out.findings.push_back(fmt::format("summary: is signed by {}, not by the signer that was asked "
                                       "for",
                                       out.summary->signer.hex()));
  if (out.is == standing::older)
    out.findings.push_back(fmt::format("summary: commit {} is signed, and the store went on to "
                                       "others that are not; have it signed again",
                                       out.summary->commit_seq));
  return out;
}

} // namespace tenbit::storage

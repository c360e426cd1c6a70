#include "cli/replay.hpp"

#include <atomic>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>
#include <unordered_map>

#include "coordinator/gold_vault.hpp"
#include "protocols/bitstream.hpp"
#include "report/export.hpp"
#include "workers/grader.hpp"
#include "workers/receiver.hpp"

namespace tenbit::cli {
namespace {

struct task_journal {
  problem item;
  std::unordered_map<call_id, std::string> texts;        // the receiver's
  std::unordered_map<call_id, std::string> sender_texts; // for arms whose text crosses
  std::map<std::pair<arm_trial, std::uint32_t>, answer> bits;
  std::map<arm_trial, outcome_event> outcomes; // the latest
};

expected<task_journal, store_failure> read_task(const store& source, problem_index task) {
  auto row = source.problem(task);
  if (!row)
    return fail(row.error());
  auto events = source.events(task);
  if (!events)
    return fail(events.error());
  task_journal out;
  out.item = {task.value, row->id, row->question};
  for (event& entry : *events) {
    if (auto* call = std::get_if<call_event>(&entry)) {
      auto& side = call->by == party::receiver ? out.texts : out.sender_texts;
      side.emplace(call->id, std::move(call->reply.text));
    } else if (const auto* bit = std::get_if<bit_event>(&entry)) {
      out.bits.emplace(std::pair(bit->where, bit->index.value), bit->value);
    } else if (auto* ended = std::get_if<outcome_event>(&entry)) {
      out.outcomes[ended->where] = std::move(*ended);
    }
  }
  return out;
}

// Drives a program with what the journal has; a message when something is missing.
expected<outcome, std::string> drive(const program_input& input, arm_trial where,
                                     const task_journal& journal) {
  const bool crosses = input.exp->text_crosses(input.exp->arms[where.arm.value]);
  const auto& texts = crosses ? journal.sender_texts : journal.texts;
  auto running = start_program(input);
  while (!running->finished()) {
    const auto effects = running->take();
    if (effects.empty() && !running->finished())
      return fail(std::string("the program waits for nothing"));
    for (const pending_effect& pending : effects) {
      if (const auto* ask = std::get_if<ask_request>(&pending.what)) {
        answers values;
        for (std::uint32_t i = 0; i < ask->questions.size(); ++i) {
          const auto bit = journal.bits.find({where, i});
          if (bit == journal.bits.end())
            return fail(fmt::format("bit {} is not in the ledger", i));
          values.push_back(bit->second);
        }
        running->resolve(pending.number, std::move(values));
        continue;
      }
      const auto id = identify(*input.exp, std::get<generate_request>(pending.what)).id;
      const auto text = texts.find(id);
      if (text == texts.end())
        return fail(fmt::format("call {} is not in the journal", id.value.hex().substr(0, 16)));
      running->resolve(pending.number, generated{text->second, id});
    }
  }
  if (!running->result())
    return fail(running->result().error().message);
  return *running->result();
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

struct outcome_checker {
  const store& source;
  std::shared_ptr<const experiment> exp;
  const std::string& files_dir;
  grader judge;
  std::vector<std::string> folders; // of the arms
  std::vector<std::string> findings;

  void find(const task_journal& journal, arm_trial where, std::string_view what) {
    findings.push_back(fmt::format("problem {}, arm {}, trial {}: {}", journal.item.index,
                                   exp->arms[where.arm.value].name, where.trial.value, what));
  }

  void check(const task_journal& journal, const outcome_event& stored, const gold& reference) {
    const arm_trial where = stored.where;
    if (where.arm.value >= exp->arms.size())
      return find(journal, {arm_index{0}, where.trial},
                  "the outcome names an arm that is not there");
    const program_input input{exp, where.arm, where.trial, journal.item};
    const auto result = drive(input, where, journal);
    if (!result)
      return find(journal, where,
                  "the outcome does not follow from the journal: " + result.error());
    const bitstream packed = pack(input, *result);
    if (hash_bytes(result->answer.text) != stored.answer_hash)
      find(journal, where, "the final answer differs from the stored hash");
    if (packed.payload_bits != stored.payload_bits)
      find(journal, where,
           fmt::format("{} payload bits, stored {}", packed.payload_bits, stored.payload_bits));
    if (write_container(packed) != stored.bitstream)
      find(journal, where, "the .tbit bytes differ");
    check_verdict(journal, stored, *result, reference);
    if (!files_dir.empty()) {
      const auto path = std::filesystem::path(files_dir) / folders[where.arm.value] /
                        fmt::format("{}-{}.tbit", journal.item.index, where.trial.value);
      if (std::filesystem::exists(path) && read_file(path) != stored.bitstream)
        find(journal, where, "the file " + path.string() + " differs from the journal");
    }
  }

  void check_verdict(const task_journal& journal, const outcome_event& stored,
                     const outcome& result, const gold& reference) {
    arm_finished done;
    done.where = stored.where;
    if (result.draft) {
      done.draft_call = result.draft->call;
      done.draft_text = result.draft->text;
    }
    done.answer_text = result.answer.text;
    const outcome_event again = judge.grade({std::move(done), reference});
    if (again.correct != stored.correct || again.draft_correct != stored.draft_correct ||
        again.final_answer != stored.final_answer || again.draft_answer != stored.draft_answer)
      find(journal, stored.where, "grading again gives another verdict");
  }
};

} // namespace

expected<std::vector<std::string>, store_failure>
replay_journal(const store& source, std::shared_ptr<const experiment> exp,
               const std::string& files_dir, const std::function<void(std::uint64_t)>& progress) {
  outcome_checker checker{source, exp, files_dir, grader(exp), report::folder_names(*exp), {}};
  for (std::uint64_t i = 0; i < source.manifest().tasks; ++i) {
    const auto journal = read_task(source, problem_index{i});
    if (!journal)
      return fail(journal.error());
    const auto reference = gold_vault::fetch(source, problem_index{i});
    if (!reference)
      return fail(reference.error());
    for (const auto& [where, stored] : journal->outcomes)
      checker.check(*journal, stored, *reference);
    progress(i + 1);
  }
  return std::move(checker.findings);
}

expected<std::vector<decode_counts>, store_failure>
decode_all(const store& source, const experiment& exp, client& calls, unsigned threads,
           const std::function<void(std::uint64_t)>& progress) {
  std::vector<decode_counts> counts(exp.arms.size());
  std::vector<std::shared_ptr<const experiment>> receivers;
  for (std::size_t i = 0; i < exp.arms.size(); ++i) {
    counts[i].arm = exp.arms[i].name;
    auto receiver = read_recipe(make_recipe(exp, arm_index{static_cast<std::uint16_t>(i)}));
    TENBIT_ASSERT(receiver.has_value());
    receivers.push_back(std::make_shared<const experiment>(std::move(*receiver)));
  }
  std::mutex mutex;
  std::optional<store_failure> broken;
  std::atomic<std::uint64_t> next{0};
  std::uint64_t done = 0;
  const auto decode_task = [&](const task_journal& journal) {
    for (const auto& [where, stored] : journal.outcomes) {
      const auto container = read_container(stored.bitstream);
      const auto result =
          container ? rebuild_answer(*container, journal.item, receivers[where.arm.value], calls)
                    : fail(container.error().message);
      const std::lock_guard lock(mutex);
      decode_counts& here = counts[where.arm.value];
      ++here.decoded;
      here.matched += result && result->match ? 1U : 0U;
      here.failed += result ? 0U : 1U;
    }
  };
  const auto work = [&] {
    for (std::uint64_t i = next++; i < source.manifest().tasks; i = next++) {
      const auto journal = read_task(source, problem_index{i});
      if (journal)
        decode_task(*journal);
      const std::lock_guard lock(mutex);
      if (!journal)
        broken = journal.error();
      if (broken)
        return;
      progress(++done);
    }
  };
  {
    std::vector<std::jthread> pool;
    for (unsigned i = 0; i < threads; ++i)
      pool.emplace_back(work);
  }
  if (broken)
    return fail(*broken);
  return counts;
}

} // namespace tenbit::cli

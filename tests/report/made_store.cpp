#include "tests/report/made_store.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <stdexcept>

#include "codec/container.hpp"
#include "report/export.hpp"
#include "report/summary.hpp"

namespace tenbit::testing {

namespace {

model_spec simulated(const std::string& alias, double price_in, double price_out) {
  model_spec model;
  model.alias = alias;
  model.kind = model_kind::sim;
  model.model = alias;
  model.revision = alias;
  model.price_input = price_in;
  model.price_output = price_out;
  return model;
}

arm_spec arm_of(const std::string& name, method_kind method, const std::string& solver) {
  arm_spec arm;
  arm.name = name;
  arm.method = method;
  arm.solver = solver;
  return arm;
}

} // namespace

experiment made_experiment() {
  experiment exp;
  exp.name = "made";
  exp.benchmark.count = 4;
  exp.models = {simulated("large", 10, 20), simulated("small", 1, 2)};
  arm_spec qa = arm_of("qa", method_kind::qa, "small");
  qa.questioner = "small";
  qa.answerer = "large";
  qa.questions = 2;
  exp.arms = {arm_of("small", method_kind::direct, "small"),
              arm_of("large", method_kind::direct, "large"), qa,
              arm_of("resample", method_kind::resample, "small")};
  return exp;
}

store_manifest manifest_of(const experiment& exp, std::uint64_t tasks) {
  store_manifest manifest;
  manifest.name = exp.name;
  manifest.identity = hash_bytes("made identity");
  manifest.identity_text = {{"benchmark.kind", "arith"}, {"seed", "1"}};
  manifest.experiment_toml = to_toml(exp);
  manifest.tasks = tasks;
  manifest.simulated = exp.simulated();
  manifest.tool_version = "test";
  return manifest;
}

call_id made_id(const std::string& name) {
  return call_id{hash_bytes(name)};
}

call_event made_call(const std::string& name, const std::string& model, const std::string& text,
                     party by) {
  call_event call;
  call.id = made_id(name);
  call.by = by;
  call.model = model;
  const chat_message message{chat_role::user, "about " + name};
  call.request = canonical_request(model, {&message, 1}, {});
  call.reply.text = text;
  call.reply.finish_reason = "stop";
  call.reply.served_model = model;
  call.reply.usage = {100, 50, true};
  call.reply.timing.total_us = 64; // exact in quantile_counts
  call.reply.attempts = 1;
  return call;
}

bit_event made_bit(arm_index arm, std::uint32_t index, answer value, std::optional<double> p_yes,
                   const std::string& source, std::uint16_t trial) {
  bit_event bit;
  bit.where = {arm, trial_index{trial}};
  bit.index = bit_index{index};
  bit.value = value;
  bit.question = "Is step " + std::to_string(index + 1) + " right?";
  bit.question_hash = hash_bytes(bit.question);
  bit.p_yes = p_yes;
  bit.source = made_id(source);
  return bit;
}

outcome_event made_outcome(arm_index arm, bool correct, const std::string& answer_call,
                           std::uint16_t trial) {
  outcome_event end;
  end.where = {arm, trial_index{trial}};
  end.answer_call = made_id(answer_call);
  end.answer_hash = hash_bytes(answer_call);
  end.final_answer = correct ? "7" : "8";
  end.correct = correct;
  return end;
}

failure_event made_failure(arm_index arm, std::uint16_t trial) {
  return {{arm, trial_index{trial}}, call_error::transient, "http://gpu1:8000 timed out"};
}

std::vector<event> made_journal(std::uint64_t number) {
  const auto kind = number % 4;
  const std::string n = std::to_string(number);
  const bool large_right = kind != 3;
  // 10 estimated tokens, 20 bytes: "a a a a a a a a a a" and a full stop would be 11.
  const std::string large_text = "a a a a a a a a a aa";
  std::vector<event> events = {made_call("draft " + n, "small", "The answer is 8."),
                               made_call("large " + n, "large", large_text, party::sender),
                               made_call("q1 " + n, "large", "Yes", party::sender),
                               made_call("q2 " + n, "large", "No", party::sender),
                               made_call("revision " + n, "small", "It is 7."),
                               made_call("again " + n, "small", "Perhaps 8.")};
  events.push_back(made_outcome(small_arm, kind == 0, "draft " + n));
  outcome_event large = made_outcome(large_arm, large_right, "large " + n);
  large.payload_bits = 8 * large_text.size();
  events.push_back(large);
  events.push_back(made_bit(qa_arm, 0, answer::yes, 0.5, "q1 " + n));
  events.push_back(made_bit(qa_arm, 1, answer::no, 0.25, "q2 " + n));
  outcome_event qa = made_outcome(qa_arm, kind == 1 || kind == 2, "revision " + n);
  qa.draft_call = made_id("draft " + n);
  qa.draft_correct = kind == 0;
  qa.draft_answer = kind == 0 ? "7" : "8";
  qa.questions = 2;
  qa.payload_bits = 2;
  bitstream stream;
  stream.recipe = "{}";
  stream.payload_bits = 2;
  stream.payload = "\x80";
  qa.bitstream = write_container(stream);
  events.push_back(qa);
  if (kind == 3) {
    events.push_back(made_failure(resample_arm));
  } else {
    outcome_event again = made_outcome(resample_arm, kind == 0, "again " + n);
    again.draft_call = made_id("draft " + n);
    again.draft_correct = kind == 0;
    events.push_back(again);
  }
  return events;
}

memory_store::memory_store(store_manifest manifest, std::vector<std::vector<event>> journals)
    : manifest_(std::move(manifest)), journals_(std::move(journals)) {}

status<store_failure> memory_store::commit(std::span<const task_commit>) {
  return fail(store_failure{store_error::io, "for reading"});
}

expected<task_state, store_failure> memory_store::state(problem_index task) const {
  task_state result;
  result.events = static_cast<std::uint32_t>(journals_.at(task.value).size());
  const auto set = statuses_.find(task.value);
  result.status = set != statuses_.end() ? set->second
                  : result.events > 0    ? task_status::done
                                         : task_status::pending;
  return result;
}

status<store_failure> memory_store::for_each_state(
    const std::function<void(problem_index, const task_state&)>& visit) const {
  for (std::uint64_t task = 0; task < journals_.size(); ++task)
    visit(problem_index{task}, *state(problem_index{task}));
  return {};
}

expected<std::vector<event>, store_failure> memory_store::events(problem_index task) const {
  return journals_.at(task.value);
}

expected<std::vector<std::string>, store_failure> memory_store::origins(problem_index task) const {
  return std::vector<std::string>(journals_.at(task.value).size(), origin_);
}

expected<std::vector<bit_event>, store_failure> memory_store::bits(problem_index task) const {
  std::vector<bit_event> result;
  for (const event& e : journals_.at(task.value))
    if (const auto* bit = std::get_if<bit_event>(&e))
      result.push_back(*bit);
  return result;
}

expected<problem_row, store_failure> memory_store::problem(problem_index task) const {
  return problem_row{id_ + std::to_string(task.value), question_, "", ""};
}

expected<problem_row, store_failure> memory_store::sealed(problem_index task) const {
  return problem_row{id_ + std::to_string(task.value), question_, "7", "3 + 4 = 7"};
}

std::unique_ptr<memory_store> made_store(std::uint64_t problems) {
  std::vector<std::vector<event>> journals;
  for (std::uint64_t number = 0; number < problems; ++number)
    journals.push_back(made_journal(number));
  return std::make_unique<memory_store>(manifest_of(made_experiment(), problems),
                                        std::move(journals));
}

temporary_folder::temporary_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "tenbit-report-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("mkdtemp failed");
  path_ = name;
}

temporary_folder::~temporary_folder() {
  std::filesystem::remove_all(path_);
}

std::string exported(const store& source) {
  std::string out;
  const auto exp = report::experiment_of(source, "made");
  EXPECT_TRUE(exp);
  const auto done = report::export_lines(source, *exp, [&](std::string_view lines) {
    out += lines;
    return true;
  });
  EXPECT_TRUE(done);
  return out;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

} // namespace tenbit::testing

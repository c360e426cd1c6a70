// What the tests of the store share: a folder of its own, small made-up experiments, and events.
#pragma once

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string>
#include <vector>

#include "storage/store.hpp"

namespace tenbit {

class store_test : public testing::Test {
protected:
  store_test() {
    // In memory where there is such a folder: these tests open and sync hundreds of stores.
    std::string path = std::filesystem::exists("/dev/shm") ? "/dev/shm/" : testing::TempDir();
    path += "tenbit_store_XXXXXX";
    TENBIT_ASSERT(::mkdtemp(path.data()) != nullptr);
    root_ = path;
  }
  ~store_test() override {
    std::error_code error;
    std::filesystem::remove_all(root_, error);
  }

  [[nodiscard]] std::string dir() const { return root_ + "/store"; }
  std::string root_;
};

inline std::vector<problem_row> made_problems(std::size_t count) {
  std::vector<problem_row> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({fmt::format("p{}", i), fmt::format("What is {} + 1?", i),
                   fmt::format("{}", i + 1), "add one"});
  return out;
}

inline store_manifest made_manifest(std::size_t tasks) {
  store_manifest out;
  out.name = "made";
  out.identity = hash_bytes("made experiment");
  out.identity_text = {{"benchmark.kind", "arith"}, {"seed", "1"}};
  out.experiment_toml = "name = \"made\"\n";
  out.tasks = tasks;
  out.simulated = true;
  out.tool_version = "test";
  out.created_unix_s = 1'700'000'000;
  return out;
}

inline call_event made_call(std::string_view text, party by = party::receiver) {
  call_event e;
  e.id = call_id{hash_bytes(text)};
  e.by = by;
  e.model = by == party::receiver ? "small" : "large";
  e.request = "{}";
  e.reply.text = text;
  e.reply.usage = {.prompt = 10, .completion = 3, .reported = true};
  return e;
}

inline bit_event made_bit(std::uint32_t index, std::string_view question, answer value) {
  bit_event e;
  e.index = bit_index{index};
  e.question = question;
  e.question_hash = hash_bytes(question);
  e.value = value;
  e.source = call_id{hash_bytes(question)};
  return e;
}

inline outcome_event made_outcome(bool correct) {
  outcome_event e;
  e.final_answer = "4";
  e.answer_hash = hash_bytes("4");
  e.correct = correct;
  e.questions = 1;
  e.payload_bits = 1;
  e.bitstream = "bits";
  return e;
}

inline std::unique_ptr<store> create_store(const std::string& dir, std::size_t tasks,
                                           const store_options& options = {}) {
  auto out = store::create(dir, made_manifest(tasks), made_problems(tasks), options);
  EXPECT_TRUE(out) << out.error().message;
  return out ? std::move(*out) : nullptr;
}

inline std::unique_ptr<store> open_store(const std::string& dir,
                                         const store_options& options = {}) {
  auto out = store::open(dir, options);
  EXPECT_TRUE(out) << out.error().message;
  return out ? std::move(*out) : nullptr;
}

// One commit of one task, e.g. commit_one(*db, 3, {made_call("a")}).
inline status<store_failure> commit_one(store& db, std::uint64_t task, std::vector<event> events,
                                        std::optional<task_status> status = std::nullopt) {
  const task_commit part{problem_index{task}, std::move(events), status, std::nullopt, false};
  return db.commit({&part, 1});
}

inline std::vector<std::string> encoded(const std::vector<event>& events) {
  std::vector<std::string> out;
  for (const auto& e : events)
    out.push_back(encode(e));
  return out;
}

} // namespace tenbit

// A store in memory with a journal made by hand, and the events to make it from.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/experiment.hpp"
#include "storage/store.hpp"

namespace tenbit::testing {

// Small and large model, both simulated; arms small, large (direct), qa, resample, in this order.
[[nodiscard]] experiment made_experiment();
[[nodiscard]] store_manifest manifest_of(const experiment& exp, std::uint64_t tasks);

inline constexpr arm_index small_arm{0}, large_arm{1}, qa_arm{2}, resample_arm{3};

[[nodiscard]] call_id made_id(const std::string& name);
[[nodiscard]] call_event made_call(const std::string& name, const std::string& model,
                                   const std::string& text, party by = party::receiver);
[[nodiscard]] bit_event made_bit(arm_index arm, std::uint32_t index, answer value,
                                 std::optional<double> p_yes, const std::string& source,
                                 std::uint16_t trial = 0);
[[nodiscard]] outcome_event made_outcome(arm_index arm, bool correct,
                                         const std::string& answer_call, std::uint16_t trial = 0);
[[nodiscard]] failure_event made_failure(arm_index arm, std::uint16_t trial = 0);

// What happens on problem `number`: of four kinds in turn,
//   number % 4:  0      1      2      3
//   small        right  wrong  wrong  wrong
//   large        right  right  right  wrong
//   qa draft     right  wrong  wrong  wrong
//   qa           wrong  right  right  wrong     2 questions: yes 0.5, no 0.25 (bits 1 and 0.415
//   ideal) resample     right  wrong  wrong  failed
[[nodiscard]] std::vector<event> made_journal(std::uint64_t number);

class memory_store final : public store {
public:
  memory_store(store_manifest manifest, std::vector<std::vector<event>> journals);
  // Otherwise done where there are events, pending where there are none.
  void set_status(std::uint64_t task, task_status status) { statuses_[task] = status; }
  void set_id(std::string id) { id_ = std::move(id); }
  void set_origin(std::string peer) { origin_ = std::move(peer); }
  void set_question(std::string text) { question_ = std::move(text); }

  status<store_failure> commit(std::span<const task_commit>) override;
  status<store_failure> keep_anchor(bool) override { return {}; }
  status<store_failure> close() override { return {}; }
  store_figures figures() const override { return {}; }
  const store_manifest& manifest() const override { return manifest_; }
  std::uint64_t incarnation() const override { return 1; }
  std::uint64_t commit_seq() const override { return 1; }
  std::string id() const override { return "made"; }
  const std::vector<store_life>& lives() const override { return lives_; }
  store_totals totals() const override { return {}; }
  expected<store_head, store_failure> head() const override { return store_head{}; }
  expected<task_state, store_failure> state(problem_index task) const override;
  status<store_failure>
  for_each_state(const std::function<void(problem_index, const task_state&)>& visit) const override;
  expected<std::vector<event>, store_failure> events(problem_index task) const override;
  expected<std::vector<std::string>, store_failure> origins(problem_index task) const override;
  expected<std::vector<bit_event>, store_failure> bits(problem_index task) const override;
  expected<problem_row, store_failure> problem(problem_index task) const override;
  expected<problem_row, store_failure> sealed(problem_index task) const override;
  expected<std::vector<std::pair<problem_index, lease_row>>, store_failure>
  leases() const override {
    return std::vector<std::pair<problem_index, lease_row>>{};
  }
  expected<std::vector<std::pair<problem_index, fault_row>>, store_failure>
  faults() const override {
    return std::vector<std::pair<problem_index, fault_row>>{};
  }
  expected<std::vector<std::uint32_t>, store_failure> longest_first() const override {
    return std::vector<std::uint32_t>{};
  }
  status<store_failure> checkpoint(const std::string&) const override {
    return fail(store_failure{store_error::io, "a store of values has no files"});
  }
  expected<std::vector<std::string>, store_failure>
  verify(const std::function<void(std::uint64_t)>&) const override {
    return std::vector<std::string>{};
  }

private:
  store_manifest manifest_;
  std::vector<std::vector<event>> journals_;
  std::map<std::uint64_t, task_status> statuses_;
  std::string id_ = "made/";
  std::string question_ = "How many apples are left?";
  std::string origin_; // of every event
  std::vector<store_life> lives_;
};

// The memory store of `problems` made journals.
[[nodiscard]] std::unique_ptr<memory_store> made_store(std::uint64_t problems);

// A folder of its own, removed at the end.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

// All lines of the export of a made store.
[[nodiscard]] std::string exported(const store& source);
[[nodiscard]] std::string read_file(const std::string& path);

} // namespace tenbit::testing

#include "workers/ledger_answers.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace tenbit::testing {
namespace {

const task_id task{experiment_id{7}, problem_index{3}};
const arm_trial where{arm_index{1}, trial_index{2}};

bit_event bit_of(std::uint32_t index, const std::string& question, answer value) {
  bit_event out;
  out.where = where;
  out.index = bit_index{index};
  out.question = question;
  out.question_hash = hash_bytes(question);
  out.value = value;
  return out;
}

oracle_ask ask_of(std::vector<std::string> questions, std::vector<std::uint32_t> wanted) {
  oracle_ask out;
  out.task = task;
  out.where = where;
  out.questions = std::move(questions);
  out.wanted = std::move(wanted);
  return out;
}

struct Ledger : ::testing::Test {
  Ledger() {
    std::string made = std::filesystem::temp_directory_path() / "tenbit-ledger-XXXXXX";
    EXPECT_NE(::mkdtemp(made.data()), nullptr);
    folder = made;
    open();
  }
  ~Ledger() override {
    ledger.reset();
    std::filesystem::remove_all(folder);
  }
  void open() {
    ledger.reset();
    auto opened = oracle_ledger::open(folder);
    ASSERT_TRUE(opened) << opened.error();
    ledger = std::move(*opened);
  }
  bool enter(std::vector<event>& events) {
    const bool may_leave = enter_bits(*ledger, task, events);
    EXPECT_TRUE(ledger->sync());
    return may_leave;
  }
  std::string folder;
  std::unique_ptr<oracle_ledger> ledger;
};

} // namespace

TEST_F(Ledger, AskedAgainAndAnsweredOtherwise_GivesTheFirstBitOverARestart) {
  std::vector<event> first = {bit_of(0, "Even?", answer::yes), bit_of(1, "Big?", answer::no)};
  ASSERT_TRUE(enter(first));
  open();
  // Asked for together, one of them new: the model says the opposite of what it said.
  std::vector<event> again = {bit_of(0, "Even?", answer::no), bit_of(1, "Big?", answer::yes),
                              bit_of(2, "Odd?", answer::yes)};
  ASSERT_TRUE(enter(again));
  EXPECT_EQ(std::get<bit_event>(again[0]).value, answer::yes);
  EXPECT_EQ(std::get<bit_event>(again[1]).value, answer::no);
  EXPECT_EQ(std::get<bit_event>(again[2]).value, answer::yes);
  EXPECT_EQ(ledger->counts().at(task.experiment), 3U) << "each is counted once";
}

TEST_F(Ledger, AnotherQuestionAtTheSamePlace_IsNeitherAskedNorGiven) {
  std::vector<event> first = {bit_of(0, "Even?", answer::yes)};
  ASSERT_TRUE(enter(first));
  EXPECT_FALSE(asked_otherwise(*ledger, ask_of({"Even?", "Big?"}, {0, 1})));
  EXPECT_TRUE(asked_otherwise(*ledger, ask_of({"Odd?", "Big?"}, {0, 1})));
  EXPECT_FALSE(asked_otherwise(*ledger, ask_of({"Odd?", "Big?"}, {1}))) << "it is not wanted";
  std::vector<event> other = {bit_of(1, "Big?", answer::yes), bit_of(0, "Odd?", answer::yes)};
  EXPECT_FALSE(enter(other));
  EXPECT_EQ(ledger->counts().at(task.experiment), 1U) << "nothing of it is entered";
}

} // namespace tenbit::testing

#include "report/summary.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "report/accumulate.hpp"
#include "report/tokens.hpp"
#include "tests/report/made_store.hpp"

namespace tenbit::report {
namespace {

using namespace tenbit::testing;

run_summary summary_of(const store& source, bool by_trial = false) {
  const auto exp = experiment_of(source, "made");
  EXPECT_TRUE(exp) << exp.error().message;
  const auto run = summarize(source, *exp, {by_trial});
  EXPECT_TRUE(run) << run.error().message;
  return *run;
}

// A store of one task per journal, under an experiment that `change` has changed.
template <class Change>
memory_store store_of(std::vector<std::vector<event>> journals, Change change) {
  experiment exp = made_experiment();
  change(exp);
  const auto tasks = journals.size();
  return {manifest_of(exp, tasks), std::move(journals)};
}

TEST(Summary, FourProblems_AreCountedByHand) {
  const auto source = made_store(4);
  const run_summary run = summary_of(*source);
  EXPECT_TRUE(run.simulated);
  ASSERT_EQ(run.arms.size(), 4U);
  const arm_summary& small = run.arms[0];
  EXPECT_EQ(small.n, 4U);
  EXPECT_EQ(small.right, 1U);
  EXPECT_EQ(small.accuracy->value, 0.25);
  EXPECT_EQ(small.accuracy->ci, wilson(0.25, 4));
  EXPECT_FALSE(small.drafts);
  EXPECT_FALSE(small.resample);
  EXPECT_EQ(small.gap.why_not, "a direct arm is an end of the gap");

  const arm_summary& qa = run.arms[2];
  EXPECT_EQ(qa.accuracy->value, 0.5);
  ASSERT_TRUE(qa.drafts);
  EXPECT_EQ(qa.drafts->n, 4U);
  EXPECT_EQ(qa.drafts->right, 1U);
  EXPECT_EQ(qa.drafts->gained, 2U);
  EXPECT_EQ(qa.drafts->lost, 1U);
  EXPECT_EQ(qa.drafts->net(), 1);
  EXPECT_DOUBLE_EQ(*qa.drafts->recovery(), 2.0 / 3);
  // Problem 3 failed in resample: pairs are problems 0 to 2.
  ASSERT_TRUE(qa.resample);
  EXPECT_EQ(qa.resample->against, "resample");
  EXPECT_EQ(qa.resample->better, 2U);
  EXPECT_EQ(qa.resample->worse, 1U);
  EXPECT_DOUBLE_EQ(qa.resample->p.exact, 1);
  EXPECT_DOUBLE_EQ(qa.resample->p.mid, 0.625);

  const arm_summary& resample = run.arms[3];
  EXPECT_EQ(resample.n, 3U);
  EXPECT_EQ(resample.failed, 1U);
  EXPECT_DOUBLE_EQ(resample.accuracy->value, 1.0 / 3);
  EXPECT_EQ(resample.gap.why_not, "no answerer besides the solver");
}

TEST(Summary, GapOfFewProblems_IsWithinNoise) {
  const run_summary run = summary_of(*made_store(4));
  const gap_summary& gap = run.arms[2].gap;
  ASSERT_TRUE(gap.estimate);
  EXPECT_EQ(gap.estimate->gap, 0.5);
  EXPECT_FALSE(gap.estimate->closed);
  EXPECT_EQ(gap.why_not, "the gap is 0 or its interval includes 0");
}

TEST(Summary, GapOfManyProblems_IsHalfClosed) {
  const run_summary run = summary_of(*made_store(40));
  const gap_summary& gap = run.arms[2].gap;
  ASSERT_TRUE(gap.estimate && gap.estimate->closed);
  EXPECT_EQ(gap.estimate->problems, 40U);
  EXPECT_DOUBLE_EQ(*gap.estimate->closed, 0.5); // (0.5 - 0.25) / (0.75 - 0.25)
  EXPECT_LT(gap.estimate->closed_ci.low, 0.5);
  EXPECT_GT(gap.estimate->closed_ci.high, 0.5);
  EXPECT_EQ(gap.why_not, "");
}

TEST(Summary, MissingDirectArm_IsNamed) {
  const auto source = store_of({}, [](experiment& exp) { exp.arms.erase(exp.arms.begin() + 1); });
  EXPECT_EQ(summary_of(source).arms[1].gap.why_not, "no direct arm of large");
}

TEST(Summary, Bits_AreCountedByHand) {
  const run_summary run = summary_of(*made_store(4));
  const bits_summary& qa = *run.arms[2].bits;
  EXPECT_EQ(qa.payload.mean, 2);
  EXPECT_EQ(qa.payload.min, 2U);
  EXPECT_EQ(qa.payload.max, 2U);
  const auto journal = made_journal(0);
  const auto& end = std::get<outcome_event>(journal[10]);
  EXPECT_EQ(qa.header_bytes.mean, static_cast<double>(end.bitstream.size() - 1));
  EXPECT_EQ(qa.questions, 2);
  EXPECT_EQ(qa.answered, 8U);
  EXPECT_EQ(qa.by_default, 0U);
  ASSERT_TRUE(qa.ideal_bits); // yes at 0.5 costs 1 bit, no at P(yes) 0.25 costs log2(4/3)
  EXPECT_DOUBLE_EQ(*qa.ideal_bits, 1 + std::log2(4.0 / 3));
  EXPECT_EQ(qa.compared, 4U);
  // The large arm's answer: ten words in 20 bytes.
  EXPECT_DOUBLE_EQ(*qa.ratio_compat, 2 / (10 * cl100k_bits_per_token));
  EXPECT_DOUBLE_EQ(*qa.ratio_utf8, 2.0 / 160);
  EXPECT_DOUBLE_EQ(*run.arms[1].bits->ratio_utf8, 1); // the whole text crosses
  EXPECT_FALSE(run.arms[0].bits->ratio_compat);
}

TEST(Summary, OneAnswerWithoutProbability_HasNoIdealSize) {
  auto journal = made_journal(0);
  auto& bit = std::get<bit_event>(journal[9]);
  bit.p_yes.reset();
  bit.asked_again = bit.by_default = true;
  const auto source = store_of({journal}, [](experiment&) {});
  const bits_summary qa = *summary_of(source).arms[2].bits;
  EXPECT_FALSE(qa.ideal_bits);
  EXPECT_EQ(qa.by_default, 1U);
  EXPECT_EQ(qa.asked_again, 1U);
}

TEST(Summary, CertainWrongProbability_IsFinite) {
  auto journal = made_journal(0);
  std::get<bit_event>(journal[8]).p_yes = 0.0; // said yes
  std::get<bit_event>(journal[9]).p_yes = 0.0; // said no
  const auto source = store_of({journal}, [](experiment&) {});
  EXPECT_DOUBLE_EQ(*summary_of(source).arms[2].bits->ideal_bits, 16);
}

// Without a direct arm of the answerer its own solution, which its answers were given from, is
// compared.
TEST(Summary, OwnSolution_IsFoundInTheAnswersRequest) {
  const auto build = [](const std::string& shown) {
    call_event own = made_call("own", "large", " 12345678 tokens? no. ", party::sender);
    call_event other = made_call("other", "large", "Not this one.", party::sender);
    call_event q1 = made_call("q1", "large", "Yes", party::sender);
    const chat_message message{chat_role::user, "Problem: x\n" + shown + "\nQuestion: y"};
    q1.request = canonical_request("large", {&message, 1}, {});
    outcome_event end = made_outcome(qa_arm, true, "own");
    end.payload_bits = 1;
    return std::vector<event>{other, own, q1, made_bit(qa_arm, 0, answer::yes, {}, "q1"), end};
  };
  const auto no_direct = [](experiment& exp) { exp.trials = 1; };
  const auto found = summary_of(store_of({build("12345678 tokens? no.")}, no_direct));
  EXPECT_EQ(found.arms[2].bits->compared, 1U);
  EXPECT_DOUBLE_EQ(*found.arms[2].bits->ratio_utf8, 1.0 / (22 * 8));
  const auto missing = summary_of(store_of({build("something else")}, no_direct));
  EXPECT_EQ(missing.arms[2].bits->compared, 0U);
  EXPECT_FALSE(missing.arms[2].bits->ratio_utf8);
}

TEST(Summary, FailedIsWrong_CountsThemAndSaysSo) {
  const auto source = store_of({made_journal(0), made_journal(3)}, [](experiment& exp) {
    exp.profile = profile_kind::authors_compat;
    exp.switches.failed_is_wrong = true;
  });
  const run_summary run = summary_of(source);
  EXPECT_TRUE(run.failed_is_wrong);
  EXPECT_EQ(run.arms[3].n, 2U);
  EXPECT_EQ(run.arms[3].failed, 1U);
  EXPECT_EQ(run.arms[3].accuracy->value, 0.5);
}

TEST(Summary, LaterOutcome_SupersedesTheFailure) {
  auto journal = made_journal(3);
  journal.push_back(made_outcome(resample_arm, true, "again 3"));
  const auto run = summary_of(store_of({journal}, [](experiment&) {}));
  EXPECT_EQ(run.arms[3].failed, 0U);
  EXPECT_EQ(run.arms[3].right, 1U);
}

TEST(Summary, Models_AreSummedWithPrices) {
  const run_summary run = summary_of(*made_store(4));
  ASSERT_EQ(run.models.size(), 2U);
  const model_summary& large = run.models[0];
  EXPECT_EQ(large.alias, "large");
  EXPECT_EQ(large.calls, 12U);
  EXPECT_EQ(large.prompt_tokens, 1200U);
  EXPECT_EQ(large.completion_tokens, 600U);
  EXPECT_DOUBLE_EQ(large.cost, (1200 * 10 + 600 * 20) / 1e6);
  EXPECT_EQ(large.latency_p50_us, 64U);
  EXPECT_EQ(run.paid_twice, 0U);
}

TEST(Summary, SameCallTwice_IsCountedAsPaidTwice) {
  auto journal = made_journal(0);
  journal.push_back(journal[0]);
  const auto run = summary_of(store_of({journal}, [](experiment&) {}));
  EXPECT_EQ(run.paid_twice, 1U);
  EXPECT_EQ(run.models[1].calls, 3U);
}

// A model that solves in one arm and answers in another may be asked the same by both.
TEST(Summary, SameCallByBothParties_IsTwoCallsPaidOnceEach) {
  auto journal = made_journal(0);
  auto theirs = std::get<call_event>(journal[0]);
  theirs.by = theirs.by == party::sender ? party::receiver : party::sender;
  journal.push_back(theirs);
  const auto run = summary_of(store_of({journal}, [](experiment&) {}));
  EXPECT_EQ(run.paid_twice, 0U);
  EXPECT_EQ(run.models[1].calls, 4U);
}

TEST(ReplyClass, Limits_BelongToTheClassBelow) {
  EXPECT_EQ(reply_class_of(0), 0U);
  EXPECT_EQ(reply_class_of(64), 0U);
  EXPECT_EQ(reply_class_of(65), 1U);
  EXPECT_EQ(reply_class_of(256), 1U);
  EXPECT_EQ(reply_class_of(257), 2U);
  EXPECT_EQ(reply_class_of(1024), 2U);
  EXPECT_EQ(reply_class_of(1025), 3U);
  EXPECT_EQ(reply_class_of(UINT64_MAX), 3U);
}

call_event call_with(const std::string& name, const std::string& model, std::uint64_t tokens,
                     std::uint32_t attempts) {
  call_event call = made_call(name, model, "text");
  call.reply.usage.completion = tokens;
  call.reply.attempts = attempts;
  return call;
}

std::vector<std::uint64_t> lengths_of(const model_summary& model) {
  std::vector<std::uint64_t> out;
  for (const reply_class_summary& c : model.by_length)
    out.insert(out.end(), {c.calls, c.retried});
  return out;
}

TEST(Summary, RetriedCalls_AreCountedByModelAndLength) {
  const auto source = store_of({{call_with("a", "small", 10, 1), call_with("b", "small", 64, 2),
                                 call_with("c", "small", 65, 1), call_with("d", "large", 9, 1)},
                                {call_with("e", "small", 5000, 7), call_with("f", "small", 2000, 2),
                                 call_with("g", "small", 1025, 1), call_with("g", "small", 1025, 3),
                                 call_with("h", "large", 1000, 3)}},
                               [](experiment&) {});
  const run_summary run = summary_of(source);
  EXPECT_EQ(run.paid_twice, 1U); // and only the first counts
  ASSERT_EQ(run.models.size(), 2U);
  EXPECT_EQ(lengths_of(run.models[0]), (std::vector<std::uint64_t>{1, 0, 0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(lengths_of(run.models[1]), (std::vector<std::uint64_t>{2, 1, 1, 0, 0, 0, 3, 2}));
}

failure_event failure_of(arm_index arm, call_error kind) {
  failure_event failure = made_failure(arm);
  failure.kind = kind;
  return failure;
}

TEST(Summary, AbandonedCalls_AreCountedByTheModelsOfTheArm) {
  auto superseded = made_journal(0); // every arm has its outcome
  superseded.insert(superseded.begin(), {failure_of(qa_arm, call_error::transient),
                                         failure_of(qa_arm, call_error::throttled),
                                         failure_of(large_arm, call_error::endpoint_invalid)});
  superseded.push_back(failure_of(small_arm, call_error::auth));
  const std::vector<event> no_call = {failure_of(small_arm, call_error::diverged),
                                      failure_of(small_arm, call_error::cancelled)};
  const auto source = store_of({superseded, made_journal(3), no_call}, [](experiment&) {});
  const run_summary run = summary_of(source);
  using names = std::vector<std::string>;
  ASSERT_EQ(run.abandoned.size(), 3U);
  EXPECT_EQ(run.abandoned[0].models, names{"large"});
  EXPECT_EQ(run.abandoned[0].ends, 3U);
  EXPECT_EQ(run.abandoned[0].abandoned, 1U);
  EXPECT_EQ(run.abandoned[1].models, (names{"large", "small"})); // qa
  EXPECT_EQ(run.abandoned[1].ends, 4U);
  EXPECT_EQ(run.abandoned[1].abandoned, 2U);
  EXPECT_EQ(run.abandoned[2].models, names{"small"}); // direct and resample
  EXPECT_EQ(run.abandoned[2].ends, 5U);
  EXPECT_EQ(run.abandoned[2].abandoned, 2U);
}

TEST(Summary, Trials_HaveMeanAndPopulationSd) {
  // Two problems, trials 0 and 1: right right / wrong right.
  const auto journal = [](bool first, bool second) {
    return std::vector<event>{made_outcome(small_arm, first, "a", 0),
                              made_outcome(small_arm, second, "b", 1)};
  };
  const auto source = store_of({journal(true, true), journal(false, true)},
                               [](experiment& exp) { exp.trials = 2; });
  const arm_summary whole = summary_of(source).arms[0];
  EXPECT_EQ(whole.n, 4U);
  EXPECT_EQ(whole.problems, 2U);
  EXPECT_EQ(whole.accuracy->value, 0.75);
  EXPECT_EQ(whole.trials.accuracy, (std::vector<double>{0.5, 1}));
  EXPECT_DOUBLE_EQ(whole.trials.spread.mean, 0.75);
  EXPECT_DOUBLE_EQ(whole.trials.spread.sd, 0.25);
  const run_summary by_trial = summary_of(source, true);
  ASSERT_EQ(by_trial.arms.size(), 8U);
  EXPECT_EQ(by_trial.arms[0].accuracy->value, 0.5);
  EXPECT_EQ(by_trial.arms[1].accuracy->value, 1);
  EXPECT_EQ(*by_trial.arms[1].trial, 1U);
}

TEST(Summary, UnfinishedRun_SaysHowFar) {
  const auto source = store_of({made_journal(0), {}, {}}, [](experiment&) {});
  const run_summary run = summary_of(source);
  EXPECT_EQ(run.tasks.total, 3U);
  EXPECT_EQ(run.tasks.done, 1U);
  EXPECT_FALSE(run.tasks.finished());
}

TEST(Summary, UnknownArmInTheJournal_IsRefused) {
  const auto source = store_of({{made_outcome(arm_index{9}, true, "a")}}, [](experiment&) {});
  const auto run = summarize(source, *experiment_of(source, "made"), {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().kind, report_error::refused);
}

TEST(Summary, BrokenManifest_IsRefused) {
  store_manifest manifest = manifest_of(made_experiment(), 0);
  manifest.experiment_toml = "name = ";
  const memory_store source(manifest, {});
  const auto exp = experiment_of(source, "runs/x");
  ASSERT_FALSE(exp);
  EXPECT_EQ(exp.error().kind, report_error::refused);
  EXPECT_NE(exp.error().message.find("runs/x"), std::string::npos);
}

} // namespace
} // namespace tenbit::report

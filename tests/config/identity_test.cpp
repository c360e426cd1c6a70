// Identity and writing back: what a store compares, and the copy it keeps.
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <set>

#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

using sample::right;

const std::string base = R"(
name = "base"
[benchmark]
kind = "arith"
count = 20
[models.small]
kind = "sim"
[models.large]
kind = "openai"
model = "org/large"
replicas = ["http://a:1"]
price_input = 1.0
[[arms]]
name = "one"
method = "qa"
solver = "small"
answerer = "large"
[[arms]]
name = "two"
method = "resample"
solver = "small"
[sim]
recorded = "/data/r.jsonl"
)";

experiment with(const std::string& override) {
  return right(base, {override}, file_check::skipped);
}

experiment unchanged() {
  return right(base, {}, file_check::skipped);
}

class same_identity_test : public testing::TestWithParam<const char*> {};

TEST_P(same_identity_test, Identity_StaysWhenNumbersDoNotDependOnIt) {
  EXPECT_EQ(with(GetParam()).identity(), unchanged().identity());
  EXPECT_EQ(with(GetParam()).identity_hash(), unchanged().identity_hash());
  EXPECT_FALSE(with(GetParam()) == unchanged()) << "the override changes nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Keys, same_identity_test,
    testing::Values("models.small.concurrency=3", "models.small.stream=false",
                    "models.large.replicas=[\"http://b:2\"]", "models.large.api_key_env=SOME_KEY",
                    "models.large.price_input=2.5", "models.large.price_output=2.5", "currency=EUR",
                    "budget.calls=5", "budget.tokens=5", "budget.money=5", "sim.latency_ms=3",
                    "sim.latency_spread=0.1", "sim.slots=3", "sim.tokens_per_second=30",
                    "sim.faults.retry_after_s=3"));

class other_identity_test : public testing::TestWithParam<const char*> {};

TEST_P(other_identity_test, Identity_ChangesWhenNumbersDependOnIt) {
  EXPECT_NE(with(GetParam()).identity(), unchanged().identity());
  EXPECT_NE(with(GetParam()).identity_hash(), unchanged().identity_hash());
}

INSTANTIATE_TEST_SUITE_P(
    Keys, other_identity_test,
    testing::Values("name=other", "seed=2", "trials=2", "profile=authors-compat",
                    "benchmark.count=21", "benchmark.first=1", "benchmark.level=3",
                    "benchmark.seed=2", "models.small.model=large", "models.large.revision=r2",
                    "models.small.logprobs=true", "models.small.sampling.temperature=0.5",
                    "models.small.sampling.top_p=0.5", "models.small.sampling.temperature=unset",
                    "models.small.sampling.seed=false", "models.small.sampling.max_tokens=9",
                    "arms.0.name=uno", "arms.0.questions=9", "arms.0.reference=gold",
                    "arms.0.answers=together", "arms.1.samples=2", "arms.1.temperature=0.5",
                    "arms.1.solver=large", "sim.seed=2", "sim.recorded=/data/s.jsonl",
                    "sim.faults.rate_429=0.1", "sim.faults.rate_huge=0.1"),
    [](const auto& row) { return "Key" + std::to_string(row.index); });

TEST(Identity_Switch, ChangesIt) {
  const auto compat = right(base, {"profile=authors-compat"}, file_check::skipped);
  const auto less =
      right(base, {"profile=authors-compat", "switches.pad_questions=false"}, file_check::skipped);
  EXPECT_NE(compat.identity_hash(), less.identity_hash());
}

TEST(Identity_OrderOfArms, ChangesItButThatOfModelsDoesNot) {
  const auto arms = std::string("[[arms]]\nname='a'\nmethod='direct'\nsolver='small'\n") +
                    "[[arms]]\nname='b'\nmethod='direct'\nsolver='large'\n";
  const auto turned = std::string("[[arms]]\nname='b'\nmethod='direct'\nsolver='large'\n") +
                      "[[arms]]\nname='a'\nmethod='direct'\nsolver='small'\n";
  const auto top = std::string(sample::arith);
  const std::string models(sample::models);
  const std::string models_turned = "[models.large]\nkind='sim'\n[models.small]\nkind='sim'\n";
  EXPECT_NE(right(top + models + arms).identity(), right(top + models + turned).identity());
  EXPECT_EQ(right(top + models + arms).identity(), right(top + models_turned + arms).identity());
}

TEST(Identity_Dataset, CountsByContentNotByPath) {
  const auto toml = [](const char* file) {
    return "[benchmark]\nkind='gsm8k'\nfile='" + std::string(file) + "'\n" +
           std::string(sample::models) + std::string(sample::qa_arm);
  };
  EXPECT_EQ(right(toml("/a/test.jsonl"), {}, file_check::skipped).identity(),
            right(toml("/b/test.jsonl"), {}, file_check::skipped).identity());
}

TEST(Identity_Pairs, AreSortedAndNamedOnce) {
  const auto pairs = unchanged().identity();
  EXPECT_TRUE(std::is_sorted(pairs.begin(), pairs.end()));
  std::set<std::string> keys;
  for (const auto& [key, value] : pairs)
    EXPECT_TRUE(keys.insert(key).second) << key;
  EXPECT_THAT(pairs,
              testing::Contains(std::pair<std::string, std::string>("arms.0.questions", "10")));
}

// -- any right experiment ------------------------------------------------------------------------

std::string any_text() {
  const auto letters = *rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ09_-.:/+ \"'\\#=[]{}"))));
  return "x" + letters.substr(0, 40) + "x";
}

double any_real(double low, double high) {
  const auto part = *rc::gen::inRange<std::uint32_t>(0, 1U << 30);
  return low + (high - low) * static_cast<double>(part) / static_cast<double>(1U << 30);
}

template <class T> T any_of(const std::vector<T>& values) {
  return *rc::gen::elementOf(values);
}

std::uint32_t any_count(std::uint32_t low, std::uint32_t high) {
  return *rc::gen::inRange<std::uint32_t>(low, high);
}

model_spec any_model(const std::string& alias, const protocol_switches& switches) {
  model_spec out;
  out.alias = alias;
  out.kind = any_of<model_kind>({model_kind::openai, model_kind::sim});
  out.model = any_text();
  out.revision = any_text();
  out.replicas = {"http://" + alias + ":" + std::to_string(any_count(1, 65535)), "https://b/x"};
  if (any_count(0, 2) == 1)
    out.api_key_env = "KEY_" + alias;
  out.concurrency = any_count(1, 8193);
  out.stream = any_count(0, 2) == 1;
  out.logprobs = any_count(0, 2) == 1;
  out.price_input = any_real(0.001, 100);
  out.price_output = any_real(0, 1e-6);
  out.sampling.max_tokens = any_count(1, 100000);
  if (any_count(0, 2) == 1)
    out.sampling.top_p = any_real(1e-9, 1);
  out.sampling.temperature.reset();
  out.sampling.seed = !switches.unset_sampling && any_count(0, 2) == 1;
  if (!switches.unset_sampling && any_count(0, 4) != 0)
    out.sampling.temperature = any_real(0, 2);
  return out;
}

arm_spec any_arm(std::size_t number, const protocol_switches& switches) {
  arm_spec out;
  out.name = std::to_string(number) + any_text();
  out.solver = "small";
  out.method = any_of<method_kind>({method_kind::direct, method_kind::qa, method_kind::self_ask,
                                    method_kind::resample, method_kind::random_bits,
                                    method_kind::constant_yes});
  const bool qa = out.method == method_kind::qa;
  const bool asks = out.method != method_kind::direct && out.method != method_kind::resample;
  if (asks) {
    out.questioner = "small";
    out.questions = any_count(1, 1001);
  }
  if (qa || out.method == method_kind::self_ask)
    out.answers = any_of<answer_mode>({answer_mode::each, answer_mode::together});
  if (out.method == method_kind::self_ask)
    out.answerer = "small";
  if (qa) {
    out.answerer = "large";
    out.reference =
        any_of<reference_kind>({reference_kind::gold, reference_kind::own, reference_kind::none});
  }
  if (out.method == method_kind::resample) {
    out.samples = any_count(1, 1001);
    if (!switches.unset_sampling)
      out.temperature = any_real(1e-12, 2);
  }
  return out;
}

sim_spec any_sim() {
  sim_spec out;
  out.seed = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62);
  out.slots = any_count(1, 8193);
  out.latency_ms = any_real(0, 600000);
  out.latency_spread = any_real(0, 5);
  out.tokens_per_second = any_real(0, 1e6);
  if (any_count(0, 2) == 1)
    out.recorded = "/data/" + any_text();
  out.recorded.erase(
      std::remove(out.recorded.begin() + (out.recorded.empty() ? 0 : 6), out.recorded.end(), '/'),
      out.recorded.end());
  out.faults.rate_429 = any_real(0, 1);
  out.faults.rate_huge = any_real(0, 1e-300);
  out.faults.retry_after_s = any_count(0, 601);
  return out;
}

experiment any_experiment() {
  experiment e;
  e.source_path = "/nowhere/e.toml";
  e.name = "n" + std::to_string(any_count(0, 1000));
  e.seed = *rc::gen::inRange<std::uint64_t>(0, std::uint64_t{1} << 62);
  e.trials = any_count(1, 1001);
  e.currency = "€";
  if (any_count(0, 2) == 1) {
    e.profile = profile_kind::authors_compat;
    e.switches.unset_sampling = any_count(0, 2) == 1;
    e.switches.fresh_calls = any_count(0, 2) == 1;
    e.switches.authors_grading = any_count(0, 2) == 1;
  }
  e.benchmark.count = any_count(1, 1000);
  e.benchmark.first = any_count(0, 1000);
  if (any_count(0, 2) == 1) {
    e.benchmark.kind = benchmark_kind::gsm8k;
    e.benchmark.file = "/data/test.jsonl";
  } else {
    e.benchmark.level = any_count(1, 4);
    e.benchmark.seed = any_count(0, 1000);
  }
  e.models = {any_model("large", e.switches), any_model("small", e.switches)};
  const std::size_t arms = any_count(1, 6);
  for (std::size_t i = 0; i < arms; ++i)
    e.arms.push_back(any_arm(i, e.switches));
  if (any_count(0, 2) == 1)
    e.budget.calls = any_count(1, 1000);
  if (any_count(0, 2) == 1)
    e.budget.money = any_real(1e-9, 1e9);
  e.sim = any_sim();
  return e;
}

RC_GTEST_PROP(ToToml_AnyExperiment, ReadsBackEqualWithTheSameIdentity, ()) {
  const experiment e = any_experiment();
  const auto again = parse_experiment(to_toml(e), e.source_path, {}, file_check::skipped);
  if (!again)
    RC_FAIL(sample::all_texts(again.error()) + to_toml(e));
  RC_ASSERT(*again == e);
  RC_ASSERT(again->identity() == e.identity());
  RC_ASSERT(again->identity_hash() == e.identity_hash());
  RC_ASSERT(to_toml(*again) == to_toml(e));
}

TEST(ToToml_File, IsAbsoluteAndReadsTheSameElsewhere) {
  const auto e = right("[benchmark]\nkind='gsm8k'\nfile='d/test.jsonl'\n" +
                           std::string(sample::models) + std::string(sample::qa_arm),
                       {}, file_check::skipped);
  const auto elsewhere = parse_experiment(to_toml(e), "/other/copy.toml", {}, file_check::skipped);
  ASSERT_TRUE(elsewhere) << sample::all_texts(elsewhere.error());
  EXPECT_EQ(elsewhere->benchmark.file, "/nowhere/d/test.jsonl");
  EXPECT_EQ(elsewhere->name, "e");
  EXPECT_EQ(elsewhere->identity(), e.identity());
}

} // namespace
} // namespace tenbit

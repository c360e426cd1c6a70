#include <gmock/gmock.h>

#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

using sample::problems_of;
using sample::right;
using testing::HasSubstr;

const std::string two_arms =
    sample::plain() + "[[arms]]\nname = 'v1.5 large'\nmethod = 'direct'\nsolver = 'large'\n";

TEST(Overrides_Value, WinsOverTheFile) {
  const auto e = right(two_arms, {"benchmark.count=7", "models.small.concurrency = 8", "seed=1",
                                  "seed=3", "name=short try"});
  EXPECT_EQ(e.benchmark.count, 7U);
  EXPECT_EQ(e.find_model("small")->concurrency, 8U);
  EXPECT_EQ(e.seed, 3U); // the last one
  EXPECT_EQ(e.name, "short try");
}

TEST(Overrides_Arm, IsFoundByNumberOrName) {
  const auto e = right(two_arms, {"arms.0.questions=5", "arms.v1.5 large.name=big"});
  EXPECT_EQ(e.arms[0].questions, 5U);
  EXPECT_EQ(e.arms[1].name, "big");
  EXPECT_EQ(right(two_arms, {"arms.qa-small.questions=6"}).arms[0].questions, 6U); // made name
}

TEST(Overrides_AbsentTable, IsMade) {
  const auto e = right(sample::plain(), {"budget.calls=9", "models.small.sampling.max_tokens=64",
                                         "sim.faults.rate_429=0.25"});
  EXPECT_EQ(e.budget.calls, 9U);
  EXPECT_EQ(e.find_model("small")->sampling.max_tokens, 64U);
  EXPECT_EQ(e.sim.faults.rate_429, 0.25);
}

TEST(Overrides_Values, AreTomlOrABareWord) {
  const auto e =
      right(sample::plain(), {"models.large.kind=openai", "models.large.model=\"org/m\"",
                              "models.large.replicas=[\"http://a:1\", 'http://b:2']",
                              "models.large.revision=\"3\"", "models.large.stream=false"});
  const auto* large = e.find_model("large");
  EXPECT_EQ(large->kind, model_kind::openai);
  EXPECT_EQ(large->model, "org/m");
  EXPECT_THAT(large->replicas, testing::ElementsAre("http://a:1", "http://b:2"));
  EXPECT_EQ(large->revision, "3");
  EXPECT_FALSE(large->stream);
}

TEST(Overrides_WholeTable, ReplacesIt) {
  const auto e = right(sample::plain(), {"benchmark={kind = \"arith\", count = 3}"});
  EXPECT_EQ(e.benchmark.count, 3U);
}

struct bad_override {
  const char* name;
  const char* text;
  const char* shown; // of the whole problem
  const char* mend;
};

std::ostream& operator<<(std::ostream& out, const bad_override& o) {
  return out << o.name;
}

class bad_override_test : public testing::TestWithParam<bad_override> {};

TEST_P(bad_override_test, BadOverride_IsNamed) {
  const auto problems = problems_of(two_arms, {"seed=2", GetParam().text});
  ASSERT_EQ(problems.size(), 1U) << sample::all_texts(problems);
  EXPECT_THAT(problems[0].text(), HasSubstr(GetParam().shown));
  EXPECT_THAT(problems[0].mend, HasSubstr(GetParam().mend));
  EXPECT_EQ(problems[0].line, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Overrides, bad_override_test,
    testing::Values(
        bad_override{"UnknownKey", "benchmark.cuont=5",
                     "--set benchmark.cuont=…: benchmark.cuont: unknown key", "\"count\""},
        bad_override{"UnknownTable", "benhcmark.count=5", "--set benhcmark.count=…: benhcmark",
                     "\"benchmark\""},
        bad_override{"UnknownModel", "models.smal.concurrency=5", "models.smal", "\"small\""},
        bad_override{"UnknownArm", "arms.qa-smal.questions=5", "no arm of that name",
                     "\"qa-small\""},
        bad_override{"ArmNumber", "arms.2.questions=5", "no arm of that number", "0 to 1"},
        bad_override{"ArmKey", "arms.0.qestions=5", "arms.0.qestions: unknown", "\"questions\""},
        bad_override{"WrongType", "seed=one", "must be a whole number, is a text", "seed ="},
        bad_override{"OutOfRange", "arms.0.questions=2000", "is 2000, out of range", "1000"},
        bad_override{"NoEquals", "seed", "is not key=value", "--set"},
        bad_override{"NoKey", "=5", "is not key=value", "--set"},
        bad_override{"NoValue", "seed=", "has no value", "key=value"},
        bad_override{"EmptyPart", "benchmark..count=5", "no dotted key", ""},
        bad_override{"Broken", "name=\"x", "name: Error while parsing", "quotes"},
        bad_override{"TwoLines", "name=5\ntrials=7", "no single line", "one line"},
        bad_override{"NotUtf8", "name=\xff", "no single line of text", "UTF-8"},
        bad_override{"ThroughANumber", "benchmark.count.x=5", "goes into a whole number",
                     "shorten"},
        bad_override{"TooDeep", "sim.a.b.c.d.e.f.g.h=5", "no dotted key", ""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Overrides_TooMany, AreRefused) {
  const auto problems = problems_of(two_arms, std::vector<std::string>(300, "seed=2"));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr("more than 256"));
}

} // namespace
} // namespace tenbit

// Files that are right: defaults, resolution, and what is derived from them.
#include "config/experiment.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

#include "config/limits.hpp"
#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

using sample::right;

std::string with_top(std::string_view top, const std::string& rest = sample::plain()) {
  return std::string(top) + rest;
}

TEST(Experiment_Smallest, GetsItsDefaults) {
  const auto e = right(sample::plain());
  EXPECT_EQ(e.name, "e"); // of e.toml
  EXPECT_EQ(e.profile, profile_kind::strict);
  EXPECT_EQ(e.switches, protocol_switches{});
  EXPECT_EQ(e.seed, 1U);
  EXPECT_EQ(e.trials, 1U);
  ASSERT_EQ(e.models.size(), 2U);
  EXPECT_EQ(e.models[0].alias, "large"); // sorted
  EXPECT_EQ(e.models[0].model, "large");
  EXPECT_EQ(e.models[0].revision, "large");
  EXPECT_EQ(e.models[0].sampling, sampling_spec{});
  ASSERT_EQ(e.arms.size(), 1U);
  EXPECT_EQ(e.arms[0].name, "qa-small");
  EXPECT_EQ(e.arms[0].questioner, "small");
  EXPECT_EQ(e.arms[0].questions, 10U);
  EXPECT_EQ(e.arms[0].reference, reference_kind::own);
}

TEST(Experiment_Revision, FollowsTheModelName) {
  const auto e = right(sample::plain() + "[models.x]\nkind = 'openai'\nmodel = 'org/m'\n"
                                         "replicas = ['http://h:1']\n");
  EXPECT_EQ(e.find_model("x")->revision, "org/m");
  EXPECT_EQ(e.find_model("y"), nullptr);
}

TEST(Experiment_Arms, GetNamesThatDiffer) {
  const auto arms = std::string(sample::arith) + std::string(sample::models) +
                    "[[arms]]\nmethod='direct'\nsolver='small'\n"
                    "[[arms]]\nmethod='direct'\nsolver='small'\n"
                    "[[arms]]\nname='direct-small'\nmethod='direct'\nsolver='large'\n";
  const auto e = right(arms);
  EXPECT_EQ(e.arms[0].name, "direct-small-2"); // the given name keeps its own
  EXPECT_EQ(e.arms[1].name, "direct-small-3");
  EXPECT_EQ(e.arms[2].name, "direct-small");
}

TEST(Experiment_SelfAsk, IsAnsweredByItsSolver) {
  const auto e = right(std::string(sample::arith) + std::string(sample::models) +
                       "[[arms]]\nmethod='self_ask'\nsolver='small'\nanswers='together'\n");
  EXPECT_EQ(e.arms[0].answerer, "small");
  EXPECT_EQ(e.arms[0].answers, answer_mode::together);
}

TEST(Experiment_MethodWithoutQuestions, LeavesQuestionerAndAnswererEmpty) {
  const auto e = right(std::string(sample::arith) + std::string(sample::models) +
                       "[[arms]]\nmethod='resample'\nsolver='small'\nsamples=3\n");
  EXPECT_EQ(e.arms[0].questioner, "");
  EXPECT_EQ(e.arms[0].answerer, "");
  EXPECT_EQ(e.arms[0].samples, 3U);
}

TEST(Experiment_AuthorsCompat, TurnsAllSwitchesOnAndSendsNoSampling) {
  const auto e = right(with_top("profile = 'authors-compat'\n"));
  EXPECT_TRUE(e.switches.unset_sampling);
  EXPECT_TRUE(e.switches.failed_is_wrong);
  EXPECT_FALSE(e.models[0].sampling.temperature.has_value());
  EXPECT_FALSE(e.models[0].sampling.seed);
}

TEST(Experiment_AuthorsCompat, LetsSingleSwitchesBeTakenBack) {
  const auto e = right(with_top("profile = 'authors-compat'\n",
                                sample::plain() + "[switches]\nunset_sampling = false\n"));
  EXPECT_FALSE(e.switches.unset_sampling);
  EXPECT_TRUE(e.switches.fresh_calls);
  EXPECT_EQ(e.models[0].sampling.temperature, 0.0);
  EXPECT_TRUE(e.models[0].sampling.seed);
}

TEST(Experiment_AuthorsCompat, AllowsTheirTriple) {
  const auto e = right(with_top(
      "profile = 'authors-compat'\n",
      std::string(sample::arith) + std::string(sample::models) +
          "[[arms]]\nmethod='qa'\nsolver='small'\nanswerer='small'\n"
          "[[arms]]\nmethod='qa'\nsolver='small'\nanswerer='large'\nquestioner='large'\n"));
  EXPECT_EQ(e.arms[1].questioner, "large");
}

TEST(Experiment_Replicas, LoseTrailingSlashesAndVersion) {
  const auto e = right(sample::plain() + "[models.x]\nkind='openai'\nreplicas=['http://a:8000/v1/',"
                                         "'https://b.example/api//', 'http://[::1]:80', "
                                         "'http://c']\n");
  EXPECT_THAT(e.find_model("x")->replicas,
              testing::ElementsAre("http://a:8000", "https://b.example/api", "http://[::1]:80",
                                   "http://c"));
}

TEST(Experiment_Temperature, CanBeLeftToTheServer) {
  const auto e = right(sample::plain() + "[models.large.sampling]\ntemperature = 'unset'\n");
  EXPECT_FALSE(e.find_model("large")->sampling.temperature.has_value());
  EXPECT_TRUE(e.find_model("large")->sampling.seed);
}

TEST(Experiment_OutsideSimulator, MayServeAnyModel) {
  const auto e = right(sample::plain() + "[models.x]\nkind='sim'\nmodel='other'\n"
                                         "replicas=['http://localhost:9000']\n");
  EXPECT_EQ(e.find_model("x")->model, "other");
  EXPECT_TRUE(e.simulated());
}

TEST(Experiment_TextCrosses, OnlyForTheDirectArmOfAnAnswerer) {
  const auto e = right(sample::plain() + "[[arms]]\nmethod='direct'\nsolver='large'\n"
                                         "[[arms]]\nmethod='direct'\nsolver='small'\n");
  EXPECT_FALSE(e.text_crosses(e.arms[0])); // qa: bits cross
  EXPECT_TRUE(e.text_crosses(e.arms[1]));
  EXPECT_FALSE(e.text_crosses(e.arms[2]));
}

TEST(Experiment_TextCrosses, NotWhenTheModelIsAReceiverToo) {
  const auto e = right(sample::plain() + "[[arms]]\nmethod='direct'\nsolver='large'\n"
                                         "[[arms]]\nmethod='resample'\nsolver='large'\n");
  EXPECT_FALSE(e.text_crosses(e.arms[1]));
}

class files_test : public testing::Test {
protected:
  files_test() {
    char folder[] = "/tmp/tenbit-config-XXXXXX";
    folder_ = ::mkdtemp(folder);
    std::filesystem::create_directory(folder_ + "/data");
    write("data/test.jsonl", "{}\n");
  }
  ~files_test() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  std::string folder_;
};

TEST_F(files_test, RelativeFile_ResolvesAgainstTheExperimentsFolder) {
  write("e.toml", "[benchmark]\nkind='gsm8k'\nfile='./data/../data/test.jsonl'\n" +
                      std::string(sample::models) + std::string(sample::qa_arm));
  const auto e = load_experiment(folder_ + "/e.toml", {});
  ASSERT_TRUE(e) << sample::all_texts(e.error());
  EXPECT_EQ(e->benchmark.file, folder_ + "/data/test.jsonl");
  EXPECT_EQ(e->source_path, folder_ + "/e.toml");
}

TEST_F(files_test, AbsentFile_IsAProblemUnlessSkipped) {
  const auto toml = "[benchmark]\nkind='gsm8k'\nfile='gone.jsonl'\n" + std::string(sample::models) +
                    std::string(sample::qa_arm);
  const auto wrong = parse_experiment(toml, folder_ + "/e.toml", {});
  ASSERT_FALSE(wrong);
  ASSERT_EQ(wrong.error().size(), 1U);
  EXPECT_EQ(wrong.error()[0].line, 3U);
  EXPECT_THAT(wrong.error()[0].message, testing::HasSubstr(folder_ + "/gone.jsonl"));
  EXPECT_TRUE(parse_experiment(toml, folder_ + "/e.toml", {}, file_check::skipped));
}

TEST_F(files_test, FolderAsFile_IsAProblem) {
  const auto wrong = parse_experiment("[benchmark]\nkind='gsm8k'\nfile='data'\n" +
                                          std::string(sample::models) + std::string(sample::qa_arm),
                                      folder_ + "/e.toml", {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error()[0].message, testing::HasSubstr("not a regular file"));
}

TEST_F(files_test, AbsentExperiment_IsNamed) {
  const auto wrong = load_experiment(folder_ + "/none.toml", {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error()[0].text(), testing::HasSubstr("none.toml: there is no such file"));
  ASSERT_FALSE(load_experiment(folder_, {}));
}

TEST_F(files_test, TooLargeExperiment_IsRefused) {
  write("big.toml", std::string(limits::experiment_file_bytes_max + 1, '\n'));
  const auto wrong = load_experiment(folder_ + "/big.toml", {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error()[0].message, testing::HasSubstr("larger than"));
}

} // namespace
} // namespace tenbit

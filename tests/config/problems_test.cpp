// Files that are wrong: every mistake is reported, at its line, with its field and its mend.
#include <algorithm>
#include <gmock/gmock.h>

#include "config/limits.hpp"
#include "tests/config/sample.hpp"

namespace tenbit {
namespace {

using sample::problems_of;
using testing::HasSubstr;
using testing::Not;

struct mistake {
  const char* name;
  std::string toml;
  std::uint32_t line;
  const char* field;
  const char* message;
  const char* mend;
};

std::ostream& operator<<(std::ostream& out, const mistake& m) {
  return out << m.name;
}

// Line 1 is the case's own; what follows is right.
std::string first_line(const std::string& line) {
  return line + sample::plain();
}
std::string bench(const std::string& lines) {
  return "[benchmark]\n" + lines + std::string(sample::models) + std::string(sample::qa_arm);
}
// The model's keys from line 3.
std::string model(const std::string& lines) {
  return "[models.x]\nkind = 'openai'\n" + lines + sample::plain();
}
// The arm's keys from line 2.
std::string arm(const std::string& lines) {
  return "[[arms]]\n" + lines + std::string(sample::arith) + std::string(sample::models);
}
std::string compat_arm(const std::string& lines) {
  return "profile = 'authors-compat'\n" + arm(lines);
}

const std::string url = "replicas = ['http://h']\n";

class mistake_test : public testing::TestWithParam<mistake> {};

TEST_P(mistake_test, Mistake_IsTheOnlyOneReported) {
  const auto& m = GetParam();
  const auto problems = problems_of(m.toml);
  ASSERT_EQ(problems.size(), 1U) << sample::all_texts(problems);
  EXPECT_EQ(problems[0].file, "/nowhere/e.toml");
  EXPECT_EQ(problems[0].line, m.line) << problems[0].text();
  EXPECT_EQ(problems[0].field, m.field);
  EXPECT_THAT(problems[0].message, HasSubstr(m.message));
  EXPECT_THAT(problems[0].mend, HasSubstr(m.mend));
}

std::string case_name(const testing::TestParamInfo<mistake>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Top, mistake_test,
    testing::Values(
        mistake{"UnknownKey", first_line("sede = 1\n"), 1, "sede", "unknown key", "\"seed\""},
        mistake{"UnknownFarKey", first_line("wholly_else = 1\n"), 1, "wholly_else", "unknown key",
                "there are name, profile"},
        mistake{"UnknownTable", "[bugdet]\n" + sample::plain(), 1, "bugdet", "unknown",
                "\"budget\""},
        mistake{"Syntax", "name = 'e'\nseed = \n", 2, "", "Error while parsing", "TOML"},
        mistake{"SyntaxTwice", "seed = 1\nseed = 2\n", 2, "", "redefine", ""},
        mistake{"TextForNumber", first_line("seed = '1'\n"), 1, "seed",
                "must be a whole number, is a text", "without quotes"},
        mistake{"RealForNumber", first_line("trials = 1.0\n"), 1, "trials",
                "must be a whole number, is a number", ""},
        mistake{"Date", first_line("seed = 2024-01-01\n"), 1, "seed", "is a date", ""},
        mistake{"Negative", first_line("seed = -1\n"), 1, "seed", "is -1, out of range", "from 0"},
        mistake{"ManyTrials", first_line("trials = 1001\n"), 1, "trials", "out of range",
                "to 1000"},
        mistake{"Profile", first_line("profile = 'strct'\n"), 1, "profile", "is none of",
                "\"strict\""},
        mistake{"NameOfFolder", first_line("name = 'a/../b'\n"), 1, "name", "folder", "/"},
        mistake{"NameDots", first_line("name = '..'\n"), 1, "name", "folder", "dot"},
        mistake{"EmptyName", first_line("name = ''\n"), 1, "name", "is empty", ""},
        mistake{"ControlInName", first_line("name = \"a\\u001b[31m\"\n"), 1, "name", "control", ""},
        mistake{"LongName", first_line("name = '" + std::string(65, 'a') + "'\n"), 1, "name",
                "at most 64", ""},
        mistake{"TableForText", first_line("currency = {}\n"), 1, "currency", "is a table", ""},
        mistake{"SwitchUnderStrict", "[switches]\nfresh_calls = false\n" + sample::plain(), 2,
                "switches.fresh_calls", "authors-compat", "remove"},
        mistake{"MoneyWithoutPrice", "[budget]\nmoney = 5\n" + sample::plain(), 2, "budget.money",
                "no model has a price", "price_input"},
        mistake{"NoMoney", "[budget]\nmoney = 0.0\n" + sample::plain(), 2, "budget.money",
                "out of range", "above 0"},
        mistake{"NoCalls", "[budget]\ncalls = 0\n" + sample::plain(), 2, "budget.calls",
                "out of range", "from 1"},
        mistake{"BudgetNoTable", first_line("budget = 5\n"), 1, "budget", "must be a table", ""},
        mistake{"Rate", "[sim.faults]\nrate_429 = 1.5\n" + sample::plain(), 2,
                "sim.faults.rate_429", "out of range", "at most 1"},
        mistake{"RateNan", "[sim.faults]\nrate_500 = nan\n" + sample::plain(), 2,
                "sim.faults.rate_500", "out of range", ""},
        mistake{"LatencyInf", "[sim]\nlatency_ms = inf\n" + sample::plain(), 2, "sim.latency_ms",
                "out of range", ""},
        mistake{"RecordedAbsent", "[sim]\nrecorded = 'gone.jsonl'\n" + sample::plain(), 2,
                "sim.recorded", "no file /nowhere/gone.jsonl", "folder"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Benchmark, mistake_test,
    testing::Values(mistake{"None", std::string(sample::models) + std::string(sample::qa_arm), 0,
                            "benchmark", "is missing", "[benchmark]"},
                    mistake{"Kind", bench("count = 2\n"), 1, "benchmark.kind", "is missing",
                            "arith"},
                    mistake{"KindUnknown", bench("kind = 'gsm9k'\n"), 2, "benchmark.kind",
                            "is none of", "\"gsm8k\""},
                    mistake{"ArithWithoutCount", bench("kind = 'arith'\n"), 1, "benchmark.count",
                            "is missing", "count = 200"},
                    mistake{"ArithCountZero", bench("kind = 'arith'\ncount = 0\n"), 3,
                            "benchmark.count", "is 0", ""},
                    mistake{"ArithFile", bench("kind='arith'\ncount=1\nfile='/etc/passwd'\n"), 4,
                            "benchmark.file", "reads no file", "remove"},
                    mistake{"Level", bench("kind = 'arith'\ncount = 1\nlevel = 4\n"), 4,
                            "benchmark.level", "out of range", "1 to 3"},
                    mistake{"Gsm8kWithoutFile", bench("kind = 'gsm8k'\n"), 1, "benchmark.file",
                            "is missing", "test.jsonl"},
                    mistake{"Gsm8kFileAbsent", bench("kind = 'gsm8k'\nfile = 'x/test.jsonl'\n"), 3,
                            "benchmark.file", "no file /nowhere/x/test.jsonl", ""},
                    mistake{"Gsm8kLevel", bench("kind='gsm8k'\nfile='/etc/passwd'\nlevel=1\n"), 4,
                            "benchmark.level", "arith", "remove"},
                    mistake{"CountTooLarge", bench("kind='arith'\ncount=10000001\n"), 3,
                            "benchmark.count", "out of range", ""}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Models, mistake_test,
    testing::Values(
        mistake{"None", std::string(sample::arith) + "[[arms]]\nmethod='direct'\nsolver='small'\n",
                0, "models", "is missing", "[models.small]"},
        mistake{"NoReplicas", model(""), 1, "models.x.replicas", "is missing", "http://"},
        mistake{"EmptyReplicas", model("replicas = []\n"), 3, "models.x.replicas", "is empty", ""},
        mistake{"ReplicaText", model("replicas = 'http://h'\n"), 3, "models.x.replicas",
                "must be a list, is a text", "[\""},
        mistake{"ReplicaNumber", model("replicas = [1]\n"), 3, "models.x.replicas", "texts only",
                ""},
        mistake{"ReplicaScheme", model("replicas = ['ftp://h']\n"), 3, "models.x.replicas",
                "no http:// or https:// URL", "http://host:port"},
        mistake{"ReplicaHost", model("replicas = ['http://']\n"), 3, "models.x.replicas",
                "no host name", ""},
        mistake{"ReplicaPort", model("replicas = ['http://h:99999']\n"), 3, "models.x.replicas",
                "bad port", ""},
        mistake{"ReplicaSpace", model("replicas = ['http://h/a b']\n"), 3, "models.x.replicas",
                "space", ""},
        mistake{"ReplicaTwice", model("replicas = ['http://h', 'http://h/v1']\n"), 3,
                "models.x.replicas", "number 1 is there twice", ""},
        mistake{"ReplicaCredentials", model("replicas = ['https://me:hush@h']\n"), 3,
                "models.x.replicas", "credentials", "api_key_env"},
        mistake{"ReplicaQuery", model("replicas = ['https://h?key=hush']\n"), 3,
                "models.x.replicas", "query", "api_key_env"},
        mistake{"KeyForVariable", model(url + "api_key_env = 'sk-hush'\n"), 4,
                "models.x.api_key_env", "no name of an environment variable", "OPENAI_API_KEY"},
        mistake{"KeyInFile", model(url + "api_key = 'hush'\n"), 4, "models.x.api_key",
                "must not stand in the file", "api_key_env"},
        mistake{"Concurrency", model(url + "concurrency = 0\n"), 4, "models.x.concurrency",
                "out of range", "1 to 8192"},
        mistake{"Price", model(url + "price_input = -0.1\n"), 4, "models.x.price_input",
                "out of range", "at least 0"},
        mistake{"Stream", model(url + "stream = 1\n"), 4, "models.x.stream",
                "must be true or false, is a whole number", ""},
        mistake{"Temperature", model(url + "sampling = { temperature = 2.1 }\n"), 4,
                "models.x.sampling.temperature", "out of range", "at most 2"},
        mistake{"TopP", model(url + "sampling.top_p = 0\n"), 4, "models.x.sampling.top_p",
                "out of range", "above 0"},
        mistake{"MaxTokens", model(url + "sampling.max_tokens = 0\n"), 4,
                "models.x.sampling.max_tokens", "out of range", ""},
        mistake{"SamplingKey", model(url + "sampling.temprature = 1\n"), 4,
                "models.x.sampling.temprature", "unknown key", "\"temperature\""},
        mistake{"UnsetTemperature",
                "profile = 'authors-compat'\n" + model(url + "sampling.temperature = 1\n"), 5,
                "models.x.sampling.temperature", "unset_sampling", "[switches]"},
        mistake{"UnsetSeed", "profile = 'authors-compat'\n" + model(url + "sampling.seed = true\n"),
                5, "models.x.sampling.seed", "unset_sampling", ""},
        mistake{"Persona", "[models.x]\nkind = 'sim'\n" + sample::plain(), 1, "models.x.model",
                "no persona \"x\"", "\"small\""},
        mistake{"Alias", "[models.'a.b']\nkind = 'sim'\n" + sample::plain(), 1, "models.a.b",
                "is no alias", "letters"},
        mistake{"NoTable", "models.y = 1\n" + sample::plain(), 1, "models.y", "must be a table",
                "[models.ALIAS]"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Arms, mistake_test,
    testing::Values(
        mistake{"None", std::string(sample::arith) + std::string(sample::models), 0, "arms",
                "is missing", "[[arms]]"},
        mistake{"OneBracket",
                "[arms]\nmethod = 'x'\n" + std::string(sample::arith) + std::string(sample::models),
                1, "arms", "must be a list", "two brackets"},
        mistake{"NoMethod", arm("solver = 'small'\n"), 1, "arms.0.method", "is missing", "qa"},
        mistake{"Method", arm("method='self-ask'\nsolver='small'\n"), 2, "arms.0.method",
                "is none of", "\"self_ask\""},
        mistake{"NoSolver", arm("method = 'direct'\n"), 1, "arms.0.solver", "is missing", ""},
        mistake{"UnknownModel", arm("method='direct'\nsolver='smal'\n"), 3, "arms.0.solver",
                "no model \"smal\"", "\"small\""},
        mistake{"QaWithoutAnswerer", arm("method='qa'\nsolver='small'\n"), 1, "arms.0.answerer",
                "is missing", "self_ask"},
        mistake{"AnswererIsSolver", arm("method='qa'\nsolver='small'\nanswerer='small'\n"), 4,
                "arms.0.answerer", "that is self_ask", "self_ask"},
        mistake{"QuestionerIsOther",
                arm("method='qa'\nsolver='small'\nanswerer='large'\nquestioner='large'\n"), 5,
                "arms.0.questioner", "could not rebuild", "authors-compat"},
        mistake{"ControlQuestionerIsOther",
                arm("method='random_bits'\nsolver='small'\nquestioner='large'\n"), 4,
                "arms.0.questioner", "could not rebuild", ""},
        mistake{"SelfAskAnswerer", arm("method='self_ask'\nsolver='small'\nanswerer='large'\n"), 4,
                "arms.0.answerer", "the solver answers itself", "qa"},
        mistake{"NoQuestions", arm("method='qa'\nsolver='small'\nanswerer='large'\nquestions=0\n"),
                5, "arms.0.questions", "nothing would be asked", "direct"},
        mistake{"ManyQuestions", arm("method='self_ask'\nsolver='small'\nquestions=1001\n"), 4,
                "arms.0.questions", "out of range", "to 1000"},
        mistake{"ReferenceOfDirect", arm("method='direct'\nsolver='small'\nreference='gold'\n"), 4,
                "arms.0.reference", "no setting of method direct", "remove"},
        mistake{"ReferenceOfSelfAsk", arm("method='self_ask'\nsolver='small'\nreference='own'\n"),
                4, "arms.0.reference", "no setting of method self_ask", ""},
        mistake{"SamplesOfQa", arm("method='qa'\nsolver='small'\nanswerer='large'\nsamples=2\n"), 5,
                "arms.0.samples", "no setting of method qa", ""},
        mistake{"TemperatureOfDirect", arm("method='direct'\nsolver='small'\ntemperature=1\n"), 4,
                "arms.0.temperature", "no setting", ""},
        mistake{"ColdResample", arm("method='resample'\nsolver='small'\ntemperature=0\n"), 4,
                "arms.0.temperature", "same text", "above 0"},
        mistake{"UnsetResample", compat_arm("method='resample'\nsolver='small'\ntemperature=1\n"),
                5, "arms.0.temperature", "unset_sampling", ""},
        mistake{"NumberAsName", arm("name='7'\nmethod='direct'\nsolver='small'\n"), 2,
                "arms.0.name", "is a number", "letter"},
        mistake{"SameName",
                arm("name='a'\nmethod='direct'\nsolver='small'\n"
                    "[[arms]]\nname='a'\nmethod='direct'\nsolver='large'\n"),
                6, "arms.1.name", "is the name of an arm before", "own"},
        mistake{"ArmKey", arm("method='direct'\nsolver='small'\nanswrs='each'\n"), 4,
                "arms.0.answrs", "unknown key", "\"answers\""}),
    case_name);

TEST(Problems_Many, AreAllReportedInFileOrder) {
  const auto problems = problems_of("trials = 0\n"        // 1
                                    "[[arms]]\n"          // 2
                                    "method = 'qa'\n"     // 3
                                    "solver = 'nobody'\n" // 4: and no answerer, line 2
                                    "[models.small]\n"    // 5
                                    "kind = 'sim'\n"      // 6
                                    "concurency = 3\n"    // 7
                                    "[benchmark]\n"       // 8
                                    "kind = 'gsm8k'\n"    // 9
                                    "file = 'absent'\n"   // 10
                                    "[sim]\n"             // 11
                                    "slots = 'many'\n",   // 12
                                    {"seed=x", "nonsense"});
  std::vector<std::uint32_t> lines;
  for (const auto& problem : problems)
    lines.push_back(problem.line);
  EXPECT_THAT(lines, testing::ElementsAre(1, 2, 4, 7, 10, 12, 0, 0)) << sample::all_texts(problems);
  EXPECT_EQ(problems[6].file, "--set seed=…");
  EXPECT_EQ(problems[7].file, "--set nonsense=…");
}

TEST(Problems_Text, IsFileLineFieldMessageMend) {
  EXPECT_EQ(problems_of(first_line("sede = 1\n"))[0].text(),
            "/nowhere/e.toml:1: sede: unknown key (did you mean \"seed\"?)");
}

TEST(Problems_Secret, IsNeverShown) {
  const std::vector<std::string> files = {
      model(url + "api_key_env = 'sk-hush'\n"),
      model(url + "api_key_env = 'hush hush'\n"),
      model(url + "api_key = 'hush'\n"),
      model("replicas = ['https://me:hush@h/']\n"),
      model("replicas = ['https://h/?k=hush', 'hush']\n"),
      model("replicas = ['http://hush hush/']\n"),
      model(url + "api_key_env = ['hush']\n"),
      model(url + "api_key_env = hush\n"),
      model(url + "api_key_env = 'hush\n"),
      model(url + "api_key_env = \"hush\\qhush\"\n"),
  };
  for (const auto& file : files) {
    const auto problems = problems_of(file);
    EXPECT_FALSE(problems.empty()) << file;
    EXPECT_THAT(sample::all_texts(problems), Not(HasSubstr("hush")));
  }
  const auto problems = problems_of(
      model(url), {"models.x.api_key_env=sk-hush", "models.x.api_key=hush",
                   "models.x.replicas=[\"hush", "models.x.replicas=[\"http://a@hush\"]"});
  EXPECT_GE(problems.size(), 3U);
  EXPECT_THAT(sample::all_texts(problems), Not(HasSubstr("hush")));
}

TEST(Problems_HostileKey, IsMadeHarmless) {
  const auto problems = problems_of("\"\\u001b[2J\\u202e\" = 1\n" + sample::plain());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].text(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(problems[0].text(), Not(HasSubstr("\xe2\x80\xae")));
}

TEST(Problems_Flood, IsCountedNotKept) {
  std::string toml;
  for (int i = 0; i < 5000; ++i)
    toml += "key" + std::to_string(i) + " = 1\n";
  const auto problems = problems_of(toml + sample::plain());
  ASSERT_EQ(problems.size(), limits::config_problems_max + 1);
  EXPECT_EQ(problems.back().message, "4900 more problems are not shown");
}

TEST(Problems_OverLimits, AreRefused) {
  std::string many = sample::plain();
  for (std::size_t i = 0; i < limits::arms_max; ++i)
    many += "[[arms]]\nmethod='direct'\nsolver='small'\n";
  EXPECT_THAT(sample::all_texts(problems_of(many)), HasSubstr("more than 256 arms"));
  many = sample::plain();
  for (std::size_t i = 0; i < limits::models_max; ++i)
    many += "[models.m" + std::to_string(i) + "]\nkind='sim'\nmodel='small'\n";
  EXPECT_THAT(sample::all_texts(problems_of(many)), HasSubstr("more than 64 models"));
  many.clear();
  for (std::size_t i = 0; i <= limits::replicas_max; ++i)
    many += "'http://h:" + std::to_string(i + 1) + "',";
  EXPECT_THAT(sample::all_texts(problems_of(model("replicas = [" + many + "]\n"))),
              HasSubstr("more than 256 URLs"));
}

} // namespace
} // namespace tenbit

// The experiment file: what is run, on which models, with which arms, trials and budget.
//
// One TOML file becomes one immutable struct; every mistake of the file is reported at once, each
// with its line and its mend. Nothing here is secret: keys are named by environment variable and
// read at use. docs/experiment.md is the reference of the file format. Values only, no threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/expected.hpp"
#include "base/hash.hpp"

namespace tenbit {

enum class profile_kind : std::uint8_t { strict, authors_compat };

// The departures of the authors' main sweep from the strict protocol, one name each. profile =
// "strict" sets all to false, "authors-compat" all to true; the [switches] table of the file
// overrides single ones under authors-compat only.
struct protocol_switches {
  bool unset_sampling = false; // no temperature and no seed in any request (provider default, 1.0)
  bool hide_draft_from_solver = false; // the revision prompt does not show the solver its own draft
  bool hide_draft_from_answerer = false; // the answerer sees problem, reference and question only
  bool pad_questions = false;            // missing questions are filled with a fixed generic one
  bool unknown_answers =
      false; // an unparseable answer is a third symbol; 2 bits cross per answer
  bool loose_question_regex = false; // their question pattern, with its quirks
  bool fresh_calls = false;     // nothing is shared between arms: every arm draws its own draft
  bool authors_grading = false; // their number extraction
  bool failed_is_wrong = false; // a failed problem stays in the denominator as wrong
  friend bool operator==(const protocol_switches&, const protocol_switches&) = default;
};

enum class benchmark_kind : std::uint8_t { arith, gsm8k };

struct benchmark_spec {
  benchmark_kind kind = benchmark_kind::arith;
  std::string file;        // gsm8k: absolute path after loading
  std::uint64_t first = 0; // problems [first, first + count) of the benchmark
  std::uint64_t count = 0; // 0: all (gsm8k); arith needs a count
  std::uint32_t level = 2; // arith: 1 easy, 2 medium, 3 hard
  std::uint64_t seed = 1;  // arith
  friend bool operator==(const benchmark_spec&, const benchmark_spec&) = default;
};

// What is sent with every request of a model. Absent means: not sent, the server's default holds.
struct sampling_spec {
  std::optional<double> temperature = 0.0; // [0, 2]
  std::optional<double> top_p;             // (0, 1]
  std::uint32_t max_tokens = 2048;         // for drafts and revisions; the protocol sets the others
  bool seed = true;                        // send the seed that belongs to (experiment, trial, k)
  friend bool operator==(const sampling_spec&, const sampling_spec&) = default;
};

enum class model_kind : std::uint8_t { openai, sim }; // an open set: embedded models join here

struct model_spec {
  std::string alias;
  model_kind kind = model_kind::openai;
  std::string model;    // name sent to the server; for sim the persona: "small" or "large"
  std::string revision; // weights revision, part of every call_id; default: the model name
  std::vector<std::string> replicas; // base URLs without a trailing slash, e.g. http://gpu1:8000
  std::string api_key_env;           // name of the environment variable; empty: no key is sent
  std::uint32_t concurrency = 64;    // calls in flight, all replicas together
  bool stream = true;                // server-sent events: a stall is visible
  bool logprobs = false;             // ask for P(yes) with one-bit answers
  double price_input = 0.0;          // money per million prompt tokens
  double price_output = 0.0;         // money per million completion tokens
  sampling_spec sampling;
  friend bool operator==(const model_spec&, const model_spec&) = default;
};

// The embedded simulator, used when a model has kind = "sim" and no replicas.
struct sim_fault_spec {
  double rate_429 = 0, rate_500 = 0, rate_503 = 0, rate_reset = 0, rate_stall = 0, rate_slow = 0,
         rate_malformed = 0, rate_truncated = 0, rate_bad_utf8 = 0, rate_wrong_model = 0,
         rate_huge = 0; // each a probability per request, in [0, 1]
  std::uint32_t retry_after_s = 1;
  friend bool operator==(const sim_fault_spec&, const sim_fault_spec&) = default;
};

struct sim_spec {
  std::uint64_t seed = 1;
  std::uint32_t slots = 64;     // requests served at once; the others queue
  double latency_ms = 20;       // median time to the first byte
  double latency_spread = 0.3;  // sigma of the log-normal factor; 0: constant
  double tokens_per_second = 0; // 0: the whole text at once
  std::string recorded;         // JSONL file of recorded replies; empty: none
  sim_fault_spec faults;
  friend bool operator==(const sim_spec&, const sim_spec&) = default;
};

enum class method_kind : std::uint8_t { direct, qa, self_ask, resample, random_bits, constant_yes };
enum class reference_kind : std::uint8_t { gold, own, none };
enum class answer_mode : std::uint8_t { each, together }; // one call per question, or one for all

struct arm_spec {
  std::string name;
  method_kind method = method_kind::direct;
  std::string solver;     // model aliases
  std::string questioner; // default: the solver; empty where the method asks nothing
  std::string answerer;   // qa: the strong model; self_ask: the solver; else empty
  std::uint32_t questions = 10;
  reference_kind reference = reference_kind::own; // qa
  answer_mode answers = answer_mode::each;
  std::uint32_t samples = 1; // resample: further samples; the majority of all answers wins when > 1
  double temperature = 1.0;  // resample: of the further samples
  friend bool operator==(const arm_spec&, const arm_spec&) = default;
};

// Limits that stop the run in good order (it can go on with a higher budget). Absent: no limit.
struct budget_spec {
  std::optional<std::uint64_t> calls;
  std::optional<std::uint64_t> tokens; // prompt + completion
  std::optional<double> money;         // in the currency of the prices
  friend bool operator==(const budget_spec&, const budget_spec&) = default;
};

struct experiment {
  std::string name;
  profile_kind profile = profile_kind::strict;
  protocol_switches switches;
  std::uint64_t seed = 1;
  std::uint32_t trials = 1;
  std::string currency = "USD";
  benchmark_spec benchmark;
  std::vector<model_spec> models; // sorted by alias
  std::vector<arm_spec> arms;     // in file order
  budget_spec budget;
  sim_spec sim;
  std::string source_path; // where it was read, for messages

  // nullptr when there is no such alias.
  [[nodiscard]] const model_spec* find_model(std::string_view alias) const;
  // True when any model is simulated: results are labelled so wherever they are shown.
  [[nodiscard]] bool simulated() const;
  // True for a direct arm whose model only answers in other arms: its whole text crosses to the
  // receiver.
  [[nodiscard]] bool text_crosses(const arm_spec& arm) const;

  // What the numbers depend on, as sorted (key, value) pairs: everything except replicas,
  // concurrency, streaming, prices, budget, key names, latency, slots, and the path of the dataset
  // (its content counts, and the store adds the hash of that). A store refuses an experiment whose
  // identity differs.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> identity() const;
  [[nodiscard]] hash256 identity_hash() const;
  friend bool operator==(const experiment&, const experiment&) = default;
};

// Text of an enum value as it stands in the file, and back.
[[nodiscard]] std::string_view to_string(profile_kind);
[[nodiscard]] std::string_view to_string(benchmark_kind);
[[nodiscard]] std::string_view to_string(model_kind);
[[nodiscard]] std::string_view to_string(method_kind);
[[nodiscard]] std::string_view to_string(reference_kind);
[[nodiscard]] std::string_view to_string(answer_mode);

// One mistake. Shown as "file:line: field: message (mend)".
struct config_problem {
  std::string file;       // or the override, as "--set key=…": its value may be a secret
  std::uint32_t line = 0; // of a missing key: its table's; 0: no line, e.g. an override
  std::string field;      // dotted path, e.g. models.small.concurrency
  std::string message;
  std::string mend;
  [[nodiscard]] std::string text() const;
};

// Whether files the experiment names (dataset, recorded replies) must be there. They must before a
// run; a store's copy of an experiment is read without.
enum class file_check : std::uint8_t { required, skipped };

// Reads and checks an experiment file. `overrides` are key=value with a dotted key and a TOML value
// (a bare word is taken as a string); they win over the file. Arms are named by number or name:
// arms.0.questions=5. Fails with every problem found, in file order.
[[nodiscard]] expected<experiment, std::vector<config_problem>>
load_experiment(const std::string& path, std::span<const std::string> overrides);

// The same from memory; path is for messages and for resolving relative files.
[[nodiscard]] expected<experiment, std::vector<config_problem>>
parse_experiment(std::string_view toml, const std::string& path,
                 std::span<const std::string> overrides, file_check files = file_check::required);

// The resolved experiment as TOML that parses (with the same path) to an equal one: defaults
// written out, files by absolute path, no secrets.
[[nodiscard]] std::string to_toml(const experiment& e);

} // namespace tenbit

#include <charconv>
#include <csignal>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "config/keys.hpp"
#include "config/limits.hpp"
#include "simulator/server.hpp"

namespace tenbit::cli {
namespace {

struct sim_arguments {
  sim_options sim;
  std::vector<std::string> faults;
  bool allow_remote = false;
  bool json = false;
};

// "rate_429" of the experiment file is "429" here.
std::string_view kind_of(const config::keys::rate_key& rate) {
  return rate.name.substr(5);
}

std::string known_faults() {
  std::string out;
  for (const config::keys::rate_key& one : config::keys::rates)
    out += fmt::format("{}{}", out.empty() ? "" : ", ", kind_of(one));
  return out;
}

// "reset=0.01" into its field. The error is one line.
status<std::string> read_fault(std::string_view text, sim_fault_spec& out) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  double rate = -1;
  if (equals != std::string_view::npos) {
    const std::string_view number = text.substr(equals + 1);
    const auto parsed = std::from_chars(number.data(), number.data() + number.size(), rate);
    if (parsed.ec != std::errc() || parsed.ptr != number.data() + number.size())
      rate = -1;
  }
  if (!(rate >= 0 && rate <= 1))
    return fail(fmt::format("--fault {}: write kind=rate with a rate from 0 to 1, e.g. 429=0.02",
                            one_line(text, limits::shown_name_chars_max)));
  for (const config::keys::rate_key& one : config::keys::rates) {
    if (kind_of(one) == name) {
      out.*one.member = rate;
      return {};
    }
  }
  return fail(fmt::format("--fault {}: no such kind; there are {}",
                          one_line(name, limits::shown_name_chars_max), known_faults()));
}

status<std::string> read_faults(sim_arguments& args) {
  sim_fault_spec& spec = args.sim.behaviour.faults;
  for (const std::string& text : args.faults) {
    if (auto read = read_fault(text, spec); !read)
      return read;
  }
  double sum = 0;
  for (const config::keys::rate_key& one : config::keys::rates)
    sum += spec.*one.member;
  if (sum > 1)
    return fail(fmt::format("the --fault rates sum to {:.3g}; at most 1 is possible", sum));
  return {};
}

bool loopback(std::string_view address) {
  return address == "::1" || address == "localhost" || address.starts_with("127.");
}

// A connection is a file descriptor; the soft limit of a shell is often below what clients open.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    fmt::print(stderr, "tenbit sim: the limit of open files stays as it is\n");
}

void print_ready(const sim_arguments& args, const std::string& url) {
  if (args.json)
    fmt::print("{{\"url\":\"{}\",\"slots\":{}}}\n", url, args.sim.behaviour.slots);
  else
    fmt::print("{}\n", url);
  std::fflush(stdout);
}

void print_counts(const sim_arguments& args, const sim_counts& c) {
  if (args.json)
    fmt::print("{{\"received\":{},\"answered\":{},\"distinct\":{},\"faults\":{}}}\n", c.received,
               c.answered, c.distinct, c.faults);
  else
    fmt::print("received {}, answered {}, distinct {}, faults {}\n", c.received, c.answered,
               c.distinct, c.faults);
}

int serve(sim_arguments& args) {
  if (auto read = read_faults(args); !read) {
    fmt::print(stderr, "tenbit sim: {}\n", read.error());
    return exit_usage;
  }
  if (args.sim.bind == "localhost")
    args.sim.bind = "127.0.0.1";
  if (!loopback(args.sim.bind) && !args.allow_remote) {
    fmt::print(stderr,
               "tenbit sim: {} can be reached from other machines and nothing is checked here; add "
               "--allow-remote if that is wanted\n",
               one_line(args.sim.bind, limits::shown_name_chars_max));
    return exit_usage;
  }
  raise_file_limit();
  // Blocked before the server's thread starts, so that only sigwait below sees them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const auto server = sim_server::start(args.sim);
  if (!server) {
    fmt::print(stderr, "tenbit sim: {}\n", printable(server.error()));
    return exit_failed;
  }
  print_ready(args, (*server)->url());
  int signal = 0;
  sigwait(&ends, &signal);
  print_counts(args, (*server)->counts());
  return exit_ok;
}

void add_options(CLI::App& command, sim_arguments& args) {
  sim_spec& spec = args.sim.behaviour;
  command.add_option("--port", args.sim.port, "Port to listen on; 0: any free one")
      ->capture_default_str();
  command.add_option("--bind", args.sim.bind, "Address to listen on")->capture_default_str();
  command.add_flag("--allow-remote", args.allow_remote, "Let --bind be other than loopback");
  command.add_option("--seed", spec.seed, "Seed of replies, latencies and faults")
      ->capture_default_str();
  command.add_option("--slots", spec.slots, "Requests served at once; the others queue")
      ->check(CLI::Range(1U, limits::concurrency_max))
      ->capture_default_str();
  command.add_option("--latency-ms", spec.latency_ms, "Median time to the first byte")
      ->check(CLI::Range(0.0, limits::sim_latency_ms_max))
      ->capture_default_str();
  command.add_option("--latency-spread", spec.latency_spread, "Sigma of its log-normal factor")
      ->check(CLI::Range(0.0, limits::sim_spread_max))
      ->capture_default_str();
  command.add_option("--tokens-per-second", spec.tokens_per_second, "0: the whole text at once")
      ->check(CLI::Range(0.0, limits::sim_tokens_per_second_max))
      ->capture_default_str();
  command
      .add_option("--recorded", spec.recorded, "JSONL file of recorded replies, looked up first")
      ->check(CLI::ExistingFile);
  command.add_option("--fault", args.faults, "kind=rate, repeatable; kinds: " + known_faults())
      ->expected(1)
      ->take_all();
  command.add_flag("--json", args.json, "Print the URL and the counts as JSON");
}

const command_registration
    sim_command(60, "sim", "Serve simulated models over HTTP, for tests and first steps.",
                [](CLI::App& command) -> std::function<int()> {
                  auto args = std::make_shared<sim_arguments>();
                  add_options(command, *args);
                  command.footer(
                      "Examples:\n"
                      "  tenbit sim --port 8000\n"
                      "  tenbit sim --slots 8 --latency-ms 200 --tokens-per-second 50\n"
                      "  tenbit sim --fault 429=0.02 --fault reset=0.01 --seed 7\n"
                      "  tenbit sim --recorded drafts.jsonl\n\n"
                      "The models are 'small' (makes mistakes) and 'large'. The first line of "
                      "output is the URL;\nSIGINT or SIGTERM ends it with counts.");
                  return [args] { return serve(*args); };
                });

} // namespace
} // namespace tenbit::cli

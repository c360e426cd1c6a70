#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/caf_config.hpp"
#include "cli/cluster_files.hpp"
#include "cli/command.hpp"
#include "cli/run_session.hpp"
#include "cli/signals.hpp"
#include "link/uplink.hpp"
#include "workers/peer_actor.hpp"

namespace tenbit::cli {
namespace {

struct worker_arguments {
  std::string coordinator = "tcp://127.0.0.1:7711";
  std::string key;
  std::string roles;
  std::string slots = "auto";
  std::string state;
  std::vector<std::string> replicas;
  double drain_s = 60;
  bool quiet = false;
};

// How the process ends; told from the actor's thread, waited for by the main one.
class ending {
public:
  void tell(std::string reason, bool in_order) {
    const std::lock_guard lock(mutex_);
    if (!over_)
      reason_ = std::move(reason), in_order_ = in_order;
    over_ = true;
    changed_.notify_all();
  }
  bool wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return over_; });
  }
  [[nodiscard]] std::string reason() const { return reason_; }
  [[nodiscard]] bool in_order() const { return in_order_; }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, in_order_ = false;
  std::string reason_;
};

// The link, for the actor's thread while the main one starts and ends it.
class shared_uplink {
public:
  void set(std::unique_ptr<link::uplink> link) {
    const std::lock_guard lock(mutex_);
    link_ = std::move(link);
  }
  bool send(const from_peer& message) {
    const std::lock_guard lock(mutex_);
    return link_ && link_->send(message);
  }
  void end() {
    std::unique_ptr<link::uplink> last;
    {
      const std::lock_guard lock(mutex_);
      last = std::move(link_);
    }
  }

private:
  std::mutex mutex_;
  std::unique_ptr<link::uplink> link_;
};

// "small=http://127.0.0.1:8000,http://…" by alias.
expected<std::map<std::string, std::vector<std::string>>, std::string>
read_replicas(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::string>> out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || text.find("http", equals) != equals + 1)
      return fail(fmt::format("--replica {}: write alias=URL, e.g. small=http://127.0.0.1:8000",
                              one_line(text, limits::shown_name_chars_max)));
    std::string url = text.substr(equals + 1);
    while (url.ends_with('/'))
      url.pop_back();
    out[text.substr(0, equals)].push_back(std::move(url));
  }
  return out;
}

std::uint64_t random_boot() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device() | 1;
}

std::uint64_t read_incarnation(const std::string& state) {
  const auto text = read_whole(state + "/incarnation");
  std::uint64_t out = 0;
  if (text)
    std::from_chars(text->data(), text->data() + text->size(), out);
  return out;
}

// receipts = { experiment hex16 " " incarnation dec " " commit_seq dec " " seal hex64 "\n" }
std::string format_receipts(const std::vector<receipt>& all) {
  std::string out;
  for (const receipt& one : all)
    out += fmt::format("{:016x} {} {} {}\n", one.experiment.value, one.incarnation, one.commit_seq,
                       one.seal.hex());
  return out;
}

// A file that is not what was written says nothing of its other lines either: the worker goes on
// without, and an older copy of the coordinator's store is noticed by others.
std::vector<receipt> read_receipts(const std::string& state) {
  const auto text = read_whole(state + "/receipts");
  std::vector<receipt> out;
  if (!text)
    return out; // there was none yet
  for (const std::string_view line : split_lines(*text)) {
    std::istringstream fields{std::string(line)};
    receipt one;
    std::string seal;
    fields >> std::hex >> one.experiment.value >> std::dec >> one.incarnation >> one.commit_seq >>
        seal;
    const auto hash = hash256::from_hex(seal);
    if (!fields || !hash || out.size() >= limits::receipts_max) {
      fmt::print(stderr, "tenbit: {}/receipts is damaged, and is left out\n", state);
      return {};
    }
    one.seal = *hash;
    out.push_back(one);
  }
  return out;
}

// Fills what the peer actor needs; a message for people when something does not fit.
status<std::string> prepare(const worker_arguments& args, const link::key_file& key,
                            peer_options& out) {
  out.rules.build = tool_version;
  out.rules.boot = random_boot();
  out.rules.roles = key.roles;
  if (!args.roles.empty()) {
    const auto roles = parse_roles(args.roles);
    if (!roles)
      return fail(fmt::format("--roles {}: name some of solver, oracle, grader", args.roles));
    if (!key.roles.covers(*roles))
      return fail(fmt::format("--roles {}: the key {} allows {}", args.roles, key.name,
                              to_string(key.roles)));
    out.rules.roles = *roles;
  }
  out.slots_auto = args.slots == "auto";
  if (!out.slots_auto) {
    const char* end = args.slots.data() + args.slots.size();
    const auto read = std::from_chars(args.slots.data(), end, out.rules.slots);
    if (read.ec != std::errc() || read.ptr != end || out.rules.slots == 0 ||
        out.rules.slots > limits::tasks_in_flight_max)
      return fail(fmt::format("--slots {}: write auto, or a number from 1 to {}", args.slots,
                              limits::tasks_in_flight_max));
  }
  auto replicas = read_replicas(args.replicas);
  if (!replicas)
    return fail(replicas.error());
  out.prepare = [here = std::move(*replicas)](
                    experiment& exp) -> expected<std::shared_ptr<void>, std::string> {
    for (model_spec& model : exp.models)
      if (const auto own = here.find(model.alias); own != here.end())
        model.replicas = own->second;
    return attach_simulator(exp);
  };
  out.slots_of = [](const experiment& exp) { return default_slots(exp); };
  return {};
}

// What the coordinator said is written by a thread of its own: a disk that hangs or is full must
// not hold up leases, nor the end of the worker. Lives as long as the process.
class receipt_keeper {
public:
  receipt_keeper(const std::string& state, std::vector<receipt> before)
      : path_(state + "/receipts"), latest_(std::move(before)) {
    std::thread([this] { run(); }).detach();
  }
  receipt_keeper(const receipt_keeper&) = delete;
  receipt_keeper& operator=(const receipt_keeper&) = delete;
  void note(const std::vector<receipt>& now) {
    const std::lock_guard lock(mutex_);
    changed_ = changed_ || now != latest_;
    latest_ = now;
  }

private:
  void run() {
    for (bool failed = false;;) {
      std::this_thread::sleep_for(limits::receipts_period);
      std::unique_lock lock(mutex_);
      if (!std::exchange(changed_, false))
        continue;
      const std::string text = format_receipts(latest_);
      lock.unlock();
      const auto kept = write_whole(path_, text);
      if (!kept && !std::exchange(failed, true))
        fmt::print(stderr, "tenbit: {}; going on without\n", one_line(kept.error(), 500));
      failed = failed && !kept;
    }
  }

  std::string path_;
  std::mutex mutex_;
  std::vector<receipt> latest_;
  bool changed_ = false;
};

void wait_for_end(const worker_arguments& args, const peer_actor& peer, ending& end) {
  bool told = false;
  std::chrono::steady_clock::time_point deadline;
  while (!end.wait(std::chrono::milliseconds(100))) {
    const auto now = std::chrono::steady_clock::now();
    if (stop_signals() > 0 && !std::exchange(told, true)) {
      fmt::print(stderr, "Stopping: finishing the calls on the wire, handing tasks back. Again to "
                         "stop at once.\n");
      deadline = now + std::chrono::milliseconds(static_cast<std::int64_t>(args.drain_s * 1e3));
      caf::anon_send(peer, leave_request{"stopped"});
    }
    if (told && now > deadline)
      end.tell("the time to drain is over; its tasks are given to others when their leases end",
               false);
  }
}

int serve(const worker_arguments& args, const link::key_file& key, peer_options options) {
  const std::string name = key.name;
  ending end;
  shared_uplink uplink;
  options.send = [&uplink](const from_peer& message) { return uplink.send(message); };
  options.on_over = [&end](std::string why, bool in_order) { end.tell(std::move(why), in_order); };
  options.on_note = [quiet = args.quiet](const std::string& text) {
    if (!quiet)
      fmt::print(stderr, "{}\n", one_line(text, 500));
  };
  options.on_incarnation = [state = args.state, &end](std::uint64_t number) {
    if (auto kept = write_whole(state + "/incarnation", fmt::format("{}\n", number)); !kept)
      end.tell(kept.error(), false);
  };
  receipt_keeper receipts(args.state, options.rules.receipts);
  options.on_receipts = [&receipts](const auto& now) { receipts.note(now); };
  actor_config config;
  caf::actor_system system(config);
  const peer_actor peer = spawn_peer(system, std::move(options));
  link::uplink_events events;
  events.on_up = [peer] { caf::anon_send(peer, link_up{}); };
  events.on_down = [peer](std::string why) { caf::anon_send(peer, link_down{std::move(why)}); };
  events.on_message = [peer](to_peer message) {
    caf::anon_send(peer, link_message{std::make_shared<to_peer>(std::move(message))});
  };
  auto started = link::uplink::start({args.coordinator, key}, std::move(events));
  if (!started) {
    fmt::print(stderr, "tenbit: {}\n", printable(started.error()));
    std::fflush(nullptr);
    ::_exit(exit_usage);
  }
  uplink.set(std::move(*started));
  if (!args.quiet)
    fmt::print(stderr, "Worker {} for {}\n", name, args.coordinator);
  wait_for_end(args, peer, end);
  uplink.end(); // sends what is queued, the goodbye among it
  const bool fine = end.in_order();
  fmt::print(stderr, "{}Worker {} ends: {}\n", fine ? "" : "tenbit: ", name,
             one_line(end.reason(), 500));
  std::fflush(nullptr);
  ::_exit(fine ? exit_ok : exit_failed); // nothing of this process need outlive it
}
int run(worker_arguments& args) {
  ::umask(077);
  const auto key = link::read_key_file(args.key);
  if (!key) {
    fmt::print(stderr, "tenbit: {}\n", printable(key.error()));
    return exit_usage;
  }
  peer_options options;
  if (auto fits = prepare(args, *key, options); !fits) {
    fmt::print(stderr, "tenbit: {}\n", printable(fits.error()));
    return exit_usage;
  }
  if (args.state.empty())
    args.state = "workers/" + key->name;
  std::error_code problem;
  std::filesystem::create_directories(args.state, problem);
  if (problem) {
    fmt::print(stderr, "tenbit: {}: {}\n", args.state, problem.message());
    return exit_failed;
  }
  options.rules.incarnation_seen = read_incarnation(args.state);
  options.rules.receipts = read_receipts(args.state);
  if (options.rules.roles.oracle) {
    auto ledger = oracle_ledger::open(args.state);
    if (!ledger) {
      fmt::print(stderr, "tenbit: {}\n", printable(ledger.error()));
      return exit_refused;
    }
    options.ledger = std::move(*ledger);
  }
  catch_stop_signals();
  return serve(args, *key, std::move(options));
}

const command_registration worker_command(
    21, "worker", "Work for a coordinator: as solver, oracle, grader, or any mix.",
    [](CLI::App& command) -> std::function<int()> {
      auto args = std::make_shared<worker_arguments>();
      command.add_option("--key", args->key, "Key file of this worker (tenbit keys enroll)")
          ->required();
      command.add_option("--coordinator", args->coordinator, "Where the coordinator listens")
          ->capture_default_str();
      command.add_option("--roles", args->roles, "Some of the key's roles (default: all of them)");
      command
          .add_option("--slots", args->slots,
                      "Problems worked on at once; auto: what keeps its models busy")
          ->capture_default_str();
      command
          .add_option("--replica", args->replicas,
                      "alias=URL: call this replica for a model, instead of the experiment's; "
                      "may be repeated")
          ->expected(1)
          ->take_all();
      command.add_option("--state", args->state,
                         "Folder of what it keeps over restarts (default: workers/<name>)");
      command.add_option("--drain", args->drain_s, "Seconds to finish in when it is stopped")
          ->capture_default_str();
      command.add_flag("--quiet", args->quiet, "Say nothing but errors");
      command.footer(
          "Examples:\n"
          "  tenbit keys enroll gpu1 --dir cluster/keys --roles solver --out gpu1.key\n"
          "  tenbit worker --key gpu1.key --coordinator tcp://head:7711 \\\n"
          "                --replica small=http://127.0.0.1:8000\n\n"
          "SIGTERM or Ctrl-C: finishes the calls on the wire, hands the rest back, ends.");
      return [args] { return run(*args); };
    });

} // namespace
} // namespace tenbit::cli

#include "tests/system/fault_cluster.hpp"

#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "storage/store.hpp"
#include "workers/oracle_ledger.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;

} // namespace

store_totals totals_of(const std::string& dir) {
  const auto opened = store::open_for_reading(dir);
  if (!opened) { // killed before there was one, or half-way through making it
    EXPECT_EQ(opened.error().kind, store_error::not_a_store) << opened.error().message;
    return {};
  }
  return (*opened)->totals();
}

fault_cluster::fault_cluster(const std::string& experiment, double latency_ms)
    : cluster_processes(experiment,
                        {"--latency-ms", fmt::format("{}", latency_ms), "--slots", "256"}),
      reference_(reference()) {
  const store_totals totals = totals_of(path("reference"));
  reference_calls_ = totals.calls;
  reference_bits_ = totals.bits;
}

json fault_cluster::run() const {
  const json now = status();
  return now.is_object() && !now.at("runs").empty() ? now.at("runs").at(0) : json::object();
}

json fault_cluster::peer(const std::string& name) const {
  const json now = status();
  if (now.is_object())
    for (const json& one : now.at("workers"))
      if (one.at("name") == name)
        return one;
  return json::object();
}

std::uint64_t fault_cluster::figure(const std::string& name) const {
  return run().value(name, std::uint64_t{0});
}

std::uint64_t fault_cluster::leased(const std::string& peer_name) const {
  return peer(peer_name).value("leased", std::uint64_t{0});
}

void fault_cluster::hold_to(int leases) const {
  EXPECT_TRUE(ctl({"run", "limit", "faults", std::to_string(leases)}).is_object());
}

std::uint64_t fault_cluster::received_now() const {
  return sim().now("tenbit_sim_received_total");
}

std::uint64_t fault_cluster::received() const {
  return sim().settled("tenbit_sim_received_total");
}

std::uint64_t fault_cluster::committed() const {
  return totals_of(store()).calls;
}

std::uint64_t fault_cluster::bits() const {
  return totals_of(store()).bits;
}

std::uint64_t fault_cluster::lost_when_quiet() const {
  std::uint64_t received_first = received(), committed_first = committed();
  for (int quiet = 0; quiet < 3;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const std::uint64_t received_now = received(), committed_now = committed();
    quiet = received_now == received_first && committed_now == committed_first ? quiet + 1 : 0;
    received_first = received_now;
    committed_first = committed_now;
  }
  return received_first - committed_first;
}

std::uint64_t fault_cluster::bits_of_oracles(const std::vector<std::string>& names) const {
  std::uint64_t out = 0;
  for (const std::string& name : names) {
    const auto ledger = oracle_ledger::open(path("state-" + name));
    EXPECT_TRUE(ledger) << ledger.error();
    if (ledger)
      for (const auto& [experiment, count] : (*ledger)->counts())
        out += count;
  }
  return out;
}

void fault_cluster::expect_givers_are_known(const std::vector<std::string>& names) const {
  std::set<std::string> given; // before the file is read: more may be given after that
  for (const std::string& name : names)
    if (const std::string ledger = path("state-" + name + "/ledger");
        std::filesystem::exists(ledger) && std::filesystem::file_size(ledger) > 0)
      given.insert(name);
  const std::string text = read_file(path("cluster/control.json"));
  const json kept = json::parse(text);
  for (const json& oracle : kept.at("oracles"))
    given.erase(oracle.at("name"));
  EXPECT_TRUE(given.empty()) << *given.begin()
                             << " gave bits, and the next life knows nothing of it\n"
                             << text;
}

void fault_cluster::expect_same_end(int seconds) {
  if (!wait_done(seconds)) {
    const std::string last = run().dump(1);
    const bool lives = coordinator().running();
    coordinator().send(SIGTERM);
    const ended how = coordinator().wait();
    FAIL() << "the run does not end: " << last << (lives ? "" : " the coordinator died, ")
           << "exit " << how.exit_code << " signal " << how.signal << "\n"
           << how.err;
  }
  EXPECT_EQ(run().at("tasks").at("done"), run().at("tasks_all")) << run().dump(1);
  EXPECT_EQ(figure("ledger_difference"), 0U);
  EXPECT_TRUE(exported() == reference_) << "the canonical export differs";
  EXPECT_EQ(committed(), reference_calls_);
  EXPECT_EQ(bits(), reference_bits_);
  const auto checked = verified();
  EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
  const auto report = tenbit({"report", "--store", store(), "--format", "json"});
  EXPECT_EQ(json::parse(report.out).at("paid_twice"), 0) << report.out;
}

std::string cheap_experiment(int count, int concurrency) {
  std::string text = fmt::format("name = \"faults\"\nseed = 3\n[benchmark]\nkind = \"arith\"\n"
                                 "count = {}\nlevel = 1\nseed = 5\n",
                                 count);
  for (const char* alias : {"small", "large"})
    text += fmt::format("[models.{0}]\nkind = \"sim\"\nmodel = \"{0}\"\nreplicas = [\"{{sim}}\"]\n"
                        "concurrency = {1}\nlogprobs = true\n",
                        alias, concurrency);
  return text + R"([[arms]]
name = "direct"
method = "direct"
solver = "small"
[[arms]]
name = "gold"
method = "qa"
solver = "small"
answerer = "large"
questions = 2
reference = "gold"
answers = "together"
)";
}

} // namespace tenbit::testing

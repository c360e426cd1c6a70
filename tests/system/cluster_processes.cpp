#include "tests/system/cluster_processes.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "control/control.hpp"
#include "storage/store.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;

} // namespace

cluster_processes::cluster_processes(const std::string& experiment,
                                     std::vector<std::string> sim_arguments)
    : sim_(std::make_unique<sim_process>(std::move(sim_arguments))),
      address_(fmt::format("tcp://127.0.0.1:{}", free_port())) {
  std::string text = experiment;
  for (auto at = text.find("{sim}"); at != std::string::npos; at = text.find("{sim}"))
    text.replace(at, 5, sim_->url());
  write_file(file(), text);
  const auto made = tenbit({"keys", "init", "--dir", path("cluster/keys")});
  EXPECT_EQ(made.exit_code, 0) << made.err;
}

void cluster_processes::start_coordinator(const std::vector<std::string>& extra,
                                          const std::map<std::string, std::string>& env) {
  std::vector<std::string> arguments = {"coordinator", "--dir", path("cluster"), "--listen",
                                        address_};
  // Given again until it is known: one that died of its first start has not kept it.
  const bool known =
      read_file(path("cluster/control.json")).find("\"faults\"") != std::string::npos;
  if (!known)
    arguments.insert(arguments.begin() + 1, file());
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  coordinator_.reset();
  coordinator_ = std::make_unique<process>(arguments, env);
}

void cluster_processes::start_worker(const std::string& name, const std::string& roles,
                                     const std::vector<std::string>& extra,
                                     const std::map<std::string, std::string>& env) {
  const std::string key = path(name + ".key");
  if (!std::filesystem::exists(key)) {
    const auto made = tenbit(
        {"keys", "enroll", name, "--dir", path("cluster/keys"), "--roles", roles, "--out", key});
    EXPECT_EQ(made.exit_code, 0) << made.err;
  }
  std::vector<std::string> arguments = {"worker", "--key", key, "--state", path("state-" + name)};
  if (std::find(extra.begin(), extra.end(), "--coordinator") == extra.end())
    arguments.insert(arguments.end(), {"--coordinator", address_});
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  workers_[name].reset();
  workers_[name] = std::make_unique<process>(arguments, env);
}

void cluster_processes::start_usual_workers() {
  start_worker("w1", "solver");
  start_worker("w2", "solver");
  start_worker("o1", "oracle");
  start_worker("o2", "oracle");
  start_worker("g1", "grader");
}

void cluster_processes::kill(const std::string& name) {
  worker(name).send(SIGKILL);
  (void)worker(name).wait();
}

void cluster_processes::kill_coordinator() {
  coordinator_->send(SIGKILL);
  (void)coordinator_->wait();
}

json cluster_processes::ctl(const std::vector<std::string>& arguments) const {
  std::vector<std::string> all = {"ctl", "--socket", path("cluster/ctl.sock"), "--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const auto said = tenbit(all);
  if (said.exit_code != 0)
    return nullptr;
  return json::parse(said.out, nullptr, false);
}

json cluster_processes::status() const {
  control::request asked;
  asked.verb = "status";
  const auto answer = control::ask(path("cluster/ctl.sock"), asked);
  if (!answer || !answer->ok)
    return nullptr;
  return json::parse(answer->result, nullptr, false);
}

bool cluster_processes::wait_until(const std::function<bool()>& holds, int seconds) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (holds())
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return holds();
}

bool cluster_processes::wait_done(int seconds) const {
  return wait_until(
      [this] {
        const json now = status();
        if (!now.is_object() || now.at("runs").empty())
          return false;
        const json& run = now.at("runs").at(0);
        return run.at("phase") == "finished";
      },
      seconds);
}

std::string cluster_processes::exported() const {
  const auto said = tenbit({"export", "--store", store()});
  EXPECT_EQ(said.exit_code, 0) << said.err;
  return said.out;
}

void cluster_processes::make_reference() const {
  const sim_process quick({"--latency-ms", "0", "--slots", "256"});
  std::vector<std::string> arguments = {"run", file(), "--store", path("reference"), "--quiet"};
  const std::string text = read_file(file());
  for (const char* model : {"small", "large"})
    if (text.find(fmt::format("[models.{}]", model)) != std::string::npos)
      arguments.insert(arguments.end(),
                       {"--set", fmt::format("models.{}.replicas=[\"{}\"]", model, quick.url()),
                        "--set", fmt::format("models.{}.concurrency=32", model)});
  const auto done = tenbit(arguments);
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const auto opened = store::open_for_reading(path("reference"));
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(quick.settled("tenbit_sim_received_total"), (*opened)->totals().calls);
}

std::string cluster_processes::reference() const {
  if (!std::filesystem::exists(path("reference")))
    make_reference();
  return tenbit({"export", "--store", path("reference")}).out;
}

ended cluster_processes::verified() const {
  return tenbit({"verify", "--store", store()});
}

std::string faults_experiment(int count, int concurrency) {
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
name = "strong"
method = "direct"
solver = "large"
[[arms]]
name = "again"
method = "resample"
solver = "small"
[[arms]]
name = "own"
method = "qa"
solver = "small"
answerer = "large"
questions = 4
reference = "own"
[[arms]]
name = "gold"
method = "qa"
solver = "small"
answerer = "large"
questions = 4
reference = "gold"
answers = "together"
)";
}

} // namespace tenbit::testing

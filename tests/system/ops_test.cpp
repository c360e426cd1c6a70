// What is in ops/: checked with the tools that are there, and tried on real processes where that
// needs no cluster. A tool that is missing skips its test and is named.
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/process.hpp"

namespace tenbit::testing {
namespace {

namespace fs = std::filesystem;

const std::string source = TENBIT_SOURCE_DIR;
const std::string program = TENBIT_BINARY_DIR "/tenbit";

// A shell command to its end; out holds both streams.
ended shell(const std::string& command) {
  ended result;
  FILE* pipe = ::popen(fmt::format("( {} ) 2>&1 </dev/null", command).c_str(), "r");
  if (pipe == nullptr)
    return result;
  char block[4096];
  for (std::size_t n = 0; (n = std::fread(block, 1, sizeof block, pipe)) > 0;)
    result.out.append(block, n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status))
    result.exit_code = WEXITSTATUS(status);
  return result;
}

bool there(const std::string& tool) {
  return shell("command -v " + tool).exit_code == 0;
}

std::set<std::string> all_matches(const std::string& text, const std::regex& what,
                                  std::size_t group) {
  std::set<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), what), end; it != end; ++it)
    out.insert((*it)[group].str());
  return out;
}

} // namespace

TEST(Ops_Scripts, Shellcheck_FindsNothing) {
  if (!there("shellcheck"))
    GTEST_SKIP() << "shellcheck is not installed";
  std::string scripts;
  for (const char* folder : {"/ops", "/tests/ops"})
    for (const auto& entry : fs::recursive_directory_iterator(source + folder))
      if (entry.is_regular_file() &&
          read_file(entry.path().string()).starts_with("#!/usr/bin/env bash"))
        scripts += " '" + entry.path().string() + "'";
  ASSERT_NE(scripts.find("/ops/backup'"), std::string::npos);
  const auto said = shell("shellcheck" + scripts);
  EXPECT_EQ(said.exit_code, 0) << said.out;
}

TEST(Ops_Netns, DefaultExperiment_GivesTheExportOfOneProcess) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root";
  const std::string trial = fmt::format("tenbit-try-{}", ::getpid());
  if (shell(fmt::format("ip netns add {0} && ip -n {0} link add bridge0 type bridge; r=$?; "
                        "ip netns delete {0}; exit $r",
                        trial))
          .exit_code != 0)
    GTEST_SKIP() << "network namespaces cannot be made here";
  temporary_folder folder;
  const std::string file = source + "/examples/default.toml", few = "--set benchmark.count=40 ";
  const auto done = shell(fmt::format("{0}/ops/cluster-netns --tenbit {1} --dir {2} {3} {4}",
                                      source, program, folder.path("net"), few, file));
  ASSERT_EQ(done.exit_code, 0) << done.out;
  const std::string store = folder.path("net/cluster/runs/default");
  EXPECT_NE(done.out.find("Store: " + store), std::string::npos) << done.out;
  const auto one =
      shell(fmt::format("{} run {} {} --quiet --store {}", program, file, few, folder.path("one")));
  ASSERT_EQ(one.exit_code, 0) << one.out;
  const auto exported = tenbit({"export", "--store", store}).out;
  EXPECT_GT(exported.size(), 100000U);
  EXPECT_TRUE(exported == tenbit({"export", "--store", folder.path("one")}).out);
  // Nothing of it is left: neither a namespace nor a process.
  EXPECT_EQ(shell("pgrep -f -- " + folder.path("[n]et")).exit_code, 1);
  EXPECT_EQ(done.out.find("ended early"), std::string::npos) << done.out;
}

TEST(Ops_Systemd, Units_AreVerified) {
  if (!there("systemd-analyze"))
    GTEST_SKIP() << "systemd-analyze is not installed";
  temporary_folder folder;
  // The programs are not installed here; all else of the units stands.
  const auto said = shell(fmt::format(
      "set -e; cd {}/ops/systemd; for u in *.service; do sed -E "
      "'s|^ExecStart=[^ ]+|ExecStart=/bin/true|' $u >{}/$(echo $u | sed s/@/@gpu1/); done; "
      "cp *.timer {}; cd {}; systemd-analyze verify --man=no *.service *.timer; "
      "for u in *.service; do systemd-analyze security --offline=true --no-pager "
      "--threshold=20 $u | tail -n 1; done",
      source, folder.path(), folder.path(), folder.path()));
  EXPECT_EQ(said.exit_code, 0) << said.out;
  // verify warns of unknown keys and goes on: what it says is a finding.
  std::size_t units = 0;
  std::istringstream lines(said.out);
  for (std::string line; std::getline(lines, line); ++units)
    EXPECT_NE(line.find("exposure level"), std::string::npos) << line;
  EXPECT_EQ(units, 3U);
  std::printf("%s", said.out.c_str());
}

TEST(Ops_Systemd, SocketsOfGroups_AreVerified) {
  if (!there("systemd-analyze"))
    GTEST_SKIP() << "systemd-analyze is not installed";
  temporary_folder folder;
  const auto said = shell(fmt::format(
      "set -e; cd {0}/ops/systemd; d={1}/tenbit-coordinator.service; mkdir $d.d; "
      "sed -E 's|^ExecStart=[^ ]+|ExecStart=/bin/true|' tenbit-coordinator.service >$d; "
      "cp operators.conf $d.d/; cd {1}; systemd-analyze verify --man=no "
      "tenbit-coordinator.service; "
      "systemd-analyze security --offline=true --no-pager --threshold=20 "
      "tenbit-coordinator.service >security; grep -c 'chown is allowed' security",
      source, folder.path()));
  EXPECT_EQ(said.exit_code, 0) << said.out;
  EXPECT_EQ(said.out, "1\n"); // and nothing that verify found
}

TEST(Ops_Slurm, SigtermToTheBatchScript_DrainsTheWorkerAndEndsTheServer) {
  if (!there("curl"))
    GTEST_SKIP() << "curl is not installed";
  temporary_folder folder;
  const int ports = 20000 + static_cast<int>(::getpid() % 4000) * 3;
  const auto done = shell(fmt::format("bash {0}/tests/ops/slurm_worker.sh {1} {0} {2} {3}", source,
                                      program, folder.path(), ports));
  EXPECT_EQ(done.exit_code, 0) << done.out;
  EXPECT_GT(read_file(folder.path("export.jsonl")).size(), 10000U);
}

TEST(Ops_Kubernetes, Manifests_Hold) {
  if (shell("python3 -c 'import yaml'").exit_code != 0)
    GTEST_SKIP() << "python3 with yaml is not installed";
  const auto said =
      shell(fmt::format("python3 {0}/tests/ops/check_manifests.py {0}/ops/kubernetes", source));
  EXPECT_EQ(said.exit_code, 0) << said.out;
}

TEST(Ops_Alerts, Rules_NameMetricsThatAreThere) {
  const std::string rules = read_file(source + "/ops/alerts/tenbit.rules.yml");
  std::set<std::string> known = all_matches(read_file(source + "/tests/control/metrics.golden"),
                                            std::regex("# TYPE ([a-z0-9_]+) "), 1);
  // The one that ops/backup writes.
  const auto of_backup =
      all_matches(read_file(source + "/ops/backup"), std::regex("# TYPE ([a-z0-9_]+) "), 1);
  known.insert(of_backup.begin(), of_backup.end());
  const auto used = all_matches(rules, std::regex("\\b(tenbit_[a-z0-9_]+)"), 1);
  ASSERT_GT(used.size(), 20U);
  for (const auto& metric : used)
    EXPECT_TRUE(known.contains(metric)) << metric;
}

TEST(Ops_Alerts, EachAlert_HasARowOfTheRunbook) {
  const std::regex alert("- alert: (\\w+)"), row("\n\\| `(Tenbit\\w+)` \\|");
  const auto alerts = all_matches(read_file(source + "/ops/alerts/tenbit.rules.yml"), alert, 1);
  ASSERT_GT(alerts.size(), 20U);
  EXPECT_EQ(alerts, all_matches(read_file(source + "/docs/operations.md"), row, 1));
}

TEST(Ops_Alerts, Promtool_AcceptsAndTriesTheRules) {
  if (!there("promtool"))
    GTEST_SKIP() << "promtool is not installed";
  for (const char* command : {"promtool check rules ops/alerts/tenbit.rules.yml",
                              "promtool test rules tests/ops/alerts_test.yml"}) {
    const auto said = shell(fmt::format("cd {} && {}", source, command));
    EXPECT_EQ(said.exit_code, 0) << said.out;
  }
}

} // namespace tenbit::testing

// Sockets of groups: who may do what with a coordinator that runs.
#include <filesystem>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/system/cluster_processes.hpp"

namespace tenbit::testing {
namespace {

using ::testing::HasSubstr;

} // namespace

TEST(Operators, SocketsOfGroups_GiveTheirRightAndNoMore) {
  const group* own = ::getgrgid(::getegid());
  if (own == nullptr)
    GTEST_SKIP() << "the group of this process has no name";
  const std::string name = own->gr_name;
  cluster_processes cluster(faults_experiment(2));
  const auto operate = cluster.path("operate.sock"), view = cluster.path("view.sock");
  cluster.start_coordinator(
      {"--operators", name + "=" + operate, "--viewers", name + "=" + view, "--lease-ttl", "2"});
  const auto ctl = [](const std::string& socket, std::vector<std::string> verb) {
    verb.insert(verb.begin(), {"ctl", "--socket", socket});
    return tenbit(verb);
  };
  ASSERT_TRUE(cluster.wait_until(
      [&] {
        return ctl(view, {"run", "list"}).out.find("faults") != std::string::npos;
      },
      30));
  EXPECT_EQ(tenbit({"top", "--once", "--socket", view}).exit_code, 0);

  const auto refused = ctl(view, {"run", "pause", "faults"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("needs the right operate"));
  EXPECT_EQ(ctl(operate, {"run", "pause", "faults"}).exit_code, 0);
  const auto cancel = ctl(operate, {"run", "cancel", "faults", "--reason", "mine"});
  EXPECT_EQ(cancel.exit_code, 1);
  EXPECT_THAT(cancel.err, HasSubstr("needs the right admin"));
  EXPECT_EQ(ctl(operate, {"checkpoint"}).exit_code, 0);

  const auto audit = read_file(cluster.path("cluster/audit.jsonl"));
  EXPECT_THAT(audit, HasSubstr("\"right\":\"operate\",\"verb\":\"run pause\""));
  EXPECT_THAT(audit, HasSubstr("\"needs\":\"admin\",\"denied\":true"));

  EXPECT_EQ(ctl(cluster.path("cluster/ctl.sock"), {"stop"}).exit_code, 0);
  EXPECT_EQ(cluster.coordinator().wait().exit_code, 0);
  for (const auto& path : {operate, view})
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
}

TEST(Operators, UnknownGroup_IsRefusedAtStart) {
  const temporary_folder folder;
  for (const char* option : {"--operators", "--viewers"}) {
    const auto said = tenbit({"coordinator", "--dir", folder.path("cluster"), option,
                              "no-such-group=" + folder.path("o.sock")});
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err,
                HasSubstr(fmt::format("{}: there is no group \"no-such-group\"", option)));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("cluster")));
}

} // namespace tenbit::testing

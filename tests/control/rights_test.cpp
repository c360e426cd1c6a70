// Who may ask what by which socket, with real sockets.
#include <filesystem>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include <sys/stat.h>
#include <sys/wait.h>

#include "control/verbs.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::make;
using control_test::raw_client;
using control_test::read_all;
using control_test::temporary_folder;
using testing::HasSubstr;

// Well formed, whatever the verb.
request complete_request(const verb& of) {
  request out = make(std::string(of.name), {}, "because");
  for (const auto& arg : of.args)
    if (arg.required)
      out.args[std::string(arg.name)] = {arg.kind == arg_kind::path ? "/x" : "7"};
  return out;
}

class Control_Rights : public testing::Test {
protected:
  void SetUp() override {
    const auto handle = [this](const request& r) {
      const std::lock_guard lock(mutex_);
      handled_.insert(r.verb);
      return reply{.ok = true, .error = {}, .result = "null"};
    };
    auto made = socket_server::start(
        admin_, audit_, handle, {},
        {{right::operate, operate_, ::getegid()}, {right::view, view_, ::getegid()}});
    ASSERT_TRUE(made.has_value()) << made.error();
    server_ = std::move(*made);
  }
  [[nodiscard]] std::vector<nlohmann::json> audited() const {
    std::vector<nlohmann::json> out;
    std::istringstream lines(read_all(audit_));
    for (std::string line; std::getline(lines, line);)
      out.push_back(nlohmann::json::parse(line));
    return out;
  }

  temporary_folder folder_;
  std::string admin_ = folder_ / "ctl.sock", audit_ = folder_ / "audit.jsonl";
  std::string operate_ = folder_ / "operate.sock", view_ = folder_ / "view.sock";
  std::mutex mutex_;
  std::set<std::string> handled_;
  std::unique_ptr<socket_server> server_;
};

TEST_F(Control_Rights, Sockets_AreOfTheirGroupsAndGoneAtTheEnd) {
  for (const auto& path : {operate_, view_}) {
    struct stat file {};
    ASSERT_EQ(::lstat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660U);
    EXPECT_EQ(file.st_gid, ::getegid());
  }
  struct stat file {};
  ASSERT_EQ(::lstat(admin_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  server_.reset();
  for (const auto& path : {admin_, operate_, view_})
    EXPECT_FALSE(std::filesystem::exists(path)) << path;
}

TEST_F(Control_Rights, EachVerb_IsHandledByThoseWithItsRightAlone) {
  const std::pair<std::string, right> sockets[] = {
      {view_, right::view}, {operate_, right::operate}, {admin_, right::admin}};
  std::size_t of_right[3] = {};
  for (const auto& verb : verbs()) {
    ++of_right[static_cast<std::size_t>(verb.needs.least)];
    EXPECT_FALSE(verb.needs.why.empty()) << verb.name;
    // What changes nothing, but for what a store and its disk feel.
    EXPECT_EQ(verb.needs.least == right::view, !verb.changes && verb.name != "verify") << verb.name;
    for (const auto& [path, gives] : sockets) {
      handled_.clear();
      const auto answer = ask(path, complete_request(verb));
      ASSERT_TRUE(answer.has_value()) << answer.error();
      const bool may = gives >= verb.needs.least;
      EXPECT_EQ(answer->ok, may) << verb.name << " by " << to_string(gives) << answer->error;
      EXPECT_EQ(handled_.contains(std::string(verb.name)), may) << verb.name;
    }
  }
  for (const auto count : of_right)
    EXPECT_GT(count, 2U);
}

TEST_F(Control_Rights, Denied_NamesBothRightsAndIsAudited) {
  const auto answer = ask(view_, make("run cancel", {{"run", {"a"}}}, "mine now"));
  ASSERT_TRUE(answer.has_value()) << answer.error();
  EXPECT_THAT(answer->error, HasSubstr("needs the right admin"));
  EXPECT_THAT(answer->error, HasSubstr("this socket gives view"));
  const auto lines = audited();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("denied"), true);
  EXPECT_EQ(lines[0].at("right"), "view");
  EXPECT_EQ(lines[0].at("needs"), "admin");
  EXPECT_EQ(lines[0].at("verb"), "run cancel");
  EXPECT_FALSE(lines[0].at("who").get<std::string>().empty());
  EXPECT_THAT(lines[0].at("asked_with").get<std::string>(), HasSubstr("\"a\""));
}

TEST_F(Control_Rights, Change_IsAuditedWithItsRight) {
  ASSERT_TRUE(ask(operate_, make("run pause", {{"run", {"a"}}}))->ok);
  ASSERT_TRUE(ask(admin_, make("run pause", {{"run", {"a"}}}))->ok);
  const auto lines = audited(); // each with its outcome
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("right"), "operate");
  EXPECT_EQ(lines[2].at("right"), "admin");
}

TEST_F(Control_Rights, RightInTheLine_IsRefused) {
  for (const char* name : {"by", "right"}) {
    raw_client client(view_);
    client.send(std::string("{\"verb\": \"stop\", \"") + name + "\": \"admin\"}\n");
    EXPECT_THAT(client.line(), HasSubstr("there is no"));
  }
  EXPECT_TRUE(handled_.empty());
}

// Or somebody who may only look could fill the disk.
TEST_F(Control_Rights, ManyDenied_AreNotAllWrittenDown) {
  const auto many = 3 * limits::control_denied_lines_max;
  const std::string long_name(4000, 'x');
  for (std::size_t i = 0; i < many; ++i)
    EXPECT_FALSE(ask(view_, make("run cancel", {{"run", {long_name}}}, "why"))->ok);
  EXPECT_EQ(audited().size(), limits::control_denied_lines_max);
  EXPECT_FALSE(ask(operate_, make("run cancel", {{"run", {"a"}}}, "why"))->ok);
  EXPECT_EQ(audited().back().at("right"), "operate") << "hidden behind those of a viewer";
  EXPECT_LT(read_all(audit_).size(), limits::control_denied_lines_max * 1000);
}

TEST_F(Control_Rights, ViewersThatHoldTheirSocket_KeepNobodyElseOut) {
  std::vector<std::unique_ptr<raw_client>> held;
  for (std::size_t i = 0; i < limits::control_clients_max; ++i)
    held.push_back(std::make_unique<raw_client>(view_));
  raw_client refused(view_);
  EXPECT_THAT(refused.line(), HasSubstr("too many clients"));
  EXPECT_TRUE(ask(operate_, make("status"))->ok);
  EXPECT_TRUE(ask(admin_, make("stop"))->ok);
}

TEST_F(Control_Rights, SocketOfAnother_IsRefusedAtStart) {
  const auto again = socket_server::start(folder_ / "other.sock", folder_ / "other.jsonl",
                                          [](const request&) { return reply{}; }, {},
                                          {{right::view, view_, ::getegid()}});
  ASSERT_FALSE(again.has_value());
  EXPECT_THAT(again.error(), HasSubstr("another coordinator serves"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other.sock"));
}

TEST_F(Control_Rights, UserOutsideTheGroup_CannotConnect) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can act as another user";
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  const auto connects = [this](gid_t primary) {
    const auto child = ::fork();
    if (child == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(primary) != 0 || ::setuid(65534) != 0)
        ::_exit(2);
      raw_client client(view_);
      if (!client.connected())
        ::_exit(1);
      client.send("{\"verb\": \"status\"}\n");
      ::_exit(client.line().find("\"ok\":true") != std::string::npos ? 0 : 3);
    }
    int ended = 0;
    EXPECT_EQ(::waitpid(child, &ended, 0), child);
    return WEXITSTATUS(ended);
  };
  EXPECT_EQ(connects(65534), 1);
  EXPECT_EQ(connects(::getegid()), 0);
}

TEST(Control_GroupSocket, Text_IsReadOrNamedWithTheMend) {
  const group* own = ::getgrgid(::getegid());
  if (own == nullptr)
    GTEST_SKIP() << "the group of this process has no name";
  const auto read = parse_group_socket(right::operate, std::string(own->gr_name) + "=/run/o.sock");
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->group, ::getegid());
  EXPECT_EQ(read->path, "/run/o.sock");
  EXPECT_EQ(read->gives, right::operate);
  EXPECT_THAT(parse_group_socket(right::view, "no such group=/x").error(),
              HasSubstr("there is no group \"no such group\""));
  for (const char* wrong : {"", "a", "=/x", "a="})
    EXPECT_THAT(parse_group_socket(right::view, wrong).error(), HasSubstr("write GROUP=PATH"));
}

TEST(Control_GroupSocket, FolderThatIsClosed_IsFound) {
  const temporary_folder folder; // 0700
  const group_socket socket{right::view, folder / "view.sock", 12345};
  EXPECT_EQ(closed_folder(socket), folder.path());
  ASSERT_EQ(::chmod(folder.path().c_str(), 0711), 0);
  EXPECT_EQ(closed_folder(socket), "");
}

} // namespace
} // namespace tenbit::control

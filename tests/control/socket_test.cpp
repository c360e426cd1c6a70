#include <atomic>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>

#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "control/control.hpp"
#include "control/lines.hpp"
#include "control/socket_path.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::make;
using control_test::raw_client;
using control_test::read_all;
using control_test::temporary_folder;
using testing::HasSubstr;

reply done(const request&) {
  return {.ok = true, .error = {}, .result = "null"};
}

class Control_Socket : public testing::Test {
protected:
  std::unique_ptr<socket_server> start(handler handle = done, socket_bounds bounds = {}) {
    auto made = socket_server::start(path_, audit_, std::move(handle), bounds);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error());
    return made ? std::move(*made) : nullptr;
  }
  std::string start_error() {
    const auto made = socket_server::start(path_, audit_, done);
    return made ? "" : made.error();
  }

  temporary_folder folder_;
  std::string path_ = folder_ / "ctl.sock";
  std::string audit_ = folder_ / "audit.jsonl";
};

TEST_F(Control_Socket, Start_MakesASocketForItsUserAlone) {
  const auto server = start();
  struct stat file {};
  ASSERT_EQ(::lstat(path_.c_str(), &file), 0);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  ASSERT_EQ(::lstat(audit_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(Control_Socket, End_RemovesTheSocket) {
  start().reset();
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(Control_Socket, SecondServer_IsRefusedAndTheFirstLives) {
  const auto first = start();
  EXPECT_THAT(start_error(), HasSubstr("another coordinator serves"));
  EXPECT_TRUE(ask(path_, make("status")).has_value());
}

TEST_F(Control_Socket, OtherProgramOnThePath_IsNotRobbed) {
  const int other = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(other, 1), 0);
  EXPECT_THAT(start_error(), HasSubstr("another coordinator serves"));
  ::close(other); // its file is stale now
  EXPECT_EQ(start_error(), "");
}

TEST_F(Control_Socket, FileOnThePath_IsNotRemoved) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(start_error(), HasSubstr("is no socket"));
  EXPECT_EQ(read_all(path_), "precious");
}

TEST_F(Control_Socket, LongPath_IsRefused) {
  path_ = folder_ / std::string(120, 'a').c_str();
  EXPECT_THAT(start_error(), HasSubstr("give a shorter one"));
}

TEST_F(Control_Socket, NoServer_SaysHowToStartOne) {
  const auto answer = ask(path_, make("status"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error(), HasSubstr("start one with"));
}

TEST_F(Control_Socket, Request_ReachesTheHandlerWithWho) {
  std::optional<request> seen;
  const auto server = start([&](const request& r) {
    seen = r;
    return reply{.ok = true, .error = {}, .result = "[1, 2]"};
  });
  const auto answer = ask(path_, make("run pause", {{"run", {"a"}}}, "why"));
  ASSERT_TRUE(answer.has_value()) << answer.error();
  EXPECT_TRUE(answer->ok);
  EXPECT_EQ(answer->result, "[1,2]");
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->verb, "run pause");
  EXPECT_EQ(seen->reason, "why");
  if (::geteuid() == 0) {
    EXPECT_EQ(seen->who, "root");
  }
}

TEST_F(Control_Socket, WhoInTheLine_IsRefused) {
  const auto server = start();
  raw_client client(path_);
  client.send("{\"verb\": \"status\", \"who\": \"root\"}\n");
  EXPECT_THAT(client.line(), HasSubstr("there is no \\\"who\\\""));
}

TEST_F(Control_Socket, OtherUser_IsRefused) {
  EXPECT_TRUE(may_control(1000, 1000));
  EXPECT_TRUE(may_control(0, 1000));
  EXPECT_FALSE(may_control(1001, 1000));
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can act as another user";
  const auto server = start();
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0); // as if someone had opened it
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0755), 0);
  const auto child = ::fork();
  if (child == 0) {
    if (::setuid(65534) != 0)
      ::_exit(2);
    raw_client client(path_);
    client.send("{\"verb\": \"status\"}\n");
    ::_exit(client.line().find("may not control") != std::string::npos ? 0 : 1);
  }
  int code = -1;
  ASSERT_EQ(::waitpid(child, &code, 0), child);
  EXPECT_EQ(code, 0);
}

TEST_F(Control_Socket, HostileLines_AreAnsweredAndTheServerLives) {
  const auto server = start();
  raw_client client(path_);
  for (const std::string& line :
       {std::string(5000, '['), std::string("\xff\xfe"), std::string("{\"verb\":[]}"),
        std::string("\0\0", 2), std::string("{\"verb\":\"stopp\"}")}) {
    client.send(line + "\n");
    const auto answer = parse_reply(client.line());
    ASSERT_TRUE(answer.has_value()) << answer.error();
    EXPECT_FALSE(answer->ok);
    EXPECT_FALSE(answer->error.empty());
  }
  client.send("{\"verb\":\"status\"}\n{\"verb\":\"run list\"}\n"); // two at once
  EXPECT_THAT(client.line(), HasSubstr("\"ok\":true"));
  EXPECT_THAT(client.line(), HasSubstr("\"ok\":true"));
}

TEST_F(Control_Socket, LineWithoutEnd_IsRefusedAndClosed) {
  const auto server = start(done, {.line_bytes = 1000});
  raw_client client(path_);
  client.send(std::string(5000, 'a'));
  EXPECT_THAT(client.line(), HasSubstr("at most 1000 bytes"));
  EXPECT_EQ(client.line(), "");
  EXPECT_TRUE(ask(path_, make("status")).has_value());
}

TEST_F(Control_Socket, SilentClient_IsClosed) {
  const auto server = start(done, {.idle = std::chrono::milliseconds(50)});
  raw_client client(path_);
  client.send("{\"verb\":");
  EXPECT_EQ(client.line(), "");
}

TEST_F(Control_Socket, TooManyClients_AreToldSo) {
  const auto server = start(done, {.clients = 2});
  raw_client one(path_), two(path_);
  one.send("{\"verb\":\"status\"}\n");
  two.send("{\"verb\":\"status\"}\n");
  EXPECT_THAT(one.line(), HasSubstr("true"));
  EXPECT_THAT(two.line(), HasSubstr("true"));
  raw_client three(path_);
  EXPECT_THAT(three.line(), HasSubstr("too many clients"));
}

TEST_F(Control_Socket, ThrowingHandler_IsAnError) {
  const auto server = start([](const request&) -> reply { throw std::runtime_error("oops"); });
  const auto answer = ask(path_, make("status"));
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(answer->error, HasSubstr("oops"));
}

TEST_F(Control_Socket, SlowVerifyAndChange_DoNotDelayStatus) {
  std::promise<void> go;
  const auto held = go.get_future().share();
  std::atomic<int> inside = 0;
  const auto server = start([&](const request& r) {
    if (r.verb != "status") {
      ++inside;
      held.wait();
    }
    return done(r);
  });
  auto verify = std::async([&] { return ask(path_, make("verify", {{"run", {"a"}}})); });
  auto change = std::async([&] { return ask(path_, make("run resume", {{"run", {"a"}}})); });
  while (inside < 2)
    std::this_thread::yield();
  const auto status = ask(path_, make("status"));
  EXPECT_TRUE(status && status->ok);
  go.set_value();
  EXPECT_TRUE(verify.get()->ok);
  EXPECT_TRUE(change.get()->ok);
}

TEST_F(Control_Socket, Changes_AreHandledOneAtATime) {
  std::atomic<int> inside = 0, most = 0;
  const auto server = start([&](const request& r) {
    most = std::max(most.load(), ++inside);
    std::this_thread::yield();
    --inside;
    return done(r);
  });
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 8; ++i)
    all.push_back(std::async(std::launch::async, [&] {
      const auto answer = ask(path_, make("run resume", {{"run", {"a"}}}));
      return answer && answer->ok;
    }));
  for (auto& one : all)
    EXPECT_TRUE(one.get());
  EXPECT_EQ(most, 1);
}

TEST_F(Control_Socket, End_AnswersTheHandlerThatRuns) {
  std::promise<void> entered, go;
  auto server = start([&](const request& r) {
    entered.set_value();
    go.get_future().wait();
    return done(r);
  });
  auto answer = std::async([&] { return ask(path_, make("stop")); });
  entered.get_future().wait();
  auto end = std::async([&] { server.reset(); });
  go.set_value();
  const auto got = answer.get();
  EXPECT_TRUE(got && got->ok) << (got ? got->error : got.error());
  end.get();
}

TEST_F(Control_Socket, HandlerThatHangs_TimesOutAtTheClient) {
  std::promise<void> go;
  const auto server = start([&](const request& r) {
    go.get_future().wait();
    return done(r);
  });
  const auto answer = ask(path_, make("status"), std::chrono::milliseconds(50));
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error(), HasSubstr("did not answer in time"));
  go.set_value();
}

TEST_F(Control_Socket, Audit_IsOnDiskBeforeTheHandlerRuns) {
  std::string before;
  const auto server = start([&](const request&) {
    before = read_all(audit_);
    return reply{.ok = false, .error = "no such run", .result = {}};
  });
  ASSERT_TRUE(ask(path_, make("run cancel", {{"run", {"a\"b"}}}, "wrong prompt")).has_value());
  EXPECT_THAT(before, HasSubstr("\"verb\":\"run cancel\",\"args\":{\"run\":[\"a\\\"b\"]},"
                                "\"reason\":\"wrong prompt\",\"dry_run\":false}\n"));
  EXPECT_THAT(before, HasSubstr("\"who\":"));
  EXPECT_EQ(before.find("\"ok\""), std::string::npos);
  const auto after = read_all(audit_);
  EXPECT_THAT(after, testing::StartsWith(before));
  EXPECT_THAT(after, HasSubstr("\"ok\":false,\"error\":\"no such run\"}\n"));
}

TEST_F(Control_Socket, Looks_AreNotAudited) {
  const auto server = start();
  ASSERT_TRUE(ask(path_, make("status")).has_value());
  EXPECT_EQ(read_all(audit_), "");
}

TEST_F(Control_Socket, TornAudit_GoesOnOnALineOfItsOwn) {
  std::ofstream(audit_) << "{\"unix_ms\":1,\"ver";
  const auto server = start();
  ASSERT_TRUE(ask(path_, make("stop")).has_value());
  EXPECT_THAT(read_all(audit_), testing::StartsWith("{\"unix_ms\":1,\"ver\n{\"unix_ms\":"));
}

TEST_F(Control_Socket, AuditThatIsNoFile_RefusesToStart) {
  audit_ = "/dev/null";
  EXPECT_THAT(start_error(), HasSubstr("audit log"));
}

TEST_F(Control_Socket, AuditThatCannotBeWritten_RefusesTheChange) {
  std::atomic<int> calls = 0;
  const auto server = start([&](const request& r) {
    ++calls;
    return done(r);
  });
  std::signal(SIGXFSZ, SIG_IGN); // then a write beyond the limit fails as on a full disk
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit full = before;
  full.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto refused = ask(path_, make("stop"));
  const auto look = ask(path_, make("status"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(refused.has_value()) << refused.error();
  EXPECT_FALSE(refused->ok);
  EXPECT_THAT(refused->error, HasSubstr("nothing was done"));
  EXPECT_TRUE(look && look->ok); // looking needs no log
  EXPECT_EQ(calls, 1);
  const auto later = ask(path_, make("stop"));
  EXPECT_TRUE(later && later->ok);
}

} // namespace
} // namespace tenbit::control

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "config/limits.hpp"
#include "control/http_guard.hpp"
#include "control/http_status.hpp"
#include "tests/control/support.hpp"

namespace tenbit::control {
namespace {

using control_test::full_snapshot;
using control_test::read_all;
using control_test::temporary_folder;
using testing::HasSubstr;
using testing::StartsWith;

const std::string token(64, 'a');
constexpr std::uint64_t now_ms = 1'700'000'000'500;

class Control_Guard : public testing::Test {
protected:
  Control_Guard() { board_->publish(std::make_shared<const cluster_status>(full_snapshot())); }
  http_request_facts good(std::string target = "/metrics") {
    http_request_facts out;
    out.method = "GET";
    out.target = std::move(target);
    out.hosts = {"127.0.0.1:9000"};
    out.authorization = "Bearer " + token;
    return out;
  }
  http_answer ask(const http_request_facts& what) { return guard_.answer(what, at_, now_ms); }
  unsigned code(const http_request_facts& what) { return ask(what).code; }

  std::shared_ptr<cluster_board> board_ = std::make_shared<cluster_board>();
  http_guard guard_{{"127.0.0.1:9000", "localhost:9000"}, token, board_};
  http_guard::instant at_{};
};

TEST_F(Control_Guard, RightToken_SeesTheStatus) {
  EXPECT_EQ(*ask(good()).body, to_prometheus(full_snapshot()));
  EXPECT_EQ(*ask(good("/status")).body, to_json(full_snapshot()));
  EXPECT_EQ(code(good("/status?x=1")), 200U);
  EXPECT_EQ(code(good("/")), 404U);
}

TEST_F(Control_Guard, OneSnapshot_IsWrittenOnce) {
  EXPECT_EQ(ask(good()).body.get(), ask(good()).body.get());
  const auto before = ask(good()).body;
  board_->publish(std::make_shared<const cluster_status>());
  EXPECT_NE(*ask(good()).body, *before);
}

TEST_F(Control_Guard, WrongHost_IsRefused) {
  for (const std::vector<std::string>& hosts : {std::vector<std::string>{"evil.example:9000"},
                                                {},
                                                {"127.0.0.1"},
                                                {"127.0.0.1:9001"},
                                                {"127.0.0.1:9000", "evil.example"}}) {
    auto bad = good("/healthz");
    bad.hosts = hosts;
    EXPECT_EQ(code(bad), 421U);
  }
  auto local = good();
  local.hosts = {"LOCALHOST:9000"};
  EXPECT_EQ(code(local), 200U);
}

TEST_F(Control_Guard, OtherSites_AreRefused) {
  for (const char* site : {"cross-site", "same-site", "x"}) {
    auto bad = good();
    bad.sec_fetch_site = site;
    EXPECT_EQ(code(bad), 403U);
  }
  auto foreign = good();
  foreign.origin = "http://evil.example";
  EXPECT_EQ(code(foreign), 403U);
  for (const char* site : {"same-origin", "none"}) {
    auto own = good();
    own.sec_fetch_site = site;
    own.origin = "http://127.0.0.1:9000";
    EXPECT_EQ(code(own), 200U);
  }
}

TEST_F(Control_Guard, OtherMethodsAndBodies_AreRefused) {
  auto post = good();
  post.method = "POST";
  EXPECT_EQ(code(post), 405U);
  auto head = good();
  head.method = "HEAD";
  EXPECT_EQ(code(head), 200U);
  auto body = good();
  body.has_body = true;
  EXPECT_EQ(code(body), 413U);
}

TEST_F(Control_Guard, WrongTokens_AreSlowedButTheRightOneIsNot) {
  auto bad = good();
  for (const auto& text :
       {std::string(), "Bearer " + std::string(64, 'b'), std::string("Bearer"), "Basic " + token,
        "Bearer " + token + "a", "Bearer " + token.substr(1)}) {
    bad.authorization = text;
    EXPECT_EQ(code(bad), 401U) << text;
  }
  for (std::size_t i = 0; i < limits::http_failures_max; ++i)
    static_cast<void>(code(bad));
  EXPECT_EQ(code(bad), 429U);
  EXPECT_EQ(code(good()), 200U);
  at_ += limits::http_failures_window;
  EXPECT_EQ(code(bad), 401U);
}

TEST_F(Control_Guard, Health_NeedsNoTokenAndNoticesAHang) {
  auto plain = good("/healthz");
  plain.authorization.clear();
  EXPECT_EQ(code(plain), 200U);
  EXPECT_EQ(guard_.answer(plain, at_, now_ms + 60'000).code, 503U);
  board_->publish(std::make_shared<const cluster_status>());
  EXPECT_EQ(code(plain), 503U);
}

TEST(Control_Token, File_IsMadeOnceAndOnlyForItsUser) {
  const temporary_folder folder;
  const auto path = folder / "token";
  const auto made = load_token(path);
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->size(), 64U);
  struct stat file {};
  ASSERT_EQ(::stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  EXPECT_EQ(load_token(path), made);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(load_token(path).error(), HasSubstr("others may read"));
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  std::ofstream(path) << "short";
  EXPECT_THAT(load_token(path).error(), HasSubstr("64 hexadecimal"));
  EXPECT_NE(load_token(folder / "other"), made);
}

// -- the server ----------------------------------------------------------------------------------

class tcp_client {
public:
  explicit tcp_client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~tcp_client() { ::close(fd_); }
  tcp_client(const tcp_client&) = delete;
  tcp_client& operator=(const tcp_client&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& bytes) const {
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  [[nodiscard]] std::string read_to_end() const {
    std::string out;
    char chunk[65536];
    for (ssize_t got; (got = ::recv(fd_, chunk, sizeof chunk, 0)) > 0;)
      out.append(chunk, static_cast<std::size_t>(got));
    return out;
  }

private:
  int fd_;
  bool connected_ = false;
};

class Control_Http : public testing::Test {
protected:
  void SetUp() override {
    auto now = full_snapshot();
    now.unix_ms = ~std::uint64_t{0}; // never stale
    board_->publish(std::make_shared<const cluster_status>(now));
    auto made = http_status::start({.token_path = folder_ / "token"}, board_);
    ASSERT_TRUE(made.has_value()) << made.error();
    server_ = std::move(*made);
    token_ = read_all(folder_ / "token").substr(0, 64);
  }
  std::string head(const std::string& path, const std::string& more = "Connection: close\r\n") {
    return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server_->port()) +
           "\r\n" + more + "\r\n";
  }
  std::string bearer() { return "Authorization: Bearer " + token_ + "\r\nConnection: close\r\n"; }
  std::string exchange(const std::string& bytes) {
    const tcp_client client(server_->port());
    client.send(bytes);
    return client.read_to_end();
  }

  temporary_folder folder_;
  std::shared_ptr<cluster_board> board_ = std::make_shared<cluster_board>();
  std::unique_ptr<http_status> server_;
  std::string token_;
};

TEST_F(Control_Http, Metrics_AreServedWithSecurityHeaders) {
  const auto answer = exchange(head("/metrics", bearer()));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const char* what :
       {"X-Content-Type-Options: nosniff", "Content-Security-Policy: default-src 'none'",
        "Cache-Control: no-store", "X-Frame-Options: DENY", "tenbit_problems{run=\"gsm8k\""})
    EXPECT_THAT(answer, HasSubstr(what));
}

TEST_F(Control_Http, Refusals_HaveTheirCodes) {
  EXPECT_THAT(exchange(head("/metrics")), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(exchange(head("/healthz")), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(exchange("GET /healthz HTTP/1.1\r\nHost: evil\r\n\r\n"), StartsWith("HTTP/1.1 421"));
  EXPECT_THAT(exchange("GET /healthz HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 421"));
  EXPECT_THAT(exchange(head("/status", "Sec-Fetch-Site: cross-site\r\n")),
              StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(exchange(head("/status", "Content-Length: 5\r\n") + "hello"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange(head("/status", "Transfer-Encoding: chunked\r\n")),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(exchange(head("/status", "X: " + std::string(20'000, 'a') + "\r\n")),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(Control_Http, HeadAndKeepAlive_AreServed) {
  const tcp_client client(server_->port());
  auto first = head("/healthz", "");
  first.replace(0, 3, "HEAD");
  client.send(first + head("/healthz")); // two at once, the second closes
  const auto answer = client.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer.substr(10), HasSubstr("HTTP/1.1 200"));
  EXPECT_EQ(answer.find("ok\n"), answer.rfind("ok\n")); // HEAD has no body
}

TEST_F(Control_Http, HalfOpenClients_DoNotBlockOthers) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
  constexpr std::size_t half_open = limits::http_clients_max + 100; // more than there is room for
  if (files.rlim_cur < 2 * half_open + 100)
    GTEST_SKIP() << "too few descriptors allowed here";
  std::vector<std::unique_ptr<tcp_client>> clients;
  for (std::size_t i = 0; i < half_open; ++i) {
    clients.push_back(std::make_unique<tcp_client>(server_->port()));
    ASSERT_TRUE(clients.back()->connected());
    clients.back()->send("GET /metrics HTTP/1.1\r\nHost: ");
    if (i % 100 == 99) {
      EXPECT_THAT(exchange(head("/metrics", bearer())), StartsWith("HTTP/1.1 200")) << i;
    }
  }
  EXPECT_EQ(clients.front()->read_to_end(), ""); // made room
}

TEST_F(Control_Http, End_ClosesWhatIsOpen) {
  const tcp_client client(server_->port());
  client.send("GET /");
  EXPECT_THAT(exchange(head("/healthz")), StartsWith("HTTP/1.1 200")); // the first was accepted
  server_.reset();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(Control_Http, OtherAddresses_AreRefused) {
  for (const char* address : {"0.0.0.0", "192.0.2.1", "::"}) {
    const auto made = http_status::start({.address = address, .token_path = folder_ / "t"}, board_);
    ASSERT_FALSE(made.has_value());
    EXPECT_THAT(made.error(), HasSubstr("loopback only"));
  }
  EXPECT_THAT(http_status::start({.address = "here", .token_path = folder_ / "t"}, board_).error(),
              HasSubstr("not an IP address"));
}

TEST_F(Control_Http, PortInUse_IsNamed) {
  const auto made =
      http_status::start({.port = server_->port(), .token_path = folder_ / "token"}, board_);
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error(), HasSubstr("cannot"));
}

} // namespace
} // namespace tenbit::control

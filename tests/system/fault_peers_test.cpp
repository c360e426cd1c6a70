// Hostile peers at a real coordinator: nothing of theirs changes anything, and it stays up.
#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <memory>
#include <netinet/in.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <zmq.h>

#include "actors/wire.hpp"
#include "base/random.hpp"
#include "link/keys.hpp"
#include "link/socket.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::uint64_t problems = 200;

// A DEALER that does as it likes. No key: no CURVE at all.
class stranger {
public:
  stranger(const std::string& address, const link::key_file* key)
      : socket_(link::socket::open(context_, ZMQ_DEALER).value()) {
    socket_.set(ZMQ_LINGER, 0);
    socket_.set(ZMQ_SNDHWM, 0);
    if (key != nullptr) {
      socket_.set(ZMQ_CURVE_SERVERKEY, std::string_view(key->server_key));
      socket_.set(ZMQ_CURVE_PUBLICKEY, std::string_view(key->public_key));
      socket_.set(ZMQ_CURVE_SECRETKEY, std::string_view(key->secret_key));
    }
    EXPECT_TRUE(socket_.connect(address));
  }
  void send(std::string_view bytes) { (void)socket_.send(bytes, false); }
  void say(const from_peer& message) { send(wire::encode(message)); }
  // Takes one more hello for every connection that it loses.
  void hello_again(std::uint64_t boot, std::uint32_t slots, role_set roles = {true, false, false}) {
    hello h;
    h.build = "evil";
    h.boot = boot;
    h.roles = roles;
    h.slots = slots;
    say(h);
  }
  [[nodiscard]] std::optional<to_peer> receive(milliseconds patience) {
    zmq_pollitem_t item = link::poll_in(socket_);
    link::poll(&item, 1, patience);
    link::frame body;
    if (!socket_.receive(body))
      return std::nullopt;
    auto message = wire::decode_to_peer(body.bytes());
    return message ? std::optional(std::move(*message)) : std::nullopt;
  }
  template <class Message> [[nodiscard]] std::optional<Message> wait_for(int seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < end)
      if (auto got = receive(milliseconds(100)))
        if (auto* wanted = std::get_if<Message>(&*got))
          return std::move(*wanted);
    return std::nullopt;
  }

private:
  link::context context_{1};
  link::socket socket_;
};

link::key_file enrolled(const cluster_processes& cluster, const std::string& name) {
  const auto made = tenbit({"keys", "enroll", name, "--dir", cluster.path("cluster/keys"),
                            "--roles", "solver", "--out", cluster.path(name + ".key")});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return link::read_key_file(cluster.path(name + ".key")).value();
}

std::uint64_t counter(const cluster_processes& cluster, const char* name) {
  const json now = cluster.status();
  return now.is_object() ? now.at(name).get<std::uint64_t>() : 0;
}

void expect_responsive(const cluster_processes& cluster) {
  EXPECT_TRUE(cluster.status().is_object()) << "the coordinator does not answer";
}

// A load that lasts while the hostile ones are at work.
class F25_HostilePeers : public ::testing::Test {
protected:
  F25_HostilePeers() : cluster_(faults_experiment(problems), 15) {
    evil_key_ = enrolled(cluster_, "evil");
    cluster_.start_coordinator({"--lease-ttl", "2"});
    for (const char* name : {"w1", "w2"})
      cluster_.start_worker(name, "solver", {"--slots", "2"});
    cluster_.start_worker("o1", "oracle");
    cluster_.start_worker("g1", "grader");
    EXPECT_TRUE(cluster_.wait_until(
        [&] { return cluster_.received_now() > 10 && cluster_.run().contains("id"); }, 30));
    cluster_.hold_to(1);
    const json now = cluster_.status();
    incarnation_ = now.at("incarnation").get<std::uint64_t>();
    run_ =
        experiment_id{std::stoull(now.at("runs").at(0).at("id").get<std::string>(), nullptr, 16)};
  }
  [[nodiscard]] epoch some_epoch(random_stream& random) const {
    return random.below(8) == 0 ? epoch{~std::uint64_t{0}}
                                : epoch{incarnation_ << 32 | (1 + random.below(2 * problems))};
  }
  [[nodiscard]] task_id some_task(random_stream& random) const {
    const std::uint64_t which = random.below(10);
    return {which == 0 ? experiment_id{run_.value + 1} : run_,
            problem_index{which == 1   ? ~std::uint64_t{0}
                          : which == 2 ? problems
                                       : random.below(problems)}};
  }

  // It was at work all the time, and nothing of it was changed.
  void expect_work_and_the_same_end() {
    EXPECT_LT(cluster_.run().at("tasks").at("done"), problems) << "the run was over too early";
    cluster_.hold_to(0);
    cluster_.expect_same_end(90);
  }

  fault_cluster cluster_;
  link::key_file evil_key_;
  std::uint64_t incarnation_ = 0;
  experiment_id run_;
};

} // namespace

TEST_F(F25_HostilePeers, NoKeyOrAnUnknownOne_NeverGetsIn) {
  link::key_file unknown = link::read_key_file(cluster_.path("w1.key")).value();
  char open[41], secret[41];
  ASSERT_EQ(::zmq_curve_keypair(open, secret), 0);
  unknown.public_key = open;
  unknown.secret_key = secret;
  stranger without(cluster_.address(), nullptr), with(cluster_.address(), &unknown);
  without.hello_again(1, 4);
  with.hello_again(2, 4);
  EXPECT_FALSE(without.receive(milliseconds(1500)));
  EXPECT_FALSE(with.receive(milliseconds(1500)));
  EXPECT_TRUE(cluster_.wait_until(
      [&] {
        return counter(cluster_, "refused_keys") > 0 && counter(cluster_, "failed_handshakes") > 0;
      },
      15))
      << cluster_.status().dump(1);
  EXPECT_EQ(cluster_.status().at("workers").size(), 4U) << "it is a peer";
  expect_work_and_the_same_end();
}

// Enrolled, and lying about everything that it can name.
TEST_F(F25_HostilePeers, ForgedMessages_ChangeNothing) {
  stranger evil(cluster_.address(), &evil_key_);
  evil.hello_again(7, 0); // no slots: it holds no lease, so everything it says of one is forged
  ASSERT_TRUE(evil.wait_for<welcome>(15));
  random_stream random(25);
  for (int i = 0; i < 600; ++i) {
    const task_id task = some_task(random);
    const epoch lease = some_epoch(random);
    const arm_trial where{arm_index{static_cast<std::uint16_t>(random.below(9))},
                          trial_index{static_cast<std::uint16_t>(random.below(3))}};
    switch (random.below(6)) {
    case 0:
      evil.say(task_released{task, lease, release_kind::done, 0});
      break;
    case 1:
      evil.say(task_released{task, lease, release_kind::own_fault, 5});
      break;
    case 2:
      evil.say(append_request{
          task, lease, random.below(50), {failure_event{where, call_error::diverged, "forged"}}});
      break;
    case 3:
      evil.say(ask_message{task, lease, random.below(50), where, {"Is it 7?", "Is it odd?"}, "7"});
      break;
    case 4: {
      arm_finished finished;
      finished.task = task;
      finished.lease = lease;
      finished.where = where;
      finished.answer_text = "7";
      evil.say(finished);
      break;
    }
    default: {
      heartbeat beat;
      beat.boot = 7;
      beat.number = ~std::uint64_t{0} - random.below(9);
      beat.leases.push_back({task, lease, 1, 1});
      evil.say(beat);
    }
    }
  }
  EXPECT_TRUE(cluster_.wait_until([&] { return cluster_.figure("stale_refused") > 150; }, 15))
      << cluster_.figure("stale_refused");
  expect_responsive(cluster_);
  EXPECT_EQ(cluster_.leased("evil"), 0U);
  std::printf("F25: %llu forged messages refused as stale\n",
              static_cast<unsigned long long>(cluster_.figure("stale_refused")));
  expect_work_and_the_same_end();
}

TEST_F(F25_HostilePeers, RolesItHasNot_BombsAndHugeFrames_EndItsConnections) {
  const auto connected = [&](stranger& evil, std::uint64_t boot) {
    evil.hello_again(boot, 0);
    return evil.wait_for<welcome>(15).has_value();
  };
  { // an oracle's and a grader's messages from a solver
    stranger evil(cluster_.address(), &evil_key_);
    ASSERT_TRUE(connected(evil, 11));
    for (int i = 0; i < 40; ++i) {
      evil.say(oracle_append{{run_, problem_index{0}}, 1, 1, {}});
      evil.say(graded{{run_, problem_index{1}}, {}});
    }
    EXPECT_TRUE(cluster_.wait_until([&] { return counter(cluster_, "forbidden") > 0; }, 15));
  }
  std::this_thread::sleep_for(milliseconds(1200)); // one that was dropped is let in again
  const std::vector<std::string> bombs = {
      std::string("\xdd\xff\xff\xff\xff", 5), std::string("\x93\x01\x01\xdb\xff\xff\xff\xff", 8),
      std::string(100'000, '\x91'), std::string(), "no msgpack at all"};
  {
    stranger evil(cluster_.address(), &evil_key_);
    evil.hello_again(12, 0);
    for (int i = 0; i < 40; ++i)
      evil.send(bombs[static_cast<std::size_t>(i) % bombs.size()]);
    EXPECT_TRUE(cluster_.wait_until([&] { return counter(cluster_, "bad_frames") > 0; }, 15));
  }
  {
    stranger evil(cluster_.address(), &evil_key_);
    evil.send(std::string(100U << 20, 'x'));
    std::this_thread::sleep_for(milliseconds(500));
    expect_responsive(cluster_);
  }
  const json now = cluster_.status();
  EXPECT_LT(now.at("rss_bytes").get<std::uint64_t>(), 600U << 20);
  std::printf("F25: forbidden %llu, bad frames %llu, rss %llu MiB\n",
              now.at("forbidden").get<unsigned long long>(),
              now.at("bad_frames").get<unsigned long long>(),
              now.at("rss_bytes").get<unsigned long long>() >> 20);
  expect_work_and_the_same_end();
}

// Frames that were right once, again and again.
TEST_F(F25_HostilePeers, ReplayedFrames_AreAnsweredAndDoNothing) {
  cluster_.hold_to(5); // one more than the others have slots
  stranger evil(cluster_.address(), &evil_key_);
  evil.hello_again(21, 1);
  const auto given = evil.wait_for<grant>(30);
  ASSERT_TRUE(given);
  append_request append{given->task, given->lease, 1, {}};
  append.events.emplace_back(
      failure_event{{arm_index{0}, trial_index{0}}, call_error::transient, "recorded"});
  const task_released released{given->task, given->lease, release_kind::interrupted, 0};
  evil.say(append);
  ASSERT_TRUE(evil.wait_for<appended>(15));
  heartbeat leaving;
  leaving.boot = 21;
  leaving.number = 1;
  leaving.slots = 0; // or it would be given another task
  evil.say(leaving);
  evil.say(released);
  ASSERT_TRUE(evil.wait_for<release_ack>(15));
  cluster_.hold_to(1);
  for (int i = 0; i < 200; ++i) {
    evil.say(append);
    evil.say(leaving);
    evil.say(released);
  }
  expect_responsive(cluster_);
  EXPECT_TRUE(cluster_.wait_until([&] { return cluster_.figure("stale_refused") >= 150; }, 15))
      << cluster_.figure("stale_refused");
  expect_work_and_the_same_end();
}

// -- the status page -----------------------------------------------------------------------------

namespace {

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  timeval patience{10, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  EXPECT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0)
      << std::strerror(errno);
  return socket;
}

std::string first_line(int socket) {
  char buffer[4096];
  const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
  const std::string text(buffer, got > 0 ? static_cast<std::size_t>(got) : 0);
  return text.substr(0, text.find('\r'));
}

std::string ask_page(std::uint16_t port, const std::string& request) {
  const int socket = connect_to(port);
  EXPECT_EQ(::send(socket, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  const std::string line = first_line(socket);
  ::close(socket);
  return line;
}

} // namespace

TEST(F25_HostilePages, ThousandHalfOpenAndForeignPosts_PageAndRunGoOn) {
  fault_cluster cluster(cheap_experiment(20), 20);
  const std::uint16_t port = free_port();
  cluster.start_coordinator({"--lease-ttl", "2", "--http", std::to_string(port)});
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.received_now() > 5; }, 30));
  const std::string host = fmt::format("Host: 127.0.0.1:{}\r\n", port);
  const std::string health = "GET /healthz HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n";
  ASSERT_EQ(ask_page(port, health).substr(0, 12), "HTTP/1.1 200");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::vector<int> half_open;
  for (int i = 0; i < 1000; ++i) {
    half_open.push_back(connect_to(port));
    (void)::send(half_open.back(), "GET /status HT", 14, MSG_NOSIGNAL);
  }
  EXPECT_EQ(ask_page(port, health).substr(0, 12), "HTTP/1.1 200") << "beside 1,000 half-open ones";
  expect_responsive(cluster);
  const std::string before = read_file(cluster.path("cluster/audit.jsonl"));
  for (const char* line : {"POST /status HTTP/1.1\r\n", "POST /ctl HTTP/1.1\r\n"})
    EXPECT_NE(ask_page(port, line + host +
                                 "Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n"
                                 "Content-Length: 2\r\n\r\n{}")
                  .substr(9, 1),
              "2");
  EXPECT_NE(ask_page(port, "GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n").substr(9, 1), "2");
  EXPECT_EQ(read_file(cluster.path("cluster/audit.jsonl")), before) << "a page gave an order";
  cluster.expect_same_end(60);
  for (const int socket : half_open)
    ::close(socket);
}

} // namespace tenbit::testing

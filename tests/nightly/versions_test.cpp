// F23: other versions of the wire, of the program, of the options and of the experiment's file.
#include <chrono>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <zmq.h>

#include "actors/wire.hpp"
#include "link/keys.hpp"
#include "link/socket.hpp"
#include "tests/system/fault_cluster.hpp"

namespace tenbit::testing {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A peer without our program: a DEALER and its key.
class raw_peer {
public:
  raw_peer(const std::string& address, const link::key_file& key)
      : socket_(link::socket::open(context_, ZMQ_DEALER).value()) {
    socket_.set(ZMQ_LINGER, 0);
    socket_.set(ZMQ_CURVE_SERVERKEY, std::string_view(key.server_key));
    socket_.set(ZMQ_CURVE_PUBLICKEY, std::string_view(key.public_key));
    socket_.set(ZMQ_CURVE_SECRETKEY, std::string_view(key.secret_key));
    EXPECT_TRUE(socket_.connect(address));
  }
  void send(std::string_view bytes) { (void)socket_.send(bytes, false); }
  template <class Message> [[nodiscard]] std::optional<Message> wait_for(int seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (std::chrono::steady_clock::now() < end) {
      zmq_pollitem_t item = link::poll_in(socket_);
      link::poll(&item, 1, milliseconds(100));
      link::frame body;
      if (!socket_.receive(body))
        continue;
      auto message = wire::decode_to_peer(body.bytes());
      if (message)
        if (auto* wanted = std::get_if<Message>(&*message))
          return std::move(*wanted);
    }
    return std::nullopt;
  }

private:
  link::context context_{1};
  link::socket socket_;
};

link::key_file enrolled(const cluster_processes& cluster, const std::string& name) {
  role_set solver;
  solver.solver = true;
  return link::enroll(cluster.path("cluster/keys"), name, solver, cluster.path(name + ".key"))
      .value();
}

hello hello_of(const std::string& build, std::uint64_t boot) {
  hello out;
  out.build = build;
  out.boot = boot;
  out.roles.solver = true;
  out.slots = 1;
  return out;
}

} // namespace

TEST(F23_Versions, OtherWireVersion_IsRefusedForGoodByName) {
  fault_cluster cluster(cheap_experiment(20), 10);
  const link::key_file key = enrolled(cluster, "newer");
  cluster.start_coordinator();
  for (const int version : {0, 2, 99}) {
    SCOPED_TRACE(version);
    std::string bytes = wire::encode(from_peer(hello_of("tenbit 9.9.9", 5)));
    ASSERT_EQ(bytes[1], static_cast<char>(wire::version)); // the first field of the array
    bytes[1] = static_cast<char>(version);
    raw_peer other(cluster.address(), key);
    other.send(bytes);
    const auto answer = other.wait_for<refused>(15);
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->for_good);
    EXPECT_NE(answer->reason.find(fmt::format("version {}", version)), std::string::npos)
        << answer->reason;
    EXPECT_NE(answer->reason.find(fmt::format("version {}", wire::version)), std::string::npos)
        << answer->reason;
    std::printf("F23: refused: %s\n", answer->reason.c_str());
  }
  cluster.start_usual_workers();
  cluster.expect_same_end(60);
}

// The wire's version decides, not the program's.
TEST(F23_Versions, WorkerOfAnotherBuild_IsWelcomedAndItsWorkCommitted) {
  fault_cluster cluster(cheap_experiment(20), 10);
  const link::key_file key = enrolled(cluster, "other");
  cluster.start_coordinator();
  {
    raw_peer other(cluster.address(), key);
    other.send(wire::encode(from_peer(hello_of("tenbit 0.0.7-rc1", 6))));
    ASSERT_TRUE(other.wait_for<welcome>(15));
    const auto given = other.wait_for<grant>(15);
    ASSERT_TRUE(given);
    append_request append{given->task, given->lease, 1, {}};
    append.events.emplace_back(
        failure_event{{arm_index{0}, trial_index{0}}, call_error::transient, "of another build"});
    other.send(wire::encode(from_peer(append)));
    EXPECT_TRUE(other.wait_for<appended>(15));
    const auto build_shown = [&] {
      return cluster.peer("other").value("build", std::string()) == "tenbit 0.0.7-rc1";
    };
    EXPECT_TRUE(cluster.wait_until(build_shown, 10));
    other.send(wire::encode(from_peer(goodbye{"done"})));
    EXPECT_TRUE(
        cluster.wait_until([&] { return !cluster.peer("other").value("connected", true); }, 15));
  }
  cluster.start_usual_workers();
  cluster.expect_same_end(60);
}

TEST(F23_Versions, ChangedLeaseTtlBetweenRestarts_EndsTheSame) {
  fault_cluster cluster(faults_experiment(60, 4), 60);
  cluster.start_usual_workers();
  std::uint64_t before = 0;
  for (const char* ttl : {"2", "9", "1", "30"}) {
    SCOPED_TRACE(ttl);
    cluster.start_coordinator({"--lease-ttl", ttl});
    ASSERT_TRUE(cluster.wait_until([&] { return cluster.committed() > before + 60; }, 60));
    cluster.kill_coordinator();
    before = cluster.committed();
  }
  EXPECT_LT(before, cluster.reference_calls()) << "the run was over before the last restart";
  cluster.start_coordinator({"--lease-ttl", "3"});
  cluster.expect_same_end(90);
  std::printf("F23: five lives with other leases; %llu requests for %llu calls\n",
              static_cast<unsigned long long>(cluster.received()),
              static_cast<unsigned long long>(cluster.committed()));
}

TEST(F23_Versions, ExperimentFileChangedInTheMiddle_IsRefusedWithTheDifference) {
  fault_cluster cluster(faults_experiment(60, 4), 60);
  cluster.start_coordinator();
  cluster.start_usual_workers();
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.committed() > 60; }, 60));
  std::string text = read_file(cluster.file());
  const std::string original = text;
  text.replace(text.find("questions = 4"), 13, "questions = 5");
  write_file(cluster.file(), text);
  // While it runs, and when the coordinator is started with it.
  const ended asked = tenbit(
      {"ctl", "--socket", cluster.path("cluster/ctl.sock"), "run", "submit", cluster.file()});
  EXPECT_NE(asked.exit_code, 0);
  cluster.kill_coordinator();
  cluster.start_coordinator({"--lease-ttl", "2", cluster.file()});
  const ended started = cluster.coordinator().wait();
  EXPECT_NE(started.exit_code, 0);
  for (const std::string& said : {asked.out + asked.err, started.err})
    EXPECT_NE(said.find("arms.3.questions: store has 4, experiment has 5"), std::string::npos)
        << said;
  write_file(cluster.file(), original);
  cluster.start_coordinator({"--lease-ttl", "2", cluster.file()});
  cluster.expect_same_end(60);
}

} // namespace tenbit::testing

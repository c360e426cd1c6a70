// The shell of a peer: what it makes for an experiment, and when it lets go of it.
#include "workers/peer_actor.hpp"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "actors/caf_compat.hpp"

namespace tenbit::testing {
namespace {

using namespace std::chrono_literals;

constexpr experiment_id first{7}, second{8};
constexpr auto patience = 60s; // of a test that would fail

const std::string toml = R"(name = "one"
seed = 1
[benchmark]
kind = "arith"
count = 1
level = 1
seed = 5
[models.small]
kind = "sim"
model = "small"
replicas = ["http://127.0.0.1:9"]
concurrency = 4
[[arms]]
name = "direct"
method = "direct"
solver = "small"
)";

// Waits for the messages of one kind that a peer sends.
template <class Message> class awaited {
public:
  void look_at(const from_peer& message) {
    const auto* m = std::get_if<Message>(&message);
    const std::lock_guard lock(mutex_);
    if (m != nullptr && !said_)
      said_ = true, promise_.set_value(*m);
  }
  [[nodiscard]] std::optional<Message> get() {
    auto future = promise_.get_future();
    return future.wait_for(patience) == std::future_status::ready ? std::optional(future.get())
                                                                  : std::nullopt;
  }

private:
  std::mutex mutex_;
  bool said_ = false;
  std::promise<Message> promise_;
};

struct Peer_Base : ::testing::Test {
  explicit Peer_Base(std::size_t threads) : config(threads) {
    options.rules = {"test", 42, {true, true, false}, 2, 0};
    options.send = [this](const from_peer& message) {
      hellos.look_at(message);
      refusals.look_at(message);
      beats += std::holds_alternative<heartbeat>(message) ? 1 : 0;
      return true;
    };
    options.on_over = [this](const std::string&, bool) { over = true; };
    options.on_note = [](const std::string&) {};
    options.on_incarnation = [](std::uint64_t) {};
    options.slots_of = [](const experiment&) { return 2U; };
  }
  ~Peer_Base() override {
    if (peer)
      caf::anon_send_exit(peer, caf::exit_reason::user_shutdown);
    peer = peer_actor();
    system.await_all_actors_done();
  }
  void begin() {
    peer = spawn_peer(system, options);
    say(welcome{5, 30'000, 5'000, "anna"});
  }
  void say(to_peer message) {
    caf::anon_send(peer, link_message{std::make_shared<to_peer>(std::move(message))});
  }

  struct with_threads : caf::actor_system_config {
    explicit with_threads(std::size_t threads) { set("scheduler.max-threads", threads); }
  } config;
  caf::actor_system system{config};
  peer_options options;
  awaited<hello> hellos;
  awaited<experiment_refused> refusals;
  std::atomic<bool> over{false};
  std::atomic<int> beats{0};
  peer_actor peer;
};

struct Peer : Peer_Base {
  Peer() : Peer_Base(4) {}
};

} // namespace

TEST_F(Peer, ExperimentItCannotPrepare_IsRefusedAndTheOtherMade) {
  std::promise<void> made;
  options.prepare =
      [&, number = 0](experiment&) mutable -> expected<std::shared_ptr<void>, std::string> {
    if (number++ == 0)
      return fail(std::string("the GPU is away"));
    made.set_value();
    return std::shared_ptr<void>();
  };
  begin();
  say(experiment_text{first, toml});
  say(experiment_text{second, toml});
  const auto said = refusals.get();
  ASSERT_TRUE(said);
  EXPECT_EQ(said->experiment, first);
  EXPECT_EQ(said->reason, "the GPU is away");
  EXPECT_EQ(made.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(over);
}

TEST_F(Peer, ExperimentThatCannotBeRead_IsRefused) {
  options.prepare = [](experiment&) { return std::shared_ptr<void>(); };
  begin();
  say(experiment_text{first, "name = "});
  const auto said = refusals.get();
  ASSERT_TRUE(said);
  EXPECT_FALSE(said->reason.empty());
  EXPECT_FALSE(over);
}

// The parties share the scheduler's one thread with something that does not return.
struct Peer_OneThread : Peer_Base {
  Peer_OneThread() : Peer_Base(1) {}
  // True when no heartbeat comes for so long, within the patience.
  [[nodiscard]] bool falls_silent() {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (auto since = std::chrono::steady_clock::now(); since < end;) {
      const int before = beats;
      std::this_thread::sleep_for(10ms);
      const auto now = std::chrono::steady_clock::now();
      if (beats != before)
        since = now;
      if (now - since > 2s)
        return true;
      if (now > end)
        return false;
    }
    return false;
  }
};

TEST_F(Peer_OneThread, OracleAndGraderHang_HeartbeatsEndUntilTheyAnswer) {
  options.rules.roles = {false, true, true};
  options.rules.party_patience = 300ms;
  options.prepare = [](experiment&) { return std::shared_ptr<void>(); };
  peer = spawn_peer(system, options);
  say(welcome{5, 30'000, 100, "anna"});
  say(experiment_text{first, toml});
  const auto beat_again = [&] {
    const int before = beats;
    for (int i = 0; i < 6000 && beats < before + 5; ++i)
      std::this_thread::sleep_for(10ms);
    return beats >= before + 5;
  };
  EXPECT_TRUE(beat_again()) << "they answer";
  std::promise<void> go_on;
  caf::anon_send(system.spawn([wait = go_on.get_future().share()](caf::event_based_actor*) {
    return caf::behavior{[wait](int) { wait.wait(); }};
  }),
                 1);
  EXPECT_TRUE(falls_silent());
  go_on.set_value();
  EXPECT_TRUE(beat_again());
}

// Its client is gone with what was prepared for it; with new work it is made again.
TEST_F(Peer, IdleExperiment_IsLetGoAndMadeAgainOnDemand) {
  std::promise<void> gone, again;
  options.rules.experiment_idle = 0s;
  options.prepare =
      [&, number = 0](experiment&) mutable -> expected<std::shared_ptr<void>, std::string> {
    if (number++ > 0) {
      if (number == 2)
        again.set_value();
      return std::shared_ptr<void>();
    }
    return std::shared_ptr<void>(new int(0), [&](void* thing) {
      delete static_cast<int*>(thing);
      gone.set_value();
    });
  };
  begin();
  say(experiment_text{first, toml});
  ASSERT_EQ(gone.get_future().wait_for(patience), std::future_status::ready);
  grant given;
  given.task = {first, {}};
  given.lease = epoch{9};
  given.item = std::make_shared<const problem>();
  given.journal = std::make_shared<const std::vector<event>>();
  say(given); // it says hello for the text
  ASSERT_TRUE(hellos.get());
  say(welcome{5, 30'000, 5'000, "anna"});
  say(experiment_text{first, toml});
  EXPECT_EQ(again.get_future().wait_for(patience), std::future_status::ready);
}

} // namespace tenbit::testing

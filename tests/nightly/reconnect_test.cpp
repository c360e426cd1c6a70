// F11: hundreds of workers come back at once after a restart of the coordinator.
#include <algorithm>
#include <chrono>
#include <deque>
#include <fmt/format.h>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "link/keys.hpp"
#include "link/uplink.hpp"
#include "tests/system/cluster_processes.hpp"
#include "workers/link_core.hpp"

namespace tenbit::testing {
namespace {

using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

double seconds_between(clock::time_point from, clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// A worker's own side of the link, real but for its work: it appends a note to its task again and
// again, and measures how long each takes to be durable.
class light_worker {
public:
  light_worker(const std::string& address, link::key_file key, std::uint64_t boot)
      : core_(rules_of(boot)), random_(boot, "light_worker", 0) {
    link::uplink_events events;
    events.on_up = [this] { put([](link_core& c, auto now) { c.on_up(now); }); };
    events.on_down = [this](const std::string&) { put([](link_core& c, auto) { c.on_down(); }); };
    events.on_message = [this](to_peer message) {
      put([kept = std::make_shared<to_peer>(std::move(message))](link_core& c, auto now) {
        c.on_message(std::move(*kept), now);
      });
    };
    auto made = link::uplink::start({address, std::move(key)}, std::move(events));
    EXPECT_TRUE(made) << made.error();
    if (made)
      uplink_ = std::move(*made);
  }

  void step(clock::time_point now) {
    std::deque<happening> news;
    {
      const std::lock_guard lock(mutex_);
      news.swap(news_);
    }
    for (const happening& one : news)
      one(core_, now);
    core_.on_tick(now);
    if (task_ && !asked_ && core_.welcomed() && now >= next_)
      append(now);
    carry_out(now);
  }
  [[nodiscard]] bool welcomed() const { return core_.welcomed(); }
  [[nodiscard]] bool has_task() const { return task_.has_value(); }
  [[nodiscard]] bool appended_since_reset() const { return !waits_.empty(); }
  [[nodiscard]] const std::vector<double>& waits() const { return waits_; }
  void forget_waits() { waits_.clear(); }
  [[nodiscard]] const std::string& over() const { return over_; }

private:
  using happening = std::function<void(link_core&, clock::time_point)>;
  static link_rules rules_of(std::uint64_t boot) {
    link_rules out;
    out.build = "light";
    out.boot = boot;
    out.roles.solver = true;
    out.slots = 1;
    return out;
  }
  void put(happening one) {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(one));
  }
  void append(clock::time_point now) {
    append_request request{task_->task, task_->lease, ++ticket_, {}};
    request.events.emplace_back(
        failure_event{{arm_index{0}, trial_index{0}}, call_error::transient, "a note"});
    asked_ = now;
    core_.on_local(std::move(request), now);
  }
  void carry_out(clock::time_point now) {
    for (link_command& command : core_.take_commands()) {
      if (const auto* wire = std::get_if<to_wire>(&command))
        (void)uplink_->send(*wire->what); // what is lost with the connection is sent again
      else if (const auto* party = std::get_if<to_party>(&command))
        hear(party->what, now);
      else if (const auto* end = std::get_if<link_over>(&command))
        over_ = end->reason;
      else if (task_)
        core_.on_progress({{{task_->task, task_->lease, 1, static_cast<std::uint32_t>(ticket_)}}});
    }
  }
  void hear(const to_peer& message, clock::time_point now) {
    if (const auto* given = std::get_if<grant>(&message)) {
      task_ = held_lease{given->task, given->lease};
      asked_.reset();
    } else if (std::holds_alternative<appended>(message) && asked_) {
      waits_.push_back(seconds_between(*asked_, now));
      asked_.reset();
      next_ = now + milliseconds(random_.between(500, 1500));
    } else if (std::holds_alternative<revoke>(message)) {
      task_.reset();
      asked_.reset();
    }
  }

  std::mutex mutex_;
  std::deque<happening> news_; // of the uplink's thread
  link_core core_;
  random_stream random_;
  std::optional<held_lease> task_;
  std::optional<clock::time_point> asked_;
  clock::time_point next_{};
  std::uint64_t ticket_ = 0;
  std::vector<double> waits_;
  std::string over_;
  std::unique_ptr<link::uplink> uplink_; // last: its thread uses the rest
};

struct fleet_of_light_workers {
  fleet_of_light_workers(const cluster_processes& cluster, int count) {
    role_set solver;
    solver.solver = true;
    std::vector<link::key_file> keys;
    for (int i = 0; i < count; ++i) {
      const std::string name = fmt::format("n{}", i);
      keys.push_back(
          link::enroll(cluster.path("cluster/keys"), name, solver, cluster.path(name + ".key"))
              .value());
    }
    std::this_thread::sleep_for(2 * limits::allow_list_period); // it reads the list again
    for (int i = 0; i < count; ++i)
      all.push_back(std::make_unique<light_worker>(cluster.address(), keys[std::size_t(i)],
                                                   static_cast<std::uint64_t>(i) + 1));
  }
  // Steps all until each fulfils it, or the time is over; how many do.
  template <class Predicate> std::size_t until_all(Predicate holds, int seconds) {
    const auto end = clock::now() + std::chrono::seconds(seconds);
    for (;;) {
      std::size_t fulfil = 0;
      for (const auto& one : all) {
        one->step(clock::now());
        fulfil += holds(*one) ? 1U : 0U;
      }
      if (fulfil == all.size() || clock::now() > end)
        return fulfil;
      std::this_thread::sleep_for(milliseconds(2));
    }
  }
  [[nodiscard]] std::vector<double> waits() const {
    std::vector<double> out;
    for (const auto& one : all)
      out.insert(out.end(), one->waits().begin(), one->waits().end());
    std::sort(out.begin(), out.end());
    return out;
  }
  void forget_waits() {
    for (const auto& one : all)
      one->forget_waits();
  }
  std::vector<std::unique_ptr<light_worker>> all;
};

} // namespace

// 500 workers, each with a key, a connection and a thread of its own, in this process; the plan of
// the tests names 2000. The coordinator is a process.
TEST(F11_ManyWorkersReconnect, AfterACoordinatorsRestart_AllAreBackAndCommitsAreQuick) {
  constexpr std::size_t workers = 500;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  cluster_processes cluster(faults_experiment(600));
  cluster.start_coordinator({"--lease-ttl", "60"});
  ASSERT_TRUE(cluster.wait_until([&] { return cluster.status().is_object(); }, 30));
  fleet_of_light_workers fleet(cluster, workers);
  const auto works = [](const light_worker& one) {
    return one.welcomed() && one.has_task() && one.appended_since_reset();
  };
  ASSERT_EQ(fleet.until_all(works, 90), workers) << cluster.status().dump(1).substr(0, 4000);
  cluster.kill_coordinator();
  // Down for so long that they have come to try less and less often.
  fleet.until_all([](const light_worker&) { return false; }, 12);
  for (const auto& one : fleet.all)
    ASSERT_FALSE(one->welcomed());
  fleet.forget_waits();
  const auto restarted = clock::now();
  cluster.start_coordinator({"--lease-ttl", "60"});
  ASSERT_EQ(fleet.until_all([](const light_worker& one) { return one.welcomed(); }, 70), workers);
  const double back = seconds_between(restarted, clock::now());
  EXPECT_LT(back, 60);
  ASSERT_EQ(fleet.until_all(works, 60), workers) << "some hold no lease that is good";
  fleet.forget_waits();
  fleet.until_all([](const light_worker& one) { return one.waits().size() >= 15; }, 40);
  const std::vector<double> waits = fleet.waits();
  ASSERT_GT(waits.size(), workers);
  const double p50 = waits[waits.size() / 2], p99 = waits[waits.size() * 99 / 100];
  EXPECT_LT(p99, 1.0);
  const auto now = cluster.status();
  EXPECT_EQ(now.at("runs").at(0).at("leases_expired"), 0);
  EXPECT_EQ(now.at("runs").at(0).at("leases_lost"), 0);
  EXPECT_LT(now.at("rss_bytes").get<std::uint64_t>(), 1U << 30);
  for (const auto& one : fleet.all)
    EXPECT_EQ(one->over(), "");
  std::printf("F11: %zu workers back in %.1f s after the restart; %zu appends, p50 %.1f ms, p99 "
              "%.1f ms, most %.1f ms; leases granted since %s; rss %llu MiB, %s files\n",
              workers, back, waits.size(), p50 * 1e3, p99 * 1e3, waits.back() * 1e3,
              now.at("runs").at(0).at("leases_granted").dump().c_str(),
              static_cast<unsigned long long>(now.at("rss_bytes").get<std::uint64_t>() >> 20),
              now.at("open_files").dump().c_str());
}

} // namespace tenbit::testing

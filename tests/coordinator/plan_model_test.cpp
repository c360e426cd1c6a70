// The plan beside a naive model of it: whatever happens, every task is in exactly one place, and
// the counts say so.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <set>

#include "coordinator/plan.hpp"

namespace tenbit {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t tasks = 6;
constexpr std::uint32_t peers = 3;

struct modelled {
  enum class at { pending, leased, ended } place = at::pending;
  peer_id holder; // leased, or of the lease that expired
  bool expired = false, detached = false;
  run_clock::time_point deadline;
  task_ending ending = task_ending::done;
};

class model {
public:
  model() {
    plan_rules rules;
    rules.quarantine = true;
    rules.outage_tries_max = 0;
    plan_ = plan(rules);
    for (std::uint64_t i = 0; i < tasks; ++i) {
      plan_.add_pending(problem_index{i});
      all_[i] = {};
    }
  }

  void step(std::uint8_t what, std::uint8_t a, std::uint8_t b) {
    now_ += std::chrono::milliseconds(b * 20);
    const peer_id who{1U + a % peers};
    const problem_index task{a % tasks};
    switch (what % 14) {
    case 0:
    case 1:
    case 2:
    case 3:
      grant(who, b % 4 == 0);
      break;
    case 4:
    case 5:
      now_ += std::chrono::seconds(b);
      expire();
      break;
    case 6:
      renew(task);
      break;
    case 7:
    case 8:
      release(task, static_cast<release_kind>(b % 6), b % 3 == 0);
      break;
    case 9:
      crash(who, b % 2 == 0);
      break;
    case 10:
      take(task, b % 2 == 0 ? task_ending::quarantined : task_ending::done);
      break;
    case 11:
      requeue(task, b % 2 == 0);
      break;
    case 12:
      detach(task);
      break;
    default:
      b % 2 == 0 ? forgive(who) : put_back(who);
    }
    check();
  }

private:
  void ended(problem_index task, task_ending how) {
    modelled& m = all_[task.value];
    const bool pending = how == task_ending::delayed || how == task_ending::interrupted;
    m = {};
    m.place = pending ? modelled::at::pending : modelled::at::ended;
    m.ending = how;
  }
  [[nodiscard]] bool has_lease(problem_index task) const {
    const modelled& m = all_.at(task.value);
    return m.place == modelled::at::leased || m.expired;
  }
  void grant(peer_id who, bool alone) {
    const auto task = plan_.next(now_, who, alone);
    if (!task)
      return;
    RC_ASSERT(all_[task->value].place == modelled::at::pending);
    plan_.lease(*task, {epoch{++epochs_}, who, now_, now_ + limits::lease_ttl, false});
    all_[task->value] = {modelled::at::leased, who, false, false, now_ + limits::lease_ttl, {}};
  }
  void put_back(peer_id who) {
    if (const auto task = plan_.next(now_, who, false))
      plan_.put_back(*task);
  }
  void forgive(peer_id who) {
    for (const problem_index task : plan_.forgive(who)) {
      const modelled& m = all_[task.value];
      // Given up with its end not yet told, or ended since.
      const bool may = m.place == modelled::at::ended || m.detached;
      RC_ASSERT(may);
      if (m.place == modelled::at::ended)
        requeue(task, false);
    }
  }
  void expire() {
    std::set<problem_index> wanted, got;
    for (auto& [index, m] : all_) {
      if (m.place != modelled::at::leased || m.detached || m.deadline > now_)
        continue;
      m.place = modelled::at::pending;
      m.expired = true;
      wanted.insert(problem_index{index});
    }
    for (const problem_index task : plan_.expire(now_))
      RC_ASSERT(got.insert(task).second);
    RC_ASSERT(got == wanted);
  }
  void renew(problem_index task) {
    if (!has_lease(task) || all_[task.value].detached)
      return;
    plan_.renew(task, now_ + limits::lease_ttl);
    modelled& m = all_[task.value];
    m.place = modelled::at::leased;
    m.expired = false;
    m.deadline = now_ + limits::lease_ttl;
  }
  void release(problem_index task, release_kind how, bool alone) {
    if (!has_lease(task))
      return;
    const task_ending ending =
        all_[task.value].detached ? task_ending::quarantined : plan_.judge(task, how, alone);
    plan_.end(task, ending, now_);
    ended(task, ending);
  }
  void crash(peer_id who, bool alone) {
    std::set<problem_index> held;
    for (const auto& [index, m] : all_)
      if (has_lease(problem_index{index}) && m.holder == who)
        held.insert(problem_index{index});
    const auto bad = plan_.crashed(who, alone);
    for (const problem_index task : held)
      ended(task, task_ending::interrupted);
    for (const problem_index task : bad) {
      RC_ASSERT(held.contains(task));
      plan_.end(task, task_ending::quarantined, now_);
      ended(task, task_ending::quarantined);
    }
  }
  void take(problem_index task, task_ending how) {
    const bool pending = all_[task.value].place == modelled::at::pending;
    RC_ASSERT(plan_.take_pending(task, how) == pending);
    if (pending)
      ended(task, how);
  }
  void requeue(problem_index task, bool forget) {
    const modelled& m = all_[task.value];
    if (m.place != modelled::at::ended || m.ending == task_ending::done)
      return;
    plan_.requeue(task, m.ending, forget);
    all_[task.value] = {};
  }
  void detach(problem_index task) {
    if (!has_lease(task))
      return;
    plan_.detach(task);
    modelled& m = all_[task.value];
    m.place = modelled::at::leased;
    m.expired = false;
    m.detached = true;
    m.holder = {};
  }

  void check() const {
    plan_counts wanted;
    std::map<peer_id, std::vector<problem_index>> held;
    std::map<peer_id, std::uint32_t> live;
    std::set<problem_index> pending;
    for (const auto& [index, m] : all_) {
      const problem_index task{index};
      if (has_lease(task))
        held[m.holder].push_back(task);
      const task_lease* lease = plan_.find(task);
      const bool same = lease == nullptr ? !has_lease(task)
                                         : has_lease(task) && lease->holder == m.holder &&
                                               lease->expired == m.expired;
      RC_ASSERT(same); // RC_ASSERT takes expressions apart: no short circuit in it
      if (m.place == modelled::at::pending)
        pending.insert(task);
      live[m.holder] += m.place == modelled::at::leased ? 1 : 0;
      wanted.pending += m.place == modelled::at::pending ? 1 : 0;
      wanted.leased += m.place == modelled::at::leased ? 1 : 0;
      if (m.place != modelled::at::ended)
        continue;
      wanted.done += m.ending == task_ending::done ? 1 : 0;
      wanted.failed += m.ending == task_ending::failed ? 1 : 0;
      wanted.quarantined += m.ending == task_ending::quarantined ? 1 : 0;
    }
    RC_ASSERT(plan_.counts() == wanted);
    for (std::uint32_t i = 1; i <= peers; ++i) {
      RC_ASSERT(plan_.held_by(peer_id{i}) == held[peer_id{i}]);
      RC_ASSERT(plan_.live(peer_id{i}) == live[peer_id{i}]);
    }
    RC_ASSERT(grantable() == pending);
  }
  // What fresh workers would get, each one task, when every delay is over.
  [[nodiscard]] std::set<problem_index> grantable() const {
    plan copy = plan_;
    std::set<problem_index> out;
    for (std::uint32_t i = 0; i < 2 * tasks; ++i)
      if (const auto task = copy.next(now_ + 24h, peer_id{100 + i}, false))
        RC_ASSERT(out.insert(*task).second);
    return out;
  }

  plan plan_;
  run_clock::time_point now_{1h};
  std::map<std::uint64_t, modelled> all_;
  std::uint64_t epochs_ = 0;
};

} // namespace

RC_GTEST_PROP(Plan_Model, AnyHistory_EveryTaskIsInOnePlace,
              (const std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>>& history)) {
  model m;
  for (const auto& [what, a, b] : history)
    m.step(what, a, b);
}

// Long histories, which the sizes of the property above seldom reach.
RC_GTEST_PROP(Plan_Model, LongHistory_EveryTaskIsInOnePlace, ()) {
  const auto history =
      *rc::gen::container<std::vector<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>>>(
          400, rc::gen::arbitrary<std::tuple<std::uint8_t, std::uint8_t, std::uint8_t>>());
  model m;
  for (const auto& [what, a, b] : history)
    m.step(what, a, b);
}

} // namespace tenbit

#include "endpoints/replica_pool.hpp"

#include <algorithm>

#include "base/expected.hpp"
#include "base/hash.hpp"

namespace tenbit {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a ^ (b * 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

verdict verdict_of(attempt_end how) {
  switch (how) {
  case attempt_end::answered:
  case attempt_end::refused:
  case attempt_end::throttled: // it lives; its load is the limiter's business
    return verdict::good;
  case attempt_end::overloaded:
  case attempt_end::failed:
  case attempt_end::loading:
    return verdict::bad;
  case attempt_end::unauthorised:
  case attempt_end::abandoned:
    return verdict::none;
  }
  assertion_failed("attempt_end", __FILE__, __LINE__);
}

} // namespace

replica_pool::replica_pool(std::span<const std::string> names, std::uint32_t concurrency,
                           std::chrono::milliseconds probe_min)
    : concurrency_(concurrency) {
  TENBIT_ASSERT(!names.empty() && concurrency >= 1);
  const auto count = static_cast<std::uint32_t>(names.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    // With fewer places than replicas every share is one; in_flight_ keeps the sum.
    const std::uint32_t share = concurrency / count + (i < concurrency % count ? 1 : 0);
    replicas_.push_back({hash_bytes(names[i]).prefix(), 0, limiter(std::max(1U, share)),
                         breaker(probe_min), retry_budget(), false, 0});
  }
}

void replica_pool::pause(std::uint32_t replica, bool paused) {
  replicas_[replica].paused = paused;
  share_out();
}

// Among those that are up; while none is, every share stays what it was.
void replica_pool::share_out() {
  const auto up = static_cast<std::uint32_t>(
      std::count_if(replicas_.begin(), replicas_.end(), [](const member& r) { return r.up(); }));
  std::uint32_t number = 0;
  for (member& r : replicas_) {
    if (!r.up())
      continue;
    const std::uint32_t share = concurrency_ / up + (number++ < concurrency_ % up ? 1 : 0);
    r.limit.share(std::max(1U, share));
  }
}

std::optional<replica_pool::place> replica_pool::take(std::uint64_t sticky, bool waited,
                                                      time_point now) {
  if (in_flight_ >= concurrency_)
    return std::nullopt;
  if (const auto due = probe_due(now))
    return occupy(*due, breaker::permission::probe);
  const auto home = sticky_one(sticky);
  if (home && replicas_[*home].free())
    return occupy(*home, breaker::permission::allowed);
  if (!waited)
    return std::nullopt;
  if (const auto other = least_loaded())
    return occupy(*other, breaker::permission::allowed);
  return std::nullopt;
}

void replica_pool::give_back(place where, attempt_end how, time_point now,
                             const std::optional<first_byte_time>& first_byte,
                             const answer_size& answer) {
  auto& r = replicas_[where.replica];
  TENBIT_ASSERT(r.in_flight > 0 && in_flight_ > 0);
  const bool was_closed = r.breaker.state() == breaker_state::closed;
  if (how == attempt_end::answered) {
    r.limit.on_success(r.in_flight, now, first_byte, answer);
    r.budget.on_success();
  } else if (how == attempt_end::throttled || how == attempt_end::overloaded) {
    r.limit.on_throttled(r.in_flight, now);
  }
  r.breaker.done(where.granted, verdict_of(how), now);
  if (how == attempt_end::loading)
    r.breaker.trip(now);
  if (how == attempt_end::unauthorised)
    r.breaker.stop();
  const bool is_closed = r.breaker.state() == breaker_state::closed;
  if (was_closed && !is_closed)
    ++not_closed_;
  else if (!was_closed && is_closed)
    --not_closed_;
  --r.in_flight;
  --in_flight_;
  if (was_closed != is_closed)
    share_out();
}

bool replica_pool::has_place(time_point now) const {
  return in_flight_ < concurrency_ && (probe_due(now) || least_loaded());
}

bool replica_pool::all_stopped() const {
  return std::all_of(replicas_.begin(), replicas_.end(),
                     [](const member& r) { return r.breaker.state() == breaker_state::stopped; });
}

bool replica_pool::all_down() const {
  return not_closed_ == replicas_.size() &&
         std::none_of(replicas_.begin(), replicas_.end(), [](const member& r) {
           return r.paused && r.breaker.state() != breaker_state::stopped;
         });
}

std::optional<time_point> replica_pool::next_probe() const {
  std::optional<time_point> next;
  if (not_closed_ == 0)
    return next;
  for (const auto& r : replicas_)
    if (!r.paused && r.breaker.state() == breaker_state::open &&
        (!next || r.breaker.probe_at() < *next))
      next = r.breaker.probe_at();
  return next;
}

std::uint32_t replica_pool::in_flight(std::uint32_t replica) const {
  return replicas_[replica].in_flight;
}
std::uint32_t replica_pool::limit(std::uint32_t replica) const {
  return replicas_[replica].places();
}
breaker_state replica_pool::state(std::uint32_t replica) const {
  return replicas_[replica].breaker.state();
}

std::optional<time_point> replica_pool::probe_at(std::uint32_t replica) const {
  const member& r = replicas_[replica];
  if (r.paused || r.breaker.state() != breaker_state::open)
    return std::nullopt;
  return r.breaker.probe_at();
}

std::optional<std::uint32_t> replica_pool::probe_due(time_point now) const {
  if (not_closed_ == 0)
    return std::nullopt;
  for (std::uint32_t i = 0; i < replicas_.size(); ++i)
    if (!replicas_[i].paused && replicas_[i].breaker.ask(now) == breaker::permission::probe)
      return i;
  return std::nullopt;
}

std::optional<std::uint32_t> replica_pool::sticky_one(std::uint64_t sticky) const {
  std::optional<std::uint32_t> best;
  std::uint64_t best_weight = 0;
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    if (!replicas_[i].up())
      continue;
    const auto weight = mix(replicas_[i].hash, sticky);
    if (!best || weight > best_weight) {
      best = i;
      best_weight = weight;
    }
  }
  return best;
}

std::optional<std::uint32_t> replica_pool::least_loaded() const {
  std::optional<std::uint32_t> best;
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    const auto& r = replicas_[i];
    if (!r.up() || !r.free())
      continue;
    // in_flight / places compared without division.
    if (!best || std::uint64_t{r.in_flight} * replicas_[*best].places() <
                     std::uint64_t{replicas_[*best].in_flight} * r.places())
      best = i;
  }
  return best;
}

replica_pool::place replica_pool::occupy(std::uint32_t replica, breaker::permission granted) {
  auto& r = replicas_[replica];
  r.breaker.started(granted);
  ++r.in_flight;
  ++in_flight_;
  return {replica, granted};
}

} // namespace tenbit

// The socket server: its doors on one thread, the right of each request, the audit log.
#include <utility> // Boost 1.74 Asio needs it first

#include "control/control.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/unix_time.hpp"
#include "control/audit_log.hpp"
#include "control/door.hpp"
#include "control/lines.hpp"

namespace tenbit::control {
namespace {

namespace net = boost::asio;

// In the order in which they came: a std::mutex may go to the same thread again and again.
class turns {
public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = next_++;
    changed_.wait(lock, [&] { return mine == serving_; });
  }
  void unlock() {
    const std::lock_guard lock(mutex_);
    ++serving_;
    changed_.notify_all();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0, serving_ = 0;
};

class hub final : public socket_server {
public:
  hub(std::unique_ptr<audit_log> audit, handler handle)
      : audit_(std::move(audit)), handle_(std::move(handle)) {}
  ~hub() override;
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  void add(std::unique_ptr<socket_claim> claim, right gives, const socket_bounds& bounds) {
    doors_.push_back(
        std::make_unique<door>(io_, std::move(claim), gives, bounds,
                               [this](const request& what) { return carry_out(what); }));
  }
  [[nodiscard]] status<std::string> listen();

private:
  // On the lanes of the doors.
  [[nodiscard]] reply carry_out(const request& what);
  [[nodiscard]] reply denied(const request& what, const verb& of);
  [[nodiscard]] reply changed(const request& what);
  [[nodiscard]] reply guarded(const request& what) const;

  std::unique_ptr<audit_log> audit_;
  handler handle_;
  struct denied_tries {
    std::deque<std::chrono::steady_clock::time_point> said; // written down in the last minute
    std::uint64_t unsaid = 0;
  };
  turns changes_;             // those of all doors come one after the other
  std::mutex entries_mutex_;  // of the next two
  std::uint64_t entries_ = 0; // of the audit log
  std::map<right, denied_tries> denied_;
  net::io_context io_{1};
  std::vector<std::unique_ptr<door>> doors_;
  std::thread thread_;
};

hub::~hub() {
  for (const auto& one : doors_)
    one->take_no_more();
  for (const auto& one : doors_)
    one->end_requests(); // answers of running handlers are posted before the end below
  if (!thread_.joinable())
    return;
  net::post(io_, [this] {
    for (const auto& one : doors_)
      one->close();
  });
  thread_.join();
}

status<std::string> hub::listen() {
  for (const auto& one : doors_)
    if (auto listening = one->listen(); !listening)
      return listening;
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

reply hub::guarded(const request& what) const {
  try {
    return handle_(what);
  } catch (const std::exception& error) {
    return refusal(fmt::format("\"{}\" failed inside: {}", what.verb, error.what()));
  }
}

reply hub::carry_out(const request& what) {
  const verb* of = find_verb(what.verb);
  TENBIT_ASSERT(of != nullptr); // check_request
  if (what.by < of->needs.least)
    return denied(what, *of);
  if (!of->changes)
    return guarded(what);
  std::unique_lock in_turn(changes_, std::defer_lock);
  if (of->where == lane::changes)
    in_turn.lock();
  return changed(what);
}

reply hub::denied(const request& what, const verb& of) {
  const auto now = std::chrono::steady_clock::now();
  std::unique_lock lock(entries_mutex_);
  auto& [tries, left_out] = denied_[what.by]; // those of one right do not hide those of another
  while (!tries.empty() && now - tries.front() >= limits::control_denied_window)
    tries.pop_front();
  const bool said = tries.size() < limits::control_denied_lines_max;
  const auto unsaid = said ? std::exchange(left_out, 0) : left_out++;
  if (said)
    tries.push_back(now);
  lock.unlock();
  if (said)
    if (auto kept = audit_->append(audit_denied(unix_ms(), what, of.needs.least, unsaid)); !kept)
      spdlog::error("control denied_not_audited who=\"{}\" error=\"{}\"", what.who, kept.error());
  return refusal(fmt::format("\"{}\" needs the right {}, because {}; this socket gives {}", of.name,
                             to_string(of.needs.least), of.needs.why, to_string(what.by)));
}

reply hub::changed(const request& what) {
  const auto now = unix_ms();
  std::string entry;
  {
    const std::lock_guard lock(entries_mutex_);
    entry = fmt::format("{}-{}", now, ++entries_);
  }
  if (auto kept = audit_->append(audit_request(entry, now, what)); !kept)
    return refusal(fmt::format("nothing was done: {}", kept.error()));
  auto out = guarded(what);
  if (auto kept = audit_->append(audit_outcome(entry, unix_ms(), out)); !kept) {
    spdlog::error("control outcome_not_audited entry={} error=\"{}\"", entry, kept.error());
    out.error += fmt::format("{}its outcome is not in the audit log: {}",
                             out.error.empty() ? "" : "; ", kept.error());
  }
  return out;
}

} // namespace

expected<std::unique_ptr<socket_server>, std::string>
socket_server::start(const std::string& path, const std::string& audit_path, handler handle,
                     socket_bounds bounds, const std::vector<group_socket>& groups) {
  TENBIT_ASSERT(handle != nullptr);
  auto claim = socket_claim::take(path);
  if (!claim)
    return fail(std::move(claim.error()));
  auto audit = audit_log::open(audit_path);
  if (!audit)
    return fail(std::move(audit.error()));
  try { // Asio throws when the system has no descriptors left for its own needs
    auto made = std::make_unique<hub>(std::move(*audit), std::move(handle));
    made->add(std::move(*claim), right::admin, bounds);
    for (const auto& group : groups) {
      auto further = socket_claim::take(group.path, group.group);
      if (!further)
        return fail(std::move(further.error()));
      made->add(std::move(*further), group.gives, bounds);
    }
    if (auto listening = made->listen(); !listening)
      return fail(std::move(listening.error()));
    return made;
  } catch (const std::exception& error) {
    return fail(fmt::format("the control socket cannot start: {}", error.what()));
  }
}

} // namespace tenbit::control

#include "link/outbox.hpp"

#include <utility>

#include "base/expected.hpp"
#include "config/limits.hpp"

namespace tenbit::link {

void outbox::open(connection_id id, role_set rights) {
  const std::lock_guard lock(mutex_);
  entry fresh;
  fresh.rights = rights;
  TENBIT_ASSERT(entries_.emplace(id, std::move(fresh)).second);
}

std::uint64_t outbox::close(connection_id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end())
    return 0;
  const std::uint64_t lost = found->second.lost + found->second.frames.size();
  queued_bytes_ -= found->second.bytes;
  entries_.erase(found);
  return lost;
}

void outbox::mark(connection_id id, entry& e) {
  if (!std::exchange(e.changed, true))
    changed_.push_back(id);
}

outbox::push_result outbox::push(connection_id to, role_set needed, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(to);
  if (found == entries_.end())
    return push_result::gone;
  entry& e = found->second;
  TENBIT_ASSERT(e.rights.covers(needed));
  if (e.overflowed || e.end_reason)
    return push_result::gone;
  mark(to, e);
  if (e.bytes + bytes.size() > limits::link_queue_bytes_max) {
    queued_bytes_ -= e.bytes;
    e.bytes = 0;
    e.lost = e.frames.size();
    e.frames.clear();
    e.overflowed = true;
    return push_result::gone;
  }
  e.bytes += bytes.size();
  queued_bytes_ += bytes.size();
  e.frames.push_back(std::move(bytes));
  return push_result::queued;
}

bool outbox::end_after_queue(connection_id to, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(to);
  if (found == entries_.end())
    return false;
  if (!found->second.end_reason)
    found->second.end_reason = reason;
  mark(to, found->second);
  return true;
}

std::vector<connection_id> outbox::take_changed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changed_, {});
}

outbox::news outbox::take(connection_id id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end())
    return {};
  found->second.changed = false;
  return {std::exchange(found->second.frames, {}), found->second.overflowed,
          found->second.end_reason};
}

void outbox::sent(connection_id id, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.overflowed)
    return;
  TENBIT_ASSERT(found->second.bytes >= bytes);
  found->second.bytes -= bytes;
  queued_bytes_ -= bytes;
}

std::uint64_t outbox::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queued_bytes_;
}

} // namespace tenbit::link

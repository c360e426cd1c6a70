#include "link/peer_table.hpp"

#include <algorithm>
#include <utility>

#include "base/expected.hpp"
#include "config/limits.hpp"

namespace tenbit::link {

peer_entry* peer_table::by_routing(std::string_view routing_id) {
  const auto found = by_routing_.find(std::string(routing_id));
  return found == by_routing_.end() ? nullptr : found->second;
}

peer_entry* peer_table::by_id(connection_id id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.get();
}

peer_entry& peer_table::add(peer_entry entry) {
  auto owned = std::make_unique<peer_entry>(std::move(entry));
  peer_entry& kept = *owned;
  TENBIT_ASSERT(by_routing_.emplace(kept.routing_id, &kept).second);
  TENBIT_ASSERT(entries_.emplace(kept.id, std::move(owned)).second);
  return kept;
}

void peer_table::remove(connection_id id) {
  const auto found = entries_.find(id);
  TENBIT_ASSERT(found != entries_.end());
  by_routing_.erase(found->second->routing_id);
  entries_.erase(found);
}

peer_entry* peer_table::one_too_many(const std::string& key) {
  peer_entry* oldest = nullptr;
  std::size_t count = 0;
  for (const auto& [id, entry] : entries_) {
    if (entry->key != key)
      continue;
    ++count;
    if (oldest == nullptr || entry->id < oldest->id)
      oldest = entry.get();
  }
  return count >= limits::connections_per_key_max ? oldest : nullptr;
}

std::vector<connection_id> peer_table::ids() const {
  std::vector<connection_id> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_)
    all.push_back(id);
  return all;
}

void peer_table::socket_ended(int fd, peer_entry::time now) {
  for (const auto& [id, entry] : entries_) {
    if (entry->fd != fd)
      continue;
    entry->fd = -1; // the number may be another connection's from now on
    entry->socket_gone = now;
  }
}

void peer_table::all_heard(peer_entry::time now) {
  for (const auto& [id, entry] : entries_)
    entry->heard = now;
}

std::uint64_t peer_table::open_connections() const {
  return static_cast<std::uint64_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const auto& row) { return !row.second->refused; }));
}

} // namespace tenbit::link

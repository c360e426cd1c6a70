// Orders of operators for replicas: kept, and told to the peers they are for.
#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "coordinator/cluster_core.hpp"

namespace tenbit {

expected<std::vector<std::string>, std::string>
cluster_core::endpoints_of(const std::string& worker) const {
  std::set<std::string> found;
  bool seen = worker.empty();
  for (const fleet_peer& peer : fleet_.all()) {
    if (!worker.empty() && peer.name != worker)
      continue;
    seen = true;
    for (const replica_report& replica : peer.replicas)
      found.insert(replica.url);
  }
  for (const endpoint_rule& rule : orders_.rules()) {
    if (!worker.empty() && !rule.worker.empty() && rule.worker != worker)
      continue;
    seen = seen || rule.worker == worker;
    found.insert(rule.url);
  }
  if (!seen)
    return fail(fmt::format("no worker {} was seen; 'tenbit ctl worker list' names them", worker));
  return std::vector<std::string>(found.begin(), found.end());
}

status<std::string> cluster_core::order(const std::string& worker, const endpoint_order& what) {
  if (auto kept = orders_.apply(worker, what); !kept)
    return kept;
  for (const fleet_peer& peer : fleet_.all())
    if (worker.empty() || peer.name == worker)
      for (endpoint_order& now : orders_.of(peer.name, what.url))
        send(peer.id, std::move(now));
  return {};
}

} // namespace tenbit

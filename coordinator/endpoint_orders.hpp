// What operators said of replicas: paused or not, and how many calls at once, by URL and by worker
// or for all of them.
//
// Pure. What was resumed or unbounded stays as a row, because a peer that was away must hear of it.
// An order for all workers takes the place of what was said of single ones. At most
// limits::endpoint_orders_max rows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/endpoint_order.hpp"
#include "base/expected.hpp"

namespace tenbit {

struct endpoint_rule {
  std::string worker; // empty: all
  std::string url;
  std::optional<bool> paused;         // empty: nothing was said
  std::optional<std::uint32_t> limit; // likewise; 0: no bound
  friend bool operator==(const endpoint_rule&, const endpoint_rule&) = default;
};

class endpoint_orders {
public:
  // Idempotent. Fails when there are too many rows.
  [[nodiscard]] status<std::string> apply(const std::string& worker, const endpoint_order& what);
  // As rules() gave them.
  void load(const std::vector<endpoint_rule>& rules);
  [[nodiscard]] std::vector<endpoint_rule> rules() const;
  // All that this worker is to be told, about one URL or every one; what is said of it alone counts
  // before what is said of all.
  [[nodiscard]] std::vector<endpoint_order> of(const std::string& worker,
                                               const std::string& url = {}) const;

private:
  struct said {
    std::optional<bool> paused;
    std::optional<std::uint32_t> limit;
  };
  // By URL, then worker: "" (all) comes first.
  std::map<std::pair<std::string, std::string>, said> said_;
};

} // namespace tenbit

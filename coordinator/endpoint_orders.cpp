#include "coordinator/endpoint_orders.hpp"

#include <fmt/format.h>
#include <iterator>

#include "config/limits.hpp"

namespace tenbit {

status<std::string> endpoint_orders::apply(const std::string& worker, const endpoint_order& what) {
  const std::pair which(what.url, worker);
  if (!said_.contains(which) && said_.size() >= limits::endpoint_orders_max)
    return fail(fmt::format("orders stand for {} endpoints already, more are not kept; give them "
                            "for all workers at once",
                            limits::endpoint_orders_max));
  const bool limit = what.action == endpoint_action::limit;
  for (auto at = said_.begin(); worker.empty() && at != said_.end();) {
    auto& [key, single] = *at;
    const bool its = key.first == what.url && !key.second.empty();
    if (its && limit)
      single.limit.reset();
    else if (its)
      single.paused.reset();
    at = its && !single.paused && !single.limit ? said_.erase(at) : std::next(at);
  }
  said& now = said_[which];
  if (limit)
    now.limit = what.concurrency;
  else
    now.paused = what.action == endpoint_action::pause;
  return {};
}

void endpoint_orders::load(const std::vector<endpoint_rule>& rules) {
  for (const endpoint_rule& rule : rules)
    said_[{rule.url, rule.worker}] = {rule.paused, rule.limit};
}

std::vector<endpoint_rule> endpoint_orders::rules() const {
  std::vector<endpoint_rule> out;
  for (const auto& [which, now] : said_)
    out.push_back({which.second, which.first, now.paused, now.limit});
  return out;
}

std::vector<endpoint_order> endpoint_orders::of(const std::string& worker,
                                                const std::string& url) const {
  std::map<std::string, said> sum;
  for (const auto& [which, now] : said_) {
    if ((!which.second.empty() && which.second != worker) || (!url.empty() && which.first != url))
      continue;
    said& all = sum[which.first];
    all.paused = now.paused ? now.paused : all.paused;
    all.limit = now.limit ? now.limit : all.limit;
  }
  std::vector<endpoint_order> out;
  for (const auto& [where, now] : sum) {
    if (now.paused)
      out.push_back({where, *now.paused ? endpoint_action::pause : endpoint_action::resume, 0});
    if (now.limit)
      out.push_back({where, endpoint_action::limit, *now.limit});
  }
  return out;
}

} // namespace tenbit

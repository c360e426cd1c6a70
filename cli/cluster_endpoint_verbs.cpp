// The control verbs for endpoints (control/control.hpp says what each does).
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/cluster_host_impl.hpp"
#include "cli/cluster_reply.hpp"
#include "control/status_json.hpp"
#include "endpoints/endpoint_url.hpp"

namespace tenbit::cli {
namespace {

constexpr std::size_t named_max = 16; // known replicas in a refusal

// As a worker shows it: what `endpoint list` says, or the replica as an experiment file has it.
std::string url_among(const std::vector<std::string>& known, const std::string& given) {
  const auto is_known = [&](const std::string& url) {
    return std::find(known.begin(), known.end(), url) != known.end();
  };
  if (is_known(given))
    return given;
  const auto called = chat_url(given);
  return called && is_known(shown_url(*called)) ? shown_url(*called) : std::string();
}

std::string unknown_url(const std::vector<std::string>& known, const std::string& given) {
  const std::string what = fmt::format("no endpoint {} was seen", shown_url(given));
  if (known.empty())
    return what + "; no worker has called one yet, try again when one works";
  const std::size_t shown = std::min(known.size(), named_max);
  std::string names;
  for (std::size_t i = 0; i < shown; ++i)
    names += (i == 0 ? "" : ", ") + known[i];
  if (shown < known.size())
    names += fmt::format(" and {} more ('tenbit ctl endpoint list')", known.size() - shown);
  return fmt::format("{}; known are: {}", what, names);
}

endpoint_action action_of(const std::string& verb) {
  return verb == "endpoint pause"    ? endpoint_action::pause
         : verb == "endpoint resume" ? endpoint_action::resume
                                     : endpoint_action::limit;
}

} // namespace

control::reply host::endpoint_list(const control::request&) {
  return {true, {}, control::endpoints_json(*status())};
}

// Kept over restarts first, then told to the workers.
control::reply host::endpoint_order_verb(const control::request& r) {
  const std::string worker = text(r, "worker");
  using names = expected<std::vector<std::string>, std::string>;
  const auto known =
      in_core<names>([worker](cluster_core& core, auto) { return core.endpoints_of(worker); });
  if (!known)
    return no_answer();
  if (!*known)
    return refusal(known->error());
  endpoint_order order;
  order.action = action_of(r.verb);
  order.url = url_among(**known, text(r, "url"));
  if (order.url.empty())
    return refusal(unknown_url(**known, text(r, "url")));
  nlohmann::json said = {{"url", order.url}, {"worker", worker.empty() ? "all" : worker}};
  if (order.action == endpoint_action::limit) {
    const std::int64_t calls = number(r, "concurrency");
    if (calls < 0 || calls > std::int64_t{limits::concurrency_max})
      return refusal(fmt::format("concurrency must be 0 (no bound) to {}, is {}",
                                 limits::concurrency_max, calls));
    order.concurrency = static_cast<std::uint32_t>(calls);
    said["concurrency"] = calls;
  }
  if (r.dry_run) {
    said["dry_run"] = true;
    return done(said);
  }
  if (const auto kept = keep_order(worker, order); !kept)
    return refusal(kept.error());
  const auto told = in_core<tenbit::status<std::string>>(
      [worker, order](cluster_core& core, auto) { return core.order(worker, order); });
  if (!told)
    return no_answer();
  return *told ? done(said) : refusal(told->error());
}

tenbit::status<std::string> host::keep_order(const std::string& worker,
                                             const endpoint_order& order) {
  std::vector<endpoint_rule> before;
  {
    const std::lock_guard lock(mutex_);
    before = files_.endpoints;
    endpoint_orders next;
    next.load(before);
    if (auto applied = next.apply(worker, order); !applied)
      return applied;
    files_.endpoints = next.rules();
  }
  auto written = keep();
  if (!written) { // nothing was ordered
    const std::lock_guard lock(mutex_);
    files_.endpoints = std::move(before);
  }
  return written;
}

} // namespace tenbit::cli

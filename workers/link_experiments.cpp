// link_core and experiments: those this process cannot work on, and those nobody works on any more.
#include <algorithm>

#include "workers/link_core.hpp"

namespace tenbit {

void link_core::refuse(experiment_id run, const std::string& reason, link_clock::time_point now) {
  refused_[run] = reason;
  if (welcomed_) // else the coordinator hears of it with the first work that comes
    send(experiment_refused{run, reason});
  std::vector<task_id> back;
  for (const auto& [task, lease] : held_)
    if (task.experiment == run)
      back.push_back(task);
  std::sort(back.begin(), back.end());
  for (const task_id& task : back)
    give_back(task, now);
  std::erase_if(sessions_, [&](const task_id& task) {
    if (task.experiment == run)
      send(forgotten{task});
    return task.experiment == run;
  });
}

// Work of an experiment that was refused: what was said is said again, because it may have been
// lost. A grant is given back besides.
bool link_core::refuses(const to_peer& work, experiment_id run, link_clock::time_point now) {
  const auto place = refused_.find(run);
  if (place == refused_.end())
    return false;
  if (welcomed_)
    send(experiment_refused{run, place->second});
  if (const auto* given = std::get_if<grant>(&work))
    on_grant(*given, now);
  return true;
}

std::vector<experiment_id> link_core::take_idle(link_clock::time_point now) {
  const auto in_use = [&](const task_id& task) {
    if (const auto place = known_.find(task.experiment); place != known_.end())
      place->second = now;
  };
  for (const auto& [task, lease] : held_)
    in_use(task);
  for (const task_id& task : sessions_)
    in_use(task);
  for (const auto& [which, entry] : outbox_)
    in_use(std::get<1>(which));
  std::vector<experiment_id> out;
  std::erase_if(known_, [&](const auto& entry) {
    if (now - entry.second <= rules_.experiment_idle)
      return false;
    refused_.erase(entry.first);
    out.push_back(entry.first);
    return true;
  });
  return out;
}

// -- receipts ------------------------------------------------------------------------------------

// The latest of each experiment; the oldest goes when there are too many.
void link_core::keep_receipt(const receipt& given) {
  auto& all = rules_.receipts;
  const auto age = [](const receipt& one) { return std::pair(one.incarnation, one.commit_seq); };
  const auto known = std::find_if(all.begin(), all.end(), [&](const receipt& one) {
    return one.experiment == given.experiment;
  });
  if (known != all.end()) {
    if (age(given) > age(*known))
      *known = given;
    return;
  }
  if (all.size() >= limits::receipts_max)
    all.erase(std::min_element(all.begin(), all.end(), [&](const receipt& a, const receipt& b) {
      return age(a) < age(b);
    }));
  all.push_back(given);
}

} // namespace tenbit

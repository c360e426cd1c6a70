// What the coordinator's folder keeps of a living cluster, written by a thread of its own.
#include <set>
#include <spdlog/spdlog.h>

#include "cli/cluster_host_impl.hpp"

namespace tenbit::cli {

tenbit::status<std::string> host::keep(const std::set<std::string>& new_oracles) {
  const std::lock_guard lock(mutex_);
  files_.oracles.clear();
  {
    const std::lock_guard bits_lock(bits_mutex_); // not over the write: the coordinator takes it
    for (const auto& [which, oracle] : oracles_)
      files_.oracles.push_back({oracle.name, oracle.run.value, oracle.bits, oracle.there});
    files_.drains = drains_;
  }
  for (const std::string& name : new_oracles)
    files_.oracles.push_back({name, 0, 0, true});
  return write_cluster_files(options_.dir, files_);
}

// An oracle that the file does not have as being there is written down before the coordinator hears
// of it: one that starts again must wait for whoever may have given bits or has calls on the wire.
// On the link's thread.
bool host::waits_to_be_kept(remote_frame& frame) {
  const auto* h = std::get_if<hello>(&frame.message);
  if (h == nullptr || !h->roles.oracle || !frame.rights.oracle)
    return false;
  if (h->incarnation_seen > files_.incarnation)
    return false; // it will be refused
  const std::lock_guard lock(bits_mutex_);
  for (auto place = oracles_.lower_bound({frame.key, {}});
       place != oracles_.end() && place->first.first == frame.key; ++place)
    if (place->second.there)
      return false;
  std::erase_if(waiting_, [&](const remote_frame& one) { return one.from == frame.from; });
  waiting_.push_back(std::move(frame));
  return true;
}

void host::waits_no_more(connection_id from) {
  const std::lock_guard lock(bits_mutex_);
  std::erase_if(waiting_, [&](const remote_frame& frame) { return frame.from == from; });
}

bool host::admit_new_oracles() {
  const std::lock_guard kept(mutex_); // nobody else writes the file in between
  std::set<std::string> names;
  {
    const std::lock_guard lock(bits_mutex_);
    for (const remote_frame& frame : waiting_)
      names.insert(frame.key);
  }
  if (names.empty())
    return true;
  if (const auto written = keep(names); !written) {
    spdlog::error("no new oracle is let in: {}", written.error());
    return false;
  }
  const std::lock_guard lock(bits_mutex_);
  for (const std::string& name : names)
    oracles_[{name, experiment_id{}}] = oracle_record{name, {}, 0, true};
  for (remote_frame& frame : std::exchange(waiting_, {}))
    if (names.contains(frame.key))
      caf::anon_send(root_, std::move(frame));
    else
      waiting_.push_back(std::move(frame));
  return true;
}

receipt_book host::book_of(const store& s) const {
  return {experiment_id{s.manifest().identity.prefix()},
          hasher("receipts of").field(receipt_secret_.view()).field(s.id()).finish(), s.lives()};
}

std::string host::older_copy(const store& s) {
  const auto known = in_core<std::string>(
      [book = book_of(s), seq = s.commit_seq()](const cluster_core& core, auto) {
        return core.contradiction(book, seq);
      });
  if (!known || known->empty())
    return {}; // a coordinator that does not answer starts no run either
  return fmt::format("the worker {}. Put the newest copy there; or start the coordinator once with "
                     "--accept-rollback: what is lost is then run again",
                     *known);
}

// Once a second: which oracles are there, what they gave, who is draining and which runs are over
// is kept.
void host::maintain() {
  std::pair<kept_oracles, std::map<std::string, std::string>> kept;
  bool admitted = true;
  int turn = 0;
  while (!ending_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const bool second = ++turn % 10 == 0;
    if (admitted || second) // a disk that is full is not asked ten times a second
      admitted = admit_new_oracles();
    if (!second)
      continue;
    decltype(kept) now;
    {
      const std::lock_guard lock(bits_mutex_);
      now = {oracles_, drains_};
    }
    write_settled();
    if (now == kept)
      continue;
    kept = std::move(now);
    if (const auto written = keep(); !written)
      spdlog::error("{}", written.error());
  }
}

} // namespace tenbit::cli

// The runs of a coordinator that are over: known from a small file, opened when somebody asks.
#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

#include "cli/cluster_host_impl.hpp"
#include "cli/command.hpp"
#include "cli/ended_run.hpp"
#include "link/signing_file.hpp"
#include "storage/summary_check.hpp"

namespace tenbit::cli {

expected<std::shared_ptr<const experiment>, start_failure>
host::experiment_of(const kept_run& kept) const {
  const std::string path = fmt::format("{}/runs/{}.toml", options_.dir, kept.name);
  const auto text = read_whole(path);
  if (!text)
    return fail(start_failure{text.error(), exit_refused});
  auto exp = parse_experiment(*text, path, {}, file_check::skipped);
  if (!exp)
    return fail(start_failure{exp.error().front().text(), exit_refused});
  return std::make_shared<const experiment>(std::move(*exp));
}

// False: it is not known to be over, or there is something left to do.
bool host::know_as_ended(const kept_run& kept) {
  auto line = read_ended(options_.dir, kept.name, kept.store);
  if (!line)
    return false;
  line->priority = kept.priority;
  line->paused = kept.paused;
  line->lease_limit = kept.lease_limit;
  host_run run;
  run.kept = kept;
  run.id = line->id;
  run.board = std::make_shared<status_board>();
  run.board->publish(line->status);
  {
    const std::lock_guard lock(mutex_);
    runs_[kept.name] = std::move(run);
  }
  const std::lock_guard lock(ended_mutex_);
  ended_[kept.name] = std::move(*line);
  return true;
}

std::optional<host::taken_run> host::take_ended(const std::string& name) {
  const std::lock_guard lock(mutex_);
  host_run* run = find(name);
  if (run == nullptr || run->board->read().phase != run_phase::finished)
    return std::nullopt; // of a broken one the journal may still be at work; the process ends
  taken_run out;
  for (const run_line& line : status()->runs)
    if (line.name == name)
      out.line = line;
  out.line.name = name;
  out.line.id = run->id;
  out.line.status = run->board->read();
  if (!forget(*run))
    return std::nullopt;
  const std::lock_guard signing(signing_mutex_);
  run->target.reset(); // and with it the lock of its store
  {
    const std::lock_guard bits(bits_mutex_);
    stores_.erase(name);
  }
  out.run = std::move(*run);
  runs_.erase(name);
  const std::lock_guard ended(ended_mutex_);
  ended_.erase(name);
  settled_.erase(name);
  return out;
}

void host::put_ended(taken_run taken) {
  const std::string name = taken.line.name;
  const std::lock_guard lock(mutex_);
  runs_[name] = std::move(taken.run);
  const std::lock_guard ended(ended_mutex_);
  ended_[name] = std::move(taken.line);
}

// On the coordinator's thread: the lines of runs that are not loaded; what ended is noted. Whether
// its ledgers agree is known when every oracle that gave a bit of it was here.
void host::add_ended(cluster_status& out) {
  const auto& peers = core_->peers().all();
  const auto books_known = [&](experiment_id run) {
    return std::none_of(peers.begin(), peers.end(), [run](const fleet_peer& peer) {
      return peer.roles.oracle && peer.boot == 0 && peer.bits.contains(run);
    });
  };
  const std::lock_guard lock(ended_mutex_);
  for (const run_line& run : out.runs)
    if (is_settled(run) && books_known(run.id))
      settled_.try_emplace(run.name, run);
  for (const auto& [name, line] : ended_)
    out.runs.push_back(line);
}

namespace {

// True: it is signed, or trying again is no use.
bool sign_one(const std::string& name, const std::string& dir, const std::string& keys) {
  const auto key = link::read_signing_key(keys);
  if (!key) {
    spdlog::error("{}: is not signed: {}", name, key.error());
    return false;
  }
  if (!*key) {
    spdlog::warn("{}: is not signed: no signing key; make one with: tenbit keys init --dir {}; and "
                 "when the coordinator has ended: tenbit keys sign --dir {} --store {}",
                 name, keys, keys, dir);
    return true;
  }
  const auto made = storage::sign_store(dir, **key, storage::store_lock::callers);
  if (made)
    spdlog::info("{}: signed as {}", name, made->signer.hex());
  else
    spdlog::error("{}: is not signed: {}", name, made.error().message);
  return made.has_value();
}

} // namespace

// On a thread of its own, and once more before all is closed. Not under the mutex, because a large
// store takes its time: one that went on meanwhile is signed again at its next end.
void host::sign_ended(bool last) {
  const auto now = run_clock::now();
  std::map<std::string, std::pair<std::string, std::shared_ptr<status_board>>> over; // by name
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, run] : runs_)
      if (run.target && run.board->read().phase == run_phase::finished && !run.signing_done &&
          (last || now >= run.sign_again))
        over[name] = {run.kept.store, run.board};
  }
  for (const auto& [name, which] : over) {
    const auto same = [&] { // and has not gone on
      const host_run* run = find(name);
      return run != nullptr && run->target && run->board == which.second;
    };
    std::unique_lock lock(mutex_);
    if (!same())
      continue;
    std::unique_lock signing(signing_mutex_);
    lock.unlock();
    const bool done = sign_one(name, which.first, options_.dir + "/keys");
    signing.unlock();
    lock.lock();
    if (!same())
      continue;
    host_run* run = find(name);
    run->signing_done = done || ++run->signing_tries >= limits::signing_tries_max;
    run->sign_again = now + limits::signing_retry_delay;
  }
}

void host::sign_until_the_end() {
  for (int turn = 1; !ending_; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (turn % 10 == 0)
      sign_ended(false);
  }
}

// On the keeper's thread. A run that went on meanwhile has another board.
void host::write_settled() {
  std::map<std::string, run_line> settled;
  {
    const std::lock_guard lock(ended_mutex_);
    settled = settled_;
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [name, line] : settled) {
    host_run* run = find(name);
    if (run == nullptr || run->marked || !run->signing_done || run->id != line.id || !is_over(*run))
      continue;
    run->marked = true;
    if (const auto written = write_ended(options_.dir, run->kept.store, line); !written)
      spdlog::warn("{}: {}; the next start opens its store", name, written.error());
  }
}

} // namespace tenbit::cli

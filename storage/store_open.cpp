// Opening. Look before touching: RocksDB's opening for writing replays the log, deletes it and
// every file the MANIFEST does not name, so whatever is refused is refused on a read-only open, and
// the folder stays as it was found.
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <spdlog/spdlog.h>
#include <thread>

#include "base/kill_point.hpp"
#include "base/unix_time.hpp"
#include "config/limits.hpp"
#include "storage/rocks_store.hpp"

namespace tenbit {
namespace storage {
namespace {

rocksdb::Env& env_of(const store_options& options) {
  return options.env != nullptr ? *options.env : *rocksdb::Env::Default();
}

} // namespace

rocks_store::rocks_store(store_paths paths, const store_options& options)
    : paths_(std::move(paths)), env_(env_of(options)), memory_bytes_(options.memory_bytes),
      anchored_at_(std::chrono::steady_clock::now()) {}

status<store_failure> rocks_store::check_before_writing(const database_settings& settings,
                                                        const witnesses& seen) const {
  auto reading = settings;
  reading.mode = open_mode::read;
  const auto db = database::open(paths_.db, reading);
  if (!db)
    return fail(db.error());
  const auto found = read_recovered(**db, paths_);
  if (!found)
    return fail(found.error());
  auto what = missing_rows(paths_, seen, *found);
  if (!what)
    return check_families(**db, paths_, env_, *found);
  if (!settings.accept_rollback)
    return fail(refuse_rollback(paths_, env_, std::move(*what)));
  spdlog::warn("store: {}; going on by accept_rollback", *what);
  return check_families(**db, paths_, env_, *found);
}

status<store_failure> rocks_store::look(const database_settings& settings) {
  const auto seen = read_witnesses(env_, paths_, settings.accept_rollback);
  if (!seen)
    return fail(seen.error());
  auto db = database::open(paths_.db, settings);
  if (!db)
    return fail(std::move(db.error()));
  auto found = read_recovered(**db, paths_);
  if (!found)
    return fail(std::move(found.error()));
  if (auto what = missing_rows(paths_, *seen, *found); what && !settings.accept_rollback)
    return fail(refuse_rollback(paths_, env_, std::move(*what)));
  if (auto checked = check_families(**db, paths_, env_, *found); !checked)
    return checked;
  db_ = std::move(*db);
  found_ = std::move(*found);
  head_ = found_.head;
  return {};
}

status<store_failure> rocks_store::begin_incarnation(const witnesses& seen, bool accept_rollback) {
  auto head = head_;
  const auto next_after = [](const std::optional<durable_point>& point) {
    return point ? point->incarnation + 1 : 0;
  };
  head.incarnation = std::max(
      {head.incarnation + 1, next_after(seen.anchor), next_after(seen.receipt), unix_seconds()});
  if (!head.clean)
    spdlog::info("store: {} was not closed; recovered up to commit {}", paths_.dir,
                 head.commit_seq);
  head.clean = false;
  found_.store.format = format_version;
  add_life(found_.lives, {head.incarnation, head.commit_seq, accept_rollback});
  if (auto written = write_head(std::move(head), true); !written)
    return written;
  TENBIT_KILL_POINT("incarnation_bumped");
  auto receipt = receipt_file::start(env_, paths_.dir, paths_.receipt, point());
  if (!receipt)
    return stop(std::move(receipt.error()));
  receipt_ = std::move(*receipt);
  builder_.emplace(*db_, found_.store.experiment, found_.run.manifest.tasks);
  return keep_anchor(true);
}

expected<std::unique_ptr<store>, store_failure>
rocks_store::open_writer(const std::string& dir, const store_options& options) {
  const store_paths paths(dir);
  if (auto is_store = require_store(paths); !is_store)
    return fail(std::move(is_store.error()));
  auto lock = dir_lock::take(paths.lock);
  if (!lock)
    return fail(std::move(lock.error()));
  std::unique_ptr<rocks_store> out(new rocks_store(paths, options));
  out->lock_ = std::move(*lock);
  const auto seen = read_witnesses(out->env_, paths, options.accept_rollback);
  if (!seen)
    return fail(seen.error());
  database_settings settings{open_mode::write, &out->env_, options.memory_bytes,
                             options.accept_rollback};
  if (auto checked = out->check_before_writing(settings, *seen); !checked)
    return fail(std::move(checked.error()));
  auto db = database::open(paths.db, settings);
  if (!db)
    return fail(std::move(db.error()));
  out->db_ = std::move(*db);
  auto found = read_recovered(*out->db_, paths);
  if (!found)
    return fail(std::move(found.error()));
  out->found_ = std::move(*found);
  out->head_ = out->found_.head;
  if (auto begun = out->begin_incarnation(*seen, options.accept_rollback); !begun)
    return fail(std::move(begun.error()));
  return std::unique_ptr<store>(std::move(out));
}

expected<std::unique_ptr<store>, store_failure>
rocks_store::open_reader(const std::string& dir, const store_options& options) {
  const store_paths paths(dir);
  if (auto is_store = require_store(paths); !is_store)
    return fail(std::move(is_store.error()));
  std::unique_ptr<rocks_store> out(new rocks_store(paths, options));
  const database_settings settings{open_mode::read, &out->env_, options.memory_bytes,
                                   options.accept_rollback};
  // Beside a live writer a log or table may be deleted between two steps of this; the next look
  // then sees the files that took its place. Without a writer, what is wrong stays wrong.
  std::uint64_t last_seq = 0;
  for (int attempt = 1, unmoved = 0;; ++attempt) {
    auto looked = out->look(settings);
    if (looked)
      return std::unique_ptr<store>(std::move(out));
    const auto receipt = read_receipt(out->env_, paths.receipt);
    const auto seq = receipt && *receipt ? (*receipt)->commit_seq : last_seq;
    unmoved = seq == last_seq ? unmoved + 1 : 0;
    last_seq = seq;
    if (unmoved == limits::reader_open_unmoved_max || attempt == limits::reader_open_attempts_max ||
        looked.error().kind == store_error::other_format)
      return fail(std::move(looked.error()));
    std::this_thread::sleep_for(limits::reader_open_delay);
  }
}

} // namespace storage

expected<std::unique_ptr<store>, store_failure> store::create(const std::string& dir,
                                                              const store_manifest& manifest,
                                                              std::span<const problem_row> problems,
                                                              const store_options& options) {
  return storage::rocks_store::create_new(dir, manifest, problems, options);
}

expected<std::unique_ptr<store>, store_failure> store::open(const std::string& dir,
                                                            const store_options& options) {
  return storage::rocks_store::open_writer(dir, options);
}

expected<std::unique_ptr<store>, store_failure>
store::open_for_reading(const std::string& dir, const store_options& options) {
  return storage::rocks_store::open_reader(dir, options);
}

std::string store::seal(const std::string& dir) {
  const auto anchor =
      storage::read_anchor(*rocksdb::Env::Default(), storage::store_paths(dir).anchor);
  if (!anchor || !*anchor)
    return {};
  std::string bytes;
  storage::encode_to(**anchor, bytes);
  return hash_bytes(bytes).hex();
}

} // namespace tenbit

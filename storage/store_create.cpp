// Creation. DIR/creating is there, synced, from before the first row until after the anchor: a
// folder that has it holds no work, and the next create() starts over.
#include <algorithm>
#include <bit>
#include <filesystem>
#include <fmt/format.h>
#include <numeric>
#include <rocksdb/env.h>
#include <sodium/core.h>
#include <sodium/randombytes.h>

#include "base/kill_point.hpp"
#include "config/limits.hpp"
#include "storage/failure.hpp"
#include "storage/marker.hpp"
#include "storage/rocks_store.hpp"

namespace tenbit::storage {
namespace {

namespace fs = std::filesystem;

status<store_failure> require_empty(const store_paths& paths) {
  const auto kind = examine(paths);
  if (!kind)
    return fail(kind.error());
  switch (*kind) {
  case folder_kind::empty:
  case folder_kind::unfinished:
    return {};
  case folder_kind::store:
    return fail(
        store_failure{store_error::exists,
                      paths.dir + ": has a store already; open it, or choose another folder"});
  case folder_kind::foreign:
    return fail(store_failure{store_error::exists,
                              paths.dir + ": is not empty; choose an empty or new folder"});
  }
  assertion_failed("folder_kind", __FILE__, __LINE__);
}

// Leaves the marker as the only thing in the folder, beside the lock.
status<store_failure> start_over(rocksdb::Env& env, const store_paths& paths) {
  if (auto marked = set_marker(env, paths); !marked)
    return marked;
  std::error_code error;
  for (const auto& path : {paths.db, paths.anchor, paths.receipt}) {
    fs::remove_all(path, error);
    if (error)
      return fail(io_failure(path, "removed", error.message()));
  }
  fs::create_directory(paths.db, error);
  if (error)
    return fail(io_failure(paths.db, "made", error.message()));
  return {};
}

// Problem, gold and state rows in batches of bounded size, not synced: the batch that makes the
// store valid comes last in the same log and is. Gives the hash over all problem and gold rows.
expected<hash256, store_failure> write_problems(database& db, experiment_id experiment,
                                                std::span<const problem_row> problems) {
  rocksdb::WriteBatch batch;
  hasher all("problems");
  std::string key;
  std::string row;
  std::string state;
  encode_to(task_state{}, state);
  for (std::size_t i = 0; i < problems.size(); ++i) {
    task_key({experiment, problem_index{i}}, key);
    encode_problem(problems[i], row);
    all.field(row);
    ignore(batch.Put(db.handle(family::problem), key, row), "a put into memory");
    encode_gold(problems[i], row);
    all.field(row);
    ignore(batch.Put(db.handle(family::gold), key, row), "a put into memory");
    ignore(batch.Put(db.handle(family::state), key, state), "a put into memory");
    if (batch.GetDataSize() < limits::create_batch_bytes_max && i + 1 < problems.size())
      continue;
    if (auto written = db.write(batch, false); !written)
      return fail(std::move(written.error()));
    batch.Clear();
  }
  return all.finish();
}

// By the power of two, and then by index: what tasks write one after the other stays together on
// disk, and a compaction need not write all of it again.
std::vector<std::uint32_t> by_length(std::span<const problem_row> problems) {
  std::vector<std::uint32_t> out(problems.size());
  std::iota(out.begin(), out.end(), 0U);
  std::stable_sort(out.begin(), out.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::bit_width(problems[a].question.size()) >
           std::bit_width(problems[b].question.size());
  });
  return out;
}

// The rows that make it a store, all at once.
status<store_failure> write_identity(database& db, const recovered& rows,
                                     std::span<const std::uint32_t> order) {
  rocksdb::WriteBatch batch;
  std::string key;
  std::string head;
  experiment_key(rows.store.experiment, key);
  encode_to(rows.head, head);
  const auto store = encode(rows.store);
  const auto run = encode(rows.run);
  auto* meta = db.handle(family::meta);
  ignore(batch.Put(meta, {store_key.data(), store_key.size()}, store), "a put into memory");
  ignore(batch.Put(meta, {head_key.data(), head_key.size()}, head), "a put into memory");
  ignore(batch.Put(db.handle(family::run), key, run), "a put into memory");
  longest_key(rows.store.experiment, key);
  ignore(batch.Put(db.handle(family::run), key, encode_order(order)), "a put into memory");
  return db.write(batch, true);
}

status<store_failure> fill(database& db, recovered& rows, std::span<const problem_row> problems) {
  auto hash = write_problems(db, rows.store.experiment, problems);
  if (!hash)
    return fail(std::move(hash.error()));
  rows.run.problems = *hash;
  for (std::size_t i = 0; i < problems.size(); ++i)
    rows.head.states += state_mark(problem_index{i}, task_state{});
  if (auto written = write_identity(db, rows, by_length(problems)); !written)
    return written;
  return db
      .flush(); // problems are large: out of the log, so that the next open need not replay them
}

recovered first_rows(const store_manifest& manifest) {
  TENBIT_ASSERT(sodium_init() >= 0);
  recovered out;
  randombytes_buf(out.store.id.data(), out.store.id.size());
  out.store.experiment = experiment_id{manifest.identity.prefix()};
  out.run.manifest = manifest;
  out.head.clean = true; // nothing to recover
  out.head.chain = hasher("store").field(manifest.identity.view()).finish();
  return out;
}

} // namespace

expected<std::unique_ptr<store>, store_failure>
rocks_store::create_new(const std::string& dir, const store_manifest& manifest,
                        std::span<const problem_row> problems, const store_options& options) {
  TENBIT_ASSERT(manifest.tasks == problems.size());
  TENBIT_ASSERT(problems.size() <= limits::problems_max); // so that a task fits four bytes
  const store_paths paths(dir);
  if (auto empty = require_empty(paths); !empty)
    return fail(std::move(empty.error()));
  std::error_code error;
  fs::create_directories(dir, error);
  if (error)
    return fail(io_failure(dir, "made", error.message()));
  auto lock = dir_lock::take(paths.lock);
  if (!lock)
    return fail(std::move(lock.error()));
  // Again, now that nobody else can be creating it.
  if (auto empty = require_empty(paths); !empty)
    return fail(std::move(empty.error()));
  auto& env = options.env != nullptr ? *options.env : *rocksdb::Env::Default();
  std::unique_ptr<rocks_store> out(new rocks_store(paths, options));
  out->lock_ = std::move(*lock);
  if (auto started = start_over(env, paths); !started)
    return fail(std::move(started.error()));
  auto db = database::open(paths.db, {open_mode::create, &env, options.memory_bytes, false});
  if (!db)
    return fail(std::move(db.error()));
  TENBIT_KILL_POINT("store_created");
  out->db_ = std::move(*db);
  out->found_ = first_rows(manifest);
  if (auto filled = fill(*out->db_, out->found_, problems); !filled)
    return fail(std::move(filled.error()));
  out->head_ = out->found_.head;
  if (auto begun = out->begin_incarnation({}, false); !begun)
    return fail(std::move(begun.error()));
  if (auto finished = remove_marker(env, paths); !finished)
    return fail(std::move(finished.error()));
  return std::unique_ptr<store>(std::move(out));
}

} // namespace tenbit::storage

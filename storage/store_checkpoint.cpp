// A copy of the store beside its commits. It is made in DIR.partial, which does not open, and
// renamed when every file of it is durable.
//
// The witnesses of the copy say what is in the copy: its own head is read, not this store's, which
// may be ahead of it by now.
#include <filesystem>
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/utilities/checkpoint.h>
#include <spdlog/spdlog.h>

#include "storage/failure.hpp"
#include "storage/marker.hpp"
#include "storage/rocks_store.hpp"

namespace tenbit::storage {
namespace {

namespace fs = std::filesystem;

status<store_failure> require_absent(const std::string& dir) {
  std::error_code error;
  const auto kind = fs::symlink_status(dir, error);
  if (kind.type() == fs::file_type::not_found)
    return {};
  if (error)
    return fail(io_failure(dir, "looked up", error.message()));
  return fail(store_failure{store_error::exists,
                            dir + ": is there already; name a folder that does not exist"});
}

// Nothing, or what a copy that was interrupted left: the marker says that it is of no worth.
status<store_failure> require_leftover(const store_paths& partial) {
  const auto kind = examine(partial);
  if (!kind)
    return fail(kind.error());
  switch (*kind) {
  case folder_kind::empty:
  case folder_kind::unfinished:
    return {};
  case folder_kind::store:
  case folder_kind::foreign:
    return fail(store_failure{store_error::exists,
                              partial.dir + ": is in the way of the copy and not a copy that was "
                                            "interrupted; move it or name another folder"});
  }
  assertion_failed("folder_kind", __FILE__, __LINE__);
}

// The folder with nothing in it but the lock and the marker.
expected<dir_lock, store_failure> claim(rocksdb::Env& env, const store_paths& partial) {
  if (auto free = require_leftover(partial); !free)
    return fail(std::move(free.error()));
  std::error_code error;
  fs::create_directories(partial.dir, error);
  if (error)
    return fail(io_failure(partial.dir, "made", error.message()));
  auto lock = dir_lock::take(partial.lock);
  if (!lock)
    return lock;
  // Again, now that nobody else can be copying to it.
  if (auto free = require_leftover(partial); !free)
    return fail(std::move(free.error()));
  if (auto marked = set_marker(env, partial); !marked)
    return fail(std::move(marked.error()));
  for (const auto& entry : fs::directory_iterator(partial.dir, error)) {
    const auto path = entry.path().string();
    if (path == partial.lock || path == partial.creating)
      continue;
    fs::remove_all(entry.path(), error);
    if (error)
      return fail(io_failure(path, "removed", error.message()));
  }
  if (error)
    return fail(io_failure(partial.dir, "read", error.message()));
  return lock;
}

void discard(const store_paths& partial) {
  std::error_code error;
  fs::remove_all(partial.dir, error);
  if (error)
    spdlog::warn("store: {}: cannot be removed: {}; the next copy to this place removes it",
                 partial.dir, error.message());
}

} // namespace

std::optional<store_failure> rocks_store::copy_refusal() const {
  if (!builder_)
    return store_failure{store_error::io,
                         paths_.dir + ": is open for reading only; the writer makes copies"};
  if (auto background = db_->background_failure(); !background.empty())
    return store_failure{store_error::io, fmt::format("{}: a flush or compaction failed: {}",
                                                      paths_.db, background)};
  const std::lock_guard guard(mutex_);
  return stopped_;
}

status<store_failure> rocks_store::copy_into(const store_paths& partial) const {
  const auto least = commit_seq();
  rocksdb::Checkpoint* raw = nullptr;
  auto copied = rocksdb::Checkpoint::Create(&db_->rocks(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
  if (copied.ok())
    copied = checkpoint->CreateCheckpoint(partial.db);
  if (!copied.ok())
    return fail(io_failure(partial.db, "copied", copied.ToString()));
  const auto db = database::open(partial.db, {open_mode::read, &env_, memory_bytes_, false});
  if (!db)
    return fail(db.error());
  const auto found = read_recovered(**db, partial);
  if (!found)
    return fail(found.error());
  const auto& head = found->head;
  if (head.commit_seq < least)
    return fail(damage(
        partial.db, fmt::format("{} commits were made, the copy has {}", least, head.commit_seq)));
  if (auto checked = check_families(**db, partial, env_, *found); !checked)
    return checked;
  const durable_point point{found->store.id, head.incarnation, head.commit_seq, head.chain};
  if (auto written = write_anchor(env_, partial.dir, partial.anchor, point); !written)
    return written;
  auto receipt = receipt_file::start(env_, partial.dir, partial.receipt, point);
  if (!receipt)
    return fail(std::move(receipt.error()));
  return remove_marker(env_, partial);
}

status<store_failure> rocks_store::checkpoint(const std::string& dir) const {
  if (auto refused = copy_refusal())
    return fail(std::move(*refused));
  std::error_code error;
  auto whole = fs::absolute(dir, error).lexically_normal();
  if (error || dir.empty())
    return fail(
        io_failure(dir, "used as the name of a copy", error ? error.message() : "it is empty"));
  if (!whole.has_filename())
    whole = whole.parent_path(); // it ended with a slash
  if (auto absent = require_absent(whole.string()); !absent)
    return absent;
  const store_paths partial(whole.string() + ".partial");
  const auto lock = claim(env_, partial);
  if (!lock)
    return fail(lock.error());
  if (auto copied = copy_into(partial); !copied) {
    discard(partial);
    return copied;
  }
  // A rename would take the place of an empty folder without a word.
  if (auto absent = require_absent(whole.string()); !absent)
    return absent;
  if (const auto renamed = env_.RenameFile(partial.dir, whole.string()); !renamed.ok())
    return fail(io_failure(whole.string(), "renamed", renamed.ToString()));
  return sync_folder(env_, whole.parent_path().string());
}

} // namespace tenbit::storage

// Commit, anchor and close. The order within a commit: build, write and sync the log, note the
// receipt, show the new head to readers, return. Nothing is told to anyone before the sync.
#include <fmt/format.h>

#include "base/kill_point.hpp"
#include "config/limits.hpp"
#include "storage/rocks_store.hpp"

namespace tenbit::storage {

std::optional<store_failure> rocks_store::refusal() const {
  if (stopped_)
    return stopped_;
  if (!builder_)
    return store_failure{store_error::io, paths_.dir + ": is open for reading only"};
  if (auto background = db_->background_failure(); !background.empty())
    return store_failure{
        store_error::io,
        fmt::format("{}: a flush or compaction failed: {}; this process must end, the "
                    "next one recovers",
                    paths_.db, background)};
  return std::nullopt;
}

status<store_failure> rocks_store::stop(store_failure why) {
  why.kind = store_error::io;
  return halt(std::move(why));
}

status<store_failure> rocks_store::halt(store_failure why) {
  const std::lock_guard guard(mutex_);
  stopped_ = store_failure{
      store_error::io, fmt::format("{}: takes no commits since one failed ({}); this process must "
                                   "end, the next one recovers",
                                   paths_.dir, why.message)};
  return fail(std::move(why));
}

durable_point rocks_store::point() const {
  return {found_.store.id, head_.incarnation, head_.commit_seq, head_.chain};
}

status<store_failure> rocks_store::commit(std::span<const task_commit> group) {
  if (auto refused = refusal())
    return fail(std::move(*refused));
  auto built = builder_->build(group, head_);
  if (!built && built.error().kind == store_error::diverged)
    return fail(std::move(built.error())); // the caller's mistake: the store is as it was
  if (!built)
    return halt(std::move(built.error()));
  if (!*built)
    return {};
  TENBIT_KILL_POINT("before_commit");
  if (auto written = db_->write(builder_->batch(), true); !written)
    return stop(std::move(written.error()));
  {
    const std::lock_guard guard(mutex_);
    head_ = builder_->head();
  }
  if (auto noted = receipt_->note(point()); !noted)
    return stop(std::move(noted.error()));
  TENBIT_KILL_POINT("after_commit_before_ack");
  return {};
}

status<store_failure> rocks_store::write_head(head_row head, bool begins) {
  ++head.commit_seq;
  head.chain = hasher("head")
                   .field(head.chain.view())
                   .field(head.commit_seq)
                   .field(head.incarnation)
                   .field(std::uint64_t{head.clean})
                   .finish();
  std::string row;
  encode_to(head, row);
  rocksdb::WriteBatch batch;
  ignore(batch.Put(db_->handle(family::meta), {head_key.data(), head_key.size()}, row),
         "a put into memory");
  if (begins) {
    const auto meta = db_->handle(family::meta);
    ignore(batch.Put(meta, {lives_key.data(), lives_key.size()}, encode(found_.lives)),
           "a put into memory");
    ignore(batch.Put(meta, {store_key.data(), store_key.size()}, encode(found_.store)),
           "a put into memory");
  }
  if (auto written = db_->write(batch, true); !written)
    return stop(std::move(written.error()));
  const std::lock_guard guard(mutex_);
  head_ = std::move(head);
  return {};
}

status<store_failure> rocks_store::keep_anchor(bool now) {
  if (auto refused = refusal())
    return fail(std::move(*refused));
  const auto time = std::chrono::steady_clock::now();
  if (anchored_seq_ == head_.commit_seq ||
      (!now && time - anchored_at_ < std::chrono::steady_clock::duration(limits::anchor_period)))
    return {};
  TENBIT_KILL_POINT("before_anchor");
  if (auto written = write_anchor(env_, paths_.dir, paths_.anchor, point()); !written)
    return stop(std::move(written.error()));
  anchored_seq_ = head_.commit_seq;
  anchored_at_ = time;
  return {};
}

store_figures rocks_store::figures() const {
  if (refusal()) // a reader, closed, or broken: RocksDB is not asked any more
    return {};
  store_figures out = db_->figures();
  if (anchored_seq_ != head_.commit_seq)
    out.anchor_lag = std::chrono::steady_clock::now() - anchored_at_;
  return out;
}

status<store_failure> rocks_store::close() {
  if (db_ == nullptr)
    return {};
  if (!builder_) { // a reader
    db_.reset();
    return {};
  }
  if (auto refused = refusal())
    return fail(std::move(*refused));
  TENBIT_KILL_POINT("before_clean_close");
  auto head = head_;
  head.clean = true;
  if (auto written = write_head(std::move(head)); !written)
    return written;
  if (auto noted = receipt_->note(point()); !noted)
    return stop(std::move(noted.error()));
  if (auto flushed = db_->flush(); !flushed)
    return stop(std::move(flushed.error()));
  if (auto anchored = keep_anchor(true); !anchored)
    return anchored;
  if (auto closed = db_->close(); !closed)
    return stop(std::move(closed.error()));
  const std::lock_guard guard(mutex_);
  stopped_ = store_failure{store_error::io, paths_.dir + ": is closed"};
  return {};
}

} // namespace tenbit::storage

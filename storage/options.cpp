// Every RocksDB option that differs from its default or must not change, with the reason.
#include <algorithm>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "config/limits.hpp"
#include "storage/database.hpp"

namespace tenbit::storage {
namespace {

std::shared_ptr<rocksdb::TableFactory> table(const std::shared_ptr<rocksdb::Cache>& cache,
                                             std::size_t block_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3; // of every block, checked at every read
  table.block_size = block_bytes;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true; // so that memory_bytes bounds them too
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false)); // absent bits cost no read
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

// Model text: large rows, written once, read once or never, worth the stronger compression.
bool holds_text(family f) {
  switch (f) {
  case family::event:
  case family::problem:
  case family::gold:
    return true;
  case family::meta:
  case family::run:
  case family::state:
  case family::bit:
  case family::lease:
  case family::fault:
    return false;
  }
  assertion_failed("family", __FILE__, __LINE__);
}

} // namespace

rocksdb::DBOptions database_options(const database_settings& settings,
                                    std::shared_ptr<rocks_log> log,
                                    std::shared_ptr<background_watch> watch) {
  rocksdb::DBOptions options;
  options.env = settings.env;
  // Only create() may make a database: a wrong path must not become an empty store.
  options.create_if_missing = settings.mode == open_mode::create;
  // A store from before a family was added gets it; that nothing else is missing was seen by a
  // read-only opening before.
  options.create_missing_column_families = settings.mode != open_mode::read;
  options.error_if_exists = settings.mode == open_mode::create;
  options.paranoid_checks = true;
  // The default mode drops everything after a damaged record and says nothing. This one refuses,
  // and tolerates only a record that was never completed, which was never acknowledged either.
  options.wal_recovery_mode = settings.accept_rollback
                                  ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                  : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.best_efforts_recovery = false; // would open without logs, perhaps empty
  options.avoid_flush_during_recovery = false;
  options.recycle_log_file_num = 0; // stale records of a reused log can pass for new ones
  options.wal_compression = rocksdb::kNoCompression; // recovery of it is young in this version
  options.manual_wal_flush = false;                  // a commit is in the file before the sync
  options.wal_bytes_per_sync = 0;                    // partial syncs leave holes behind
  options.track_and_verify_wals_in_manifest = false; // reports good logs as missing in this version
  options.atomic_flush = false; // one log over all families makes recovery a prefix
  options.unordered_write = false;
  options.two_write_queues = false;
  options.enable_pipelined_write = false;
  options.max_bgerror_resume_count = 0; // a failed write ends the process; the next one recovers
  options.max_background_jobs = 2;
  options.bytes_per_sync = 1U << 20; // no burst of dirty pages beside the log's fsync
  // Bounds the replay at the next open.
  options.max_total_wal_size = std::max<std::uint64_t>(settings.memory_bytes, 16U << 20);
  options.db_write_buffer_size = settings.memory_bytes / 2; // all families together
  // All files are open from the start: a missing or cut one is found at open, and a reader keeps
  // its files while the writer deletes them.
  options.max_open_files = -1;
#ifdef __SANITIZE_THREAD__
  // RocksDB is not compiled with TSan, which therefore misses the order that a function's static
  // gives: two threads that open files would be reported at the names of filters.
  options.max_file_opening_threads = 1;
#endif
  options.skip_stats_update_on_db_open = true; // opening reads no table properties
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory(); // for verify
  options.info_log = std::move(log);
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.listeners = {std::move(watch)};
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> family_options(const database_settings& settings) {
  const auto cache = rocksdb::NewLRUCache(settings.memory_bytes / 2);
  const auto small_blocks = table(cache, 8U << 10);
  const auto large_blocks = table(cache, 32U << 10);
  std::vector<rocksdb::ColumnFamilyDescriptor> out;
  for (std::size_t i = 0; i < family_names.size(); ++i) {
    const bool text = holds_text(static_cast<family>(i));
    rocksdb::ColumnFamilyOptions options;
    options.table_factory = text ? large_blocks : small_blocks;
    // Flushes and upper levels are written while a run waits for the CPU: LZ4 there, ZSTD at rest.
    options.compression = rocksdb::kLZ4Compression;
    options.bottommost_compression = text ? rocksdb::kZSTD : rocksdb::kDisableCompressionOption;
    options.write_buffer_size = settings.memory_bytes / (text ? 4 : 8);
    options.level_compaction_dynamic_level_bytes = true; // little space beside the rows themselves
    options.paranoid_file_checks = true; // a new file is read back before the log is let go
    out.emplace_back(std::string(family_names[i]), options);
  }
  return out;
}

} // namespace tenbit::storage

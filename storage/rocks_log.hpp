// RocksDB's own warnings: into our debug log as one line each, and the latest kept, because a
// status often says "Corruption" and only the log line before it says in which file.
//
// Shared by RocksDB's threads; thread-safe.
#pragma once

#include <deque>
#include <mutex>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <string>
#include <string_view>

namespace tenbit::storage {

// The first file of a database that is named in the text ("000012.log", "MANIFEST-000004",
// "CURRENT", "000007.sst"); empty when there is none. A missing table is looked for under its old
// ending as well, and the status then says "000007.ldb"; that is the table, too.
[[nodiscard]] std::string named_file(std::string_view text);

class rocks_log : public rocksdb::Logger {
public:
  rocks_log();
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;

  // The file that the newest remembered line names; empty when none does.
  [[nodiscard]] std::string last_file() const;

private:
  mutable std::mutex mutex_;
  std::deque<std::string> lines_;
};

// Remembers that a flush or compaction failed: from then on the store takes no commits. Counts
// those, and the times that writes were slowed or stopped because compaction did not keep up.
class background_watch : public rocksdb::EventListener {
public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;
  // Empty while all is well.
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] std::uint64_t failures() const;
  [[nodiscard]] std::uint64_t stalls() const;

private:
  mutable std::mutex mutex_;
  std::string failure_;
  std::uint64_t failures_ = 0, stalls_ = 0;
};

} // namespace tenbit::storage

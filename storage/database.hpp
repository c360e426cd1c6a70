// The RocksDB database of a store: opened with the options whose reasons stand in options.cpp, its
// statuses turned into store_failures that name the file.
//
// Owned by the store. get, cursor and verify_checksums are thread-safe; write, flush and close
// belong to the committing thread. Destruction without close() leaves what a crash would leave.
#pragma once

#include <array>
#include <memory>
#include <rocksdb/db.h>
#include <string>
#include <string_view>
#include <vector>

#include "storage/keys.hpp"
#include "storage/rocks_log.hpp"

namespace tenbit::storage {

enum class open_mode : std::uint8_t {
  create, // makes the database and its families
  write,
  read, // changes nothing on disk, takes no lock
};

struct database_settings {
  open_mode mode = open_mode::read;
  rocksdb::Env* env = nullptr; // not null
  std::uint64_t memory_bytes = 0;
  bool accept_rollback = false; // take the longest whole prefix of a damaged log
};

// options.cpp
[[nodiscard]] rocksdb::DBOptions database_options(const database_settings& settings,
                                                  std::shared_ptr<rocks_log> log,
                                                  std::shared_ptr<background_watch> watch);
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor>
family_options(const database_settings& settings);

class database {
public:
  [[nodiscard]] static expected<std::unique_ptr<database>, store_failure>
  open(const std::string& path, const database_settings& settings);
  database(const database&) = delete;
  database& operator=(const database&) = delete;
  ~database();

  [[nodiscard]] rocksdb::DB& rocks() const { return *db_; }
  // False only of a family that a store may lack, in one from before it that is open for reading.
  [[nodiscard]] bool has(family f) const {
    return handles_[static_cast<std::size_t>(f)] != nullptr;
  }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(family f) const {
    TENBIT_ASSERT(has(f));
    return handles_[static_cast<std::size_t>(f)];
  }
  // False: there is no such row.
  [[nodiscard]] expected<bool, store_failure> get(family f, std::string_view key, std::string& row,
                                                  const rocksdb::Snapshot* at = nullptr) const;
  [[nodiscard]] status<store_failure> write(rocksdb::WriteBatch& batch, bool sync);
  [[nodiscard]] status<store_failure> flush();
  [[nodiscard]] status<store_failure> close();
  // How many rows were ever put into a family; exact for those whose rows are put once and never
  // deleted.
  [[nodiscard]] expected<std::uint64_t, store_failure> rows_put(family f) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  // Every block and every file checksum; a failure names the file.
  [[nodiscard]] status<store_failure> verify_checksums() const;
  // All but the lag of the anchor, which is not a file of the database.
  [[nodiscard]] store_figures figures() const;
  // What a failed flush or compaction said; empty while all is well.
  [[nodiscard]] std::string background_failure() const { return watch_->failure(); }

  // `corrupt` or `io`, with the file that the status or RocksDB's log names.
  [[nodiscard]] store_failure failure(const rocksdb::Status& status, std::string_view doing) const;

private:
  explicit database(std::string path);
  // Why opening failed, with the table that is to blame where the status names only the MANIFEST.
  [[nodiscard]] store_failure open_failure(const rocksdb::Status& status,
                                           const rocksdb::DBOptions& options) const;
  void drop_handles();
  std::string path_;
  std::shared_ptr<rocks_log> log_;
  std::shared_ptr<background_watch> watch_;
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, family_names.size()> handles_{}; // null: not there
};

// `corrupt`, with the mend.
[[nodiscard]] store_failure damage(const std::string& path, std::string_view what);

class snapshot {
public:
  explicit snapshot(const database& db) : db_(db), held_(db.rocks().GetSnapshot()) {}
  snapshot(const snapshot&) = delete;
  snapshot& operator=(const snapshot&) = delete;
  ~snapshot() { db_.rocks().ReleaseSnapshot(held_); }
  [[nodiscard]] const rocksdb::Snapshot* get() const { return held_; }

private:
  const database& db_;
  const rocksdb::Snapshot* held_;
};

// The rows of a family whose keys begin with a prefix, in order.
//
// RocksDB's iterator looks the same at the end of the rows and at a damaged block. Here the end is
// a value of next(), and next() gives it only after the iterator's status was found good.
class cursor {
public:
  cursor(const database& db, family f, std::string prefix, const rocksdb::Snapshot* at = nullptr);
  // True: key() and value() are a row, until the next call. False: there are no more.
  [[nodiscard]] expected<bool, store_failure> next();
  [[nodiscard]] std::string_view key() const { return {rows_->key().data(), rows_->key().size()}; }
  [[nodiscard]] std::string_view value() const {
    return {rows_->value().data(), rows_->value().size()};
  }

private:
  const database& db_;
  family family_;
  std::string prefix_;
  std::string end_; // the first key after the prefix
  rocksdb::Slice end_slice_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  bool started_ = false;
};

} // namespace tenbit::storage

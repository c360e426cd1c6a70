#include "storage/database.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <rocksdb/sst_file_reader.h>
#include <utility>

#include "base/text.hpp"

namespace tenbit::storage {
namespace {

// The first key that no longer begins with the prefix; empty when there is none.
std::string after(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFFU)
    prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1U);
  return prefix;
}

// Gives the handles by family.
template <class Handles>
rocksdb::Status open_rocks(const std::string& path, const database_settings& settings,
                           const rocksdb::DBOptions& options, Handles& handles, rocksdb::DB*& db) {
  const bool reading = settings.mode == open_mode::read;
  std::vector<family> wanted;
  std::vector<std::string> there;
  // A list that cannot be read is the opening's to report.
  const bool listed = reading && rocksdb::DB::ListColumnFamilies(options, path, &there).ok();
  const auto all = family_options(settings);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto f = static_cast<family>(i);
    if (listed && may_lack(f) && std::find(there.begin(), there.end(), name_of(f)) == there.end())
      continue;
    wanted.push_back(f);
    families.push_back(all[i]);
  }
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  const auto status = reading
                          ? rocksdb::DB::OpenForReadOnly(options, path, families, &opened, &db)
                          : rocksdb::DB::Open(options, path, families, &opened, &db);
  for (std::size_t i = 0; i < opened.size(); ++i)
    handles[static_cast<std::size_t>(wanted[i])] = opened[i];
  return status;
}

} // namespace

database::database(std::string path)
    : path_(std::move(path)), log_(std::make_shared<rocks_log>()),
      watch_(std::make_shared<background_watch>()) {}

expected<std::unique_ptr<database>, store_failure>
database::open(const std::string& path, const database_settings& settings) {
  std::unique_ptr<database> out(new database(path));
  const auto options = database_options(settings, out->log_, out->watch_);
  const auto status = open_rocks(path, settings, options, out->handles_, out->db_);
  if (!status.ok())
    return fail(out->open_failure(status, options));
  return out;
}

store_failure database::open_failure(const rocksdb::Status& status,
                                     const rocksdb::DBOptions& options) const {
  auto out = failure(status, "opened");
  if (out.kind != store_error::corrupt || out.message.find(".sst") != std::string::npos)
    return out;
  std::vector<std::string> names;
  if (!options.env->GetChildren(path_, &names).ok())
    return out;
  const auto named = named_file(out.message);
  if (named.starts_with("MANIFEST") && std::find(names.begin(), names.end(), named) == names.end())
    out.message += fmt::format("; {}/CURRENT names it: one of the two is damaged", path_);
  for (const auto& name : names) {
    if (!name.ends_with(".sst"))
      continue;
    rocksdb::Options table;
    table.env = options.env;
    const auto read = rocksdb::SstFileReader(table).Open(path_ + "/" + name);
    if (!read.ok())
      out.message += fmt::format("; {}/{} cannot be read: {}", path_, name, read.ToString());
  }
  return out;
}

expected<std::uint64_t, store_failure> database::rows_put(family f) const {
  rocksdb::TablePropertiesCollection tables;
  if (const auto status = db_->GetPropertiesOfAllTables(handle(f), &tables); !status.ok())
    return fail(failure(status, "counted"));
  std::uint64_t out = 0;
  for (const auto& [name, properties] : tables)
    out += properties->num_entries;
  for (const auto& in_memory : {rocksdb::DB::Properties::kNumEntriesActiveMemTable,
                                rocksdb::DB::Properties::kNumEntriesImmMemTables}) {
    std::uint64_t entries = 0;
    TENBIT_ASSERT(db_->GetIntProperty(handle(f), in_memory, &entries));
    out += entries;
  }
  return out;
}

void database::drop_handles() {
  for (auto*& handle : handles_)
    if (auto* old = std::exchange(handle, nullptr))
      ignore(db_->DestroyColumnFamilyHandle(old), "frees memory only");
}

database::~database() {
  if (db_ == nullptr)
    return;
  drop_handles();
  ignore(db_->Close(), "without close() nothing is promised; with it this repeats it");
  delete db_;
}

expected<bool, store_failure> database::get(family f, std::string_view key, std::string& row,
                                            const rocksdb::Snapshot* at) const {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  const auto status = db_->Get(options, handle(f), rocksdb::Slice(key), &row);
  if (status.IsNotFound())
    return false;
  if (!status.ok())
    return fail(failure(status, fmt::format("read ({})", name_of(f))));
  return true;
}

status<store_failure> database::write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  if (const auto status = db_->Write(options, &batch); !status.ok())
    return fail(failure(status, "written"));
  return {};
}

status<store_failure> database::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  if (const auto status = db_->Flush(rocksdb::FlushOptions(), all); !status.ok())
    return fail(failure(status, "flushed"));
  return {};
}

status<store_failure> database::close() {
  drop_handles();
  if (const auto status = db_->Close(); !status.ok())
    return fail(failure(status, "closed"));
  return {};
}

status<store_failure> database::verify_checksums() const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 4U << 20;
  if (const auto status = db_->VerifyChecksum(options); !status.ok())
    return fail(failure(status, "verified"));
  if (const auto status = db_->VerifyFileChecksums(options); !status.ok())
    return fail(failure(status, "verified"));
  return {};
}

store_figures database::figures() const {
  store_figures out;
  out.write_stalls = watch_->stalls();
  out.background_errors = watch_->failures();
  std::uint64_t pending = 0;
  if (db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kEstimatePendingCompactionBytes,
                                    &pending))
    out.compaction_pending_bytes = pending;
  // RocksDB has no property for its log. Files may go while this looks: those count as nothing.
  std::vector<rocksdb::Env::FileAttributes> files;
  if (db_->GetEnv()->GetChildrenFileAttributes(path_, &files).ok())
    for (const auto& file : files)
      if (file.name.ends_with(".log"))
        out.log_bytes += file.size_bytes;
  return out;
}

store_failure database::failure(const rocksdb::Status& status, std::string_view doing) const {
  const auto text = status.ToString();
  auto file = named_file(text);
  if (file.empty())
    file = log_->last_file();
  const auto where = file.empty() ? path_ : path_ + "/" + file;
  // A file that is missing or has another size is damage; a device that does not read is not.
  const bool gone = status.IsPathNotFound() || text.find("No such file") != std::string::npos;
  const bool damaged = status.IsCorruption() || status.IsNotFound() || gone ||
                       status.IsInvalidArgument() || status.IsNotSupported();
  return {damaged ? store_error::corrupt : store_error::io,
          fmt::format("{}: cannot be {}: {}", where, doing, one_line(text, 400))};
}

store_failure damage(const std::string& path, std::string_view what) {
  return {
      store_error::corrupt,
      fmt::format("{}: {}; restore the folder from a copy (verify lists all damage)", path, what)};
}

cursor::cursor(const database& db, family f, std::string prefix, const rocksdb::Snapshot* at)
    : db_(db), family_(f), prefix_(std::move(prefix)), end_(after(prefix_)),
      end_slice_(rocksdb::Slice(end_)) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.verify_checksums = true;
  options.fill_cache = false; // a scan must not push out what commits read
  options.total_order_seek = true;
  if (!end_.empty())
    options.iterate_upper_bound = &end_slice_;
  rows_.reset(db.rocks().NewIterator(options, db.handle(f)));
}

expected<bool, store_failure> cursor::next() {
  if (started_)
    rows_->Next();
  else
    rows_->Seek(rocksdb::Slice(prefix_));
  started_ = true;
  if (rows_->Valid())
    return true;
  if (const auto status = rows_->status(); !status.ok())
    return fail(db_.failure(status, fmt::format("scanned ({})", name_of(family_))));
  return false;
}

} // namespace tenbit::storage

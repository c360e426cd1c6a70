// A file system that loses power, fails one operation, or is full.
//
// Wraps the real one. After a power cut nothing more can be written; lose_unsynced() then leaves on
// disk what a disk may keep: synced bytes, a seeded part of the bytes after them, and renames and
// new files whose folder was not synced only by a seeded chance. Used by RocksDB's threads at once;
// has a mutex.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <string>
#include <vector>

#include "base/expected.hpp"
#include "base/random.hpp"

namespace tenbit {

// What happened to the disk so far, and what is still to happen.
class fault_plan {
public:
  std::optional<std::uint64_t> cut_at;  // power goes before this operation, counted from 1
  std::optional<std::uint64_t> fail_at; // this one fails with EIO, the next ones work
  std::optional<std::uint64_t> space;   // bytes that can still be appended; then ENOSPC

  // Counts one write, sync, rename or creation. Not ok: it does not take place.
  rocksdb::IOStatus pass() {
    ++operations_;
    off_ = off_ || (cut_at && operations_ >= *cut_at);
    if (off_)
      return rocksdb::IOStatus::IOError("injected: the power is off");
    if (fail_at && operations_ == *fail_at)
      return rocksdb::IOStatus::IOError("injected: EIO");
    return rocksdb::IOStatus::OK();
  }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  // How much of an append fits; what does not is ENOSPC, after the part that does.
  [[nodiscard]] std::size_t fitting(std::size_t bytes) {
    const auto out = std::min<std::uint64_t>(bytes, space.value_or(bytes));
    if (space)
      *space -= out;
    return out;
  }

  void created(const std::string& path) {
    files_[path] = 0;
    undo_.push_back({path, path, std::nullopt});
  }
  void synced(const std::string& path, std::uint64_t size) { files_[path] = size; }
  void renamed(const std::string& from, const std::string& to) {
    std::optional<std::string> old;
    if (std::filesystem::exists(to))
      old = slurp(to);
    const auto moved = files_.find(from);
    files_[to] = moved == files_.end() ? std::filesystem::file_size(from) : moved->second;
    files_.erase(from);
    std::erase_if(undo_, [&from](const change& c) { return c.path == from; });
    undo_.push_back({to, from, old});
  }
  void linked(const std::string& from, const std::string& to) {
    created(to);
    const auto source = files_.find(from);
    files_[to] = source == files_.end() ? std::filesystem::file_size(from) : source->second;
  }
  void folder_renamed(const std::string& from, const std::string& to) {
    move_names(from, to);
    undo_.push_back({to, from, std::nullopt, true});
  }
  void deleted(const std::string& path) {
    files_.erase(path);
    std::erase_if(undo_, [&path](const change& c) { return c.path == path; });
  }
  void folder_synced(const std::string& folder) {
    std::erase_if(undo_, [&folder](const change& c) {
      return std::filesystem::path(c.path).parent_path() == std::filesystem::path(folder);
    });
  }
  void overwritten(const std::string& path, std::uint64_t at, std::size_t size) {
    overwrites_.push_back({path, at, slurp(path).substr(at, size)});
  }

  void lose_unsynced(std::uint64_t seed) {
    random_stream random(seed, "power cut", 0);
    for (const auto& [path, size] : files_) {
      if (!std::filesystem::exists(path))
        continue;
      const auto now = std::filesystem::file_size(path);
      if (now > size)
        std::filesystem::resize_file(path, size + random.below(now - size + 1));
    }
    // Page writes reach the disk in any order.
    for (auto it = overwrites_.rbegin(); it != overwrites_.rend(); ++it)
      if (random.chance(0.7) && std::filesystem::exists(it->path))
        restore(*it);
    // Folder changes in their order: all up to some point.
    while (!undo_.empty() && random.chance(0.5)) {
      const auto last = undo_.back();
      undo_.pop_back();
      if (!std::filesystem::exists(last.path))
        continue; // its folder was removed
      if (last.folder) {
        std::filesystem::rename(last.path, last.from);
        move_names(last.path, last.from);
        continue;
      }
      std::filesystem::remove(last.path);
      if (last.old)
        std::ofstream(last.path, std::ios::binary) << *last.old;
    }
  }

  std::mutex mutex;

private:
  struct change {
    std::string path, from;
    std::optional<std::string> old;
    bool folder = false;
  };
  struct overwrite {
    std::string path;
    std::uint64_t at = 0;
    std::string old;
  };
  // What is known of files below a folder, under its new name.
  void move_names(const std::string& from, const std::string& to) {
    const auto moved = [&](const std::string& path) {
      return path.starts_with(from + "/") ? to + path.substr(from.size()) : path;
    };
    std::map<std::string, std::uint64_t> files;
    for (const auto& [path, size] : files_)
      files[moved(path)] = size;
    files_ = std::move(files);
    for (auto& entry : undo_) {
      entry.path = moved(entry.path);
      entry.from = moved(entry.from);
    }
    for (auto& entry : overwrites_)
      entry.path = moved(entry.path);
  }
  static std::string slurp(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void restore(const overwrite& o) {
    std::fstream file(o.path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(o.at));
    file << o.old;
  }

  std::uint64_t operations_ = 0;
  bool off_ = false;
  std::map<std::string, std::uint64_t> files_; // bytes that are synced
  std::vector<change> undo_;                   // of folders that were not synced
  std::vector<overwrite> overwrites_;
};

class fault_file : public rocksdb::FSWritableFileOwnerWrapper {
public:
  fault_file(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, fault_plan& plan)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), plan_(plan) {}

  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    const rocksdb::Slice fits(data.data(), plan_.fitting(data.size()));
    auto status = FSWritableFileOwnerWrapper::Append(fits, options, debug);
    size_ += status.ok() ? fits.size() : 0;
    if (status.ok() && fits.size() < data.size())
      return rocksdb::IOStatus::NoSpace("While appending to file: " + path_,
                                        "No space left on device");
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& /*checked below*/,
                           rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    auto status = FSWritableFileOwnerWrapper::Flush(options, debug);
    if (status.ok())
      plan_.synced(path_, size_);
    return status;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    return Sync(options, debug);
  }

private:
  std::string path_;
  fault_plan& plan_;
  std::uint64_t size_ = 0;
};

class fault_slots : public rocksdb::FSRandomRWFileOwnerWrapper {
public:
  fault_slots(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path, fault_plan& plan)
      : FSRandomRWFileOwnerWrapper(std::move(file)), path_(std::move(path)), plan_(plan) {}
  rocksdb::IOStatus Write(std::uint64_t at, const rocksdb::Slice& data,
                          const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    plan_.overwritten(path_, at, data.size());
    return FSRandomRWFileOwnerWrapper::Write(at, data, options, debug);
  }

private:
  std::string path_;
  fault_plan& plan_;
};

class fault_folder : public rocksdb::FSDirectory {
public:
  fault_folder(std::string path, fault_plan& plan) : path_(std::move(path)), plan_(plan) {}
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    const std::lock_guard guard(plan_.mutex);
    auto passed = plan_.pass();
    if (passed.ok())
      plan_.folder_synced(path_);
    return passed;
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }

private:
  std::string path_;
  fault_plan& plan_;
};

class fault_file_system : public rocksdb::FileSystemWrapper {
public:
  explicit fault_file_system(fault_plan& plan)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), plan_(plan) {}
  const char* Name() const override { return "fault_file_system"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* out,
                                    rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    auto status = plan_.pass();
    std::unique_ptr<rocksdb::FSWritableFile> file;
    if (status.ok())
      status = target()->NewWritableFile(path, options, &file, debug);
    if (!status.ok())
      return status;
    plan_.created(path);
    *out = std::make_unique<fault_file>(std::move(file), path, plan_);
    return status;
  }
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* out,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSRandomRWFile> file;
    auto status = target()->NewRandomRWFile(path, options, &file, debug);
    if (status.ok())
      *out = std::make_unique<fault_slots>(std::move(file), path, plan_);
    return status;
  }
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions&,
                                 std::unique_ptr<rocksdb::FSDirectory>* out,
                                 rocksdb::IODebugContext*) override {
    *out = std::make_unique<fault_folder>(path, plan_);
    return rocksdb::IOStatus::OK();
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    if (std::filesystem::is_directory(from))
      plan_.folder_renamed(from, to);
    else
      plan_.renamed(from, to);
    return target()->RenameFile(from, to, options, debug);
  }
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    plan_.linked(from, to);
    return target()->LinkFile(from, to, options, debug);
  }
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const std::lock_guard guard(plan_.mutex);
    if (auto passed = plan_.pass(); !passed.ok())
      return passed;
    plan_.deleted(path);
    return target()->DeleteFile(path, options, debug);
  }

private:
  fault_plan& plan_;
};

} // namespace tenbit

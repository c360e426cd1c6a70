// What was durable, said outside the database, so that a lost or cut log is noticed at the next
// open.
//
// DIR/anchor is written at most once a second: temporary file, fsync, rename, fsync of the folder.
// It survives a power cut, and may be up to limits::anchor_period behind. DIR/receipt is
// overwritten in place after every commit without fsync: exact after the death of the process,
// possibly behind after a power cut, never ahead of what is durable, because the log is synced
// first. Its two slots take turns, so that a torn write leaves the one before.
//
//   point   = "tenbit-witness 1\n" "store " hex16 "\n" "incarnation " dec "\n" "commit_seq " dec
//   "\n"
//             "chain " hex32 "\n" "check " hex32 "\n"      check = hash("witness", everything
//             before it)
//   anchor  = point
//   receipt = point padded with "\n" to 512 bytes, twice; commit_seq modulo 2 is the slot
//
// All file work goes through rocksdb::Env, so that injected faults reach it. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/keys.hpp"
#include "storage/small_file.hpp"

namespace rocksdb {
class RandomRWFile;
}

namespace tenbit::storage {

struct durable_point {
  uuid store{};
  std::uint64_t incarnation = 0;
  std::uint64_t commit_seq = 0;
  hash256 chain;
  friend bool operator==(const durable_point&, const durable_point&) = default;
};

void encode_to(const durable_point& point, std::string& out); // appends
[[nodiscard]] std::optional<durable_point> read_point(std::string_view bytes);

// Empty when the file is not there; `corrupt` with its name when it cannot be read as a point.
[[nodiscard]] expected<std::optional<durable_point>, store_failure>
read_anchor(rocksdb::Env& env, const std::string& path);
// Durable on return. On failure the old anchor is still there.
[[nodiscard]] status<store_failure> write_anchor(rocksdb::Env& env, const std::string& dir,
                                                 const std::string& path,
                                                 const durable_point& point);

// The slot with the higher commit_seq; empty when the file is not there; `corrupt` when no slot can
// be read.
[[nodiscard]] expected<std::optional<durable_point>, store_failure>
read_receipt(rocksdb::Env& env, const std::string& path);

class receipt_file {
public:
  // Both slots hold the point, synced, before this returns.
  [[nodiscard]] static expected<receipt_file, store_failure> start(rocksdb::Env& env,
                                                                   const std::string& dir,
                                                                   const std::string& path,
                                                                   const durable_point& point);
  receipt_file(receipt_file&&) noexcept;
  receipt_file& operator=(receipt_file&&) noexcept;
  ~receipt_file();

  // In the page cache on return, not on the disk.
  [[nodiscard]] status<store_failure> note(const durable_point& point);

private:
  receipt_file(std::unique_ptr<rocksdb::RandomRWFile> file, std::string path);
  std::unique_ptr<rocksdb::RandomRWFile> file_;
  std::string path_;
  std::string slot_; // kept for its memory
};

} // namespace tenbit::storage

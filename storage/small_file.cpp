#include "storage/small_file.hpp"

#include <memory>
#include <rocksdb/env.h>

#include "storage/failure.hpp"

namespace tenbit::storage {
namespace {

status<store_failure> write_durably(rocksdb::Env& env, const std::string& path,
                                    std::string_view bytes) {
  std::unique_ptr<rocksdb::WritableFile> file;
  auto status = env.NewWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok())
    status = file->Append({bytes.data(), bytes.size()});
  if (status.ok())
    status = file->Fsync();
  if (status.ok())
    status = file->Close();
  if (!status.ok())
    return fail(io_failure(path, "written", status.ToString()));
  return {};
}

} // namespace

status<store_failure> sync_folder(rocksdb::Env& env, const std::string& dir) {
  std::unique_ptr<rocksdb::Directory> folder;
  auto status = env.NewDirectory(dir, &folder);
  if (status.ok())
    status = folder->Fsync();
  if (!status.ok())
    return fail(io_failure(dir, "synced", status.ToString()));
  return {};
}

expected<std::optional<std::string>, store_failure>
read_small(rocksdb::Env& env, const std::string& path, std::size_t bytes_max) {
  const auto exists = env.FileExists(path);
  if (exists.IsNotFound())
    return std::optional<std::string>{};
  if (!exists.ok())
    return fail(io_failure(path, "looked up", exists.ToString()));
  std::uint64_t size = 0;
  if (const auto status = env.GetFileSize(path, &size); !status.ok())
    return fail(io_failure(path, "read", status.ToString()));
  if (size > bytes_max)
    return std::optional<std::string>(std::string());
  std::string bytes;
  if (const auto status = rocksdb::ReadFileToString(&env, path, &bytes); !status.ok())
    return fail(io_failure(path, "read", status.ToString()));
  return std::optional<std::string>(std::move(bytes));
}

status<store_failure> replace_file(rocksdb::Env& env, const std::string& dir,
                                   const std::string& path, std::string_view bytes) {
  const auto temporary = path + ".new";
  if (auto written = write_durably(env, temporary, bytes); !written)
    return written;
  if (const auto renamed = env.RenameFile(temporary, path); !renamed.ok())
    return fail(io_failure(path, "renamed", renamed.ToString()));
  return sync_folder(env, dir);
}

} // namespace tenbit::storage
